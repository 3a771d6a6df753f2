/* SPDX-License-Identifier: Apache-2.0
 * core/base/config.h - libconfig texts to value trees and back, checked.
 *
 * A text is first checked token by token, so that each fault has its place and its own
 * sentence, then read by libconfig.  What libconfig 1.5 takes silently and wrongly is an
 * error here: integers out of range, neighbouring strings (a forgotten comma), strings
 * over several lines, infinite numbers, bad UTF-8, settings that occur twice, unclosed
 * comments, @include of anything but a regular file.  @include names a file relative to
 * the one that has it and stands where a setting may; all files of a configuration
 * together have at most TN_CONFIG_MAX bytes.  Numbers have a decimal point in any locale.
 *
 * libconfig 1.5 ends the process when memory runs out inside it; everything here before
 * and after it returns TN_ENOMEM.
 */
#ifndef TN_BASE_CONFIG_H
#define TN_BASE_CONFIG_H

#include <tenon/value.h>

#define TN_CONFIG_MAX ((size_t)1 << 20)

/** Reads a file.  Groups become objects, arrays and lists become lists; every value
 *  carries the file and line where it begins.  All faults are recorded, at least the
 *  first of each file: TN_ECONFIG, texts that begin with FILE:LINE:COLUMN.  A file that
 *  does not exist is TN_ENOINPUT.  A file that anybody may write to is worth a note.
 *  NULL after an error. */
TN_PRIVATE struct tn_value *tn_config_read(const char *path, struct tn_arena *arena,
	struct tn_call *call);
/** The same for a text in memory, which messages call `name`; `directory` is where a
 *  relative @include begins (NULL: the current directory). */
TN_PRIVATE struct tn_value *tn_config_parse(const char *text, size_t len, const char *name,
	const char *directory, struct tn_arena *arena, struct tn_call *call);

/** Applies "a.b=VALUE" or "a.[0].b=VALUE" to an object: the value there is replaced,
 *  groups that are missing are made.  VALUE is tried as exactly one libconfig value, else
 *  taken as a string.  The place of what it sets is "--set a.b=VALUE", line 0.
 *  Errors: TN_EUSAGE, there is no path or no "="; TN_ECONFIG, the path leads through a
 *  value that is no group or list, beyond the end of a list, or VALUE is a number out of
 *  range; TN_ENOMEM. */
TN_PRIVATE int tn_config_set(struct tn_value *root, const char *assignment,
	struct tn_arena *arena, struct tn_call *call);

/** The members of an object as a libconfig text that reads back to the same tree, in the
 *  call's arena; `len` may be NULL.  NULL after an error: TN_ENOMEM; TN_ECONFIG, the tree
 *  holds what libconfig cannot say (null, an infinite number, a name with a dot). */
TN_PRIVATE char *tn_config_print(const struct tn_value *root, size_t *len, struct tn_call *call);

/** Where a value stands, for the begin of a message: "FILE:LINE", "--set a.b=VALUE", or
 *  "configuration" when it has no place.  In the call's arena or borrowed from the tree. */
TN_PRIVATE const char *tn_value_where(const struct tn_value *v, struct tn_call *call);

#endif
