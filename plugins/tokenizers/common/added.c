/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/added.c - added tokens.
 * Source: Hugging Face tokenizers 0.22.2, tokenizer/added_vocabulary.rs.
 */
#include "added.h"

#include <stdlib.h>
#include <string.h>

#include "unicode/unicode.h"

#define MAX_CONTENT 1024
#define MAX_ID 2147483646
#define MAX_TOKENS 16384

static bool same_text(struct tn_text a, struct tn_text b)
{
	return a.len == b.len && !memcmp(a.text, b.text, a.len);
}

/* The id of a token that the vocabulary lacks: behind all that are used. */
static int32_t next_id(const struct tok_added *a, const struct tok_vocab *v)
{
	int32_t id = (int32_t)v->n;

	for (size_t i = 0; i < a->n; i++)
		if (a->items[i].id >= id)
			id = a->items[i].id + 1;
	return id;
}

int tok_added_add(struct tok_added *a, struct tok_vocab *v, struct tok_added_token token,
	struct tn_call *call)
{
	if (!token.content.len)
		return 0;
	for (size_t i = 0; i < a->n; i++)
		if (same_text(a->items[i].content, token.content))
			return 0;
	if (a->n == a->capacity) {
		size_t capacity = a->capacity ? a->capacity * 2 : 16;
		struct tok_added_token *items = realloc(a->items, capacity * sizeof(*items));

		if (!items)
			return tn_fail(call, TN_ENOMEM, "memory ran out for added tokens");
		a->items = items;
		a->capacity = capacity;
	}
	token.id = tok_trie_find(&v->trie, token.content.text, token.content.len);
	if (token.id < 0)
		token.id = next_id(a, v);
	a->items[a->n++] = token;
	return tok_vocab_name(v, token.content, token.id, call);
}

int tok_added_read(struct tok_added *a, struct tok_vocab *v, const struct tn_value *list,
	const char *path, struct tn_call *call)
{
	int rc = 0;

	if (tn_size(list) > MAX_TOKENS)
		return tn_fail(call, TN_EDATA, "%s: added_tokens: %zu items, at most %d are allowed",
			path, tn_size(list), MAX_TOKENS);
	for (size_t i = 0; i < tn_size(list) && !rc; i++) {
		const struct tn_value *item = tn_at(list, i), *content = tn_get(item, "content");
		const struct tn_value *id = tn_get(item, "id");
		struct tok_added_token token = {
			.content = { tn_string(content, NULL), tn_string_length(content) },
			.special = tn_bool(tn_get(item, "special"), false),
			.single_word = tn_bool(tn_get(item, "single_word"), false),
			.lstrip = tn_bool(tn_get(item, "lstrip"), false),
			.rstrip = tn_bool(tn_get(item, "rstrip"), false),
		};

		token.normalized = tn_bool(tn_get(item, "normalized"), !token.special);
		if (!token.content.text)
			return tn_fail(call, TN_EDATA, "%s: added_tokens: item %zu has no text "
				"\"content\"", path, i);
		if (token.content.len > MAX_CONTENT)
			return tn_fail(call, TN_EDATA, "%s: added_tokens: item %zu has %zu bytes, at "
				"most %d are allowed", path, i, token.content.len, MAX_CONTENT);
		if (id && (tn_int(id, -1) < 0 || tn_int(id, -1) > MAX_ID))
			return tn_fail(call, TN_EDATA, "%s: added_tokens: the \"id\" of item %zu is "
				"no integer of 0 to %d", path, i, MAX_ID);
		rc = tok_added_add(a, v, token, call);
	}
	return rc;
}

/* The key of a token: its content or the normal form of that, in the call's arena. */
static int make_key(const struct tok_added_token *token, const struct tok_normalizer *normalize,
	size_t index, const char *path, struct tok_key *key, struct tn_call *call)
{
	struct tok_piece p = { token->content.text, token->content.len, NULL, 0 };
	struct tok_scratch scratch = { 0 };
	int rc;

	*key = (struct tok_key){ token->content.text, (uint32_t)token->content.len,
		(int32_t)index };
	if (!token->normalized || !normalize)
		return 0;
	rc = tok_normalize(normalize, &p, &scratch, call);
	if (rc)
		return rc;
	if (!p.len)
		return tn_fail(call, TN_EDATA, "%s: added_tokens: nothing is left of %s after "
			"normalization", path, tn_quote(call, token->content.text,
			token->content.len));
	key->text = p.text;
	key->len = (uint32_t)p.len;
	return 0;
}

static int build_set(struct tok_added *a, struct tok_added_set *set, bool normalized,
	const struct tok_normalizer *normalize, const char *path, struct tn_call *call)
{
	struct tok_key *keys = tn_alloc_n(call, a->n, sizeof(*keys));
	size_t n = 0, kept = 0;
	int rc = keys ? 0 : TN_ENOMEM;

	for (size_t i = 0; i < a->n && !rc; i++)
		if (a->items[i].normalized == normalized)
			rc = make_key(&a->items[i], normalize, i, path, &keys[n++], call);
	if (rc)
		return rc;
	tok_keys_sort(keys, n);
	for (size_t i = 0; i < n; i++) {
		/* Of equal keys the first token counts, but a special one before others. */
		if (kept && keys[kept - 1].len == keys[i].len &&
			!memcmp(keys[kept - 1].text, keys[i].text, keys[i].len)) {
			if (!a->items[keys[kept - 1].id].special && a->items[keys[i].id].special)
				keys[kept - 1].id = keys[i].id;
			continue;
		}
		set->only = kept && set->only != (unsigned char)keys[i].text[0] ? -1 :
			(unsigned char)keys[i].text[0];
		set->first[(unsigned char)keys[i].text[0]] = true;
		keys[kept++] = keys[i];
	}
	set->any = kept;
	return tok_trie_build(&set->trie, keys, kept, call);
}

int tok_added_build(struct tok_added *a, const struct tok_normalizer *normalize, const char *path,
	struct tn_call *call)
{
	int rc = build_set(a, &a->raw, false, NULL, path, call);

	return rc ? rc : build_set(a, &a->normal, true, normalize, path, call);
}

void tok_added_free(struct tok_added *a)
{
	tok_trie_free(&a->raw.trie);
	tok_trie_free(&a->normal.trie);
	free(a->items);
	*a = (struct tok_added){ 0 };
}

/* The character that ends at `at` > 0. */
static uint32_t char_before(const char *text, size_t at, size_t *begin)
{
	uint32_t c;

	for (size_t back = 1; back <= 4 && back <= at; back++) {
		if (((unsigned char)text[at - back] & 0xc0) == 0x80)
			continue;
		*begin = at - back;
		if (tok_decode(text + *begin, back, &c) == back)
			return c;
		break;
	}
	*begin = at - 1;
	return TOK_REPLACEMENT;
}

static bool touches_word(const char *text, size_t len, const struct tok_match *m)
{
	uint32_t c;
	size_t begin;

	if (m->begin && tok_flags(char_before(text, m->begin, &begin)) & TOK_WORD)
		return true;
	if (m->end == len)
		return false;
	tok_decode(text + m->end, len - m->end, &c);
	return tok_flags(c) & TOK_WORD;
}

static void strip_left(const char *text, size_t done, struct tok_match *m)
{
	size_t begin;

	while (m->begin > done && tok_flags(char_before(text, m->begin, &begin)) & TOK_SPACE)
		m->begin = begin;
	/* Spaces that the token before took are not taken again. */
	if (m->begin < done)
		m->begin = done;
}

static void strip_right(const char *text, size_t len, size_t done, struct tok_match *m)
{
	/* What the token before took are spaces: they are not walked over again. */
	if (m->end < done)
		m->end = done;
	while (m->end < len) {
		uint32_t c;
		unsigned width = tok_decode(text + m->end, len - m->end, &c);

		if (!(tok_flags(c) & TOK_SPACE))
			break;
		m->end += width;
	}
}

/* The longest key at `begin`; false when there is none. */
static bool longest(const struct tok_added *a, const struct tok_added_set *set, const char *text,
	size_t len, size_t begin, struct tok_match *out)
{
	int32_t node = TOK_ROOT;
	bool found = false;

	for (size_t i = begin; i < len; i++) {
		node = tok_trie_step(&set->trie, node, (unsigned char)text[i]);
		if (node == TOK_NOWHERE)
			break;
		if (set->trie.cells[node].id < 0)
			continue;
		*out = (struct tok_match){ begin, i + 1, &a->items[set->trie.cells[node].id] };
		found = true;
	}
	return found;
}

/* The first byte at or behind i that begins a key, or len. */
static size_t next_first(const struct tok_added_set *set, const char *text, size_t len, size_t i)
{
	const char *at;

	if (!set->any || i >= len)
		return len;
	if (set->only >= 0) {
		at = memchr(text + i, set->only, len - i);
		return at ? (size_t)(at - text) : len;
	}
	while (i < len && !set->first[(unsigned char)text[i]])
		i++;
	return i;
}

bool tok_added_find(const struct tok_added *a, const struct tok_added_set *set, const char *text,
	size_t len, size_t *search, size_t done, struct tok_match *out)
{
	for (size_t i = *search; (i = next_first(set, text, len, i)) < len;) {
		if (!longest(a, set, text, len, i, out)) {
			i++;
			continue;
		}
		*search = i = out->end;
		/* One that is refused is passed over whole: no shorter one is tried. */
		if (out->token->single_word && touches_word(text, len, out))
			continue;
		if (out->token->lstrip)
			strip_left(text, done, out);
		if (out->token->rstrip)
			strip_right(text, len, done, out);
		if (out->begin < out->end)
			return true;
	}
	return false;
}

bool tok_added_special(const struct tok_added *a, int32_t id)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->items[i].id == id && a->items[i].special)
			return true;
	return false;
}
