/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/words.c - a hash table of whole words.
 */
#include "words.h"

#include <stdlib.h>

#include "table.h"

int tok_words_build(struct tok_words *w, const struct tok_key *keys, size_t n,
	struct tn_call *call)
{
	size_t slots = 64;

	while (slots < 2 * n)
		slots *= 2;
	w->slots = tok_table_alloc(slots, sizeof(*w->slots));
	if (!w->slots)
		return tn_fail(call, TN_ENOMEM, "memory ran out for a table of %zu words", n);
	memset(w->slots, 0, slots * sizeof(*w->slots));
	w->mask = slots - 1;
	for (size_t i = 0; i < n; i++) {
		struct tok_word k;
		size_t at;

		if (!keys[i].len || keys[i].len > TOK_MAX_WORD)
			continue;
		k = tok_word_key(keys[i].text, keys[i].len, keys[i].len);
		k.id = keys[i].id;
		for (at = tok_word_hash(&k); w->slots[at & w->mask].high; at++)
			;
		w->slots[at & w->mask] = k;
	}
	return 0;
}

void tok_words_free(struct tok_words *w)
{
	free(w->slots);
	*w = (struct tok_words){ 0 };
}
