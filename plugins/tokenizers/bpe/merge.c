/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/bpe/merge.c - byte pair encoding of one word.
 */
#include "merge.h"

#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "unicode/unicode.h"

#define SHORT 48		/* a word of so many symbols is merged by looking at all of them */
#define NO_RANK UINT32_MAX

/* --- the table --- */

int bpe_model_init(struct bpe_model *m, size_t n, struct tn_call *call)
{
	size_t slots = 64;

	while (slots < 2 * n)
		slots *= 2;
	m->slots = tok_table_alloc(slots, sizeof(*m->slots));
	if (!m->slots)
		return tn_fail(call, TN_ENOMEM, "memory ran out for %zu merges", n);
	m->mask = slots - 1;
	for (size_t i = 0; i < slots; i++)
		m->slots[i] = (struct bpe_merge){ 0, NO_RANK, -1 };
	return 0;
}

void bpe_model_free(struct bpe_model *m)
{
	free(m->slots);
	free(m->first);
	m->slots = NULL;
	m->first = NULL;
}

static inline uint64_t pair_of(int32_t left, int32_t right)
{
	return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

/* The slot of a pair: its own, or a free one. */
static inline struct bpe_merge *slot_of(const struct bpe_model *m, uint64_t pair)
{
	uint64_t h = pair * 0x9e3779b97f4a7c15u;
	size_t i = (size_t)(h ^ h >> 32);

	for (;; i++) {
		struct bpe_merge *slot = &m->slots[i & m->mask];

		if (slot->pair == pair || slot->to < 0)
			return slot;
	}
}

void bpe_model_add(struct bpe_model *m, int32_t left, int32_t right, uint32_t rank, int32_t to)
{
	uint64_t pair = pair_of(left, right);

	*slot_of(m, pair) = (struct bpe_merge){ pair, rank, to };
}

static inline struct bpe_found lookup(const struct bpe_model *m, struct bpe_symbol left,
	struct bpe_symbol right)
{
	const struct bpe_merge *slot = slot_of(m, pair_of(left.id, right.id));

	return (struct bpe_found){ slot->rank, slot->to };
}

int bpe_model_finish(struct bpe_model *m, struct tn_call *call)
{
	m->first = malloc(256 * 256 * sizeof(*m->first));
	if (!m->first)
		return tn_fail(call, TN_ENOMEM, "memory ran out for merges");
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b++)
			m->first[a << 8 | b] = m->of_byte[a] < 0 || m->of_byte[b] < 0 ?
				(struct bpe_found){ NO_RANK, -1 } :
				lookup(m, (struct bpe_symbol){ m->of_byte[a], 1 },
					(struct bpe_symbol){ m->of_byte[b], 1 });
	return 0;
}

/* --- the symbols that a word begins with --- */

static int reserve(struct bpe_work *w, size_t n, struct tn_call *call)
{
	if (w->capacity >= n)
		return 0;
	n += n / 2 + SHORT;
	w->symbols = tn_alloc_n(call, n, sizeof(*w->symbols));
	w->bytes = tn_alloc_n(call, n, sizeof(*w->bytes));
	w->before = tn_alloc_n(call, n, sizeof(*w->before));
	w->behind = tn_alloc_n(call, n, sizeof(*w->behind));
	w->max_heap = 3 * n;
	w->heap = tn_alloc_n(call, w->max_heap, sizeof(*w->heap));
	if (!w->symbols || !w->bytes || !w->before || !w->behind || !w->heap)
		return TN_ENOMEM;
	w->capacity = n;
	return 0;
}

static inline void add(struct bpe_work *w, int32_t id, size_t len)
{
	w->bytes[w->n] = BPE_NO_BYTE;
	w->symbols[w->n++] = (struct bpe_symbol){ id, (uint32_t)len };
}

/* A character with the prefix and suffix that belong to it, for the trie. */
static int32_t find_char(const struct bpe_model *m, const char *c, size_t width, bool first,
	bool last)
{
	const struct tok_trie *trie = m->trie;
	int32_t node = TOK_ROOT;

	if (!first)
		node = tok_trie_walk(trie, node, m->prefix.text, m->prefix.len);
	if (node != TOK_NOWHERE)
		node = tok_trie_walk(trie, node, c, width);
	if (node != TOK_NOWHERE && last)
		node = tok_trie_walk(trie, node, m->suffix.text, m->suffix.len);
	return node == TOK_NOWHERE ? -1 : trie->cells[node].id;
}

/* Adds the pieces of the bytes of a text unless one of them is none. */
static bool has_bytes(const struct bpe_model *m, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (m->fallback[(unsigned char)text[i]] < 0)
			return false;
	return true;
}

static void add_bytes(const struct bpe_model *m, const char *text, size_t len, struct bpe_work *w)
{
	for (size_t i = 0; i < len; i++)
		add(w, m->fallback[(unsigned char)text[i]], 1);
}

/* Bytes of an unknown character, prefix and suffix among them as Hugging Face has it. */
static bool fall_back(const struct bpe_model *m, const char *c, size_t width, bool first,
	bool last, struct bpe_work *w)
{
	struct tn_text prefix = first ? (struct tn_text){ NULL, 0 } : m->prefix;
	struct tn_text suffix = last ? m->suffix : (struct tn_text){ NULL, 0 };

	if (!m->byte_fallback || !has_bytes(m, prefix.text, prefix.len) ||
		!has_bytes(m, c, width) || !has_bytes(m, suffix.text, suffix.len))
		return false;
	add_bytes(m, prefix.text, prefix.len, w);
	add_bytes(m, c, width, w);
	add_bytes(m, suffix.text, suffix.len, w);
	return true;
}

/* An unknown character waits, for those behind it may join it (`unk`: bytes that wait);
 * byte pieces overtake it as in Hugging Face.  Without an unknown piece it is dropped. */
static void split_chars(const struct bpe_model *m, const char *text, size_t len,
	struct bpe_work *w)
{
	bool plain = m->raw || (!m->prefix.len && !m->suffix.len);
	size_t unk = 0;

	for (size_t i = 0, width; i < len; i += width) {
		unsigned char byte = (unsigned char)text[i];
		int32_t id;
		uint32_t c;

		width = m->raw ? 1 : tok_decode(text + i, len - i, &c);
		id = plain && width == 1 ? m->of_byte[byte] :
			find_char(m, text + i, width, !i, i + width == len);
		if (id >= 0) {
			if (unk)
				add(w, m->unk, unk);
			unk = 0;
			add(w, id, width);
			if (plain && width == 1)
				w->bytes[w->n - 1] = byte;
			continue;
		}
		if (fall_back(m, text + i, width, !i, i + width == len, w) || m->unk < 0)
			continue;
		if (unk && !m->fuse_unk) {
			add(w, m->unk, unk);
			unk = 0;
		}
		unk += width;
	}
	if (unk)
		add(w, m->unk, unk);
}

/* --- merging --- */

static void drop_merged(struct bpe_symbol *s, size_t *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++)
		if (s[i].len)
			s[kept++] = s[i];
	*n = kept;
}

/* Looks at all pairs for the best one.  A symbol that went has length 0. */
static void merge_short(const struct bpe_model *m, struct bpe_work *w)
{
	struct bpe_symbol *s = w->symbols;
	struct bpe_found found[SHORT];
	uint8_t before[SHORT], behind[SHORT];
	size_t n = w->n;

	for (size_t i = 0; i < n; i++) {
		unsigned a = w->bytes[i], b = i + 1 < n ? w->bytes[i + 1] : 0;

		before[i] = (uint8_t)(i - 1);
		behind[i] = (uint8_t)(i + 1);
		found[i] = i + 1 == n ? (struct bpe_found){ NO_RANK, -1 } :
			a < BPE_NO_BYTE && b < BPE_NO_BYTE ? m->first[a << 8 | b] :
			lookup(m, s[i], s[i + 1]);
	}
	for (;;) {
		size_t best = 0, right, next;

		for (size_t i = 1; i < n; i++)
			best = found[i].rank < found[best].rank ? i : best;
		if (found[best].rank == NO_RANK)
			break;
		right = behind[best];
		next = behind[best] = behind[right];
		s[best] = (struct bpe_symbol){ found[best].to, s[best].len + s[right].len };
		s[right].len = 0;
		found[best].rank = found[right].rank = NO_RANK;
		if (next < n) {
			before[next] = (uint8_t)best;
			found[best] = lookup(m, s[best], s[next]);
		}
		if (best)
			found[before[best]] = lookup(m, s[before[best]], s[best]);
	}
	drop_merged(s, &w->n);
}

static void heap_down(uint64_t *heap, size_t n, size_t i)
{
	uint64_t x = heap[i];

	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && heap[child + 1] < heap[child])
			child++;
		if (heap[child] >= x)
			break;
		heap[i] = heap[child];
	}
	heap[i] = x;
}

static void heap_push(struct bpe_work *w, uint64_t x)
{
	size_t i = w->n_heap++;

	for (; i && w->heap[(i - 1) / 2] > x; i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = x;
}

static uint64_t heap_pop(struct bpe_work *w)
{
	uint64_t top = w->heap[0];

	w->heap[0] = w->heap[--w->n_heap];
	if (w->n_heap)
		heap_down(w->heap, w->n_heap, 0);
	return top;
}

static inline void push_pair(const struct bpe_model *m, struct bpe_work *w, size_t left,
	size_t right)
{
	struct bpe_found found = lookup(m, w->symbols[left], w->symbols[right]);

	if (found.to >= 0)
		heap_push(w, (uint64_t)found.rank << 32 | left);
}

static void link_all(const struct bpe_model *m, struct bpe_work *w)
{
	w->n_heap = 0;
	for (size_t i = 0; i < w->n; i++) {
		struct bpe_found found;

		w->before[i] = (int32_t)i - 1;
		w->behind[i] = i + 1 < w->n ? (int32_t)i + 1 : -1;
		if (i + 1 == w->n)
			break;
		found = lookup(m, w->symbols[i], w->symbols[i + 1]);
		if (found.to >= 0)
			w->heap[w->n_heap++] = (uint64_t)found.rank << 32 | i;
	}
	for (size_t i = w->n_heap / 2; i-- > 0;)
		heap_down(w->heap, w->n_heap, i);
}

/* What is popped may be of symbols that have merged with others since: a symbol that went
 * has length 0, and one that grew has another pair or none. */
static void merge_long(const struct bpe_model *m, struct bpe_work *w)
{
	link_all(m, w);
	while (w->n_heap) {
		uint64_t top = heap_pop(w);
		size_t left = (uint32_t)top;
		int32_t right = w->behind[left], next;
		struct bpe_found found;

		if (!w->symbols[left].len || right < 0)
			continue;
		found = lookup(m, w->symbols[left], w->symbols[right]);
		if (found.to < 0 || found.rank != top >> 32)
			continue;
		w->symbols[left].id = found.to;
		w->symbols[left].len += w->symbols[right].len;
		w->symbols[right].len = 0;
		next = w->behind[left] = w->behind[right];
		if (next >= 0)
			w->before[next] = (int32_t)left;
		if (w->before[left] >= 0)
			push_pair(m, w, (size_t)w->before[left], left);
		if (next >= 0)
			push_pair(m, w, left, (size_t)next);
	}
	drop_merged(w->symbols, &w->n);
}

int bpe_word(const struct bpe_model *m, const char *text, size_t len, struct bpe_work *work,
	struct tn_call *call)
{
	size_t spelled = m->byte_fallback ? m->prefix.len + m->suffix.len : 0;

	if (reserve(work, len * (1 + spelled), call))
		return TN_ENOMEM;
	work->n = 0;
	split_chars(m, text, len, work);
	if (work->n > INT32_MAX)
		return tn_fail(call, TN_EDATA, "a word of %zu bytes, at most %d are possible", len,
			INT32_MAX);
	if (work->n > 1 && work->n <= SHORT)
		merge_short(m, work);
	else if (work->n > 1)
		merge_long(m, work);
	return 0;
}
