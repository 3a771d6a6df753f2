/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/bpe/index.c - the tables that encoding uses.
 */
#include <stdlib.h>

#include "open.h"
#include "unicode/unicode.h"

static int no_memory(struct tn_call *call)
{
	return tn_fail(call, TN_ENOMEM, "memory ran out for a vocabulary");
}

/* The bytes that a piece spells as ByteLevel writes them; false: it spells none. */
static bool unspell(struct tn_text piece, char *to, uint32_t *len)
{
	*len = 0;
	for (size_t i = 0; i < piece.len;) {
		uint32_t c;
		int byte;

		i += tok_decode(piece.text + i, piece.len - i, &c);
		byte = tok_char_byte(c);
		if (byte < 0)
			return false;
		to[(*len)++] = (char)byte;
	}
	return *len;
}

static int32_t find(const struct bpe_tokenizer *t, const char *text, size_t len)
{
	return tok_trie_find(&t->vocab.trie, text, len);
}

static void find_symbols(struct bpe_tokenizer *t)
{
	static const char digits[] = "0123456789ABCDEF";
	struct bpe_model *m = &t->model;
	bool all = true;

	for (unsigned i = 0; i < 256; i++) {
		char name[6] = { '<', '0', 'x', digits[i >> 4], digits[i & 15], '>' }, text[4];
		unsigned width = tok_encode(tok_byte_char((unsigned char)i), text);

		m->fallback[i] = find(t, name, 6);
		m->of_byte[i] = find(t, text, width);
		all &= m->of_byte[i] >= 0;
	}
	/* Of an unknown byte nothing may be dropped, or offsets would differ from those of
	 * Hugging Face, which counts bytes of what ByteLevel writes. */
	m->raw = tok_pretok_ends_in_bytes(&t->pretok) && (all || m->unk >= 0) &&
		!m->byte_fallback && !m->prefix.len && !m->suffix.len;
	t->pretok.raw_bytes = m->raw;
	for (unsigned i = 0; i < 256 && !m->raw; i++)
		m->of_byte[i] = i < 128 ? find(t, (char[]){ (char)i }, 1) : -1;
}

/* The pieces as they are looked up: their bytes, sorted. */
static int make_keys(struct bpe_tokenizer *t, struct tok_key **keys, size_t *n,
	struct tn_call *call)
{
	size_t bytes = 0;
	char *text;

	for (size_t i = 0; i < t->vocab.n; i++)
		bytes += t->vocab.keys[i].len;
	*keys = malloc((t->vocab.n + 1) * sizeof(**keys));
	text = tn_arena_alloc(t->arena, bytes + 1);
	if (!*keys || !text)
		return no_memory(call);
	*n = 0;
	for (size_t i = 0; i < t->vocab.n; i++) {
		struct tok_key key = t->vocab.keys[i];

		if (t->model.raw) {
			if (!unspell((struct tn_text){ key.text, key.len }, text, &key.len))
				continue;
			key.text = text;
			text += key.len;
		}
		(*keys)[(*n)++] = key;
	}
	tok_keys_sort(*keys, *n);
	return 0;
}

static bool is_whole(const struct bpe_tokenizer *t, const struct tok_key *key,
	struct bpe_work *work, struct tn_call *call)
{
	return t->ignore_merges || (!bpe_word(&t->model, key->text, key->len, work, call) &&
		work->n == 1 && work->symbols[0].id == key->id &&
		work->symbols[0].len == key->len);
}

/* Keeps the short words that are one token, and moves the others behind them. */
static size_t whole_words(const struct bpe_tokenizer *t, struct tok_key *keys, size_t n,
	struct tn_call *call)
{
	struct bpe_work work = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct tok_key key = keys[i];

		if (!key.len || key.len > TOK_MAX_WORD || !is_whole(t, &key, &work, call))
			continue;
		keys[i] = keys[kept];
		keys[kept++] = key;
	}
	return kept;
}

/* Whether a text stands in a longer piece. */
static bool inside(struct tn_text piece, const char *text, size_t len)
{
	for (size_t i = 0; piece.len > len && i + len <= piece.len; i++)
		if (!memcmp(piece.text + i, text, len))
			return true;
	return false;
}

/* Marks what stands side by side in a piece, and whether a mark stands behind another
 * character in one. */
static void join_piece(struct bpe_tokenizer *t, struct tn_text piece)
{
	const unsigned char *text = (const unsigned char *)piece.text;

	for (size_t i = 1; i < piece.len; i++) {
		t->joins[text[i - 1] << 8 | text[i]] = true;
		if (bpe_is_mark(piece.text + i, piece.len - i) && !(i >= BPE_MARK_LEN &&
			bpe_is_mark(piece.text + i - BPE_MARK_LEN, BPE_MARK_LEN)))
			t->cuts_marks = false;
	}
}

/* Merges make pieces: across bytes that no piece has side by side there are none.  One of
 * them must be a known character, for unknown ones join. */
static int find_joins(struct bpe_tokenizer *t, struct tn_call *call)
{
	const struct bpe_model *m = &t->model;
	const char *unk = t->vocab.pieces[m->unk >= 0 ? m->unk : 0].text;

	if (t->pretok.n || m->unk < 0 || m->prefix.len || m->suffix.len || t->ignore_merges)
		return 0;
	for (size_t i = 0; i < t->vocab.n; i++) {
		struct tn_text piece = { t->vocab.keys[i].text, t->vocab.keys[i].len };

		if (inside(piece, unk, strlen(unk)) || (m->byte_fallback && piece.len > 6 &&
			inside(piece, "<0x", 3)))
			return 0;
	}
	t->joins = malloc(256 * 256 * sizeof(*t->joins));
	if (!t->joins)
		return no_memory(call);
	for (unsigned i = 0; i < 256 * 256; i++)
		t->joins[i] = (i & 0xc0) == 0x80 || (m->of_byte[i >> 8] < 0 &&
			m->of_byte[i & 255] < 0);
	t->cuts_marks = find(t, BPE_MARK, BPE_MARK_LEN) >= 0;
	for (size_t i = 0; i < t->vocab.n; i++)
		join_piece(t, (struct tn_text){ t->vocab.keys[i].text, t->vocab.keys[i].len });
	return 0;
}

/* Whether all of normalizing is to put a mark before the text and for its spaces. */
static bool makes_marks(const struct tok_normalizer *n)
{
	const struct tok_normal_step *s = n->steps;

	return n->n == 2 && s[0].kind == TOK_NORMAL_PREPEND && tok_equal(s[0].text, BPE_MARK) &&
		s[1].kind == TOK_NORMAL_REPLACE && s[1].pattern.kind == TOK_PATTERN_TEXT &&
		tok_equal(s[1].pattern.text, " ") && tok_equal(s[1].text, BPE_MARK);
}

/* The first bytes of added tokens behind their marks; false: one has nothing else. */
static bool find_begins(struct bpe_tokenizer *t)
{
	bool first[256] = { false };
	size_t n = 0;

	for (size_t i = 0; i < t->added.n; i++) {
		struct tn_text c = t->added.items[i].content;
		size_t at = 0;

		if (!t->added.items[i].normalized)
			continue;
		while (at < c.len && (c.text[at] == ' ' || bpe_is_mark(c.text + at, c.len - at)))
			at += c.text[at] == ' ' ? 1 : BPE_MARK_LEN;
		if (at == c.len || !c.text[at])
			return false;
		first[(unsigned char)c.text[at]] = true;
	}
	for (unsigned b = 1; b < 256; b++)
		if (first[b])
			t->begins[n++] = (char)b;
	return true;
}

/* The words that are one piece with a mark before.  Of `keys` the first are known to be one; of the
 * others those are tried that are short but for the mark. */
static int find_bodies(struct bpe_tokenizer *t, struct tok_key *keys, size_t n_whole, size_t n,
	struct tn_call *call)
{
	struct bpe_work work = { 0 };
	size_t kept = 0;

	if (!t->cuts_marks || !t->joins || !makes_marks(&t->normalizer) || !find_begins(t))
		return 0;
	for (size_t i = 0; i < n; i++) {
		struct tok_key key = keys[i];

		if (key.len <= BPE_MARK_LEN || key.len > BPE_MARK_LEN + TOK_MAX_WORD ||
			!bpe_is_mark(key.text, key.len) || (i >= n_whole &&
			(key.len <= TOK_MAX_WORD || !is_whole(t, &key, &work, call))))
			continue;
		key.text += BPE_MARK_LEN;
		key.len -= BPE_MARK_LEN;
		keys[kept++] = key;
	}
	return tok_words_build(&t->bodies, keys, kept, call);
}

/* The one pattern that makes words of text as it stands, or NULL. */
static const struct tok_pattern *only_tiles(const struct bpe_tokenizer *t)
{
	const struct tok_pretok_step *s = t->pretok.steps, *last;

	if (!t->model.raw || t->pretok.n > 2)
		return NULL;
	last = &s[t->pretok.n - 1];
	if (last->prefix)
		return NULL;
	if (t->pretok.n == 1)
		return last->split ? &last->pattern : NULL;
	return s->kind == TOK_PRETOK_SPLIT && s->behavior == TOK_ISOLATED &&
		tok_pattern_tiles(&s->pattern) && !last->split ? &s->pattern : NULL;
}

int bpe_index(struct bpe_tokenizer *t, struct tn_call *call)
{
	struct tok_key *keys = NULL;
	size_t n = 0, n_whole = 0;
	int rc;

	t->model.trie = &t->vocab.trie;
	find_symbols(t);
	t->tiles = only_tiles(t);
	rc = find_joins(t, call);
	if (!rc)
		rc = bpe_model_finish(&t->model, call);
	if (!rc)
		rc = make_keys(t, &keys, &n, call);
	if (!rc && t->model.raw && t->ignore_merges)
		rc = tok_trie_build(&t->raw, keys, n, call);
	if (!rc)
		n_whole = whole_words(t, keys, n, call);
	if (!rc)
		rc = tn_status(call);
	if (!rc)
		rc = tok_words_build(&t->words, keys, n_whole, call);
	if (!rc)
		rc = find_bodies(t, keys, n_whole, n, call);
	if (!rc)
		rc = tn_status(call);
	if (!rc && t->post.trim && !(t->blanks = tok_blanks_of(&t->vocab, call)))
		rc = TN_ENOMEM;
	free(keys);
	return rc;
}
