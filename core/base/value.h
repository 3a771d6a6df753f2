/* SPDX-License-Identifier: Apache-2.0
 * core/base/value.h - what the core does to value trees beyond tenon/value.h.
 */
#ifndef TN_BASE_VALUE_H
#define TN_BASE_VALUE_H

#include <tenon/value.h>

/** Puts `item` in the place of the i-th item of a list; returns it, or NULL when there is
 *  no such item. */
TN_PRIVATE struct tn_value *tn_replace(struct tn_value *list, size_t i, struct tn_value *item);

#endif
