/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/vocab.c - the pieces of a vocabulary, both ways.
 */
#include "vocab.h"

#include <stdlib.h>
#include <string.h>

#include "unicode/unicode.h"

#define MAX_LINE 1024
#define MAX_PIECES ((size_t)1 << 24)

static int no_memory(struct tn_call *call)
{
	return tn_fail(call, TN_ENOMEM, "memory ran out for a vocabulary");
}

int tok_vocab_add(struct tok_vocab *v, struct tn_text text, size_t id, struct tn_call *call)
{
	if (v->n == v->capacity) {
		size_t capacity = v->capacity ? v->capacity * 2 : 4096;
		struct tok_key *keys = realloc(v->keys, capacity * sizeof(*keys));

		if (!keys)
			return no_memory(call);
		v->keys = keys;
		v->capacity = capacity;
	}
	v->keys[v->n++] = (struct tok_key){ text.text, (uint32_t)text.len, (int32_t)id,
		0 };
	return 0;
}

int tok_vocab_read_json(struct tok_vocab *v, struct tok_json *j)
{
	struct tn_text piece;
	int rc = tok_json_enter(j, '{');
	size_t id;

	while (!rc && tok_json_member(j, &piece, &rc)) {
		rc = tok_json_count(j, INT32_MAX - 1, &id);
		if (!rc && v->n == MAX_PIECES)
			rc = tok_json_fail(j, "more than %zu pieces", MAX_PIECES);
		if (!rc)
			rc = tok_vocab_add(v, piece, id, j->call);
	}
	return rc;
}

/* Rust's trim_end: Unicode White_Space. */
static size_t trim_end(const char *line, size_t len)
{
	size_t end = 0;

	for (size_t i = 0; i < len;) {
		uint32_t c;

		i += tok_decode(line + i, len - i, &c);
		if (!(tok_flags(c) & TOK_SPACE))
			end = i;
	}
	return end;
}

static int check_line(const char *path, size_t number, const char *line, size_t len,
	struct tn_call *call)
{
	if (len > MAX_LINE)
		return tn_fail(call, TN_EDATA, "%s:%zu: a piece of %zu bytes, at most %d are allowed",
			path, number, len, MAX_LINE);
	if (number > MAX_PIECES)
		return tn_fail(call, TN_EDATA, "%s:%zu: more than %zu lines", path, number,
			MAX_PIECES);
	for (size_t i = 0; i < len;) {
		uint32_t c;
		unsigned width = tok_decode(line + i, len - i, &c);

		if (!c)
			return tn_fail(call, TN_EDATA, "%s:%zu: byte %zu of the line is NUL", path,
				number, i);
		if (c == TOK_REPLACEMENT && (width < 3 || memcmp(line + i, "\xef\xbf\xbd", 3)))
			return tn_fail(call, TN_EDATA, "%s:%zu: byte %zu of the line is not UTF-8",
				path, number, i);
		i += width;
	}
	return 0;
}

int tok_vocab_read_lines(struct tok_vocab *v, const char *path, char *text, size_t len,
	struct tn_call *call)
{
	char *at = text, *end = text + len;
	bool cr = false;
	int rc = 0;

	if (len >= 3 && !memcmp(at, "\xef\xbb\xbf", 3)) {
		tn_note(call, "%s: the byte order mark is passed over", path);
		at += 3;
	}
	if (at == end)
		return tn_fail(call, TN_EDATA, "%s: empty, expected one piece a line", path);
	while (at < end && !rc) {
		char *stop = memchr(at, '\n', (size_t)(end - at)), *next = stop ? stop + 1 : end;
		size_t n = (size_t)((stop ? stop : end) - at);

		if (stop && n && at[n - 1] == '\r') {
			cr = true;
			n--;
		}
		rc = check_line(path, v->n + 1, at, n, call);
		if (rc)
			break;
		n = trim_end(at, n);
		at[n] = '\0';
		rc = tok_vocab_add(v, (struct tn_text){ at, n }, v->n, call);
		at = next;
	}
	if (cr)
		tn_note(call, "%s: CR line ends are passed over", path);
	return rc;
}

/* Sorts, and keeps the last of equal pieces; ids are positions on the way. */
static int sort_keys(struct tok_vocab *v, struct tn_call *call)
{
	int32_t *ids = malloc((v->n + 1) * sizeof(*ids));
	size_t kept = 0;

	if (!ids)
		return no_memory(call);
	for (size_t i = 0; i < v->n; i++) {
		ids[i] = v->keys[i].id;
		v->keys[i].id = (int32_t)i;
	}
	tok_keys_sort(v->keys, v->n);
	for (size_t i = 0; i < v->n; i++) {
		struct tok_key key = v->keys[i];

		key.id = ids[key.id];
		if (kept && tok_keys_equal(&v->keys[kept - 1], &key))
			kept--;
		v->keys[i] = v->keys[kept];
		v->keys[kept++] = key;
	}
	v->n = kept;
	free(ids);
	return 0;
}

int tok_vocab_build(struct tok_vocab *v, const char *path, size_t extra, struct tn_call *call)
{
	int rc = sort_keys(v, call);

	if (rc)
		return rc;
	v->pieces = calloc(v->n + extra + 1, sizeof(*v->pieces));
	if (!v->pieces)
		return no_memory(call);
	for (size_t i = 0; i < v->n; i++) {
		const struct tok_key *key = &v->keys[i];
		struct tn_text *piece;

		if ((size_t)key->id >= v->n + extra)
			return tn_fail(call, TN_EDATA, "%s: %s has id %d, but there are only %zu "
				"pieces", path, tn_quote(call, key->text, key->len), key->id, v->n);
		piece = &v->pieces[key->id];
		if (piece->text)
			return tn_fail(call, TN_EDATA, "%s: %s and %s both have id %d", path,
				tn_quote(call, piece->text, piece->len),
				tn_quote(call, key->text, key->len), key->id);
		*piece = (struct tn_text){ key->text, key->len };
		if ((size_t)key->id >= v->n_ids)
			v->n_ids = (size_t)key->id + 1;
	}
	return tok_trie_build(&v->trie, v->keys, v->n, call);
}

int tok_vocab_name(struct tok_vocab *v, struct tn_text text, int32_t id, struct tn_call *call)
{
	size_t n = (size_t)id + 1;

	if (n > v->n_ids) {
		struct tn_text *pieces = realloc(v->pieces, n * sizeof(*pieces));

		if (!pieces)
			return no_memory(call);
		memset(pieces + v->n_ids, 0, (n - v->n_ids) * sizeof(*pieces));
		v->pieces = pieces;
		v->n_ids = n;
	}
	v->pieces[id] = text;
	return 0;
}

void tok_vocab_free(struct tok_vocab *v)
{
	tok_trie_free(&v->trie);
	free(v->keys);
	free(v->pieces);
	*v = (struct tok_vocab){ 0 };
}

int32_t tok_vocab_id(const struct tok_vocab *v, const char *piece)
{
	return piece ? tok_trie_find(&v->trie, piece, strlen(piece)) : -1;
}

struct tn_text tok_vocab_piece(const struct tok_vocab *v, int32_t id)
{
	if (id < 0 || (size_t)id >= v->n_ids)
		return (struct tn_text){ NULL, 0 };
	return v->pieces[id];
}
