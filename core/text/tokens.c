/* SPDX-License-Identifier: Apache-2.0
 * core/text/tokens.c - the growing array of tokens.
 */
#include <stdint.h>
#include <string.h>
#include <tenon/impl/tokenizer.h>

int tn_tokens_grow(struct tn_tokens *tokens, struct tn_call *call)
{
	size_t capacity = tokens->capacity > SIZE_MAX / 2 ? SIZE_MAX : tokens->capacity * 2;
	struct tn_token *items;

	if (capacity < 64)
		capacity = 64;
	items = tn_alloc_n(call, capacity, sizeof(*items));
	if (!items)
		return TN_ENOMEM;
	if (tokens->n)
		memcpy(items, tokens->items, tokens->n * sizeof(*items));
	tokens->items = items;
	tokens->capacity = capacity;
	return 0;
}
