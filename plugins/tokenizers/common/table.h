/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/table.h - memory for large tables, which are read here and there:
 * in huge pages it costs fewer page faults to fill and fewer misses of the TLB to read.
 */
#ifndef TOK_TABLE_H
#define TOK_TABLE_H

#include <stddef.h>

/** Room for n items of a size, to be freed by free(); NULL when there is no memory. */
void *tok_table_alloc(size_t n, size_t size);

#endif
