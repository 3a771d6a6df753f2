/* SPDX-License-Identifier: Apache-2.0
 * core/eval/spans.h - what was asked for, what was found, what of it is right; and the spans
 * that a sequence of tags means.
 *
 * Source: Tjong Kim Sang and Buchholz 2000 (conlleval), counted as conlleval.pl does.
 */
#ifndef TN_EVAL_SPANS_H
#define TN_EVAL_SPANS_H

#include <tenon/pipeline.h>

/** How many there are in the gold data, in the answers, and in both. */
struct eval_counts {
	size_t gold, found, right;
};

/** right / found, right / gold, and the harmonic mean of both: 0 to 1; 0 where there is
 *  nothing to divide by. */
double eval_precision(const struct eval_counts *c);
double eval_recall(const struct eval_counts *c);
double eval_f1(const struct eval_counts *c);

/** Something of a kind from begin to end - 1, in words or bytes.  The label is borrowed. */
struct eval_span {
	struct tn_text label;
	size_t begin, end;
};

/** The spans of n tags, in words, in their order; room for n.  Returns how many.  A tag is
 *  B, I, E or S (L is E, U is S), a hyphen and a label; a letter alone has the label "_";
 *  any other but O is a label as if I- stood before it.  A span begins at B and S, at I and
 *  E behind O, E, S or another label, and ends before such a tag, behind E and S, and
 *  before O. */
size_t eval_spans_of_tags(const struct tn_text *tags, size_t n, struct eval_span *spans);

/** The same, strictly: a span begins at B and S alone; I and E that go on with none are nothing.
 *  With `closed` one of several words ends at an E, or is none.
 *  Source: seqeval, mode "strict" with the schemes IOB2 and, closed, IOBES. */
size_t eval_strict_spans_of_tags(const struct tn_text *tags, size_t n, bool closed,
	struct eval_span *spans);

/** Counts the spans of one text.  One that is found is right when the gold ones hold its
 *  equal in label, begin and end, each of which is used once.  Both arrays are sorted. */
void eval_count_spans(struct eval_counts *c, struct eval_span *gold, size_t n_gold,
	struct eval_span *found, size_t n_found);

#endif
