/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/wordpiece/decode.c - ids to text.
 * Source: Hugging Face tokenizers 0.22.2, decoders/wordpiece.rs.
 */
#include "wordpiece.h"

/* What cleanup() of Hugging Face replaces in each piece, in this order. */
static const char *const replacements[][2] = {
	{ " .", "." }, { " ?", "?" }, { " !", "!" }, { " ,", "," }, { " ' ", "'" },
	{ " n't", "n't" }, { " 'm", "'m" }, { " do not", " don't" }, { " 's", "'s" },
	{ " 've", "'ve" }, { " 're", "'re" },
};

/* No replacement is longer than what it replaces: in place. */
static size_t replace(char *text, size_t len, const char *from, const char *to)
{
	size_t n_from = strlen(from), n_to = strlen(to), n = 0;

	for (size_t i = 0; i < len;) {
		if (len - i >= n_from && !memcmp(text + i, from, n_from)) {
			memcpy(text + n, to, n_to);
			n += n_to;
			i += n_from;
		} else {
			text[n++] = text[i++];
		}
	}
	return n;
}

/* Whether a piece is to be left out, or its text and whether a space goes before it. */
static bool part(const struct wordpiece *w, int32_t id, int skip_special, bool first,
	struct tn_text *piece, bool *space)
{
	struct tn_text prefix = w->decode_prefix;

	*piece = tok_vocab_piece(&w->vocab, id);
	if (!piece->text || (skip_special && tok_added_special(&w->added, id)))
		return false;
	*space = !first;
	if (w->joins && !first && piece->len >= prefix.len &&
		!memcmp(piece->text, prefix.text, prefix.len)) {
		piece->text += prefix.len;
		piece->len -= prefix.len;
		*space = false;
	}
	return true;
}

int wordpiece_decode(const struct tn_tokenizer *self, const int32_t *ids, size_t n,
	int skip_special, struct tn_text *out, struct tn_call *call)
{
	const struct wordpiece *w = (const struct wordpiece *)self;
	struct tn_text piece;
	size_t len = 0, parts = 0;
	bool space;
	char *text;

	for (size_t i = 0; i < n; i++)
		len += 1 + tok_vocab_piece(&w->vocab, ids[i]).len;
	text = tn_alloc(call, len + 1);
	if (!text)
		return TN_ENOMEM;
	len = 0;
	for (size_t i = 0; i < n; i++) {
		size_t begin = len;

		if (!part(w, ids[i], skip_special, !parts, &piece, &space))
			continue;
		parts++;
		if (space)
			text[len++] = ' ';
		if (piece.len)
			memcpy(text + len, piece.text, piece.len);
		len += piece.len;
		for (size_t k = 0; w->joins && w->cleanup &&
			k < sizeof(replacements) / sizeof(replacements[0]); k++)
			len = begin + replace(text + begin, len - begin, replacements[k][0],
				replacements[k][1]);
	}
	text[len] = '\0';
	*out = (struct tn_text){ text, len };
	return 0;
}
