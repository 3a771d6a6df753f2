/* SPDX-License-Identifier: Apache-2.0
 * core/base/pages.h - large memory in huge pages, where the machine gives them: a page
 * fault costs more than the copying of its 4 KB, and a matrix of small pages misses the
 * TLB.
 */
#ifndef TN_BASE_PAGES_H
#define TN_BASE_PAGES_H

#include <tenon/export.h>
#include <stddef.h>

#define TN_HUGE_PAGE ((size_t)2 << 20)

/** Whole zeroed pages for at least `bytes`, aligned to TN_HUGE_PAGE; NULL when there is no
 *  memory.  Worth it from some megabytes on. */
TN_PRIVATE void *tn_pages_alloc(size_t bytes);
/** With the bytes that were asked for; NULL is allowed. */
TN_PRIVATE void tn_pages_free(void *pages, size_t bytes);

#endif
