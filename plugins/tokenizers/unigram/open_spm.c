/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/open_spm.c - reading a model of sentencepiece, with the special
 * tokens that its model family puts around it.
 */
#include <float.h>
#include <stdlib.h>

#include "file.h"
#include "open.h"

#define PENALTY 0.1	/* of a user-defined piece against the best pieces of its length */

/* What a family adds to a model: the names of the first ids, how many pieces of the file
 * they stand for, what comes at the end, what goes around texts ($A and $B, NAME or
 * NAME:TYPE), and what it does with text before.
 * Source: transformers 4.57, tokenization_xlm_roberta.py and its like. */
static const struct family {
	const char *type;	/* model_type of config.json */
	const char *first;
	size_t replaces;
	const char *last;
	const char *single, *pair;
	bool old;		/* ALBERT's and XLNet's ways: quotes, accents, commas of numbers */
	bool lower;		/* what do_lower_case is by default */
} families[] = {
	{ "xlm-roberta", "<s> <pad> </s> <unk>", 3, "<mask>", "<s> $A </s>",
		"<s> $A </s> </s> $B </s>", false, false },
	{ "camembert", "<s>NOTUSED <pad> </s>NOTUSED <unk> <unk>NOTUSED", 1, "<mask>",
		"<s> $A </s>", "<s> $A </s> </s> $B </s>", false, false },
	{ "deberta-v2", "", 0, "[MASK]", "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", false,
		false },
	{ "albert", "", 0, "", "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", true, true },
	{ "xlnet", "", 0, "", "$A <sep> <cls>:2", "$A <sep> $B:1 <sep>:1 <cls>:2", true, false },
	{ "t5", "", 0, "<extra_id_#>", "$A </s>", "$A </s> $B </s>", false, false },
	{ "mt5", "", 0, "", "$A </s>", "$A </s> $B </s>", false, false },
	{ NULL, "", 0, "", "$A", "$A $B:1", false, false },
};

#define QUOTES "{\"type\":\"Replace\",\"pattern\":{\"String\":\"``\"},\"content\":\"\\\"\"}," \
	"{\"type\":\"Replace\",\"pattern\":{\"String\":\"''\"},\"content\":\"\\\"\"}"
#define ACCENTS ",{\"type\":\"NFKD\"},{\"type\":\"StripAccents\"}"
#define LOWER "{\"type\":\"Lowercase\"}"

struct spm_opening {
	struct unigram_tokenizer *t;
	const struct tn_tokenizer_files *files;
	const struct family *family;
	struct spm_piece *pieces;	/* in the order of the model's ids */
	size_t n;
	struct tn_call *call;
};

static const struct family *find_family(const struct tn_tokenizer_files *files)
{
	const char *type = tn_string(tn_get(files->config, "model_type"), "");
	const struct family *f = families;

	while (f->type && strcmp(f->type, type))
		f++;
	return f;
}

/* --- ids as the family counts them --- */

static int add_name(struct spm_opening *o, const char *name, size_t len)
{
	char *text = tn_arena_dup(o->t->arena, name, len);
	bool unk = len == 5 && !memcmp(name, "<unk>", 5);

	if (!text)
		return tn_fail(o->call, TN_ENOMEM, "memory ran out for a vocabulary");
	o->pieces[o->n++] = (struct spm_piece){ { text, len }, 0.0f,
		unk ? SPM_UNKNOWN : SPM_CONTROL };
	return 0;
}

/* The names in a list, with spaces between them; at most 8. */
static int add_names(struct spm_opening *o, const char *names)
{
	while (*names) {
		size_t len = strcspn(names, " ");

		if (add_name(o, names, len))
			return TN_ENOMEM;
		names += len + (names[len] == ' ');
	}
	return 0;
}

/* T5's sentinels: the last has the number 0. */
static int add_sentinels(struct spm_opening *o, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		const char *name = tn_printf(o->call, "<extra_id_%zu>", i);

		if (!name || add_name(o, name, strlen(name)))
			return TN_ENOMEM;
	}
	return 0;
}

static int number_pieces(struct spm_opening *o)
{
	struct spm *s = o->t->spm;
	const struct family *f = o->family;
	bool sentinels = strchr(f->last, '#');
	int64_t asked = tn_int(tn_get(o->files->tokenizer_config, "extra_ids"), 100);
	size_t extra = !sentinels ? 0 : asked < 0 ? 0 : asked > 10000 ? 10000 : (size_t)asked;

	if (f->replaces > s->n_pieces)
		return tn_fail(o->call, TN_EDATA, "%s: %zu pieces, expected %zu at least",
			o->files->sentencepiece, s->n_pieces, f->replaces);
	o->pieces = malloc((s->n_pieces + extra + 16) * sizeof(*o->pieces));
	if (!o->pieces)
		return tn_fail(o->call, TN_ENOMEM, "memory ran out for a vocabulary");
	if (add_names(o, f->first)) {
		free(o->pieces);
		return TN_ENOMEM;
	}
	memcpy(o->pieces + o->n, s->pieces + f->replaces,
		(s->n_pieces - f->replaces) * sizeof(*o->pieces));
	o->n += s->n_pieces - f->replaces;
	if (sentinels ? add_sentinels(o, extra) : add_names(o, f->last)) {
		free(o->pieces);
		return TN_ENOMEM;
	}
	free(s->pieces);
	s->pieces = o->pieces;
	s->n_pieces = o->n;
	s->unk = -1;
	for (size_t i = 0; i < o->n && s->unk < 0; i++)
		if (s->pieces[i].type == SPM_UNKNOWN)
			s->unk = (int32_t)i;
	return s->unk >= 0 ? 0 : tn_fail(o->call, TN_EDATA, "%s: its unknown piece is one of the first "
		"%zu, in whose place this family has others", o->files->sentencepiece, f->replaces);
}

/* --- the model --- */

/* What the family does with text before sentencepiece does. */
static int read_normalizer(struct spm_opening *o)
{
	const struct tn_value *config = o->files->tokenizer_config, *tree;
	bool lower = tn_bool(tn_get(config, "do_lower_case"), o->family->lower);
	bool accents = tn_bool(tn_get(config, "keep_accents"), false);
	const char *text = tn_printf(o->call, "{\"type\":\"Sequence\",\"normalizers\":[%s%s%s%s]}",
		o->family->old ? QUOTES : "", o->family->old && !accents ? ACCENTS : "",
		o->family->old && lower ? "," : "", lower ? LOWER : "");

	if (!text || (!o->family->old && !lower))
		return text ? 0 : TN_ENOMEM;
	tree = tn_json_parse(text, strlen(text), o->files->sentencepiece, o->t->arena, o->call);
	return !tree ? tn_status(o->call) : tok_normalizer_read(&o->t->normalizer, tree,
		o->files->sentencepiece, o->t->arena, o->call);
}

/* Pieces as "9,", which the old families cut again. */
static bool is_number_comma(struct tn_text text)
{
	return text.len >= 2 && text.text[text.len - 1] == ',' &&
		(unsigned char)(text.text[text.len - 2] - '0') < 10;
}

/* sentencepiece's rule for what a user-defined piece is worth: its length in best scores. */
static float score_of(const struct spm_piece *piece, float best)
{
	return piece->type == SPM_USER_DEFINED ? (float)((float)piece->text.len * best - PENALTY) :
		piece->score;
}

/* Scores of all pieces, and the lowest that counts for the unknown. */
static int make_scores(struct spm_opening *o, double *lowest)
{
	struct unigram *u = &o->t->model;
	const struct spm *s = o->t->spm;
	float best = FLT_MIN, least = FLT_MAX;

	u->scores = calloc(s->n_pieces + 1, sizeof(*u->scores));
	if (!u->scores)
		return tn_fail(o->call, TN_ENOMEM, "memory ran out for a vocabulary");
	for (size_t i = 0; i < s->n_pieces; i++) {
		float score = s->pieces[i].score;

		if (s->pieces[i].type != SPM_NORMAL)
			continue;
		best = score > best ? score : best;
		least = score < least ? score : least;
	}
	for (size_t i = 0; i < s->n_pieces; i++) {
		u->scores[i] = score_of(&s->pieces[i], best);
		if (o->family->old && is_number_comma(s->pieces[i].text))
			u->scores[i] = (float)(u->scores[i] - 100.0);
	}
	u->n_scores = s->n_pieces;
	*lowest = least;
	return 0;
}

/* The trie of what a text is cut into. */
static int make_trie(struct spm_opening *o)
{
	struct spm *s = o->t->spm;
	struct tok_key *keys = malloc((s->n_pieces + 1) * sizeof(*keys));
	size_t n = 0;
	int rc = 0;

	if (!keys)
		return tn_fail(o->call, TN_ENOMEM, "memory ran out for a vocabulary");
	for (size_t i = 0; i < s->n_pieces; i++)
		if (s->pieces[i].type == SPM_UNUSED && s->model == SPM_BPE && !rc)
			rc = tn_fail(o->call, TN_EDATA, "%s: piece %zu, %s, is of the type unused, "
				"which is not known in a model of the type BPE",
				o->files->sentencepiece, i,
				tn_quote(o->call, s->pieces[i].text.text, s->pieces[i].text.len));
		else if (s->pieces[i].type == SPM_NORMAL ||
			s->pieces[i].type == SPM_USER_DEFINED ||
			(s->pieces[i].type == SPM_UNUSED && s->model != SPM_UNIGRAM))
			keys[n++] = (struct tok_key){ s->pieces[i].text.text,
				(uint32_t)s->pieces[i].text.len, (int32_t)i };
	tok_keys_sort(keys, n);
	for (size_t i = 1; i < n && !rc; i++)
		if (keys[i].len == keys[i - 1].len &&
			!memcmp(keys[i].text, keys[i - 1].text, keys[i].len))
			rc = tn_fail(o->call, TN_EDATA, "%s: the pieces %d and %d are both %s",
				o->files->sentencepiece, keys[i - 1].id, keys[i].id,
				tn_quote(o->call, keys[i].text, keys[i].len));
	if (!rc)
		rc = tok_trie_build(&s->trie, keys, n, o->call);
	free(keys);
	return rc;
}

/* Whether all pieces that begin with spaces have none behind other characters, and a space is a
 * piece: then merges of one word do not see the next. */
static bool cuts_words(const struct spm *s)
{
	for (size_t i = 0; i < s->n_pieces; i++) {
		struct tn_text t = s->pieces[i].text;
		bool inside = false;

		for (size_t at = 0; at < t.len; at++) {
			bool mark = t.len - at >= UNIGRAM_MARK_LEN &&
				!memcmp(t.text + at, UNIGRAM_MARK, UNIGRAM_MARK_LEN);

			if (mark && inside)
				return false;
			inside = !mark;
			at += mark ? UNIGRAM_MARK_LEN - 1 : 0;
		}
	}
	return tok_trie_find(&s->trie, UNIGRAM_MARK, UNIGRAM_MARK_LEN) >= 0;
}

/* The words that are one piece. */
static int find_whole_words(struct spm_opening *o)
{
	struct unigram_tokenizer *t = o->t;
	struct tok_key *keys = malloc((t->spm->n_pieces + 1) * sizeof(*keys));
	struct spm_merging memory = { 0 };
	size_t n = 0;
	int rc;

	if (!keys)
		return tn_fail(o->call, TN_ENOMEM, "memory ran out for a vocabulary");
	for (size_t i = 0; i < t->spm->n_pieces; i++) {
		struct tn_text text = t->spm->pieces[i].text;

		if (t->spm->model == SPM_BPE && t->spm->pieces[i].type == SPM_NORMAL &&
			text.len <= TOK_MAX_WORD && spm_merge_whole(t->spm, &t->model, text.text,
			text.len, &memory, o->call) == (int32_t)i)
			keys[n++] = (struct tok_key){ text.text, (uint32_t)text.len, (int32_t)i };
	}
	rc = tn_status(o->call);
	if (!rc)
		rc = tok_words_build(&t->words, keys, n, o->call);
	free(keys);
	return rc;
}

static int find_bytes(struct spm_opening *o)
{
	struct unigram *u = &o->t->model;
	const struct spm *s = o->t->spm;
	size_t n = 0;

	for (int b = 0; b < 256; b++)
		u->bytes[b] = -1;
	for (size_t i = 0; i < s->n_pieces; i++) {
		int b = spm_byte(&s->pieces[i]);

		if (b < 0)
			continue;
		n += u->bytes[b] < 0;
		u->bytes[b] = (int32_t)i;
	}
	return n == 256 || !s->byte_fallback ? 0 : tn_fail(o->call, TN_EDATA, "%s: %zu pieces for "
		"bytes, expected 256", o->files->sentencepiece, n);
}

static int make_model(struct spm_opening *o)
{
	struct unigram *u = &o->t->model;
	double least = 0.0;
	int rc = make_scores(o, &least);

	if (!rc)
		rc = make_trie(o);
	if (rc)
		return rc;
	u->trie = &o->t->spm->trie;
	u->longest = 0;		/* what is unknown is never a piece */
	u->unk = o->t->info.unk = o->t->spm->unk;
	u->narrow = true;
	u->byte_fallback = o->t->spm->byte_fallback;
	o->t->spm->cuts = o->t->spm->model == SPM_BPE && cuts_words(o->t->spm);
	rc = unigram_init(u, least, NULL, 0, o->call);
	return rc ? rc : find_bytes(o);
}

/* --- names, special tokens, templates --- */

/* What follows a piece in the file was read: there is room for a NUL. */
static int make_vocab(struct spm_opening *o)
{
	struct unigram_tokenizer *t = o->t;
	struct spm *s = t->spm;
	int rc = 0;

	for (size_t i = 0; i < s->n_pieces && !rc; i++) {
		struct tn_text text = s->pieces[i].text;

		((char *)text.text)[text.len] = '\0';
		rc = tok_vocab_add(&t->vocab, text, i, o->call);
	}
	return rc ? rc : unigram_name(t, o->files->sentencepiece, s->n_pieces, o->call);
}

static int add_specials(struct spm_opening *o)
{
	struct unigram_tokenizer *t = o->t;
	int rc = 0;

	for (size_t i = 0; i < t->spm->n_pieces && !rc; i++) {
		const struct spm_piece *piece = &t->spm->pieces[i];
		struct tok_added_token token = { .content = piece->text, .special = true,
			.lstrip = tok_equal(piece->text, "<mask>") ||
				(o->family->old && tok_equal(piece->text, "[MASK]")) };

		if (piece->type == SPM_CONTROL || piece->type == SPM_UNKNOWN)
			rc = tok_added_add(&t->added, &t->vocab, token, o->call);
	}
	return rc ? rc : tok_added_read(&t->added, &t->vocab,
		tn_get(o->files->tokenizer_config, "added_tokens_decoder"),
		"tokenizer_config.json", o->call);
}

/* One step of a template, which is cut at spaces. */
static int read_step(struct spm_opening *o, const char *step, size_t len,
	struct tn_template_item *item)
{
	const char *colon = memchr(step, ':', len);
	char *name = tn_arena_dup(tn_call_arena(o->call), step,
		colon ? (size_t)(colon - step) : len);

	if (!name)
		return tn_fail(o->call, TN_ENOMEM, "memory ran out for a template");
	*item = (struct tn_template_item){ -1, 0, colon ? colon[1] - '0' : 0 };
	if (*name == '$') {
		item->sequence = name[1] == 'B';
		return 0;
	}
	item->id = tok_vocab_id(&o->t->vocab, name);
	return item->id >= 0 ? 0 : tn_fail(o->call, TN_EDATA, "%s: no piece \"%s\", which %s puts "
		"around texts", o->files->sentencepiece, name, o->family->type);
}

static int read_steps(struct spm_opening *o, const char *text, struct tn_template_item *items,
	size_t *n)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (read_step(o, text, len, &items[(*n)++]))
			return tn_status(o->call);
		text += len + (text[len] == ' ');
	}
	return 0;
}

static int finish_spm(struct spm_opening *o)
{
	struct tok_post *post = &o->t->post;
	int rc = number_pieces(o);

	if (!rc)
		rc = read_normalizer(o);
	if (!rc)
		rc = make_vocab(o);
	if (!rc)
		rc = make_model(o);
	if (!rc)
		rc = find_whole_words(o);
	if (!rc)
		rc = add_specials(o);
	if (!rc)
		rc = read_steps(o, o->family->single, post->single, &post->n_single);
	if (!rc)
		rc = read_steps(o, o->family->pair, post->pair, &post->n_pair);
	return rc ? rc : tok_added_build(&o->t->added, NULL, o->files->sentencepiece, o->call);
}

int unigram_open_spm(struct unigram_tokenizer *t, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	struct spm_opening o = { .t = t, .files = files, .family = find_family(files),
		.call = call };
	size_t len;
	int rc;

	t->text = tok_read_file(files->sentencepiece, &len, call);
	if (!t->text)
		return tn_status(call);
	t->spm = calloc(1, sizeof(*t->spm));
	if (!t->spm)
		return tn_fail(call, TN_ENOMEM, "memory ran out for a tokenizer");
	rc = spm_read(t->spm, files->sentencepiece, (struct tn_text){ t->text, len }, t->arena,
		call);
	return rc ? rc : finish_spm(&o);
}
