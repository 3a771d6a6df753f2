/* SPDX-License-Identifier: Apache-2.0
 * sample-name.c - a tokenizer: each byte of a text is a token, behind four special ones.
 *
 * Needs no vocabulary, and no text is unknown to it.  <tenon/impl/tokenizer.h> describes each
 * slot.
 * Source: Xue et al., arXiv 2105.13626, section 3.1 (ByT5).
 */
#include <stdio.h>
#include <tenon/impl/tokenizer.h>

enum { PAD, CLS, SEP, MASK, N_SPECIAL, N_IDS = N_SPECIAL + 256 };
static const char *const special[] = { "[PAD]", "[CLS]", "[SEP]", "[MASK]" };

/* How the core puts special tokens around one text, and around two. */
static const struct tn_template_item single[] = { { CLS, 0, 0 }, { -1, 0, 0 }, { SEP, 0, 0 } };
static const struct tn_template_item pair[] = { { CLS, 0, 0 }, { -1, 0, 0 }, { SEP, 0, 0 },
	{ -1, 1, 1 }, { SEP, 0, 1 } };
static const struct tn_tokenizer_info info = {
	.vocab_size = N_IDS, .unk = -1, .cls = CLS, .sep = SEP, .pad = PAD, .mask = MASK,
	.bos = -1, .eos = -1, .single = single, .n_single = 3, .pair = pair, .n_pair = 5,
};

struct sample {
	struct tn_tokenizer base;	/* first in every tokenizer */
	char pieces[256][8];		/* "<0x41>" */
};

/* `files` has what is in the model directory: a vocabulary would be read here. */
static int sample_open(struct tn_tokenizer *self, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	struct sample *t = (struct sample *)self;

	for (unsigned byte = 0; byte < 256; byte++)
		snprintf(t->pieces[byte], sizeof(t->pieces[byte]), "<0x%02X>", byte);
	return 0;
}

/* Spaces belong to the word behind them. */
static int sample_encode(const struct tn_tokenizer *self, struct tn_text text, struct tn_tokens *out,
	struct tn_call *call)
{
	int32_t word = 0;

	for (uint32_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.text[i];

		word += i && byte == ' ' && text.text[i - 1] != ' ';
		if (tn_tokens_push(out, (struct tn_token){ N_SPECIAL + byte, word, i, i + 1 }, call))
			return TN_ENOMEM;
	}
	return 0;
}

static int sample_decode(const struct tn_tokenizer *self, const int32_t *ids, size_t n,
	int skip_special, struct tn_text *out, struct tn_call *call)
{
	char *text = tn_alloc_n(call, n + 1, sizeof("[MASK]"));
	size_t len = 0;

	if (!text)
		return TN_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (ids[i] < 0 || ids[i] >= N_IDS)
			return tn_fail(call, TN_EDATA, "there is no token %d", ids[i]);
		if (ids[i] >= N_SPECIAL)
			text[len++] = (char)(ids[i] - N_SPECIAL);
		else if (!skip_special)
			len += (size_t)sprintf(text + len, "%s", special[ids[i]]);
	}
	*out = (struct tn_text){ text, len };
	return 0;
}

static const char *sample_piece(const struct tn_tokenizer *self, int32_t id)
{
	const struct sample *t = (const struct sample *)self;

	return id < 0 || id >= N_IDS ? NULL : id < N_SPECIAL ? special[id] :
		t->pieces[id - N_SPECIAL];
}

static const struct tn_tokenizer_info *sample_info(const struct tn_tokenizer *self)
{
	return &info;
}

static const struct tn_tokenizer_impl sample_impl = {
	.open = sample_open, .encode = sample_encode, .decode = sample_decode,
	.piece = sample_piece, .info = sample_info,
};

TN_PLUGIN(sample, TN_TOKENIZER, "sample-name",
	.version = "0.1.0", .licence = "Apache-2.0", .about = "each byte is a token",
	.state = sizeof(struct sample), .impl.tokenizer = &sample_impl);
