/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/open.c - reading tokenizer.json.
 */
#include <math.h>
#include <stdlib.h>

#include "document.h"
#include "file.h"
#include "open.h"
#include "real.h"

#define MAX_PIECES ((size_t)1 << 24)
#define MAX_WORDS ((size_t)1 << 16)	/* that are looked up; the commonest stand first */
#define MAX_SCORE 1e290	/* sums of 2^32 of them are finite */

struct reading {
	struct unigram_tokenizer *t;
	const char *path;
	size_t unk_place;			/* byte of unk_id */
	size_t unk;
	size_t capacity;			/* of the scores */
	bool has_unk;
};

/* --- the model --- */

static int add_score(struct reading *d, struct tok_json *j)
{
	struct unigram *u = &d->t->model;
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
static int read_entry(struct reading *d, struct tok_json *j)
{
	struct unigram_tokenizer *t = d->t;
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
	rc = add_score(d, j);
	if (!rc && tok_json_item(j, &rc))
		rc = tok_json_fail(j, "expected ] behind the score of %s",
			tn_quote(j->call, piece.text, piece.len));
	return rc;
}

static int read_vocab(struct reading *d, struct tok_json *j)
{
	int rc = tok_json_enter(j, '[');

	while (!rc && tok_json_item(j, &rc))
		rc = read_entry(d, j);
	return rc;
}

static int read_unk(struct reading *d, struct tok_json *j)
{
	if (tok_json_peek(j) == 'n')
		return tok_json_skip(j, NULL);
	d->has_unk = true;
	d->unk_place = (size_t)(j->at - j->start);
	return tok_json_count(j, INT32_MAX, &d->unk);
}

static int read_member(void *user, struct tok_json *j, struct tn_text key)
{
	struct reading *d = user;

	return tok_equal(key, "vocab") ? read_vocab(d, j) :
		tok_equal(key, "unk_id") ? read_unk(d, j) :
		tok_equal(key, "byte_fallback") ?
			tok_document_bool(j, &d->t->model.byte_fallback) : tok_json_skip(j, NULL);
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

		if ((size_t)key.id >= MAX_WORDS || key.len <= UNIGRAM_MARK_LEN ||
			key.len > UNIGRAM_MARK_LEN + TOK_MAX_WORD ||
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
	struct tok_vocab *v = &t->vocab;
	size_t n = v->n;
	int rc;

	for (size_t i = 0; i < n; i++)
		if (v->keys[i].len > t->model.longest)
			t->model.longest = v->keys[i].len;
	rc = tok_vocab_build(v, path, n + extra, call);
	/* Of equal pieces the last is found, yet each keeps its name. */
	for (size_t i = v->n; i < n && !rc; i++)
		rc = tok_vocab_name(v, (struct tn_text){ v->keys[i].text, v->keys[i].len },
			v->keys[i].id, call);
	return rc;
}

static int index_model(const struct reading *d, size_t extra, struct tn_call *call)
{
	struct unigram_tokenizer *t = d->t;
	struct unigram *u = &t->model;
	double least = INFINITY;
	int rc;

	if (!t->vocab.n)
		return tn_fail(call, TN_EDATA, "%s: no model with a vocabulary", d->path);
	if (d->has_unk && d->unk >= t->vocab.n)
		return tn_fail(call, TN_EDATA, "%s: byte %zu: unk_id is %zu, but there are only "
			"%zu pieces", d->path, d->unk_place, d->unk, t->vocab.n);
	u->unk = t->info.unk = d->has_unk ? (int32_t)d->unk : -1;
	for (size_t i = 0; i < u->n_scores; i++)
		least = u->scores[i] < least ? u->scores[i] : least;
	rc = unigram_name(t, d->path, extra, call);
	if (rc)
		return rc;
	u->trie = &t->vocab.trie;
	rc = unigram_init(u, least, t->vocab.pieces, t->vocab.n_ids, call);
	return rc ? rc : t->split == UNIGRAM_WHOLE || t->split == UNIGRAM_GENERAL ?
		tok_words_build(&t->words, NULL, 0, call) : find_words(t, call);
}

/* --- the parts --- */

/* Finds the steps that are known to be fast. */
static void choose_split(struct unigram_tokenizer *t)
{
	const struct tok_pretok_step *last = t->pretok.n ? &t->pretok.steps[t->pretok.n - 1] : NULL;

	t->split = last ? UNIGRAM_GENERAL : UNIGRAM_WHOLE;
	if (!last || last->kind != TOK_PRETOK_METASPACE || !last->split ||
		!tok_equal(last->mark, UNIGRAM_MARK))
		return;
	t->prepend = last->prepend;
	if (t->pretok.n == 1)
		t->split = UNIGRAM_METASPACE;
	else if (t->pretok.n == 2 && t->pretok.steps[0].kind == TOK_PRETOK_WHITESPACE_SPLIT)
		t->split = UNIGRAM_WHITESPACE;
}

static int read_parts(struct unigram_tokenizer *t, const struct tok_document *d,
	struct tn_call *call)
{
	int rc = tok_normalizer_read(&t->normalizer, d->parts[TOK_PART_NORMALIZER], d->path,
		t->arena, call);

	if (!rc)
		rc = tok_pretok_read(&t->pretok, d->parts[TOK_PART_PRE_TOKENIZER], d->path,
			t->arena, call);
	if (!rc)
		rc = tok_decoder_read(&t->decoder, d->parts[TOK_PART_DECODER], d->path, t->arena,
			call);
	choose_split(t);
	return rc;
}

int unigram_open_json(struct unigram_tokenizer *t, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	struct reading r = { .t = t, .path = files->tokenizer_json };
	struct tok_document d = { .path = r.path, .plugin = "unigram", .type = "Unigram",
		.member = read_member, .user = &r };
	const struct tn_value *added;
	size_t len;
	int rc;

	t->text = tok_read_file(d.path, &len, call);
	if (!t->text)
		return tn_status(call);
	rc = tok_document_read(&d, t->text, len, t->arena, call);
	added = d.parts[TOK_PART_ADDED];
	if (!rc)
		rc = read_parts(t, &d, call);
	if (!rc)
		rc = index_model(&r, tn_size(added), call);
	if (!rc)
		rc = tok_added_read(&t->added, &t->vocab, added, d.path, call);
	if (!rc)
		rc = tok_post_read(&t->post, d.parts[TOK_PART_POST_PROCESSOR], t->vocab.n_ids,
			d.path, call);
	return rc ? rc : tok_added_build(&t->added, &t->normalizer, d.path, call);
}
