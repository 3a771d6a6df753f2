/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/table.c - memory for large tables.
 */
#include "table.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

void *tok_table_alloc(size_t n, size_t size)
{
	size_t bytes, whole;
	void *table;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - HUGE_PAGE)
		return NULL;
	if (bytes < HUGE_PAGE)
		return malloc(bytes ? bytes : 1);
	whole = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	table = aligned_alloc(HUGE_PAGE, whole);
	if (table)
		madvise(table, whole, MADV_HUGEPAGE);
	return table;
}
