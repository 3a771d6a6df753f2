/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/open.c - reading tokenizer.json.
 */
#include <math.h>
#include <stdlib.h>

#include "file.h"
#include "open.h"
#include "real.h"

#define MAX_PIECES ((size_t)1 << 24)
#define MAX_SCORE 1e290	/* sums of 2^32 of them are finite */

/* The parts of tokenizer.json that are read as trees, after the vocabulary. */
enum part { ADDED, NORMALIZER, PRE_TOKENIZER, POST_PROCESSOR, DECODER, N_PARTS };
static const char *const part_names[N_PARTS] = {
	"added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder",
};

struct document {
	const char *path;
	struct tn_text raw[N_PARTS];		/* text NULL: absent */
	const struct tn_value *parts[N_PARTS];
	size_t unk_place;			/* byte of unk_id */
	size_t unk;
	size_t capacity;			/* of the scores */
	bool model, has_unk;
};

/* --- the model --- */

static int add_score(struct unigram *u, struct document *d, struct tok_json *j)
{
	struct tn_text raw;
	double score;
	int rc;

	if (u->n_scores == d->capacity) {
		size_t capacity = d->capacity ? d->capacity * 2 : 4096;
		double *scores = realloc(u->scores, capacity * sizeof(*scores));

		if (!scores)
			return tn_fail(j->call, TN_ENOMEM, "memory ran out for a vocabulary");
		u->scores = scores;
		d->capacity = capacity;
	}
	rc = tok_json_number(j, &raw);
	if (!rc && (!tok_real(raw, &score) || fabs(score) > MAX_SCORE))
		rc = tok_json_fail(j, "the score %s is out of range",
			tn_quote(j->call, raw.text, raw.len));
	if (!rc)
		u->scores[u->n_scores++] = score;
	return rc;
}

/* ["piece", score] */
static int read_entry(struct unigram_tokenizer *t, struct document *d, struct tok_json *j)
{
	struct tn_text piece;
	int rc = tok_json_enter(j, '[');

	if (rc)
		return rc;
	if (!tok_json_item(j, &rc))
		return rc ? rc : tok_json_fail(j, "expected a piece and its score");
	rc = tok_json_string(j, &piece);
	if (!rc && t->vocab.n == MAX_PIECES)
		rc = tok_json_fail(j, "more than %zu pieces", MAX_PIECES);
	if (!rc)
		rc = tok_vocab_add(&t->vocab, piece, t->vocab.n, j->call);
	if (rc)
		return rc;
	if (!tok_json_item(j, &rc))
		return rc ? rc : tok_json_fail(j, "expected the score of %s",
			tn_quote(j->call, piece.text, piece.len));
	rc = add_score(&t->model, d, j);
	if (!rc && tok_json_item(j, &rc))
		rc = tok_json_fail(j, "expected ] behind the score of %s",
			tn_quote(j->call, piece.text, piece.len));
	return rc;
}

static int read_vocab(struct unigram_tokenizer *t, struct document *d, struct tok_json *j)
{
	int rc = tok_json_enter(j, '[');

	while (!rc && tok_json_item(j, &rc))
		rc = read_entry(t, d, j);
	return rc;
}

static int read_bool(struct tok_json *j, bool *out)
{
	struct tn_text raw;
	int rc = tok_json_skip(j, &raw);

	*out = !rc && tok_equal(raw, "true");
	if (!rc && !*out && !tok_equal(raw, "false"))
		rc = tok_json_fail(j, "expected true or false");
	return rc;
}

static int read_unk(struct document *d, struct tok_json *j)
{
	if (tok_json_peek(j) == 'n')
		return tok_json_skip(j, NULL);
	d->has_unk = true;
	d->unk_place = (size_t)(j->at - j->start);
	return tok_json_count(j, INT32_MAX, &d->unk);
}

static int read_type(struct tok_json *j)
{
	struct tn_text type;
	int rc = tok_json_string(j, &type);

	if (!rc && !tok_equal(type, "Unigram"))
		rc = tok_json_fail(j, "model: type %s is not known to the tokenizer unigram, which "
			"knows Unigram", tn_quote(j->call, type.text, type.len));
	return rc;
}

static int read_model(struct unigram_tokenizer *t, struct document *d, struct tok_json *j)
{
	struct tn_text key;
	int rc = tok_json_enter(j, '{');

	d->model = true;
	while (!rc && tok_json_member(j, &key, &rc))
		rc = tok_equal(key, "vocab") ? read_vocab(t, d, j) :
			tok_equal(key, "unk_id") ? read_unk(d, j) :
			tok_equal(key, "byte_fallback") ? read_bool(j, &t->model.byte_fallback) :
			tok_equal(key, "type") ? read_type(j) : tok_json_skip(j, NULL);
	return rc;
}

static int read_top(struct unigram_tokenizer *t, struct document *d, struct tok_json *j)
{
	struct tn_text key;
	int rc = tok_json_enter(j, '{');

	while (!rc && tok_json_member(j, &key, &rc)) {
		enum part p = ADDED;

		if (tok_equal(key, "model")) {
			rc = read_model(t, d, j);
			continue;
		}
		while (p < N_PARTS && !tok_equal(key, part_names[p]))
			p++;
		rc = tok_json_skip(j, p < N_PARTS ? &d->raw[p] : NULL);
	}
	return rc ? rc : tok_json_finish(j);
}

/* --- what is made of it --- */

/* Bodies of the pieces that are whole words. */
static int find_words(struct unigram_tokenizer *t, struct tn_call *call)
{
	struct tok_key *keys = malloc((t->vocab.n + 1) * sizeof(*keys));
	struct unigram_steps steps = { 0 };
	size_t n = 0;
	int rc;

	if (!keys)
		return tn_fail(call, TN_ENOMEM, "memory ran out for a vocabulary");
	for (size_t i = 0; i < t->vocab.n; i++) {
		struct tok_key key = t->vocab.keys[i];

		if (key.len <= UNIGRAM_MARK_LEN || key.len > UNIGRAM_MARK_LEN + TOK_MAX_WORD ||
			memcmp(key.text, UNIGRAM_MARK, UNIGRAM_MARK_LEN))
			continue;
		key.text += UNIGRAM_MARK_LEN;
		key.len -= UNIGRAM_MARK_LEN;
		key.id = unigram_whole(&t->model, key.text, key.len, &steps, call);
		if (key.id >= 0)
			keys[n++] = key;
	}
	rc = tn_status(call);
	if (!rc)
		rc = tok_words_build(&t->words, keys, n, call);
	free(keys);
	return rc;
}

int unigram_name(struct unigram_tokenizer *t, const char *path, size_t extra,
	struct tn_call *call)
{
	size_t n = t->vocab.n;
	struct tn_text *names = malloc((n + 1) * sizeof(*names));
	int rc;

	if (!names)
		return tn_fail(call, TN_ENOMEM, "memory ran out for a vocabulary");
	for (size_t i = 0; i < n; i++) {
		names[i] = (struct tn_text){ t->vocab.keys[i].text, t->vocab.keys[i].len };
		if (names[i].len > t->model.longest)
			t->model.longest = names[i].len;
	}
	rc = tok_vocab_build(&t->vocab, path, n + extra, call);
	/* Of equal pieces the last is found, yet each keeps its name. */
	for (size_t i = 0; i < n && !rc; i++)
		rc = tok_vocab_name(&t->vocab, names[i], (int32_t)i, call);
	free(names);
	return rc;
}

static int index_model(struct unigram_tokenizer *t, const struct document *d, struct tn_call *call)
{
	struct unigram *u = &t->model;
	double least = INFINITY;
	int rc;

	if (!d->model || !t->vocab.n)
		return tn_fail(call, TN_EDATA, "%s: no model with a vocabulary", d->path);
	if (d->has_unk && d->unk >= t->vocab.n)
		return tn_fail(call, TN_EDATA, "%s: byte %zu: unk_id is %zu, but there are only %zu "
			"pieces", d->path, d->unk_place, d->unk, t->vocab.n);
	u->unk = t->info.unk = d->has_unk ? (int32_t)d->unk : -1;
	for (size_t i = 0; i < u->n_scores; i++)
		least = u->scores[i] < least ? u->scores[i] : least;
	rc = unigram_name(t, d->path, tn_size(d->parts[ADDED]), call);
	if (rc)
		return rc;
	u->trie = &t->vocab.trie;
	rc = unigram_init(u, least, t->vocab.keys, t->vocab.n, call);
	return rc ? rc : t->split == UNIGRAM_WHOLE ? tok_words_build(&t->words, NULL, 0, call) :
		find_words(t, call);
}

/* --- the parts --- */

static int parse_parts(struct unigram_tokenizer *t, struct document *d, struct tn_call *call)
{
	for (enum part p = ADDED; p < N_PARTS; p++) {
		const char *name = tn_printf(call, "%s: %s", d->path, part_names[p]);

		if (!name)
			return TN_ENOMEM;
		if (!d->raw[p].text)
			continue;
		d->parts[p] = tn_json_parse(d->raw[p].text, d->raw[p].len, name, t->arena, call);
		if (!d->parts[p])
			return tn_status(call);
	}
	return 0;
}

static int unknown(const struct document *d, const char *part, const struct tn_value *v,
	const char *known, struct tn_call *call)
{
	const char *type = tn_string(tn_get(v, "type"), NULL);

	return tn_fail(call, TN_EDATA, "%s: %s: type %s is not known to the tokenizer unigram, "
		"which knows %s", d->path, part, type ? tn_quote(call, type, strlen(type)) :
		"(none)", known);
}

static bool is_type(const struct tn_value *v, const char *type)
{
	return !strcmp(tn_string(tn_get(v, "type"), ""), type);
}

static int read_normalizer(struct unigram_tokenizer *t, const struct document *d,
	struct tn_call *call)
{
	const struct tn_value *v = d->parts[NORMALIZER], *items = tn_get(v, "normalizers"), *map;
	const char *name = tn_printf(call, "%s: normalizer: precompiled_charsmap", d->path);

	if (is_type(v, "Sequence") && tn_size(items) == 1)
		v = tn_at(items, 0);
	if (tn_value_kind(v) == TN_VALUE_NULL)
		return 0;
	if (!is_type(v, "Precompiled"))
		return unknown(d, "normalizer", v, "Precompiled", call);
	map = tn_get(v, "precompiled_charsmap");
	return name ? tok_precompiled_read_base64(&t->charsmap,
		(struct tn_text){ tn_string(map, ""), tn_string_length(map) }, name, call) :
		TN_ENOMEM;
}

static int read_metaspace(struct unigram_tokenizer *t, const struct document *d,
	const struct tn_value *v, struct tn_call *call)
{
	const char *scheme = tn_string(tn_get(v, "prepend_scheme"), "always");

	if (!is_type(v, "Metaspace"))
		return unknown(d, "pre_tokenizer", v, "Metaspace and WhitespaceSplit", call);
	t->prepend = !strcmp(scheme, "always") ? UNIGRAM_ALWAYS :
		!strcmp(scheme, "first") ? UNIGRAM_FIRST : UNIGRAM_NEVER;
	if (!tn_bool(tn_get(v, "add_prefix_space"), true))
		t->prepend = UNIGRAM_NEVER;
	return 0;
}

static int read_pre_tokenizer(struct unigram_tokenizer *t, const struct document *d,
	struct tn_call *call)
{
	const struct tn_value *v = d->parts[PRE_TOKENIZER], *items = tn_get(v, "pretokenizers");

	t->split = UNIGRAM_METASPACE;
	if (is_type(v, "Sequence") && tn_size(items) == 2 &&
		is_type(tn_at(items, 0), "WhitespaceSplit")) {
		t->split = UNIGRAM_WHITESPACE;
		v = tn_at(items, 1);
	}
	return read_metaspace(t, d, v, call);
}

static int finish_json(struct unigram_tokenizer *t, struct document *d, struct tn_call *call)
{
	int rc = parse_parts(t, d, call);

	if (!rc)
		rc = read_normalizer(t, d, call);
	if (!rc)
		rc = read_pre_tokenizer(t, d, call);
	if (!rc)
		rc = index_model(t, d, call);
	if (!rc)
		rc = tok_added_read(&t->added, &t->vocab, d->parts[ADDED], d->path, call);
	if (!rc)
		rc = tok_post_read(&t->post, d->parts[POST_PROCESSOR], t->vocab.n_ids, d->path,
			call);
	return rc ? rc : tok_added_build(&t->added, NULL, d->path, call);
}

int unigram_open_json(struct unigram_tokenizer *t, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	struct document d = { .path = files->tokenizer_json };
	struct tok_json j;
	size_t len;
	int rc;

	t->text = tok_read_file(d.path, &len, call);
	if (!t->text)
		return tn_status(call);
	rc = tok_json_open(&j, d.path, t->text, len, call);
	if (!rc)
		rc = read_top(t, &d, &j);
	return rc ? rc : finish_json(t, &d, call);
}
