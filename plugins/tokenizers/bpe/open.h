/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/bpe/open.h - what is read from files before it is put together.
 */
#ifndef BPE_OPEN_H
#define BPE_OPEN_H

#include "bpe.h"
#include "json.h"

/** The parts of tokenizer.json that are read as trees. */
enum bpe_part {
	BPE_ADDED, BPE_NORMALIZER, BPE_PRE_TOKENIZER, BPE_POST_PROCESSOR, BPE_DECODER, BPE_N_PARTS
};

/** Merges are read after the vocabulary, wherever they stand. */
struct bpe_document {
	const char *path;			/* of the vocabulary, for messages */
	struct tn_text raw[BPE_N_PARTS];	/* text NULL: absent */
	const struct tn_value *parts[BPE_N_PARTS];
	struct tn_text unk;			/* text NULL: none */
	struct tok_json merges;			/* where they begin; name NULL: none */
	bool model;
};

/** Reads tokenizer.json but for its merges. */
int bpe_read_json(struct bpe_tokenizer *t, struct bpe_document *d, struct tok_json *j);
/** Reads a list of merges, "a b" or ["a", "b"] each. */
int bpe_read_merges(struct bpe_tokenizer *t, struct tok_json *j);
/** Reads a merges.txt of `len` bytes: one merge a line. */
int bpe_read_merges_txt(struct bpe_tokenizer *t, const char *path, const char *text, size_t len,
	struct tn_call *call);
/** Makes the tables that encoding uses, after the pieces and merges. */
int bpe_index(struct bpe_tokenizer *t, struct tn_call *call);

#endif
