/* SPDX-License-Identifier: Apache-2.0
 * core/eval/tally.c - how often each name occurs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "eval/tally.h"

uint64_t eval_hash(const char *text, size_t len)
{
	uint64_t h = tn_hash(TN_HASH, text, len);

	return h ^ h >> 32;
}

/* The slot of a name, or the empty one where it belongs. */
static size_t slot_of(const struct eval_tally *t, struct tn_text name)
{
	size_t slot = eval_hash(name.text, name.len) & t->mask;

	while (t->slots[slot]) {
		const struct eval_tally_item *item = &t->items[t->slots[slot] - 1];

		if (item->name.len == name.len && !memcmp(item->name.text, name.text, name.len))
			break;
		slot = (slot + 1) & t->mask;
	}
	return slot;
}

static void fill_slots(struct eval_tally *t)
{
	memset(t->slots, 0, (t->mask + 1) * sizeof(*t->slots));
	for (size_t i = 0; i < t->n; i++)
		t->slots[slot_of(t, t->items[i].name)] = (uint32_t)i + 1;
}

/* The table has twice the slots that there is room for items. */
static int grow(struct eval_tally *t, struct tn_arena *arena, struct tn_call *call)
{
	size_t room = t->room ? t->room * 2 : 32;
	struct eval_tally_item *items;

	if (room > UINT32_MAX / 2)
		return tn_fail(call, TN_ENOMEM, "out of memory: %zu names", t->n);
	items = tn_arena_alloc(arena, room * sizeof(*items));
	t->slots = tn_arena_alloc(arena, 2 * room * sizeof(*t->slots));
	if (!items || !t->slots)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	if (t->n)
		memcpy(items, t->items, t->n * sizeof(*items));
	t->items = items;
	t->room = room;
	t->mask = 2 * room - 1;
	fill_slots(t);
	return 0;
}

int eval_tally_add(struct eval_tally *t, struct tn_text name, size_t n, struct tn_arena *arena,
	struct tn_call *call)
{
	size_t slot;

	if (t->n == t->room && grow(t, arena, call))
		return tn_status(call);
	slot = slot_of(t, name);
	if (!t->slots[slot]) {
		t->items[t->n] = (struct eval_tally_item){ .name = name };
		t->slots[slot] = (uint32_t)++t->n;
	}
	t->items[t->slots[slot] - 1].n += n;
	t->total += n;
	return 0;
}

size_t eval_tally_find(const struct eval_tally *t, struct tn_text name)
{
	uint32_t number = t->n ? t->slots[slot_of(t, name)] : 0;

	return number ? number - 1 : SIZE_MAX;
}

size_t eval_tally_count(const struct eval_tally *t, struct tn_text name)
{
	size_t i = eval_tally_find(t, name);

	return i == SIZE_MAX ? 0 : t->items[i].n;
}

static int compare_items(const void *left, const void *right)
{
	const struct eval_tally_item *a = left, *b = right;
	size_t len = a->name.len < b->name.len ? a->name.len : b->name.len;
	int order = memcmp(a->name.text, b->name.text, len);

	if (a->n != b->n)
		return a->n > b->n ? -1 : 1;
	return order ? order : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}

void eval_tally_sort(struct eval_tally *t)
{
	if (!t->n)
		return;
	qsort(t->items, t->n, sizeof(*t->items), compare_items);
	fill_slots(t);
}
