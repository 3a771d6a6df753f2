/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/merge.h - the pieces that sentencepiece's models of the types BPE,
 * Word and Char cut a text into.  BPE: of two symbols side by side that are a piece together,
 * those become one whose piece has the highest score, of equal ones the leftmost.
 */
#ifndef UNIGRAM_MERGE_H
#define UNIGRAM_MERGE_H

#include "segment.h"
#include "spm.h"

struct spm_symbol {
	uint32_t begin, len;	/* of the word; len 0: it went into the one before */
	int32_t node;		/* of the trie; TOK_NOWHERE: no piece begins so */
	int32_t before, behind;	/* -1: none */
	bool frozen;		/* a user-defined piece, which stays as it is */
};

struct spm_pair {
	uint64_t order;		/* the best is the least: score, then place */
	uint32_t len;		/* of both; another: they are not side by side any more */
};

/** Memory that is used again; all of it is in the call's arena.  Starts zeroed. */
struct spm_merging {
	struct spm_symbol *symbols;
	size_t n, capacity;
	struct spm_pair *heap;
	size_t n_heap;
};

/** Appends the tokens of a word (of BPE), or of a text.  Time is n log n.  Error: TN_ENOMEM.
 *  Source: sentencepiece 0.2.0, src/bpe_model.cc, SampleEncode(); word_model.cc, char_model.cc. */
int spm_merge(const struct spm *s, const struct unigram *u, const struct unigram_word *w,
	struct spm_merging *memory, struct tn_tokens *out, struct tn_call *call);
/** The piece that a word is as a whole, or -1.  Error: TN_ENOMEM, told to the call. */
int32_t spm_merge_whole(const struct spm *s, const struct unigram *u, const char *text, size_t len,
	struct spm_merging *memory, struct tn_call *call);

#endif
