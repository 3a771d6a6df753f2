/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/normal.c - BERT's normalizer and pre-tokenizer.
 * Source: Hugging Face tokenizers 0.22.2, normalizers/bert.rs, pre_tokenizers/bert.rs
 * and the crate unicode-normalization-alignments 0.1.12.
 */
#include "normal.h"

#include <string.h>

#include "unicode/unicode.h"

#define DOT_ABOVE 0x307u
#define I_WITH_DOT 0x130u

void tok_bert_init(struct tok_bert *b)
{
	for (unsigned c = 0; c < 256; c++) {
		unsigned flags = c < 0x80 ? tok_flags(c) : TOK_CONTROL;

		b->fold[c] = (uint8_t)(b->lower && c >= 'A' && c <= 'Z' ? c + 32 : c);
		b->kinds[c] = c >= 0x80 || (b->clean && flags & TOK_CONTROL) ? TOK_KIND_OTHER :
			flags & TOK_SPACE ? TOK_KIND_SPACE :
			flags & TOK_PUNCTUATION ? TOK_KIND_PUNCTUATION : TOK_KIND_WORD;
	}
}

static int grow(void **items, size_t n, size_t size, size_t capacity, struct tn_call *call)
{
	void *new = tn_alloc_n(call, capacity, size);

	if (!new)
		return TN_ENOMEM;
	if (n)
		memcpy(new, *items, n * size);
	*items = new;
	return 0;
}

static int reserve_text(struct tok_buffer *b, struct tn_call *call)
{
	size_t capacity = b->capacity ? b->capacity * 2 : 256;

	if (b->capacity - b->n >= 4)
		return 0;
	if (grow((void **)&b->text, b->n, 1, capacity, call) ||
		grow((void **)&b->spans, b->n, sizeof(*b->spans), capacity, call))
		return TN_ENOMEM;
	b->capacity = capacity;
	return 0;
}

static int reserve_waiting(struct tok_buffer *b, struct tn_call *call)
{
	size_t capacity = b->max_waiting ? b->max_waiting * 2 : 32;

	if (b->n_waiting < b->max_waiting)
		return 0;
	if (grow((void **)&b->waiting, b->n_waiting, sizeof(*b->waiting), capacity, call) ||
		grow((void **)&b->sorted, 0, sizeof(*b->sorted), capacity, call) ||
		grow((void **)&b->sources, b->n_sources, sizeof(*b->sources), capacity, call))
		return TN_ENOMEM;
	b->max_waiting = capacity;
	return 0;
}

static int append(struct tok_buffer *b, uint32_t c, struct tok_span span, struct tn_call *call)
{
	unsigned width;

	if (reserve_text(b, call))
		return TN_ENOMEM;
	width = tok_encode(c, b->text + b->n);
	for (unsigned i = 0; i < width; i++)
		b->spans[b->n + i] = span;
	b->n += width;
	return 0;
}

/* The last steps: marks go, then upper case. */
static int finish_char(const struct tok_bert *t, struct tok_buffer *b, uint32_t c,
	struct tok_span span, struct tn_call *call)
{
	unsigned flags = tok_flags(c);

	if (t->strip && flags & TOK_MARK)
		return 0;
	if (!t->lower || !(flags & TOK_LOWER))
		return append(b, c, span, call);
	if (append(b, tok_lower(c), span, call))
		return TN_ENOMEM;
	return c == I_WITH_DOT ? append(b, DOT_ABOVE, span, call) : 0;
}

/* A stable sort by combining class, in linear time. */
static void sort_waiting(struct tok_buffer *b)
{
	size_t start[257] = { 0 };
	struct tok_waiting *swap = b->waiting;

	for (size_t i = 0; i < b->n_waiting; i++)
		start[b->waiting[i].ccc + 1]++;
	for (int c = 0; c < 256; c++)
		start[c + 1] += start[c];
	for (size_t i = 0; i < b->n_waiting; i++)
		b->sorted[start[b->waiting[i].ccc]++] = b->waiting[i];
	b->waiting = b->sorted;
	b->sorted = swap;
}

/* Puts out what waited.  Characters change places, their sources do not. */
static int flush(const struct tok_bert *t, struct tok_buffer *b, struct tn_call *call)
{
	size_t source = 0;
	int rc = 0;

	if (b->stays) {
		if (b->n_waiting > 1)
			sort_waiting(b);
		for (size_t i = 0; i < b->n_waiting && !rc; i++) {
			if (!b->waiting[i].inserted)
				b->last = b->sources[source++];
			rc = finish_char(t, b, b->waiting[i].code, b->last, call);
		}
	} else if (b->n_sources) {
		b->last = b->sources[b->n_sources - 1];
	}
	b->n_waiting = b->n_sources = 0;
	b->stays = false;
	return rc;
}

static int reorder(const struct tok_bert *t, struct tok_buffer *b, uint32_t c, bool inserted,
	struct tok_span span, struct tn_call *call)
{
	unsigned flags = tok_flags(c);
	int rc;

	if (!(flags & TOK_COMBINES)) {
		rc = b->n_waiting ? flush(t, b, call) : 0;
		if (rc)
			return rc;
		if (!inserted)
			b->last = span;
		return finish_char(t, b, c, b->last, call);
	}
	if (reserve_waiting(b, call))
		return TN_ENOMEM;
	b->waiting[b->n_waiting++] = (struct tok_waiting){ c, tok_ccc(c), inserted };
	if (!inserted)
		b->sources[b->n_sources++] = span;
	b->stays |= !(flags & TOK_MARK);
	return 0;
}

static int decompose(const struct tok_bert *t, struct tok_buffer *b, uint32_t c, unsigned flags,
	struct tok_span span, struct tn_call *call)
{
	uint32_t parts[4];
	unsigned n = 1;
	int rc = 0;

	if (!t->strip)
		return finish_char(t, b, c, span, call);
	if (!(flags & (TOK_DECOMPOSES | TOK_COMBINES)) && !b->n_waiting) {
		b->last = span;
		return finish_char(t, b, c, span, call);
	}
	parts[0] = c;
	if (flags & TOK_DECOMPOSES)
		n = tok_decompose(c, parts);
	for (unsigned i = 0; i < n && !rc; i++)
		rc = reorder(t, b, parts[i], i > 0, span, call);
	return rc;
}

int tok_bert_normalize(const struct tok_bert *t, const char *text, size_t len, uint32_t offset,
	struct tok_buffer *b, struct tn_call *call)
{
	int rc = 0;

	b->n = b->n_waiting = b->n_sources = 0;
	b->stays = false;
	for (size_t i = 0; i < len && !rc;) {
		uint32_t c;
		unsigned width = tok_decode(text + i, len - i, &c), flags = tok_flags(c);
		struct tok_span span = { offset + (uint32_t)i, offset + (uint32_t)i + width };
		bool cjk = t->cjk && flags & TOK_CJK;

		i += width;
		if (t->clean) {
			if (flags & TOK_CONTROL)
				continue;
			if (flags & TOK_SPACE) {
				c = ' ';
				flags = TOK_SPACE;
			}
		}
		if (cjk)
			rc = decompose(t, b, ' ', TOK_SPACE, span, call);
		if (!rc)
			rc = decompose(t, b, c, flags, span, call);
		if (cjk && !rc)
			rc = decompose(t, b, ' ', TOK_SPACE, span, call);
	}
	return rc ? rc : flush(t, b, call);
}

bool tok_bert_word(const struct tok_piece *p, size_t *at, size_t *begin, size_t *end)
{
	size_t i = *at;

	for (*begin = i; i < p->len;) {
		uint32_t c;
		unsigned width = tok_decode(p->text + i, p->len - i, &c), flags = tok_flags(c);

		if (flags & (TOK_SPACE | TOK_PUNCTUATION) && i > *begin)
			break;
		i += width;
		if (flags & TOK_SPACE)
			*begin = i;
		else if (flags & TOK_PUNCTUATION)
			break;
	}
	*at = *end = i;
	return i > *begin;
}
