/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/bpe/read.c - reading tokenizer.json and merges.txt.
 */
#include <stdlib.h>

#include "open.h"

/* "a b" with one space. */
static bool cut_merge(struct tn_text line, struct tn_text *a, struct tn_text *b)
{
	const char *space = line.len ? memchr(line.text, ' ', line.len) : NULL;

	if (!space)
		return false;
	*a = (struct tn_text){ line.text, (size_t)(space - line.text) };
	*b = (struct tn_text){ space + 1, line.len - a->len - 1 };
	return !b->len || !memchr(b->text, ' ', b->len);
}

static bool is_version(struct tn_text line)
{
	return line.len >= 8 && !memcmp(line.text, "#version", 8);
}

/* --- tokenizer.json --- */

/* The byte at which the text of a string begins that is read next. */
static size_t next_place(struct tok_json *j)
{
	tok_json_peek(j);
	return (size_t)(j->at - j->start) + 1;
}

static int read_pair(struct tok_json *j, struct tn_text *a, struct tn_text *b, size_t *place)
{
	int rc = tok_json_enter(j, '[');

	*a = *b = (struct tn_text){ NULL, 0 };
	*place = 0;
	if (!rc && tok_json_item(j, &rc)) {
		*place = next_place(j);
		rc = tok_json_string(j, a);
	}
	if (!rc && tok_json_item(j, &rc))
		rc = tok_json_string(j, b);
	if (rc)
		return rc;
	if (!b->text || tok_json_item(j, &rc))
		return rc ? rc : tok_json_fail(j, "expected a merge of two pieces");
	return rc;
}

static int add_pair(struct bpe_reading *r, struct tn_text a, struct tn_text b, size_t place,
	struct tn_call *call)
{
	if (r->n_pairs == r->capacity) {
		size_t capacity = r->capacity ? r->capacity * 2 : 4096;
		struct bpe_pair *pairs = realloc(r->pairs, capacity * sizeof(*pairs));

		if (!pairs)
			return tn_fail(call, TN_ENOMEM, "memory ran out for merges");
		r->pairs = pairs;
		r->capacity = capacity;
	}
	r->pairs[r->n_pairs++] = (struct bpe_pair){ a.text, b.text, (uint32_t)a.len,
		(uint32_t)b.len, (uint32_t)place };
	return 0;
}

/* "a b" or ["a", "b"]; a line that names the version is passed over. */
static int read_merge(struct bpe_reading *r, struct tok_json *j)
{
	struct tn_text line, a, b;
	size_t place;
	int rc;

	if (tok_json_peek(j) == '[') {
		rc = read_pair(j, &a, &b, &place);
		return rc ? rc : add_pair(r, a, b, place, j->call);
	}
	place = next_place(j);
	rc = tok_json_string(j, &line);
	if (rc || is_version(line))
		return rc;
	return cut_merge(line, &a, &b) ? add_pair(r, a, b, place, j->call) : tok_json_fail(j,
		"the merge %s, expected two pieces with one space between them",
		tn_quote(j->call, line.text, line.len));
}

static int read_merges(struct bpe_reading *r, struct tok_json *j)
{
	int rc = tok_json_enter(j, '[');

	r->merges = true;
	r->n_pairs = 0;
	while (!rc && tok_json_item(j, &rc))
		rc = read_merge(r, j);
	return rc;
}

static int read_text(struct tok_json *j, struct tn_text *out)
{
	return tok_json_peek(j) == 'n' ? tok_json_skip(j, NULL) : tok_json_string(j, out);
}

/* Merges that are drawn by lot suit training alone. */
static int read_dropout(struct tok_json *j)
{
	struct tn_text raw;
	int rc = tok_json_skip(j, &raw);

	if (!rc && !tok_equal(raw, "null") && !tok_equal(raw, "0.0") && !tok_equal(raw, "0"))
		rc = tok_json_fail(j, "model: dropout is %s, only null is supported",
			tn_quote(j->call, raw.text, raw.len));
	return rc;
}

int bpe_read_member(void *user, struct tok_json *j, struct tn_text key)
{
	struct bpe_reading *r = user;
	struct bpe_model *m = &r->t->model;

	if (tok_equal(key, "vocab"))
		return tok_vocab_read_json(&r->t->vocab, j);
	if (tok_equal(key, "merges"))
		return read_merges(r, j);
	if (tok_equal(key, "unk_token"))
		return read_text(j, &r->unk);
	if (tok_equal(key, "continuing_subword_prefix"))
		return read_text(j, &m->prefix);
	if (tok_equal(key, "end_of_word_suffix"))
		return read_text(j, &m->suffix);
	if (tok_equal(key, "byte_fallback"))
		return tok_document_bool(j, &m->byte_fallback);
	if (tok_equal(key, "fuse_unk"))
		return tok_document_bool(j, &m->fuse_unk);
	if (tok_equal(key, "ignore_merges"))
		return tok_document_bool(j, &r->t->ignore_merges);
	return tok_equal(key, "dropout") ? read_dropout(j) : tok_json_skip(j, NULL);
}

/* --- merges --- */

/* What is wrong with a merge, in the call's arena, or NULL after it was added. */
static const char *add_merge(struct bpe_tokenizer *t, struct tn_text a, struct tn_text b,
	size_t rank, struct tn_call *call)
{
	const struct tok_trie *trie = &t->vocab.trie;
	size_t prefix = t->model.prefix.len < b.len ? t->model.prefix.len : b.len;
	int32_t node = tok_trie_walk(trie, TOK_ROOT, a.text, a.len);
	int32_t left = node == TOK_NOWHERE ? -1 : trie->cells[node].id;
	int32_t right = tok_trie_find(trie, b.text, b.len), to;

	if (left < 0 || right < 0)
		return tn_printf(call, "no piece %s, which is to be merged",
			left < 0 ? tn_quote(call, a.text, a.len) :
			tn_quote(call, b.text, b.len));
	node = tok_trie_walk(trie, node, b.text + prefix, b.len - prefix);
	to = node == TOK_NOWHERE ? -1 : trie->cells[node].id;
	if (to < 0)
		return tn_printf(call, "no piece that %s and %s could become",
			tn_quote(call, a.text, a.len), tn_quote(call, b.text, b.len));
	bpe_model_add(&t->model, left, right, (uint32_t)rank, to);
	return NULL;
}

int bpe_add_pairs(const struct bpe_reading *r, struct tn_call *call)
{
	int rc = r->n_pairs >= UINT32_MAX / 4 ? tn_fail(call, TN_EDATA, "%s: %zu merges", r->path,
		r->n_pairs) : bpe_model_init(&r->t->model, r->n_pairs, call);

	for (size_t i = 0; i < r->n_pairs && !rc; i++) {
		const struct bpe_pair *p = &r->pairs[i];
		const char *wrong = add_merge(r->t, (struct tn_text){ p->left, p->left_len },
			(struct tn_text){ p->right, p->right_len }, i, call);

		if (wrong)
			rc = tn_fail(call, TN_EDATA, "%s: byte %u: merge %zu: %s", r->path,
				p->place, i + 1, wrong);
	}
	return rc;
}

int bpe_read_merges_txt(struct bpe_tokenizer *t, const char *path, const char *text, size_t len,
	struct tn_call *call)
{
	size_t lines = 0, rank = 0, n = 1;
	int rc;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	rc = n >= UINT32_MAX / 4 ? tn_fail(call, TN_EDATA, "%s: %zu lines", path, n) :
		bpe_model_init(&t->model, n, call);
	for (size_t i = 0; i < len && !rc;) {
		const char *stop = memchr(text + i, '\n', len - i), *wrong;
		struct tn_text line = { text + i, stop ? (size_t)(stop - text) - i : len - i }, a, b;

		i += line.len + 1;
		lines++;
		line.len -= stop && line.len && line.text[line.len - 1] == '\r';
		if (is_version(line))
			continue;
		if (!cut_merge(line, &a, &b))
			return tn_fail(call, TN_EDATA, "%s:%zu: %s, expected two pieces with one space "
				"between them", path, lines, tn_quote(call, line.text, line.len));
		wrong = add_merge(t, a, b, rank++, call);
		if (wrong)
			return tn_fail(call, TN_EDATA, "%s:%zu: %s", path, lines, wrong);
	}
	return rc;
}
