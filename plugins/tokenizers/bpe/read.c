/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/bpe/read.c - reading tokenizer.json and merges.txt.
 */
#include <stdlib.h>

#include "open.h"

static const char *const part_names[BPE_N_PARTS] = {
	"added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder",
};

/* --- tokenizer.json --- */

static int read_bool(struct tok_json *j, bool *out)
{
	struct tn_text raw;
	int rc = tok_json_skip(j, &raw);

	*out = !rc && tok_equal(raw, "true");
	if (!rc && !*out && !tok_equal(raw, "false"))
		rc = tok_json_fail(j, "expected true or false");
	return rc;
}

static int read_text(struct tok_json *j, struct tn_text *out)
{
	return tok_json_peek(j) == 'n' ? tok_json_skip(j, NULL) : tok_json_string(j, out);
}

static int read_type(struct tok_json *j)
{
	struct tn_text type;
	int rc = tok_json_string(j, &type);

	if (!rc && !tok_equal(type, "BPE"))
		rc = tok_json_fail(j, "model: type %s is not known to the tokenizer bpe, which "
			"knows BPE", tn_quote(j->call, type.text, type.len));
	return rc;
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

static int read_model_member(struct bpe_tokenizer *t, struct bpe_document *d, struct tok_json *j,
	struct tn_text key)
{
	struct bpe_model *m = &t->model;

	if (tok_equal(key, "type"))
		return read_type(j);
	if (tok_equal(key, "vocab"))
		return tok_vocab_read_json(&t->vocab, j);
	if (tok_equal(key, "merges")) {
		tok_json_peek(j);
		d->merges = *j;
	}
	if (tok_equal(key, "unk_token"))
		return read_text(j, &d->unk);
	if (tok_equal(key, "continuing_subword_prefix"))
		return read_text(j, &m->prefix);
	if (tok_equal(key, "end_of_word_suffix"))
		return read_text(j, &m->suffix);
	if (tok_equal(key, "byte_fallback"))
		return read_bool(j, &m->byte_fallback);
	if (tok_equal(key, "fuse_unk"))
		return read_bool(j, &m->fuse_unk);
	if (tok_equal(key, "ignore_merges"))
		return read_bool(j, &t->ignore_merges);
	return tok_equal(key, "dropout") ? read_dropout(j) : tok_json_skip(j, NULL);
}

static int read_model(struct bpe_tokenizer *t, struct bpe_document *d, struct tok_json *j)
{
	struct tn_text key;
	int rc = tok_json_enter(j, '{');

	d->model = true;
	while (!rc && tok_json_member(j, &key, &rc))
		rc = read_model_member(t, d, j, key);
	return rc;
}

static int parse_parts(struct bpe_tokenizer *t, struct bpe_document *d, struct tn_call *call)
{
	for (enum bpe_part p = BPE_ADDED; p < BPE_N_PARTS; p++) {
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

int bpe_read_json(struct bpe_tokenizer *t, struct bpe_document *d, struct tok_json *j)
{
	struct tn_text key;
	int rc = tok_json_enter(j, '{');

	while (!rc && tok_json_member(j, &key, &rc)) {
		enum bpe_part p = BPE_ADDED;

		if (tok_equal(key, "model")) {
			rc = read_model(t, d, j);
			continue;
		}
		while (p < BPE_N_PARTS && !tok_equal(key, part_names[p]))
			p++;
		rc = tok_json_skip(j, p < BPE_N_PARTS ? &d->raw[p] : NULL);
	}
	if (!rc)
		rc = tok_json_finish(j);
	if (!rc)
		rc = parse_parts(t, d, j->call);
	if (!rc && (!d->model || !t->vocab.n))
		rc = tn_fail(j->call, TN_EDATA, "%s: no model with a vocabulary", d->path);
	return rc;
}

/* --- merges --- */

/* What is wrong with a merge, in the call's arena, or NULL after it was added. */
static const char *add_merge(struct bpe_tokenizer *t, struct tn_text a, struct tn_text b,
	size_t rank, struct tn_call *call)
{
	const struct tok_trie *trie = &t->vocab.trie;
	size_t prefix = t->model.prefix.len;
	int32_t left = tok_trie_find(trie, a.text, a.len);
	int32_t right = tok_trie_find(trie, b.text, b.len), node, to;

	if (left < 0 || right < 0)
		return tn_printf(call, "no piece %s, which is to be merged",
			left < 0 ? tn_quote(call, a.text, a.len) :
			tn_quote(call, b.text, b.len));
	prefix = prefix < b.len ? prefix : b.len;
	node = tok_trie_walk(trie, TOK_ROOT, a.text, a.len);
	node = tok_trie_walk(trie, node, b.text + prefix, b.len - prefix);
	to = node == TOK_NOWHERE ? -1 : trie->cells[node].id;
	if (to < 0)
		return tn_printf(call, "no piece that %s and %s could become",
			tn_quote(call, a.text, a.len), tn_quote(call, b.text, b.len));
	bpe_model_add(&t->model, left, right, (uint32_t)rank, to);
	return NULL;
}

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

static int read_pair(struct tok_json *j, struct tn_text *a, struct tn_text *b)
{
	int rc = tok_json_enter(j, '[');

	if (!rc && tok_json_item(j, &rc))
		rc = tok_json_string(j, a);
	if (!rc && tok_json_item(j, &rc))
		rc = tok_json_string(j, b);
	if (rc)
		return rc;
	if (!b->text || tok_json_item(j, &rc))
		return rc ? rc : tok_json_fail(j, "expected a merge of two pieces");
	return rc;
}

static int read_merge(struct tok_json *j, struct tn_text *a, struct tn_text *b, bool *version)
{
	struct tn_text line;
	int rc;

	*a = *b = (struct tn_text){ NULL, 0 };
	*version = false;
	if (tok_json_peek(j) == '[')
		return read_pair(j, a, b);
	rc = tok_json_string(j, &line);
	if (rc)
		return rc;
	*version = line.len >= 8 && !memcmp(line.text, "#version", 8);
	return *version || cut_merge(line, a, b) ? 0 : tok_json_fail(j, "the merge %s, expected two "
		"pieces with one space between them", tn_quote(j->call, line.text, line.len));
}

/* Items of a list, without a look at what they are. */
static int count_items(struct tok_json j, size_t *n)
{
	int rc = tok_json_enter(&j, '[');

	for (*n = 0; !rc && tok_json_item(&j, &rc); ++*n)
		rc = tok_json_skip(&j, NULL);
	return rc;
}

int bpe_read_merges(struct bpe_tokenizer *t, struct tok_json *j)
{
	size_t n = 0, rank = 0;
	struct tn_text a, b;
	bool version;
	int rc = count_items(*j, &n);

	if (!rc && n >= UINT32_MAX / 4)
		rc = tok_json_fail(j, "%zu merges", n);
	if (!rc)
		rc = bpe_model_init(&t->model, n, j->call);
	if (!rc)
		rc = tok_json_enter(j, '[');
	while (!rc && tok_json_item(j, &rc)) {
		const char *wrong;

		rc = read_merge(j, &a, &b, &version);
		if (rc || version)
			continue;
		wrong = add_merge(t, a, b, rank++, j->call);
		if (wrong)
			rc = tok_json_fail(j, "merge %zu: %s", rank, wrong);
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
		if (line.len >= 8 && !memcmp(line.text, "#version", 8))
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
