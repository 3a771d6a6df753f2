/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/unicode/scripts.h - which characters are of one script, as the
 * pre-tokenizer UnicodeScripts of Hugging Face tokenizers 0.22.2 has it: Han, Hiragana and
 * Katakana are one.
 */
#ifndef TOK_SCRIPTS_H
#define TOK_SCRIPTS_H

#include <stddef.h>
#include <stdint.h>

/** First code point << 8 | number of the script, sorted; a range reaches to the next one. */
extern const size_t tok_n_scripts;
extern const uint32_t tok_scripts[];

/** A number for the script of a character; 0: it goes with the one before. */
static inline unsigned tok_script(uint32_t c)
{
	size_t low = 0, high = tok_n_scripts;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (tok_scripts[middle] >> 8 <= c)
			low = middle;
		else
			high = middle;
	}
	return tok_scripts[low] & 255;
}

#endif
