/* SPDX-License-Identifier: Apache-2.0
 * core/eval/texts.h - the texts of labelled data, to be found again.
 *
 * Two texts are the same when they are byte for byte after normalisation of white space: runs
 * of it are one space, and none stands at either end.  Words are joined by single spaces; a
 * second text belongs to the first.
 */
#ifndef TN_EVAL_TEXTS_H
#define TN_EVAL_TEXTS_H

#include "eval/gold.h"

/** All texts of a data set, in the arena given to eval_texts_open; one thread at a time, as
 *  looking something up writes into the buffers. */
struct eval_texts {
	const struct eval_data *data;
	uint64_t *hashes;	/* [data->n] */
	uint32_t *slots;	/* a hash table of the first example of each text, from 1 */
	size_t mask;
	char *own, *other;	/* buffers for two texts, one of them of this data */
};

/** Makes the table.  The data stay as they are while it is used.  Errors: TN_ENOMEM. */
int eval_texts_open(struct eval_texts *t, const struct eval_data *data, struct tn_arena *arena,
	struct tn_call *call);
/** The first example of `t` that has the text of example i of `of`, which may be `t` itself;
 *  SIZE_MAX: none has. */
size_t eval_texts_find(const struct eval_texts *t, const struct eval_texts *of, size_t i);
/** Words of a text: what stands between Unicode White_Space. */
size_t eval_count_words(struct tn_text text);

#endif
