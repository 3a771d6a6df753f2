/* SPDX-License-Identifier: Apache-2.0
 * core/base/number.c - reals as the shortest decimals that read back to them.
 */
#include "base/number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* n, which has `digits` digits, with `decimals` of them behind the point, without the
 * zeros that end it. */
static size_t write_fixed(char *text, uint64_t n, int decimals)
{
	char reversed[32];
	size_t len = 0, at = 0;

	for (; decimals > 1 && n % 10 == 0; decimals--)
		n /= 10;
	while (n || (int)len <= decimals) {
		if ((int)len == decimals && len)
			reversed[at++] = '.';
		reversed[at++] = (char)('0' + n % 10);
		n /= 10;
		len++;
	}
	for (size_t i = 0; i < at; i++)
		text[i] = reversed[at - 1 - i];
	return at;
}

/* Most numbers of a vector: single precision, of a magnitude that is written without an
 * exponent.  All steps are exact in double but two, each off by at most 2^-53 of the value;
 * where that could matter 0 is returned, else the length of the shortest decimal. */
static size_t write_single(char *text, float r)
{
	static const double tens[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12 };
	const double x = fabs((double)r);
	const double up = (double)nextafterf((float)x, INFINITY) - x;
	const double down = x - (double)nextafterf((float)x, 0);
	int first = 0;		/* 10^first <= x */

	if (!(x >= 1e-4 && x < 1e4))
		return 0;
	for (; first < 3 && x >= tens[first + 1]; first++)
		;
	for (; first <= 0 && x * tens[-first] < 1; first--)
		;
	for (int digits = 6; digits <= 9; digits++) {
		const int decimals = digits - 1 - first;
		const double scaled = x * tens[decimals], whole = floor(scaled + 0.5);
		const double back = whole / tens[decimals];
		const double off = fabs(back - x) * 2 / (back > x ? up : down);

		if (fabs(scaled - whole) > 0.499999 || whole >= tens[digits] ||
				fabs(off - 1) < 1e-6)
			return 0;
		if (off < 1) {
			*text = '-';
			return (size_t)(r < 0) + write_fixed(text + (r < 0), (uint64_t)whole,
				decimals);
		}
	}
	return 0;
}

size_t tn_real_text(char *text, double r, bool single)
{
	size_t len = single ? write_single(text, (float)r) : 0;

	if (len) {
		text[len] = '\0';
		return len;
	}
	for (int digits = single ? 6 : 15; digits <= 17; digits++) {
		snprintf(text, TN_REAL_TEXT - 2, "%.*g", digits, r);
		if (single ? strtof(text, NULL) == (float)r : strtod(text, NULL) == r)
			break;
	}
	/* The decimal sign of a locale may be more than one byte. */
	for (char *c = text; *c; c++)
		if (!strchr("+-0123456789e", *c)) {
			*c = '.';
			memmove(c + 1, c + strcspn(c, "0123456789"),
				strlen(c + strcspn(c, "0123456789")) + 1);
		}
	if (!strpbrk(text, ".e"))
		strcat(text, ".0");
	return strlen(text);
}
