/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/bpe/open.h - what is read from files before it is put together.
 */
#ifndef BPE_OPEN_H
#define BPE_OPEN_H

#include "bpe.h"
#include "document.h"

/** Two pieces that may be merged. */
struct bpe_pair {
	const char *left, *right;
	uint32_t left_len, right_len;
	uint32_t place;			/* of the left one: its byte in the file */
};

/** The model of tokenizer.json: merges are looked up after the vocabulary, wherever they
 *  stand. */
struct bpe_reading {
	struct bpe_tokenizer *t;
	const char *path;
	struct tn_text unk;		/* text NULL: none */
	struct bpe_pair *pairs;		/* malloc'd; in the order of their ranks */
	size_t n_pairs, capacity;
	bool merges;
};

/** Reads a member of "model"; user: struct bpe_reading. */
int bpe_read_member(void *user, struct tok_json *j, struct tn_text key);
/** Makes merges of the pairs. */
int bpe_add_pairs(const struct bpe_reading *r, struct tn_call *call);
/** Reads a merges.txt of `len` bytes: one merge a line. */
int bpe_read_merges_txt(struct bpe_tokenizer *t, const char *path, const char *text, size_t len,
	struct tn_call *call);
/** Makes the tables that encoding uses, after the pieces and merges. */
int bpe_index(struct bpe_tokenizer *t, struct tn_call *call);

#endif
