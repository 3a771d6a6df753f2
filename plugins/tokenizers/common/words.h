/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/words.h - the ids of whole words of up to 15 bytes: one probe of
 * a hash table answers for nine words of ten, where a trie takes a step for each byte.
 */
#ifndef TOK_WORDS_H
#define TOK_WORDS_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <tenon/call.h>

#include "trie.h"

#define TOK_MAX_WORD 15

/** A word as two numbers: its bytes, zeros, and its length in the last byte. */
struct tok_word {
	uint64_t low, high;
	int32_t id;
};

struct tok_words {
	struct tok_word *slots;	/* high 0: free */
	size_t mask;		/* number of slots - 1 */
};

/** Takes those of the keys that are short enough.  Error: TN_ENOMEM. */
int tok_words_build(struct tok_words *w, const struct tok_key *keys, size_t n,
	struct tn_call *call);
void tok_words_free(struct tok_words *w);

/** The key of a word of 1 to TOK_MAX_WORD bytes; `room` bytes may be read. */
static inline struct tok_word tok_word_key(const char *text, size_t len, size_t room)
{
	struct tok_word k = { 0, 0, -1 };

	if (room >= 16) {
		memcpy(&k.low, text, 8);
		memcpy(&k.high, text + 8, 8);
		k.low = le64toh(k.low);
		k.high = le64toh(k.high);
		if (len < 8) {
			k.low &= ((uint64_t)1 << 8 * len) - 1;
			k.high = 0;
		} else {
			k.high &= ((uint64_t)1 << 8 * (len - 8)) - 1;
		}
	} else {
		for (size_t i = len; i-- > 0;) {
			k.high = k.high << 8 | k.low >> 56;
			k.low = k.low << 8 | (unsigned char)text[i];
		}
	}
	k.high |= (uint64_t)len << 56;
	return k;
}

/** Lower case for the ASCII letters among eight bytes. */
static inline uint64_t tok_fold8(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101u, low = x & 0x7f * ones;
	uint64_t from_a = low + (0x80 - 'A') * ones, above_z = low + (0x7f - 'Z') * ones;

	return x | ((from_a ^ above_z) & ~x & 0x80 * ones) >> 2;
}

static inline size_t tok_word_hash(const struct tok_word *k)
{
	uint64_t h = k->low * 0x9e3779b97f4a7c15u ^ k->high * 0xc2b2ae3d27d4eb4fu;

	return (size_t)(h ^ h >> 29);
}

/** The id of a word, or -1. */
static inline int32_t tok_words_find(const struct tok_words *w, const struct tok_word *k)
{
	size_t i = tok_word_hash(k);

	for (;; i++) {
		const struct tok_word *slot = &w->slots[i & w->mask];

		if (slot->low == k->low && slot->high == k->high)
			return slot->id;
		if (!slot->high)
			return -1;
	}
}

#endif
