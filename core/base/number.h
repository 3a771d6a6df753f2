/* SPDX-License-Identifier: Apache-2.0
 * core/base/number.h - reals as text, whatever the locale.
 */
#ifndef TN_BASE_NUMBER_H
#define TN_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <tenon/export.h>

/** Bytes that any real needs, with the zero at the end. */
#define TN_REAL_TEXT 40

/**
 * Writes a finite real as the shortest decimal of at least 6 digits (15 if not `single`, the
 * last zeros not counted) that reads back to the same value, with a point or an exponent and
 * never with the decimal sign of a locale.
 *
 * @text	TN_REAL_TEXT bytes.
 * @single	The value is one of single precision and is read back as such.
 * @return	The length.
 */
TN_PRIVATE size_t tn_real_text(char *text, double r, bool single);

#endif
