/* SPDX-License-Identifier: Apache-2.0
 * core/base/json.c - JSON texts to value trees (by jansson) and back.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/value.h>

#include "base/number.h"

/* How many integers beyond 64 bits a text may hold. */
#define MAX_WIDE 16

static struct tn_value *convert(const json_t *j, struct tn_arena *arena)
{
	struct tn_value *v;
	const char *key;
	json_t *member;
	size_t i;

	switch (json_typeof(j)) {
	case JSON_TRUE:
	case JSON_FALSE:
		return tn_new_bool(arena, json_is_true(j));
	case JSON_INTEGER:
		return tn_new_int(arena, json_integer_value(j));
	case JSON_REAL:
		return tn_new_real(arena, json_real_value(j));
	case JSON_STRING:
		return tn_new_string(arena, json_string_value(j), json_string_length(j));
	case JSON_ARRAY:
		v = tn_new_list(arena);
		json_array_foreach(j, i, member)
			if (!tn_append(arena, v, convert(member, arena)))
				return NULL;
		return v;
	case JSON_OBJECT:
		v = tn_new_object(arena);
		json_object_foreach((json_t *)j, key, member)
			if (!tn_set(arena, v, key, convert(member, arena)))
				return NULL;
		return v;
	default:
		return tn_new_null(arena);
	}
}

/* Hugging Face writes 10^30 as an integer for "no limit".  jansson refuses one beyond 64
 * bits and tells where it ends: there it is made a real. */
static bool widen(char **text, size_t *len, const json_error_t *error, struct tn_arena *arena)
{
	size_t end = (size_t)error->position, begin = end;
	char *wider;

	if (json_error_code(error) != json_error_numeric_overflow || end > *len)
		return false;
	while (begin && (*text)[begin - 1] >= '0' && (*text)[begin - 1] <= '9')
		begin--;
	/* A real that is too large ends with its exponent. */
	if (begin == end || (begin && strchr("+.eE", (*text)[begin - 1])) ||
		(begin > 1 && (*text)[begin - 1] == '-' && strchr("eE", (*text)[begin - 2])))
		return false;
	wider = tn_arena_alloc(arena, *len + 2);
	if (!wider)
		return false;
	memcpy(wider, *text, end);
	memcpy(wider + end, ".0", 2);
	memcpy(wider + end + 2, *text + end, *len - end);
	*text = wider;
	*len += 2;
	return true;
}

struct tn_value *tn_json_parse(const char *text, size_t len, const char *name,
	struct tn_arena *arena, struct tn_call *call)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;
	char *wide = (char *)text;
	json_error_t error;
	struct tn_value *v;
	json_t *j;

	/* Where memory runs out jansson may blame the text, or drop a character of it and go on;
	 * malloc says it in errno. */
	errno = 0;
	j = json_loadb(text, len, flags, &error);
	if (j && errno == ENOMEM) {
		json_decref(j);
		tn_fail(call, TN_ENOMEM, "%s: out of memory", name);
		return NULL;
	}
	for (int i = 0; !j && i < MAX_WIDE && widen(&wide, &len, &error, arena); i++)
		j = json_loadb(wide, len, flags, &error);
	if (!j) {
		if (errno == ENOMEM || json_error_code(&error) == json_error_out_of_memory)
			tn_fail(call, TN_ENOMEM, "%s: out of memory", name);
		else
			tn_fail(call, TN_EDATA, "%s:%d:%d: byte %d: %s", name, error.line,
				error.column, error.position, error.text);
		return NULL;
	}
	v = convert(j, arena);
	json_decref(j);
	if (!v)
		tn_fail(call, TN_ENOMEM, "%s: out of memory", name);
	return v;
}

/* A growing text. */
struct out {
	char *text;
	size_t n, capacity;
	bool failed;
};

static void put(struct out *o, const char *text, size_t len)
{
	if (o->failed)
		return;
	if (o->capacity - o->n < len + 1) {
		size_t capacity = (o->n + len + 1) * 2;
		char *grown = realloc(o->text, capacity);

		if (!grown) {
			o->failed = true;
			return;
		}
		o->text = grown;
		o->capacity = capacity;
	}
	memcpy(o->text + o->n, text, len);
	o->n += len;
	o->text[o->n] = '\0';
}

static void put_string(struct out *o, const char *text, size_t len)
{
	size_t from = 0;

	put(o, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		char escape[8];
		const char *e = NULL;

		if (c == '"')
			e = "\\\"";
		else if (c == '\\')
			e = "\\\\";
		else if (c == '\n')
			e = "\\n";
		else if (c == '\t')
			e = "\\t";
		else if (c == '\r')
			e = "\\r";
		else if (c < 0x20 || c == 0x7f) {
			snprintf(escape, sizeof(escape), "\\u%04x", c);
			e = escape;
		}
		if (!e)
			continue;
		put(o, text + from, i - from);
		put(o, e, strlen(e));
		from = i + 1;
	}
	put(o, text + from, len - from);
	put(o, "\"", 1);
}

static void put_real(struct out *o, double r, bool single)
{
	char text[TN_REAL_TEXT];

	if (isfinite(r))
		put(o, text, tn_real_text(text, r, single));
	else
		put(o, "null", 4);
}

static void put_value(struct out *o, const struct tn_value *v)
{
	enum tn_value_kind kind = tn_value_kind(v);
	char text[24];

	switch (kind) {
	case TN_VALUE_NULL:
		put(o, "null", 4);
		break;
	case TN_VALUE_BOOL:
		put(o, tn_bool(v, false) ? "true" : "false", tn_bool(v, false) ? 4 : 5);
		break;
	case TN_VALUE_INT:
		snprintf(text, sizeof(text), "%lld", (long long)tn_int(v, 0));
		put(o, text, strlen(text));
		break;
	case TN_VALUE_REAL:
		put_real(o, tn_real(v, 0), false);
		break;
	case TN_VALUE_STRING:
		put_string(o, tn_string(v, ""), tn_string_length(v));
		break;
	case TN_VALUE_FLOATS:
		put(o, "[", 1);
		for (size_t i = 0; i < tn_size(v); i++) {
			if (i)
				put(o, ",", 1);
			put_real(o, (double)tn_floats(v)[i], true);
		}
		put(o, "]", 1);
		break;
	case TN_VALUE_LIST:
	case TN_VALUE_OBJECT:
		put(o, kind == TN_VALUE_LIST ? "[" : "{", 1);
		for (size_t i = 0; i < tn_size(v); i++) {
			if (i)
				put(o, ",", 1);
			if (kind == TN_VALUE_OBJECT) {
				put_string(o, tn_key(v, i), strlen(tn_key(v, i)));
				put(o, ":", 1);
			}
			put_value(o, tn_at(v, i));
		}
		put(o, kind == TN_VALUE_LIST ? "]" : "}", 1);
		break;
	}
}

char *tn_json_print(const struct tn_value *v, size_t *len, struct tn_call *call)
{
	struct out o = { 0 };
	char *text = NULL;

	put_value(&o, v);
	if (!o.failed)
		text = tn_arena_dup(tn_call_arena(call), o.text, o.n);
	if (!text)
		tn_fail(call, TN_ENOMEM, "out of memory while printing JSON");
	else if (len)
		*len = o.n;
	free(o.text);
	return text;
}
