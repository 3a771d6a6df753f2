/* SPDX-License-Identifier: Apache-2.0
 * tenon/value.h - a tree of values: answers, JSON files, settings.
 *
 * A tree lives in the arena it was made in; nothing in it is freed alone.
 * Trees are not locked: one writer, or any number of readers.
 */
#ifndef TN_VALUE_H
#define TN_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tenon/call.h>

TN_BEGIN

enum tn_value_kind {
	TN_VALUE_NULL,
	TN_VALUE_BOOL,
	TN_VALUE_INT,
	TN_VALUE_REAL,
	TN_VALUE_STRING,
	TN_VALUE_LIST,
	TN_VALUE_OBJECT,
	TN_VALUE_FLOATS		/* a list of float, kept as one array */
};

struct tn_value;

/* --- reading; each accepts NULL as the value null --- */

/** The kind of a value. */
TN_API enum tn_value_kind tn_value_kind(const struct tn_value *v);
/** The word for a kind: "an integer", "a list" ... */
TN_API const char *tn_value_kind_name(enum tn_value_kind kind);
/** The member of an object, or NULL. */
TN_API const struct tn_value *tn_get(const struct tn_value *object, const char *key);
/** Members of an object, items of a list, floats of an array; else 0. */
TN_API size_t tn_size(const struct tn_value *v);
/** The i-th item of a list or member of an object (in the order of their
 *  making); NULL beyond the end. */
TN_API const struct tn_value *tn_at(const struct tn_value *v, size_t i);
/** The name of an object's i-th member; NULL beyond the end. */
TN_API const char *tn_key(const struct tn_value *object, size_t i);
/** The value, or `otherwise` when it is of another kind.  tn_real also takes an
 *  integer; tn_int never takes a real. */
TN_API bool tn_bool(const struct tn_value *v, bool otherwise);
TN_API int64_t tn_int(const struct tn_value *v, int64_t otherwise);
TN_API double tn_real(const struct tn_value *v, double otherwise);
/** The text, NUL-terminated, borrowed from the tree. */
TN_API const char *tn_string(const struct tn_value *v, const char *otherwise);
/** Bytes of a string without the NUL (a text may hold NULs). */
TN_API size_t tn_string_length(const struct tn_value *v);
/** The floats of an array, borrowed; NULL for another kind. */
TN_API const float *tn_floats(const struct tn_value *v);
/** Where the value stood: its file (NULL when unknown) and line, from 1 (0 when
 *  unknown). */
TN_API const char *tn_value_file(const struct tn_value *v);
TN_API int tn_value_line(const struct tn_value *v);

/* --- making; NULL when memory ran out, and NULL parents or children are
 *     passed through, so that only the end needs a check --- */

/** A value in the arena, of the kind that the name says. */
TN_API struct tn_value *tn_new_null(struct tn_arena *arena);
TN_API struct tn_value *tn_new_bool(struct tn_arena *arena, bool b);
TN_API struct tn_value *tn_new_int(struct tn_arena *arena, int64_t i);
TN_API struct tn_value *tn_new_real(struct tn_arena *arena, double r);
/** Copies `len` bytes. */
TN_API struct tn_value *tn_new_string(struct tn_arena *arena, const char *text, size_t len);
TN_API struct tn_value *tn_new_text(struct tn_arena *arena, const char *text);
TN_API struct tn_value *tn_new_list(struct tn_arena *arena);
TN_API struct tn_value *tn_new_object(struct tn_arena *arena);
/** Borrows the array, which must live as long as the arena. */
TN_API struct tn_value *tn_new_floats(struct tn_arena *arena, const float *items, size_t n);
/** Appends to a list; returns the item. */
TN_API struct tn_value *tn_append(struct tn_arena *arena, struct tn_value *list,
	struct tn_value *item);
/** Sets a member, replacing one of that name; returns the member. */
TN_API struct tn_value *tn_set(struct tn_arena *arena, struct tn_value *object,
	const char *key, struct tn_value *member);
/** Removes a member of an object, if it is there. */
TN_API void tn_unset(struct tn_value *object, const char *key);
/** file is borrowed and lives as long as the tree. */
TN_API void tn_value_set_place(struct tn_value *v, const char *file, int line);

/* --- JSON --- */

/** Parses one JSON text (RFC 8259): duplicate keys, bad UTF-8, NaN, trailing
 *  text, more than 2,048 levels and reals out of range are errors that begin
 *  with `name:LINE:COLUMN: byte N`.  An integer beyond 64 bits becomes a real (16 of
 *  them in a text at most).  NULL after an error. */
TN_API struct tn_value *tn_json_parse(const char *text, size_t len, const char *name,
	struct tn_arena *arena, struct tn_call *call);
/** The value as one line of JSON in the call's arena, reals in the shortest form
 *  that reads back to the same double (floats: to the same float); `len` may be
 *  NULL.  Infinite and NaN become null. */
TN_API char *tn_json_print(const struct tn_value *v, size_t *len, struct tn_call *call);

TN_END
#endif
