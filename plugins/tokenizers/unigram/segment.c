/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/segment.c - the most likely pieces of a text.
 */
#include "segment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PENALTY 10.0	/* an unknown character is that much worse than the worst piece */

static void find_touches(struct unigram *u, const struct tn_text *pieces, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const unsigned char *text = (const unsigned char *)pieces[i].text;

		for (size_t k = 1; k < pieces[i].len; k++)
			if (text[k - 1] < 128 && text[k] < 128)
				u->touches[text[k - 1]][text[k] >> 6] |= 1ull << (text[k] & 63);
	}
}

int unigram_init(struct unigram *u, double least, const struct tn_text *pieces, size_t n,
	struct tn_call *call)
{
	u->unk_score = least - PENALTY;
	if (u->narrow)
		u->unk_score = (float)u->unk_score;
	u->mark = tok_trie_walk(u->trie, TOK_ROOT, UNIGRAM_MARK, UNIGRAM_MARK_LEN);
	for (int b = 0; b < 256; b++) {
		char name[8];

		snprintf(name, sizeof(name), "<0x%02X>", (unsigned)b);
		u->bytes[b] = tok_trie_find(u->trie, name, 6);
	}
	find_touches(u, pieces, n);
	return 0;
}

void unigram_free(struct unigram *u)
{
	free(u->scores);
	u->scores = NULL;
}

static int reserve(struct unigram_steps *steps, size_t n, struct tn_call *call)
{
	size_t capacity = steps->capacity ? steps->capacity : 64;

	if (n <= steps->capacity)
		return 0;
	while (capacity < n)
		capacity *= 2;
	steps->items = tn_alloc_n(call, capacity, sizeof(*steps->items));
	if (!steps->items)
		return TN_ENOMEM;
	steps->capacity = capacity;
	return 0;
}

static unsigned width_of(unsigned char first)
{
	return 1u + (first >= 0xc0) + (first >= 0xe0) + (first >= 0xf0);
}

/* The first way with the best score stays. */
static inline void offer(bool narrow, struct unigram_step *to, double score, size_t from,
	int32_t node)
{
	if (narrow)
		score = (float)score;
	if (score > to->score)
		*to = (struct unigram_step){ score, (uint32_t)from, node };
}

/* Offers all pieces that begin with what led to `node` and go on with the text from `at` on;
 * whether one of them is `width` bytes of it.  Ends are counted from `first`. */
static inline bool offer_pieces(const struct unigram *u, bool narrow, struct tn_text t, size_t at,
	size_t width, int32_t node, struct unigram_step *steps, size_t from, size_t first)
{
	const struct tok_cell *cells = u->trie->cells;
	int32_t base = cells[node].base;
	double so_far = steps[from].score;
	bool single = false;

	for (size_t i = at; i < t.len;) {
		int32_t id, next = base + (unsigned char)t.text[i++];

		if (cells[next].parent != node)
			break;
		node = next;
		base = cells[node].base;
		id = cells[node].id;
		if (id < 0)
			continue;
		single |= i - at == width;
		offer(narrow, &steps[first + i], so_far + u->scores[id], from, node);
	}
	return single;
}

/* The character between two ends as an unknown one; false when there may be none. */
static inline bool offer_unknown(const struct unigram *u, bool narrow, struct unigram_step *steps,
	size_t from, size_t to)
{
	double score = steps[from].score + u->unk_score;

	if (u->unk < 0 && score > steps[to].score)
		return false;
	offer(narrow, &steps[to], score, from, -1);
	return true;
}

/* The ways that begin with the mark. */
static inline bool begin_marked(const struct unigram *u, bool narrow, struct tn_text t,
	struct unigram_step *steps)
{
	int32_t id = u->mark == TOK_NOWHERE ? -1 : u->trie->cells[u->mark].id;

	if (id >= 0)
		offer(narrow, &steps[1], u->scores[id], 0, u->mark);
	else if (!offer_unknown(u, narrow, steps, 0, 1))
		return false;
	if (u->mark != TOK_NOWHERE)
		offer_pieces(u, narrow, t, 0, 0, u->mark, steps, 0, 1);
	return true;
}

static inline bool find_ways_as(const struct unigram *u, bool narrow, struct tn_text t,
	bool marked, double so_far, struct unigram_step *steps)
{
	size_t first = marked;

	steps[0] = (struct unigram_step){ so_far, 0, -1 };
	for (size_t i = 1; i <= first + t.len; i++)
		steps[i].score = -INFINITY;
	if (marked && !begin_marked(u, narrow, t, steps))
		return false;
	for (size_t at = 0; at < t.len;) {
		size_t width = width_of((unsigned char)t.text[at]), from = first + at;

		if (width > t.len - at)
			width = t.len - at;
		if (!offer_pieces(u, narrow, t, at, width, TOK_ROOT, steps, from, first) &&
			!offer_unknown(u, narrow, steps, from, from + width))
			return false;
		at += width;
	}
	return true;
}

/* Fills the steps to every end; false when a character is unknown and may not be.  With a
 * mark the end behind it is 1, and all others are counted from there. */
static bool find_ways(const struct unigram *u, struct tn_text t, bool marked, double so_far,
	struct unigram_step *steps)
{
	return u->narrow ? find_ways_as(u, true, t, marked, so_far, steps) :
		find_ways_as(u, false, t, marked, so_far, steps);
}

static int32_t id_of(const struct unigram *u, const struct unigram_step *step)
{
	return step->node < 0 ? u->unk : u->trie->cells[step->node].id;
}

/* Turns the links of the best way round: each end then knows the next.  Returns the
 * first end. */
static size_t turn(struct unigram_step *steps, size_t last)
{
	size_t at = last, next = last;

	while (at) {
		size_t from = steps[at].from;

		steps[at].from = (uint32_t)next;
		next = at;
		at = from;
	}
	return next;
}

static struct tok_span span_of(const struct unigram_word *w, size_t begin, size_t end)
{
	struct tok_span span = w->lead;

	if (!w->marked)
		return tok_piece_span(&w->body, begin, end);
	if (begin)
		return tok_piece_span(&w->body, begin - 1, end - 1);
	if (end > 1)
		span.end = tok_piece_span(&w->body, 0, end - 1).end;
	return span;
}

/* The text between two ends; with the mark it is copied. */
static int text_of(const struct unigram_word *w, size_t begin, size_t end, struct tn_text *out,
	struct tn_call *call)
{
	char *text;

	*out = (struct tn_text){ w->body.text + begin - w->marked, end - begin };
	if (begin || !w->marked)
		return 0;
	out->len += UNIGRAM_MARK_LEN - 1;
	text = tn_alloc(call, out->len);
	if (!text)
		return TN_ENOMEM;
	memcpy(text, UNIGRAM_MARK, UNIGRAM_MARK_LEN);
	memcpy(text + UNIGRAM_MARK_LEN, w->body.text, out->len - UNIGRAM_MARK_LEN);
	out->text = text;
	return 0;
}

/* Unknown characters in a row are one token, which may be a piece after all; `trimmed` is its
 * source, for bytes are not trimmed. */
static int emit_unknown(const struct unigram *u, struct tn_text t, struct tn_token token,
	struct tok_span trimmed, struct tn_tokens *out, struct tn_call *call)
{
	bool all = u->byte_fallback;
	int32_t id = t.len <= u->longest ? tok_trie_find(u->trie, t.text, t.len) : -1;
	int rc = 0;

	for (size_t i = 0; i < t.len && all; i++)
		all = u->bytes[(unsigned char)t.text[i]] >= 0;
	if (id >= 0 || !all) {
		token = (struct tn_token){ id >= 0 ? id : u->unk, token.word, trimmed.begin,
			trimmed.end };
		return tn_tokens_push(out, token, call);
	}
	for (size_t i = 0; i < t.len && !rc; i++) {
		token.id = u->bytes[(unsigned char)t.text[i]];
		rc = tn_tokens_push(out, token, call);
	}
	return rc;
}

int unigram_emit(const struct unigram *u, const struct unigram_word *w, int32_t id, size_t begin,
	size_t end, struct tn_tokens *out, struct tn_call *call)
{
	struct tok_span span = span_of(w, begin, end);
	struct tn_token token = { id, w->number, span.begin, span.end };
	struct tn_text text;

	if (id != u->unk && !w->trim)
		return tn_tokens_push(out, token, call);
	if (text_of(w, begin, end, &text, call))
		return TN_ENOMEM;
	if (w->trim)
		span = tok_trim(w->trim->post, w->trim->text, out->n == w->trim->first, span,
			tok_blank_of(text));
	if (id == u->unk)
		return emit_unknown(u, text, token, span, out, call);
	token.begin = span.begin;
	token.end = span.end;
	return tn_tokens_push(out, token, call);
}

static int prepare(const struct unigram *u, const struct unigram_word *w,
	struct unigram_steps *steps, struct tn_call *call)
{
	struct tn_text text = { w->body.text, w->body.len };

	if (reserve(steps, text.len + 2, call))
		return TN_ENOMEM;
	return find_ways(u, text, w->marked, w->so_far, steps->items) ? 0 : tn_fail(call, TN_EDATA,
		"byte %zu: in the word %s is a character that no piece has, and the model has no "
		"unk_id", (size_t)span_of(w, 0, text.len).begin, tn_quote(call, text.text, text.len));
}

int unigram_segment(const struct unigram *u, const struct unigram_word *w,
	struct unigram_steps *memory, struct tn_tokens *out, struct tn_call *call)
{
	size_t begin = 0, last = w->body.len + w->marked, end;
	/* sentencepiece has the bytes of each character by itself. */
	bool fuses = !u->narrow || !u->byte_fallback;
	struct unigram_step *steps;
	int rc = last ? prepare(u, w, memory, call) : 0;

	if (rc || !last)
		return rc;
	steps = memory->items;
	for (end = turn(steps, last); begin < last && !rc; begin = end, end = steps[end].from) {
		int32_t id = id_of(u, &steps[end]);

		while (id == u->unk && fuses && end < last &&
			id_of(u, &steps[steps[end].from]) == u->unk)
			end = steps[end].from;
		rc = unigram_emit(u, w, id, begin, end, out, call);
	}
	return rc;
}

int32_t unigram_whole(const struct unigram *u, const char *body, size_t len,
	struct unigram_steps *memory, struct tn_call *call)
{
	struct tn_text text = { body, len };
	const struct unigram_step *last;

	if (reserve(memory, len + 2, call) || !find_ways(u, text, true, 0.0,
		memory->items))
		return -1;
	last = &memory->items[len + 1];
	return last->from || id_of(u, last) == u->unk ? -1 : id_of(u, last);
}
