/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/vocab.h - the pieces of a vocabulary, both ways.
 */
#ifndef TOK_VOCAB_H
#define TOK_VOCAB_H

#include <tenon/pipeline.h>

#include "json.h"
#include "trie.h"

/** A vocabulary while it is read: pieces in the order of the file. */
struct tok_vocab {
	struct tok_key *keys;	/* sorted after tok_vocab_build(); those that equal ones behind
				 * them made void stand behind all */
	size_t n, capacity;
	struct tok_trie trie;	/* piece to id */
	struct tn_text *pieces;	/* id to piece; text NULL: a gap */
	size_t n_ids;		/* of pieces */
};

/** Appends a piece; `text` is borrowed as long as the vocabulary lives. */
int tok_vocab_add(struct tok_vocab *v, struct tn_text text, size_t id, struct tn_call *call);
/** Reads {"piece": id, ...}; of equal pieces the last counts. */
int tok_vocab_read_json(struct tok_vocab *v, struct tok_json *j);
/** Splits a vocab.txt in place: one piece a line, its number (from 0) the id, spaces at
 *  its end dropped; a byte order mark and CR line ends are passed over with a note.
 *  Refuses an empty file, bad UTF-8 and NUL, lines over 1,024 bytes and equal lines. */
int tok_vocab_read_lines(struct tok_vocab *v, const char *path, char *text, size_t len,
	struct tn_call *call);
/** Makes the trie and the table of pieces.  Every id must be below n + extra, and no two
 *  pieces may share one; extra makes room for gaps that added tokens fill. */
int tok_vocab_build(struct tok_vocab *v, const char *path, size_t extra, struct tn_call *call);
/** Names a piece beyond the vocabulary (an added token). */
int tok_vocab_name(struct tok_vocab *v, struct tn_text text, int32_t id, struct tn_call *call);
void tok_vocab_free(struct tok_vocab *v);

/** The id of a NUL-terminated piece, or -1; NULL gives -1. */
int32_t tok_vocab_id(const struct tok_vocab *v, const char *piece);
/** The piece of an id; text NULL when there is none. */
struct tn_text tok_vocab_piece(const struct tok_vocab *v, int32_t id);

#endif
