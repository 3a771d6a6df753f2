/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/cleanup.c - spaces before punctuation and in contractions.
 * Source: Hugging Face tokenizers 0.22.2, decoders/wordpiece.rs.
 */
#include <string.h>

#include "decoder.h"

/* What cleanup() of Hugging Face replaces in each piece, in this order. */
static const char *const replacements[][2] = {
	{ " .", "." }, { " ?", "?" }, { " !", "!" }, { " ,", "," }, { " ' ", "'" },
	{ " n't", "n't" }, { " 'm", "'m" }, { " do not", " don't" }, { " 's", "'s" },
	{ " 've", "'ve" }, { " 're", "'re" },
};

/* No replacement is longer than what it replaces: in place. */
static size_t replace(char *text, size_t len, const char *from, const char *to)
{
	size_t n_from = strlen(from), n_to = strlen(to), n = 0;

	for (size_t i = 0; i < len;) {
		if (len - i >= n_from && !memcmp(text + i, from, n_from)) {
			memcpy(text + n, to, n_to);
			n += n_to;
			i += n_from;
		} else {
			text[n++] = text[i++];
		}
	}
	return n;
}

size_t tok_cleanup(char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(replacements) / sizeof(replacements[0]); i++)
		len = replace(text, len, replacements[i][0], replacements[i][1]);
	return len;
}
