/* SPDX-License-Identifier: Apache-2.0
 * core/eval/tags.h - tags of words: what they are made of, which may follow which, and BIO from
 * IOB1.
 */
#ifndef TN_EVAL_TAGS_H
#define TN_EVAL_TAGS_H

#include <stdbool.h>
#include <tenon/pipeline.h>

/** A tag taken apart.  The label is borrowed; of O it is empty, of a letter alone "_". */
struct eval_tag {
	char place;		/* B, I, E, S or O (L is E, U is S); a tag of another form is I */
	bool marked;		/* it is O, or has one of these letters in front */
	struct tn_text label;	/* from behind the first hyphen; of another form the whole tag */
};

/** O; or one of B I E S L U, alone or with a hyphen and a label. */
struct eval_tag eval_tag_of(struct tn_text tag);
bool eval_same_label(struct tn_text a, struct tn_text b);

/** What the letters of tags mean. */
enum eval_scheme {
	EVAL_LABELS,		/* at least one tag has no letter: each is a label of its word */
	EVAL_IO,		/* nothing but O and I */
	EVAL_BIO,
	EVAL_BIOES		/* also with L for E and U for S */
};
const char *eval_scheme_name(enum eval_scheme scheme);

/** Whether `now` may stand behind `before` (NULL: the text begins) or, with `now` NULL, end
 *  the text.  BIO: I-x stands behind B-x or I-x.  BIOES: I-x and E-x stand behind B-x or I-x,
 *  and only they do.  Of the others all may. */
bool eval_tag_may_follow(enum eval_scheme scheme, const struct eval_tag *before,
	const struct eval_tag *now);

/** Makes BIO of IOB1, where B-x stands only behind a tag of x: I-x that begins a span becomes
 *  B-x, in the arena.  Errors: TN_EDATA, a tag that IOB1 has not, or not there; *wrong is its
 *  word; the text begins with it.  TN_ENOMEM.
 *  Source: Tjong Kim Sang and Veenstra 1999 (IOB1, IOB2). */
int eval_tags_from_iob1(struct tn_text *tags, size_t n, size_t *wrong, struct tn_arena *arena,
	struct tn_call *call);

#endif
