/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/precompiled.h - the table of replacements that sentencepiece
 * compiles (nmt_nfkc ...), and Hugging Face's normalizer "Precompiled", which reads it.
 *
 * The table is <bytes of the trie, u32><trie><pool>: a double array of Darts-clone whose
 * values are places in the pool of NUL-terminated replacements.
 */
#ifndef TOK_PRECOMPILED_H
#define TOK_PRECOMPILED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tenon/pipeline.h>

#include "normal.h"

struct tok_precompiled {
	uint32_t *units;	/* of the double array */
	size_t n_units;
	char *pool;		/* UTF-8 with a NUL behind it */
	size_t pool_size;
	/* A byte that stands for itself: ASCII, printable, no replacement begins with it
	 * alone.  What stands between two such bytes is left as it is. */
	bool plain[256];
};

/** Reads a table into the arena's memory.  `what` names it in messages ("FILE: normalizer:
 *  precompiled_charsmap").  Errors: TN_EDATA with the byte of the table that is wrong,
 *  TN_ENOMEM. */
int tok_precompiled_read(struct tok_precompiled *p, struct tn_text table, const char *what,
	struct tn_arena *arena, struct tn_call *call);
/** The same from base64, as tokenizer.json has it; bytes in messages are of the base64. */
int tok_precompiled_read_base64(struct tok_precompiled *p, struct tn_text base64,
	const char *what, struct tn_arena *arena, struct tn_call *call);

/** Looks for the shortest (or the longest) key that a text begins with: its length, and
 *  its replacement in *to; 0 when there is none.  A NUL ends every key. */
size_t tok_precompiled_find(const struct tok_precompiled *p, const char *text, size_t len,
	bool longest, struct tn_text *to);
/** Replaces the buffer's content by the normal form of valid UTF-8 and returns 1, or returns
 *  0 when nothing is to be changed (the buffer is not touched).  As Hugging Face does: a
 *  grapheme cluster of less than 6 bytes becomes what its shortest key stands for, all else
 *  is taken by characters.  Time is linear.  Error: TN_ENOMEM. */
int tok_precompiled_normalize(const struct tok_precompiled *p, const struct tok_piece *in,
	struct tok_buffer *out, struct tn_call *call);

#endif
