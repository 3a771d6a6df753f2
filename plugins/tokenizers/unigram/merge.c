/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/merge.c - byte pair encoding as sentencepiece does it, and its
 * models of words and characters, which are that without merges.
 */
#include "merge.h"

#include "unicode/unicode.h"

/* --- pairs, the best first --- */

/* A number that is the lower, the higher the score. */
static uint32_t order_of(double score)
{
	float f = (float)score + 0.0f;	/* of -0 it makes 0 */
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits & 0x80000000u ? bits : ~(bits | 0x80000000u);
}

static void heap_push(struct spm_merging *m, struct spm_pair x)
{
	size_t i = m->n_heap++;

	for (; i && m->heap[(i - 1) / 2].order > x.order; i = (i - 1) / 2)
		m->heap[i] = m->heap[(i - 1) / 2];
	m->heap[i] = x;
}

static struct spm_pair heap_pop(struct spm_merging *m)
{
	struct spm_pair top = m->heap[0], x = m->heap[--m->n_heap];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < m->n_heap; i = child) {
		if (child + 1 < m->n_heap && m->heap[child + 1].order < m->heap[child].order)
			child++;
		if (m->heap[child].order >= x.order)
			break;
		m->heap[i] = m->heap[child];
	}
	m->heap[i] = x;
	return top;
}

/* --- symbols --- */

static int reserve(struct spm_merging *m, size_t n, struct tn_call *call)
{
	if (m->capacity >= n)
		return 0;
	n += n / 2 + 64;
	m->symbols = tn_alloc_n(call, n, sizeof(*m->symbols));
	/* A pair for each symbol at first, and two for each merge. */
	m->heap = tn_alloc_n(call, 3 * n, sizeof(*m->heap));
	if (!m->symbols || !m->heap)
		return TN_ENOMEM;
	m->capacity = n;
	return 0;
}

/* How many bytes the user-defined piece has that a text begins with, the longest; 0: none. */
static size_t find_user(const struct spm *s, const char *text, size_t len)
{
	int32_t node = TOK_ROOT;
	size_t found = 0;

	for (size_t i = 0; i < len && node != TOK_NOWHERE; i++) {
		node = tok_trie_step(&s->user, node, (unsigned char)text[i]);
		if (node != TOK_NOWHERE && s->user.cells[node].id >= 0)
			found = i + 1;
	}
	return found;
}

/* The characters of a word up to the next mark. */
static size_t word_width(const char *text, size_t len)
{
	size_t at = 1;

	while (at < len && (len - at < UNIGRAM_MARK_LEN ||
		memcmp(text + at, UNIGRAM_MARK, UNIGRAM_MARK_LEN)))
		at++;
	return at;
}

static void split_text(const struct spm *s, const char *text, size_t len, struct spm_merging *m)
{
	m->n = m->n_heap = 0;
	for (size_t at = 0, width; at < len; at += width) {
		size_t user = s->model == SPM_WORD ? 0 : find_user(s, text + at, len - at);
		uint32_t c;

		width = s->model == SPM_WORD ? word_width(text + at, len - at) :
			user ? user : tok_decode(text + at, len - at, &c);
		m->symbols[m->n] = (struct spm_symbol){ (uint32_t)at, (uint32_t)width,
			tok_trie_walk(&s->trie, TOK_ROOT, text + at, width), (int32_t)m->n - 1,
			at + width < len ? (int32_t)m->n + 1 : -1, user > 0 };
		m->n++;
	}
}

/* The node of two symbols as one. */
static int32_t node_of(const struct spm *s, const char *text, const struct spm_symbol *left,
	const struct spm_symbol *right)
{
	return left->node == TOK_NOWHERE ? TOK_NOWHERE :
		tok_trie_walk(&s->trie, left->node, text + right->begin, right->len);
}

/* Adds a symbol and the one behind it, if they may become one. */
static void push_pair(const struct spm *s, const struct unigram *u, const char *text,
	struct spm_merging *m, int32_t left)
{
	const struct spm_symbol *a, *b;
	int32_t node, id;

	if (left < 0 || m->symbols[left].behind < 0)
		return;
	a = &m->symbols[left];
	b = &m->symbols[a->behind];
	node = a->frozen || b->frozen ? TOK_NOWHERE : node_of(s, text, a, b);
	id = node == TOK_NOWHERE ? -1 : s->trie.cells[node].id;
	if (id >= 0)
		heap_push(m, (struct spm_pair){ (uint64_t)order_of(u->scores[id]) << 32 |
			(uint32_t)left, a->len + b->len });
}

/* --- merging --- */

static int merge(const struct spm *s, const struct unigram *u, const char *text, size_t len,
	struct spm_merging *m, struct tn_call *call)
{
	if (reserve(m, len, call))
		return TN_ENOMEM;
	split_text(s, text, len, m);
	for (size_t i = 0; i < m->n && s->model == SPM_BPE; i++)
		push_pair(s, u, text, m, (int32_t)i);
	while (m->n_heap) {
		struct spm_pair top = heap_pop(m);
		struct spm_symbol *a = &m->symbols[(uint32_t)top.order], *b;

		if (!a->len || a->behind < 0)
			continue;
		b = &m->symbols[a->behind];
		if (a->len + b->len != top.len)
			continue;
		a->node = node_of(s, text, a, b);
		a->len += b->len;
		b->len = 0;
		a->behind = b->behind;
		if (a->behind >= 0)
			m->symbols[a->behind].before = (int32_t)(a - m->symbols);
		push_pair(s, u, text, m, a->before);
		push_pair(s, u, text, m, (int32_t)(a - m->symbols));
	}
	return 0;
}

static int32_t id_of(const struct spm *s, const struct spm_symbol *symbol)
{
	int32_t id = symbol->node == TOK_NOWHERE ? -1 : s->trie.cells[symbol->node].id;

	return id < 0 ? s->unk : id;
}

int spm_merge(const struct spm *s, const struct unigram *u, const struct unigram_word *w,
	struct spm_merging *m, struct tn_tokens *out, struct tn_call *call)
{
	int rc = merge(s, u, w->body.text, w->body.len, m, call);

	for (int32_t i = w->body.len ? 0 : -1, next; i >= 0 && !rc; i = next) {
		int32_t id = id_of(s, &m->symbols[i]), last = i;

		next = m->symbols[i].behind;
		/* Unknown characters in a row are one token, unless they become bytes. */
		while (id == s->unk && !u->byte_fallback && next >= 0 &&
			id_of(s, &m->symbols[next]) == s->unk) {
			last = next;
			next = m->symbols[next].behind;
		}
		rc = unigram_emit(u, w, id, m->symbols[i].begin,
			m->symbols[last].begin + m->symbols[last].len, out, call);
	}
	return rc;
}

int32_t spm_merge_whole(const struct spm *s, const struct unigram *u, const char *text, size_t len,
	struct spm_merging *m, struct tn_call *call)
{
	if (merge(s, u, text, len, m, call) || m->symbols[0].len != len)
		return -1;
	return id_of(s, &m->symbols[0]) == s->unk ? -1 : id_of(s, &m->symbols[0]);
}
