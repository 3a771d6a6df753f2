/* SPDX-License-Identifier: Apache-2.0
 * core/base/value.c - the value tree.
 */
#include <string.h>
#include <tenon/value.h>

#include "base/hash.h"
#include "base/value.h"

#define LINEAR 16	/* members that are found without an index */

struct member {
	struct tn_value *value;
	const char *key;	/* NULL in lists */
};

struct tn_value {
	enum tn_value_kind kind;
	int line;
	const char *file;
	size_t n;		/* bytes, items, members, floats */
	union {
		bool b;
		int64_t i;
		double r;
		const char *text;
		const float *floats;
		struct {
			struct member *items;
			size_t capacity;
			uint32_t *index;	/* of a large object: see find_slot */
			size_t n_slots;
		} list;
	} as;
};

static const struct tn_value null_value = { .kind = TN_VALUE_NULL };

enum tn_value_kind tn_value_kind(const struct tn_value *v)
{
	return v ? v->kind : TN_VALUE_NULL;
}

const char *tn_value_kind_name(enum tn_value_kind kind)
{
	static const char *const names[] = {
		[TN_VALUE_NULL] = "null", [TN_VALUE_BOOL] = "a truth value",
		[TN_VALUE_INT] = "an integer", [TN_VALUE_REAL] = "a real number",
		[TN_VALUE_STRING] = "a string", [TN_VALUE_LIST] = "a list",
		[TN_VALUE_OBJECT] = "an object", [TN_VALUE_FLOATS] = "a list of numbers",
	};

	return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

static bool has_items(const struct tn_value *v)
{
	return v && (v->kind == TN_VALUE_LIST || v->kind == TN_VALUE_OBJECT);
}

/* The slot of a key in an object's index, an open hash table of members counted from
 * 1: the key's own, or the empty one where it belongs.  The object's address is the
 * seed, so that no file can be made whose keys all fall together. */
static uint32_t *find_slot(const struct tn_value *object, const char *key)
{
	size_t mask = object->as.list.n_slots - 1;
	uint64_t hash = tn_hash(TN_HASH ^ (uintptr_t)object, key, strlen(key));

	for (size_t i = (size_t)(hash ^ hash >> 32);; i++) {
		uint32_t *slot = &object->as.list.index[i & mask];

		if (!*slot || !strcmp(object->as.list.items[*slot - 1].key, key))
			return slot;
	}
}

static struct member *find_member(const struct tn_value *object, const char *key)
{
	struct member *items = object->as.list.items;

	if (object->as.list.index) {
		uint32_t i = *find_slot(object, key);

		return i ? &items[i - 1] : NULL;
	}
	for (size_t i = 0; i < object->n; i++)
		if (!strcmp(items[i].key, key))
			return &items[i];
	return NULL;
}

const struct tn_value *tn_get(const struct tn_value *object, const char *key)
{
	const struct member *m = NULL;

	if (object && object->kind == TN_VALUE_OBJECT)
		m = find_member(object, key);
	return m ? m->value : NULL;
}

size_t tn_size(const struct tn_value *v)
{
	return has_items(v) || (v && v->kind == TN_VALUE_FLOATS) ? v->n : 0;
}

const struct tn_value *tn_at(const struct tn_value *v, size_t i)
{
	return has_items(v) && i < v->n ? v->as.list.items[i].value : NULL;
}

const char *tn_key(const struct tn_value *object, size_t i)
{
	return object && object->kind == TN_VALUE_OBJECT && i < object->n ?
		object->as.list.items[i].key : NULL;
}

bool tn_bool(const struct tn_value *v, bool otherwise)
{
	return v && v->kind == TN_VALUE_BOOL ? v->as.b : otherwise;
}

int64_t tn_int(const struct tn_value *v, int64_t otherwise)
{
	return v && v->kind == TN_VALUE_INT ? v->as.i : otherwise;
}

double tn_real(const struct tn_value *v, double otherwise)
{
	if (v && v->kind == TN_VALUE_INT)
		return (double)v->as.i;
	return v && v->kind == TN_VALUE_REAL ? v->as.r : otherwise;
}

const char *tn_string(const struct tn_value *v, const char *otherwise)
{
	return v && v->kind == TN_VALUE_STRING ? v->as.text : otherwise;
}

size_t tn_string_length(const struct tn_value *v)
{
	return v && v->kind == TN_VALUE_STRING ? v->n : 0;
}

const float *tn_floats(const struct tn_value *v)
{
	return v && v->kind == TN_VALUE_FLOATS ? v->as.floats : NULL;
}

int tn_value_line(const struct tn_value *v)
{
	return v ? v->line : 0;
}

const char *tn_value_file(const struct tn_value *v)
{
	return v ? v->file : NULL;
}

void tn_value_set_place(struct tn_value *v, const char *file, int line)
{
	if (!v)
		return;
	v->file = file;
	v->line = line;
}

static struct tn_value *make(struct tn_arena *arena, enum tn_value_kind kind)
{
	struct tn_value *v = tn_arena_alloc(arena, sizeof(*v));

	if (!v)
		return NULL;
	*v = null_value;
	v->kind = kind;
	return v;
}

struct tn_value *tn_new_null(struct tn_arena *arena)
{
	return make(arena, TN_VALUE_NULL);
}

struct tn_value *tn_new_bool(struct tn_arena *arena, bool b)
{
	struct tn_value *v = make(arena, TN_VALUE_BOOL);

	if (v)
		v->as.b = b;
	return v;
}

struct tn_value *tn_new_int(struct tn_arena *arena, int64_t i)
{
	struct tn_value *v = make(arena, TN_VALUE_INT);

	if (v)
		v->as.i = i;
	return v;
}

struct tn_value *tn_new_real(struct tn_arena *arena, double r)
{
	struct tn_value *v = make(arena, TN_VALUE_REAL);

	if (v)
		v->as.r = r;
	return v;
}

struct tn_value *tn_new_string(struct tn_arena *arena, const char *text, size_t len)
{
	struct tn_value *v = make(arena, TN_VALUE_STRING);

	if (!v)
		return NULL;
	v->as.text = tn_arena_dup(arena, text, len);
	v->n = len;
	return v->as.text ? v : NULL;
}

struct tn_value *tn_new_text(struct tn_arena *arena, const char *text)
{
	return text ? tn_new_string(arena, text, strlen(text)) : NULL;
}

struct tn_value *tn_new_list(struct tn_arena *arena)
{
	return make(arena, TN_VALUE_LIST);
}

struct tn_value *tn_new_object(struct tn_arena *arena)
{
	return make(arena, TN_VALUE_OBJECT);
}

struct tn_value *tn_new_floats(struct tn_arena *arena, const float *items, size_t n)
{
	struct tn_value *v = make(arena, TN_VALUE_FLOATS);

	if (v) {
		v->as.floats = items;
		v->n = n;
	}
	return v;
}

static struct member *add_member(struct tn_arena *arena, struct tn_value *v)
{
	if (v->n == v->as.list.capacity) {
		size_t capacity = v->n ? v->n * 2 : 4;
		struct member *items = tn_arena_alloc(arena, capacity * sizeof(*items));

		if (!items)
			return NULL;
		if (v->n)
			memcpy(items, v->as.list.items, v->n * sizeof(*items));
		v->as.list.items = items;
		v->as.list.capacity = capacity;
	}
	return &v->as.list.items[v->n++];
}

struct tn_value *tn_append(struct tn_arena *arena, struct tn_value *list, struct tn_value *item)
{
	struct member *m;

	if (!list || !item || list->kind != TN_VALUE_LIST)
		return NULL;
	m = add_member(arena, list);
	if (!m)
		return NULL;
	m->value = item;
	m->key = NULL;
	return item;
}

/* Enters the last member into the index, which objects of more than LINEAR members
 * have.  Without memory for one the object stays as it is, found by linear search. */
static void index_last(struct tn_arena *arena, struct tn_value *v)
{
	size_t n_slots = v->as.list.capacity * 2;

	if (v->n <= LINEAR || v->n > UINT32_MAX)
		return;
	if (v->as.list.index && v->as.list.n_slots == n_slots) {
		*find_slot(v, v->as.list.items[v->n - 1].key) = (uint32_t)v->n;
		return;
	}
	v->as.list.index = tn_arena_alloc(arena, n_slots * sizeof(uint32_t));
	v->as.list.n_slots = n_slots;
	for (size_t i = 0; v->as.list.index && i < v->n; i++)
		*find_slot(v, v->as.list.items[i].key) = (uint32_t)i + 1;
}

struct tn_value *tn_replace(struct tn_value *list, size_t i, struct tn_value *item)
{
	if (!list || !item || list->kind != TN_VALUE_LIST || i >= list->n)
		return NULL;
	list->as.list.items[i].value = item;
	return item;
}

struct tn_value *tn_set(struct tn_arena *arena, struct tn_value *object, const char *key,
	struct tn_value *member)
{
	struct member *m;

	if (!object || !member || object->kind != TN_VALUE_OBJECT)
		return NULL;
	m = find_member(object, key);
	if (!m) {
		const char *copy = tn_arena_dup(arena, key, strlen(key));

		m = copy ? add_member(arena, object) : NULL;
		if (!m)
			return NULL;
		m->key = copy;
		index_last(arena, object);
	}
	m->value = member;
	return member;
}

void tn_unset(struct tn_value *object, const char *key)
{
	struct member *items;

	if (!object || object->kind != TN_VALUE_OBJECT)
		return;
	items = object->as.list.items;
	for (size_t i = 0; i < object->n; i++) {
		if (strcmp(items[i].key, key))
			continue;
		memmove(&items[i], &items[i + 1], (object->n - i - 1) * sizeof(*items));
		object->n--;
		object->as.list.index = NULL;	/* made again by the next tn_set */
		return;
	}
}
