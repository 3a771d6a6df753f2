/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/bpe/merge.h - byte pair encoding of one word.
 * Source: R. Sennrich et al., Neural Machine Translation of Rare Words with Subword Units,
 * arXiv 1508.07909, section 3.2; Hugging Face tokenizers 0.22.2, models/bpe/.
 */
#ifndef BPE_MERGE_H
#define BPE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tenon/pipeline.h>

#include "trie.h"

/** Two symbols that stand side by side become one: the pair of the lowest rank first, of
 *  equal ones the leftmost. */
struct bpe_merge {
	uint64_t pair;		/* left << 32 | right */
	uint32_t rank;
	int32_t to;		/* -1: a free slot */
};

struct bpe_found {
	uint32_t rank;		/* UINT32_MAX: there is no such merge */
	int32_t to;
};

struct bpe_model {
	struct bpe_merge *slots;	/* a hash table; malloc'd */
	size_t mask;
	struct bpe_found *first;	/* [256][256]: the merges of symbols of single bytes;
					 * malloc'd */
	const struct tok_trie *trie;	/* of pieces */
	int32_t of_byte[256];		/* the symbol of an ASCII character, or (raw) of a byte;
					 * -1: none */
	int32_t fallback[256];		/* the pieces <0xXX>; -1: none */
	int32_t unk;
	bool raw;			/* symbols are bytes, not characters */
	bool byte_fallback, fuse_unk;
	struct tn_text prefix, suffix;	/* of a symbol that is not the first; of the last */
};

/** A symbol, and how many bytes of the word it stands for. */
struct bpe_symbol {
	int32_t id;
	uint32_t len;
};

#define BPE_NO_BYTE 256

/** Memory for words, used again and again; in the call's arena.  Starts zeroed. */
struct bpe_work {
	struct bpe_symbol *symbols;
	uint16_t *bytes;		/* the byte that each symbol began as; BPE_NO_BYTE */
	size_t n, capacity;
	int32_t *before, *behind;	/* of each symbol, -1: none */
	uint64_t *heap;			/* rank << 32 | index of the left symbol */
	size_t n_heap, max_heap;
};

/** Makes an empty table for n merges.  Error: TN_ENOMEM. */
int bpe_model_init(struct bpe_model *m, size_t n, struct tn_call *call);
/** Adds a merge; of equal pairs the last counts. */
void bpe_model_add(struct bpe_model *m, int32_t left, int32_t right, uint32_t rank, int32_t to);
/** After all merges and of_byte: looks up those of single bytes.  Error: TN_ENOMEM. */
int bpe_model_finish(struct bpe_model *m, struct tn_call *call);
void bpe_model_free(struct bpe_model *m);
/** Cuts a word (valid UTF-8, not empty) into work->symbols[0 .. n).  Time is n log n.
 *  Error: TN_ENOMEM. */
int bpe_word(const struct bpe_model *m, const char *text, size_t len, struct bpe_work *work,
	struct tn_call *call);

#endif
