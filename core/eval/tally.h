/* SPDX-License-Identifier: Apache-2.0
 * core/eval/tally.h - how often each name occurs.
 */
#ifndef TN_EVAL_TALLY_H
#define TN_EVAL_TALLY_H

#include <stdint.h>
#include <tenon/pipeline.h>

struct eval_tally_item {
	struct tn_text name;	/* borrowed */
	size_t n;
};

/** Names in the order of their first occurrence; begin with a zeroed one.  All memory is in
 *  the arenas given to eval_tally_add. */
struct eval_tally {
	struct eval_tally_item *items;
	size_t n, room;
	size_t total;		/* of all counts */
	uint32_t *slots;	/* a hash table of items, their numbers from 1 */
	size_t mask;
};

/** tn_hash, both halves of which are in the low one. */
uint64_t eval_hash(const char *text, size_t len);
/** Counts a name `n` times more.  Errors: TN_ENOMEM. */
int eval_tally_add(struct eval_tally *t, struct tn_text name, size_t n, struct tn_arena *arena,
	struct tn_call *call);
/** The place of a name among the items; SIZE_MAX: it did not occur. */
size_t eval_tally_find(const struct eval_tally *t, struct tn_text name);
/** How often a name occurred. */
size_t eval_tally_count(const struct eval_tally *t, struct tn_text name);
/** Puts the most frequent first, equals by name.  Nothing is added afterwards. */
void eval_tally_sort(struct eval_tally *t);

#endif
