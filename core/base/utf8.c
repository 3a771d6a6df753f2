/* SPDX-License-Identifier: Apache-2.0
 * core/base/utf8.c - reading UTF-8.
 */
#include "base/utf8.h"

/* Source: The Unicode Standard 15.0, table 3-7 (well-formed byte sequences). */
size_t tn_utf8_decode(const char *text, size_t len, uint32_t *code)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned low = 0x80, high = 0xbf, more;
	uint32_t c = s[0];

	*code = TN_UTF8_BAD;
	if (c < 0x80) {
		*code = c;
		return 1;
	}
	if (c < 0xc2 || c > 0xf4)
		return 1;
	if (c < 0xe0) {
		more = 1;
		c &= 0x1f;
	} else if (c < 0xf0) {
		more = 2;
		low = c == 0xe0 ? 0xa0 : 0x80;
		high = c == 0xed ? 0x9f : 0xbf;
		c &= 0x0f;
	} else {
		more = 3;
		low = c == 0xf0 ? 0x90 : 0x80;
		high = c == 0xf4 ? 0x8f : 0xbf;
		c &= 0x07;
	}
	for (unsigned i = 1; i <= more; i++) {
		if (i >= len || s[i] < low || s[i] > high)
			return i;
		c = c << 6 | (s[i] & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	*code = c;
	return more + 1;
}

size_t tn_utf8_encode(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

size_t tn_utf8_valid(const char *text, size_t len)
{
	size_t i = 0;
	uint32_t c;

	while (i < len) {
		size_t width = tn_utf8_decode(text + i, len - i, &c);

		if (c == TN_UTF8_BAD)
			break;
		i += width;
	}
	return i;
}

size_t tn_utf8_count(const char *text, size_t len)
{
	size_t n = 0;
	uint32_t c;

	for (size_t i = 0; i < len; n++)
		i += tn_utf8_decode(text + i, len - i, &c);
	return n;
}
