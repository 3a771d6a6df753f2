/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/added.h - added tokens: those that are cut out of the text
 * before anything else, never split.
 */
#ifndef TOK_ADDED_H
#define TOK_ADDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tenon/value.h>

#include "normalizer.h"
#include "trie.h"
#include "vocab.h"

struct tok_added_token {
	struct tn_text content;	/* in the arena of the list */
	int32_t id;
	bool special;		/* decode may leave it out */
	bool single_word;	/* only where no letter, digit or mark touches it */
	bool lstrip, rstrip;	/* it takes the spaces before, behind it */
	bool normalized;	/* it is looked for in normalized text, in its normal form */
};

/** What is looked for in one kind of text. */
struct tok_added_set {
	struct tok_trie trie;	/* values: indexes of tokens */
	bool first[256];	/* bytes that begin a key */
	bool any;
	int only;		/* the one byte that begins them all, or -1 */
};

struct tok_added {
	struct tok_added_token *items;
	size_t n, capacity;
	struct tok_added_set raw, normal;
};

/** A token that was found: bytes begin..end-1 of the text, spaces taken included. */
struct tok_match {
	size_t begin, end;
	const struct tok_added_token *token;
};

/** Adds a token unless its content is empty or was added before.  As in Hugging Face its
 *  id is that of the same piece in the vocabulary, else the next free one, which then gets
 *  its name; content.text is borrowed. */
int tok_added_add(struct tok_added *a, struct tok_vocab *v, struct tok_added_token token,
	struct tn_call *call);
/** Adds the "added_tokens" of tokenizer.json: a list of objects. */
int tok_added_read(struct tok_added *a, struct tok_vocab *v, const struct tn_value *list,
	const char *path, struct tn_call *call);
/** Makes the tries; `normalize` gives the normal form of keys (NULL: as they are). */
int tok_added_build(struct tok_added *a, const struct tok_normalizer *normalize,
	const char *path, struct tn_call *call);
void tok_added_free(struct tok_added *a);

/** Finds the next token of a set at or behind *search, leftmost and longest; `done` is
 *  the end of the one before (0 at first).  Time is linear for keys of bounded length. */
bool tok_added_find(const struct tok_added *a, const struct tok_added_set *set, const char *text,
	size_t len, size_t *search, size_t done, struct tok_match *out);
/** Whether an id is that of a special token. */
bool tok_added_special(const struct tok_added *a, int32_t id);

#endif
