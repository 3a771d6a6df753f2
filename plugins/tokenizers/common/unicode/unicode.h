/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/unicode/unicode.h - characters as Hugging Face tokenizers
 * 0.22 sees them.  The tables are made by generate.py and pinned: no library of the
 * system has this mixture of Unicode versions.
 */
#ifndef TOK_UNICODE_H
#define TOK_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/** Properties of a class of characters: bits of tok_class_mask. */
enum tok_flag {
	TOK_SPACE = 1,		/* White_Space */
	TOK_CONTROL = 2,	/* BERT deletes it: Cc, Cf, Co of Unicode 8 and U+FFFD, but not
				 * tab, line feed and carriage return */
	TOK_PUNCTUATION = 4,	/* P* of Unicode 8, or ASCII punctuation */
	TOK_MARK = 8,		/* Mn of Unicode 8 */
	TOK_CJK = 16,		/* BERT's ideographs, with its slip at U+2B820..2B91F */
	TOK_WORD = 32,		/* \w of Rust's regex: bounds of single_word tokens */
	TOK_LOWER = 64,		/* has another lower case */
	TOK_DECOMPOSES = 128,	/* canonically, Unicode 9 */
	TOK_COMBINES = 256,	/* combining class is not 0, Unicode 9 */
	TOK_LETTER = 512,	/* \p{L} of Oniguruma, Unicode 16 */
	TOK_NUMBER = 1024,	/* \p{N} of Oniguruma */
	TOK_NUMERIC = 2048,	/* Rust's is_numeric() */
	TOK_ACCENT = 4096,	/* the normalizer StripAccents drops it: M* of Unicode 9 */
	TOK_JOINS = 8192,	/* NFC may join it to a character before */
	TOK_COMPATIBLE = 16384,	/* NFKD differs from NFD */
	TOK_COMPOSED = 32768,	/* decomposes, and NFC makes it again */
	TOK_CAPITAL = 65536,	/* [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] of Oniguruma */
	TOK_SMALL = 131072	/* [\p{Ll}\p{Lm}\p{Lo}\p{M}] of Oniguruma */
};

#define TOK_REPLACEMENT 0xfffdu
#define TOK_HANGUL 0xac00u
#define TOK_HANGUL_END 0xd7a4u

extern const uint32_t tok_class_mask[];
extern const uint8_t tok_class_index[], tok_class_blocks[][128];
extern const uint8_t tok_ccc_index[], tok_ccc_blocks[][128];
extern const uint8_t tok_lower_index[];
extern const uint16_t tok_lower_blocks[][128];
extern const uint32_t tok_lower_to[];
extern const uint8_t tok_nfd_index[];
extern const uint16_t tok_nfd_blocks[][128];
extern const uint32_t tok_nfd_pool[];
extern const uint8_t tok_nfkd_index[];
extern const uint16_t tok_nfkd_blocks[][128];
extern const uint32_t tok_nfkd_pool[];
extern const size_t tok_n_pairs;
extern const uint32_t tok_pairs[][3];

/** Bits of enum tok_flag of a code point up to U+10FFFF. */
static inline unsigned tok_flags(uint32_t c)
{
	return tok_class_mask[tok_class_blocks[tok_class_index[c >> 7]][c & 127]];
}

/** The canonical combining class of a character with TOK_COMBINES. */
static inline uint8_t tok_ccc(uint32_t c)
{
	return tok_ccc_blocks[tok_ccc_index[c >> 7]][c & 127];
}

/** The lower case of a character with TOK_LOWER; of U+0130 the first of two, to be
 *  followed by U+0307. */
static inline uint32_t tok_lower(uint32_t c)
{
	return tok_lower_to[tok_lower_blocks[tok_lower_index[c >> 7]][c & 127]];
}

/** The full canonical decomposition of a character with TOK_DECOMPOSES: writes at
 *  most 4 code points and returns how many. */
static inline unsigned tok_decompose(uint32_t c, uint32_t out[4])
{
	const uint32_t *from;

	if (c >= TOK_HANGUL && c < TOK_HANGUL_END) {
		/* Source: The Unicode Standard 15.0, section 3.12. */
		uint32_t s = c - TOK_HANGUL, t = s % 28;

		out[0] = 0x1100 + s / 588;
		out[1] = 0x1161 + s % 588 / 28;
		if (!t)
			return 2;
		out[2] = 0x11a7 + t;
		return 3;
	}
	from = tok_nfd_pool + tok_nfd_blocks[tok_nfd_index[c >> 7]][c & 127];
	for (uint32_t i = 0; i < from[0]; i++)
		out[i] = from[1 + i];
	return from[0];
}

#define TOK_MAX_COMPATIBLE 18

/** The full compatibility decomposition of a character with TOK_COMPATIBLE: at most
 *  TOK_MAX_COMPATIBLE code points; returns how many. */
static inline unsigned tok_decompose_compatible(uint32_t c, uint32_t *out)
{
	const uint32_t *from = tok_nfkd_pool + tok_nfkd_blocks[tok_nfkd_index[c >> 7]][c & 127];

	for (uint32_t i = 0; i < from[0]; i++)
		out[i] = from[1 + i];
	return from[0];
}

/** Decodes the first code point of `len` > 0 bytes and returns its width; a maximal
 *  bad part (Unicode 15, table 3-7) counts as one U+FFFD. */
static inline unsigned tok_decode(const char *text, size_t len, uint32_t *code)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned low = 0x80, high = 0xbf, more;
	uint32_t c = s[0];

	*code = c;
	if (c < 0x80)
		return 1;
	*code = TOK_REPLACEMENT;
	if (c < 0xc2 || c > 0xf4)
		return 1;
	more = 1 + (c >= 0xe0) + (c >= 0xf0);
	if (c == 0xe0)
		low = 0xa0;
	else if (c == 0xed)
		high = 0x9f;
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f;
	c &= 0x3fu >> more;
	for (unsigned i = 1; i <= more; i++, low = 0x80, high = 0xbf) {
		if (i >= len || s[i] < low || s[i] > high)
			return i;
		c = c << 6 | (s[i] & 0x3f);
	}
	*code = c;
	return more + 1;
}

/** Writes a code point, at most 4 bytes; returns its width. */
static inline unsigned tok_encode(uint32_t c, char *out)
{
	unsigned more = (c >= 0x80) + (c >= 0x800) + (c >= 0x10000);

	if (!more) {
		out[0] = (char)c;
		return 1;
	}
	for (unsigned i = more; i; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(0xff00u >> (more + 1) | c);
	return more + 1;
}

#endif
