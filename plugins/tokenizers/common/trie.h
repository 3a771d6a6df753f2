/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/trie.h - a map from byte strings to ids as a double array:
 * one memory access for each byte.
 * Source: J. Aoe, An Efficient Digital Search Algorithm by Using a Double-Array
 * Structure, IEEE Trans. Software Engineering 15(9), 1989.
 */
#ifndef TOK_TRIE_H
#define TOK_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <tenon/call.h>

#define TOK_ROOT 0
#define TOK_NOWHERE (-1)

struct tok_cell {
	int32_t base;	/* the child for byte b is base + b ... */
	int32_t parent;	/* ... where this names the parent */
	int32_t id;	/* of the key that ends here; -1: none */
};

struct tok_trie {
	struct tok_cell *cells;	/* at least 256 behind every base */
	size_t n;
};

struct tok_key {
	const char *text;	/* borrowed */
	uint32_t len;
	int32_t id;		/* 0 or more */
	uint64_t head;		/* set by sorting: the first eight bytes as a number, which most
				 * keys differ in */
};

/** Orders keys by their bytes, equal ones by their ids. */
void tok_keys_sort(struct tok_key *keys, size_t n);
/** Whether sorted keys have the same bytes. */
static inline bool tok_keys_equal(const struct tok_key *a, const struct tok_key *b)
{
	return a->head == b->head && a->len == b->len && !memcmp(a->text, b->text, a->len);
}

/** Builds a trie of sorted keys without equals.  An empty set is allowed.
 *  Error: TN_ENOMEM. */
int tok_trie_build(struct tok_trie *trie, const struct tok_key *keys, size_t n,
	struct tn_call *call);
void tok_trie_free(struct tok_trie *trie);

/** The node behind `node` for a byte, or TOK_NOWHERE. */
static inline int32_t tok_trie_step(const struct tok_trie *trie, int32_t node, unsigned char byte)
{
	int32_t to = trie->cells[node].base + byte;

	return trie->cells[to].parent == node ? to : TOK_NOWHERE;
}

/** The node of a whole string from a node, or TOK_NOWHERE. */
int32_t tok_trie_walk(const struct tok_trie *trie, int32_t node, const char *text, size_t len);
/** The id of a whole string, or -1. */
int32_t tok_trie_find(const struct tok_trie *trie, const char *text, size_t len);

#endif
