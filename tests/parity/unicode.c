/* SPDX-License-Identifier: Apache-2.0
 * tests/parity/unicode.c - writes what the tables of the tokenizers say of each scalar
 * value, for compare_unicode.py: flags, combining class, the lower case (2 code points,
 * 0: none), the canonical decomposition (4), the compatibility decomposition where that is
 * another (18), as 32-bit numbers.
 */
#include <stdio.h>

#include "unicode/unicode.h"

int main(void)
{
	for (uint32_t c = 0; c < 0x110000; c++) {
		unsigned flags = tok_flags(c);
		uint32_t row[8 + TOK_MAX_COMPATIBLE] = { flags, 0, c, 0, c };

		if (c >= 0xd800 && c < 0xe000)
			continue;
		if (flags & TOK_COMBINES)
			row[1] = tok_ccc(c);
		if (flags & TOK_LOWER)
			row[2] = tok_lower(c);
		if (c == 0x130)
			row[3] = 0x307;
		if (flags & TOK_DECOMPOSES)
			tok_decompose(c, row + 4);
		if (flags & TOK_COMPATIBLE)
			tok_decompose_compatible(c, row + 8);
		fwrite(row, sizeof(row), 1, stdout);
	}
	return fflush(stdout) ? 1 : 0;
}
