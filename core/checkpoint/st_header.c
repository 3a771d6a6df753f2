/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/st_header.c - the grammar of a safetensors header.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "checkpoint/st_check.h"
#include "checkpoint/st_header.h"

static int no_memory(struct reader *r)
{
	return tn_fail(r->call, TN_ENOMEM, "%s: out of memory while its header was read", r->path);
}

static void skip_space(struct reader *r)
{
	for (; r->at < r->n; r->at++) {
		char c = r->text[r->at];

		if (c == '\n') {
			r->line++;
			r->line_start = r->at + 1;
		} else if (c != ' ' && c != '\t' && c != '\r') {
			return;
		}
	}
}

/* The JSON is wrong here. */
static int expected(struct reader *r, const char *what)
{
	size_t column = r->at - r->line_start + 1;

	if (r->at == r->n)
		return st_fail(r, r->at, "the header ends here (its line %zu, column %zu), "
			"expected %s", r->line, column, what);
	return st_fail(r, r->at, "expected %s at line %zu, column %zu of the header, found %s",
		what, r->line, column, tn_quote(r->call, r->text + r->at, 1));
}

static bool peek(struct reader *r, char c)
{
	skip_space(r);
	return r->at < r->n && r->text[r->at] == c;
}

/* Skips space and takes one byte, which must be c. */
static int take(struct reader *r, char c, const char *what)
{
	if (!peek(r, c))
		return expected(r, what);
	r->at++;
	return 0;
}

/* Between two members: a comma, or the closing byte, which sets *end. */
static int take_next(struct reader *r, char close, const char *what, bool *end)
{
	*end = peek(r, close);
	if (*end)
		r->at++;
	return *end ? 0 : take(r, ',', what);
}

/* The four digits of \uXXXX. */
static int take_hex(struct reader *r, uint32_t *code)
{
	*code = 0;
	for (int i = 0; i < 4; i++, r->at++) {
		char c = r->at < r->n ? r->text[r->at] : '\0';

		if (c >= '0' && c <= '9')
			*code = *code << 4 | (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			*code = *code << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return expected(r, "a hexadecimal digit");
	}
	return 0;
}

/* An escape behind its backslash, decoded to out; *width is what it takes there. */
static int take_escape(struct reader *r, char *out, size_t *width)
{
	static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	const char *p = r->at < r->n && r->text[r->at] ? strchr(names, r->text[r->at]) : NULL;
	size_t at = r->at - 1;
	uint32_t code, low;

	*width = 1;
	if (p) {
		r->at++;
		*out = bytes[p - names];
		return 0;
	}
	if (r->at == r->n || r->text[r->at] != 'u')
		return expected(r, "an escape of JSON");
	r->at++;
	if (take_hex(r, &code))
		return TN_EDATA;
	if (code >= 0xd800 && code < 0xdc00 && r->n - r->at >= 2 &&
			r->text[r->at] == '\\' && r->text[r->at + 1] == 'u') {
		r->at += 2;
		if (take_hex(r, &low))
			return TN_EDATA;
		if (low < 0xdc00 || low > 0xdfff)
			return st_fail(r, at, "an escape is half a surrogate pair");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	if (code == 0)
		return st_fail(r, at, "a text holds a NUL");
	if (code >= 0xd800 && code < 0xe000)
		return st_fail(r, at, "an escape is half a surrogate pair");
	*width = tn_utf8_encode(code, out);
	return 0;
}

/* A string, decoded in place: no escape is shorter than what it stands for.  The
 * closing quote leaves room for the NUL. */
static int take_string(struct reader *r, const char *what, char **string, size_t *len)
{
	size_t out;

	if (take(r, '"', what))
		return TN_EDATA;
	*string = r->text + r->at;
	out = r->at;
	while (r->at < r->n && r->text[r->at] != '"') {
		unsigned char c = (unsigned char)r->text[r->at];
		size_t width;
		char code[4];

		if (c < 0x20)
			return st_fail(r, r->at, "a text holds the control byte 0x%02x", c);
		r->at++;
		if (c != '\\') {
			r->text[out++] = (char)c;
			continue;
		}
		if (take_escape(r, code, &width))
			return TN_EDATA;
		memcpy(r->text + out, code, width);
		out += width;
	}
	if (r->at == r->n)
		return expected(r, "a closing quote");
	r->at++;
	r->text[out] = '\0';
	*len = (size_t)(r->text + out - *string);
	return 0;
}

static bool is_digit(const struct reader *r, size_t at)
{
	return at < r->n && r->text[at] >= '0' && r->text[at] <= '9';
}

/* A whole number of 0 to 2^63 - 1. */
static int take_number(struct reader *r, uint64_t *number)
{
	size_t from, end;
	uint64_t x = 0;
	bool large = false;

	skip_space(r);
	from = r->at;
	if (!is_digit(r, from) && !(peek(r, '-') && is_digit(r, from + 1)))
		return expected(r, "a whole number");
	for (end = from; end < r->n && r->text[end] && strchr("+-.eE0123456789", r->text[end]); )
		end++;
	for (; is_digit(r, r->at); r->at++) {
		large |= __builtin_mul_overflow(x, 10, &x);
		large |= __builtin_add_overflow(x, (uint64_t)(r->text[r->at] - '0'), &x);
	}
	if (r->at < end)
		return st_fail(r, from, "expected a whole number from 0, found %s",
			tn_quote(r->call, r->text + from, end - from));
	if (large || x > INT64_MAX)
		return st_fail(r, from, "the number %s is above 9223372036854775807",
			tn_quote(r->call, r->text + from, end - from));
	if (r->text[from] == '0' && end - from > 1)
		return st_fail(r, from, "the number %s begins with a zero",
			tn_quote(r->call, r->text + from, end - from));
	*number = x;
	return 0;
}

/* A list of at most `max` numbers. */
static int take_list(struct reader *r, const char *what, uint64_t *items, uint32_t max,
	uint32_t *n)
{
	bool end;

	*n = 0;
	if (take(r, '[', "a list of whole numbers"))
		return TN_EDATA;
	end = peek(r, ']');
	if (end)
		r->at++;
	while (!end) {
		if (*n == max)
			return st_fail(r, r->at, "%s has more than %u numbers", what, max);
		if (take_number(r, &items[*n]))
			return TN_EDATA;
		++*n;
		if (take_next(r, ']', "\",\" or \"]\"", &end))
			return TN_EDATA;
	}
	return 0;
}

enum { HAS_DTYPE = 1, HAS_SHAPE = 2, HAS_OFFSETS = 4 };

/* One of the three members of a tensor. */
static int take_member(struct reader *r, struct tn_st_tensor *t, unsigned *has)
{
	size_t key_at, len;
	uint64_t offsets[2] = { 0, 0 };
	uint32_t n = 0;
	unsigned which;
	char *key, *dtype;

	skip_space(r);
	key_at = r->at;
	if (take_string(r, "\"dtype\", \"shape\" or \"data_offsets\"", &key, &len) ||
			take(r, ':', "\":\""))
		return TN_EDATA;
	which = !strcmp(key, "dtype") ? HAS_DTYPE : !strcmp(key, "shape") ? HAS_SHAPE :
		!strcmp(key, "data_offsets") ? HAS_OFFSETS : 0;
	if (!which)
		return st_fail(r, key_at, "unknown key %s, expected dtype, shape and data_offsets",
			tn_quote(r->call, key, len));
	if (*has & which)
		return st_fail(r, key_at, "the key \"%s\" is there twice", key);
	*has |= which;
	skip_space(r);
	key_at = r->at;
	if (which == HAS_DTYPE)
		return take_string(r, "a string", &dtype, &len) ? TN_EDATA :
			st_check_dtype(r, key_at, dtype, len, t);
	if (which == HAS_SHAPE)
		return take_list(r, "the shape", t->dims, TN_ST_MAX_DIMS, &t->n_dims);
	if (take_list(r, "data_offsets", offsets, 2, &n))
		return TN_EDATA;
	if (n != 2)
		return st_fail(r, key_at, "data_offsets has %u numbers, expected 2", n);
	t->begin = offsets[0];
	t->end = offsets[1];
	return 0;
}

static int take_tensor(struct reader *r, struct tn_st_tensor *t)
{
	size_t name_at = (size_t)(t->name - r->text) - 1;
	unsigned has = 0;
	bool end;

	for (int i = 0; i < TN_ST_MAX_DIMS; i++)
		t->dims[i] = 1;
	if (take(r, '{', "an object"))
		return TN_EDATA;
	end = peek(r, '}');
	if (end)
		r->at++;
	while (!end)
		if (take_member(r, t, &has) || take_next(r, '}', "\",\" or \"}\"", &end))
			return TN_EDATA;
	if (has != (HAS_DTYPE | HAS_SHAPE | HAS_OFFSETS))
		return st_fail(r, name_at, "the key \"%s\" is missing", !(has & HAS_DTYPE) ?
			"dtype" : !(has & HAS_SHAPE) ? "shape" : "data_offsets");
	return st_check_size(r, name_at, t);
}

static int take_metadata(struct reader *r, struct st_header *h, struct tn_arena *arena)
{
	bool end;

	h->metadata = tn_new_object(arena);
	if (take(r, '{', "an object of strings"))
		return TN_EDATA;
	end = peek(r, '}');
	if (end)
		r->at++;
	while (!end) {
		char *key, *value;
		size_t len, key_at;

		skip_space(r);
		key_at = r->at;
		if (take_string(r, "a key", &key, &len) || take(r, ':', "\":\""))
			return TN_EDATA;
		if (tn_get(h->metadata, key))
			return st_fail(r, key_at, "the key %s is there twice",
				tn_quote(r->call, key, len));
		if (take_string(r, "a string", &value, &len))
			return TN_EDATA;
		if (!tn_set(arena, h->metadata, key, tn_new_string(arena, value, len)))
			return no_memory(r);
		if (take_next(r, '}', "\",\" or \"}\"", &end))
			return TN_EDATA;
	}
	return 0;
}

static struct tn_st_tensor *add_tensor(struct st_header *h)
{
	if (h->n == h->capacity) {
		size_t capacity = h->n ? h->n * 2 : 64;
		struct tn_st_tensor *grown = reallocarray(h->tensors, capacity, sizeof(*grown));

		if (!grown)
			return NULL;
		h->tensors = grown;
		h->capacity = capacity;
	}
	memset(&h->tensors[h->n], 0, sizeof(*h->tensors));
	return &h->tensors[h->n++];
}

/* A member of the top level: a tensor, or the metadata. */
static int take_entry(struct reader *r, struct st_header *h, struct tn_arena *arena)
{
	struct tn_st_tensor *t;
	size_t len, at;
	char *name;

	skip_space(r);
	at = r->at;
	if (take_string(r, "the name of a tensor", &name, &len))
		return TN_EDATA;
	r->name = name;
	r->name_len = len;
	if (take(r, ':', "\":\""))
		return TN_EDATA;
	if (!strcmp(name, "__metadata__")) {
		if (h->metadata)
			return st_fail(r, at, "the name is there twice");
		return take_metadata(r, h, arena);
	}
	t = add_tensor(h);
	if (!t)
		return no_memory(r);
	t->name = name;
	return take_tensor(r, t);
}

int st_header_parse(struct st_header *h, char *text, size_t len, uint64_t data_size,
	const char *path, struct tn_arena *arena, struct tn_call *call)
{
	struct reader r = { .text = text, .n = len, .line = 1, .path = path, .call = call,
		.data_size = data_size };
	size_t good = tn_utf8_valid(text, len);
	bool end;

	if (good < len)
		return st_fail(&r, good, "the header is not UTF-8");
	if (len && text[0] != '{' && peek(&r, '{'))
		tn_note(call, "%s: the header begins with white space, which the format forbids",
			path);
	if (take(&r, '{', "the \"{\" of an object"))
		return TN_EDATA;
	end = peek(&r, '}');
	if (end)
		r.at++;
	while (!end) {
		int status = take_entry(&r, h, arena);

		r.name = NULL;
		if (status || take_next(&r, '}', "\",\" or \"}\"", &end))
			return tn_status(call);
	}
	skip_space(&r);
	if (r.at < r.n)
		return expected(&r, "nothing but spaces");
	return st_check_layout(&r, h);
}
