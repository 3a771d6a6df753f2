/* SPDX-License-Identifier: Apache-2.0
 * core/base/nearest.h - the known name that a mistyped one was meant to be.
 */
#ifndef TN_BASE_NEAREST_H
#define TN_BASE_NEAREST_H

#include <stddef.h>
#include <tenon/export.h>

/** The name of `known` (n of them; NULL ones are skipped) that is fewest edits away from
 *  `word`, the first of equals; NULL when none is near: at most a third of the longer
 *  one's bytes, but at least one, may differ.  An edit inserts, removes or changes a byte
 *  or swaps two neighbours.  Borrowed from `known`.
 *  Source: the restricted edit distance of Damerau, CACM 7(3), 1964. */
TN_PRIVATE const char *tn_nearest(const char *word, const char *const *known, size_t n);

#endif
