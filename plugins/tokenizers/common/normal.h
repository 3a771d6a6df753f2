/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/normal.h - normalized text that knows where each byte of it
 * came from, and the normalizers.
 *
 * Spans are bytes of the original text, as Hugging Face's NormalizedString keeps them:
 * inserted characters share the span of the character before.
 */
#ifndef TOK_NORMAL_H
#define TOK_NORMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tenon/pipeline.h>

struct tok_span {
	uint32_t begin, end;
};

/** Normalized text.  `spans` has one item for each byte; NULL: byte i is byte
 *  `offset` + i of the original. */
struct tok_piece {
	const char *text;
	size_t len;
	const struct tok_span *spans;
	uint32_t offset;
};

/** The bytes of the original that the bytes begin..end-1 (not empty) came from. */
static inline struct tok_span tok_piece_span(const struct tok_piece *p, size_t begin, size_t end)
{
	if (!p->spans)
		return (struct tok_span){ p->offset + (uint32_t)begin, p->offset + (uint32_t)end };
	return (struct tok_span){ p->spans[begin].begin, p->spans[end - 1].end };
}

static inline struct tok_piece tok_piece_slice(const struct tok_piece *p, size_t begin, size_t end)
{
	return (struct tok_piece){ p->text + begin, end - begin,
		p->spans ? p->spans + begin : NULL, p->offset + (uint32_t)begin };
}

/** A character that waits for canonical reordering. */
struct tok_waiting {
	uint32_t code;
	uint8_t ccc;
	bool inserted;		/* by a decomposition, behind its first character */
};

/** Memory of a normalizer, used again and again; all of it is in the call's arena.
 *  Starts zeroed. */
struct tok_buffer {
	char *text;
	struct tok_span *spans;
	size_t n, capacity;
	struct tok_waiting *waiting, *sorted;
	struct tok_span *sources;	/* of the waiting that are not inserted, in order */
	size_t n_waiting, n_sources, max_waiting;
	bool stays;			/* one of the waiting is not stripped */
	struct tok_span last;		/* source of the character that came last */
};

/** Hugging Face's BertNormalizer.  `kinds` sorts the bytes of the text by what may be
 *  done with them without this normalizer; `fold` is lower case for ASCII, if it is
 *  wanted. */
struct tok_bert {
	bool clean, cjk, strip, lower;
	uint8_t kinds[256];		/* enum tok_kind */
	uint8_t fold[256];
};
enum tok_kind { TOK_KIND_WORD = 0, TOK_KIND_SPACE, TOK_KIND_PUNCTUATION, TOK_KIND_OTHER };

/** Fills the tables after the four switches are set. */
void tok_bert_init(struct tok_bert *b);
/** Replaces the buffer's content by the normal form of a text whose first byte is byte
 *  `offset` of the original.  Time is linear in `len`.  Error: TN_ENOMEM. */
int tok_bert_normalize(const struct tok_bert *b, const char *text, size_t len, uint32_t offset,
	struct tok_buffer *out, struct tn_call *call);
/** Hugging Face's BertPreTokenizer: the next word at or behind *at, put in *begin and
 *  *end; false when there is none. */
bool tok_bert_word(const struct tok_piece *p, size_t *at, size_t *begin, size_t *end);

static inline struct tok_piece tok_buffer_piece(const struct tok_buffer *b)
{
	return (struct tok_piece){ b->text, b->n, b->spans, 0 };
}

#endif
