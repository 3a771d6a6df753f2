/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/repair.h - text that is not UTF-8.
 */
#ifndef TOK_REPAIR_H
#define TOK_REPAIR_H

#include "normal.h"

/** Returns 0 when a piece is valid UTF-8 (the buffer is not touched); else replaces the
 *  buffer's content by it with U+FFFD for each maximal bad part and returns 1.
 *  Error: TN_ENOMEM. */
int tok_repair(const struct tok_piece *in, struct tok_buffer *out, struct tn_call *call);

#endif
