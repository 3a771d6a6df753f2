/* SPDX-License-Identifier: Apache-2.0
 * core/base/utf8.h - reading UTF-8.
 */
#ifndef TN_BASE_UTF8_H
#define TN_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <tenon/export.h>

#define TN_UTF8_BAD UINT32_MAX

/** Decodes the first code point of `len` > 0 bytes.  Returns its width; for bad
 *  bytes the width of the maximal bad part (Unicode 15, table 3-8: what one U+FFFD
 *  replaces) and TN_UTF8_BAD. */
TN_PRIVATE size_t tn_utf8_decode(const char *text, size_t len, uint32_t *code);
/** Writes a code point (at most 4 bytes); returns its width. */
TN_PRIVATE size_t tn_utf8_encode(uint32_t code, char *out);
/** Bytes before the first bad one; len when all is well. */
TN_PRIVATE size_t tn_utf8_valid(const char *text, size_t len);
/** Code points of a text; each maximal bad part counts as one. */
TN_PRIVATE size_t tn_utf8_count(const char *text, size_t len);

#endif
