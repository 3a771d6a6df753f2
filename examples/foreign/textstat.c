/* SPDX-License-Identifier: Apache-2.0
 * examples/foreign/textstat.c - a library that knows nothing of tenon, and is called by it:
 *
 *	cc -O2 -shared -fPIC -o libtextstat.so textstat.c -lm
 *	tenon run textstat.cfg "A text in CAPITALS"
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* score[0]: the share of capital letters; score[1]: the length of the first of the rows.  Returns
 * 0, or 1 when there is no room for the two. */
int32_t text_stat(const char *text, size_t len, const float *hidden, size_t rows, size_t cols,
	float *score, size_t n)
{
	size_t letters = 0, capitals = 0;
	double sum = 0;

	if (n < 2)
		return 1;
	for (size_t i = 0; i < len; i++) {
		capitals += text[i] >= 'A' && text[i] <= 'Z';
		letters += (text[i] | 32) >= 'a' && (text[i] | 32) <= 'z';
	}
	for (size_t c = 0; rows && c < cols; c++)
		sum += (double)hidden[c] * (double)hidden[c];
	score[0] = letters ? (float)capitals / (float)letters : 0;
	score[1] = (float)sqrt(sum);
	return 0;
}

/* p [cols]: the softmax of the first row of another head's scores. */
void softmax(const float *scores, size_t rows, size_t cols, double *p)
{
	double sum = 0;

	for (size_t c = 0; rows && c < cols; c++)
		sum += p[c] = exp((double)scores[c]);
	for (size_t c = 0; rows && c < cols; c++)
		p[c] /= sum;
}

/* The longest token in bytes, or -1 without tokens. */
int16_t longest_token(const uint32_t *begin, const uint32_t *end, size_t rows)
{
	int16_t longest = -1;

	for (size_t i = 0; i < rows; i++)
		if ((int)(end[i] - begin[i]) > longest)
			longest = (int16_t)(end[i] - begin[i]);
	return longest;
}
