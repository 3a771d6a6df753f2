/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/spm.h - models of sentencepiece (*.model) and how it treats text.
 */
#ifndef UNIGRAM_SPM_H
#define UNIGRAM_SPM_H

#include <tenon/impl/tokenizer.h>

#include "normal.h"
#include "precompiled.h"
#include "trie.h"

/** What a piece is; the numbers are those of the file. */
enum spm_type {
	SPM_NORMAL = 1, SPM_UNKNOWN = 2, SPM_CONTROL = 3, SPM_USER_DEFINED = 4, SPM_UNUSED = 5,
	SPM_BYTE = 6
};

/** How a text is cut; the numbers are those of the file. */
enum spm_model {
	SPM_UNIGRAM = 1, SPM_BPE = 2, SPM_WORD = 3, SPM_CHAR = 4
};

struct spm_piece {
	struct tn_text text;	/* in the file, not NUL-terminated */
	float score;
	uint32_t type;		/* enum spm_type */
};

/** How text is normalized. */
struct spm_rules {
	struct tn_text charsmap;	/* in the file */
	bool dummy_prefix, remove_extra, escape;
};

struct spm {
	struct spm_piece *pieces;	/* malloc'd; the index is the id */
	size_t n_pieces, capacity;
	int32_t unk;
	struct spm_rules rules;
	bool suffix;			/* the dummy prefix goes to the end */
	bool byte_fallback;
	enum spm_model model;
	bool cuts;			/* BPE: no piece has a space behind another character */
	struct tn_text unk_surface;	/* what decode gives for the unknown piece */
	struct tok_precompiled charsmap;	/* n_units 0: none */
	struct tok_trie trie;		/* of what a text is cut into */
	struct tok_trie user;		/* of user-defined pieces, which stay as they are */
};

/** Reads a model from a file, which must outlive it as the arena must.
 *  Errors: TN_EDATA with the byte, TN_ENOMEM. */
int spm_read(struct spm *s, const char *path, struct tn_text file, struct tn_arena *arena,
	struct tn_call *call);
void spm_free(struct spm *s);
/** The byte that a piece stands for, or -1. */
int spm_byte(const struct spm_piece *piece);
/** Replaces the buffer's content by the normal form of valid UTF-8; spans are of what
 *  sentencepiece calls the surface: each byte reaches to where the next comes from.
 *  Source: sentencepiece 0.2.0, src/normalizer.cc. */
int spm_normalize(const struct spm *s, const struct tok_piece *in, struct tok_buffer *out,
	struct tn_call *call);
/** The text of ids, in the call's arena; ids without a piece are left out, and those of control
 *  pieces with `skip`.
 *  Source: sentencepiece 0.2.0, src/sentencepiece_processor.cc, Decode(). */
int spm_decode(const struct spm *s, const int32_t *ids, size_t n, bool skip, struct tn_text *out,
	struct tn_call *call);

#endif
