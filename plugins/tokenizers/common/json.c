/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/json.c - a pull parser for large JSON files.
 * Source: RFC 8259.
 */
#include "json.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "unicode/unicode.h"

#define MAX_DEPTH 128

bool tok_equal(struct tn_text a, const char *b)
{
	return a.len == strlen(b) && !memcmp(a.text, b, a.len);
}

int tok_json_fail(const struct tok_json *j, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return tn_fail(j->call, TN_EDATA, "%s: byte %zu: %s", j->name, (size_t)(j->at - j->start),
		text);
}

static bool is_ascii8(const char *at)
{
	uint64_t eight;

	memcpy(&eight, at, 8);
	return !(eight & 0x8080808080808080u);
}

static int check_utf8(struct tok_json *j)
{
	unsigned width;
	uint32_t c;

	for (;; j->at += width) {
		while (j->end - j->at >= 8 && is_ascii8(j->at))
			j->at += 8;
		while (j->at < j->end && (unsigned char)*j->at < 0x80)
			j->at++;
		if (j->at == j->end)
			break;
		/* A true U+FFFD is three bytes wide. */
		width = tok_decode(j->at, (size_t)(j->end - j->at), &c);
		if (c == TOK_REPLACEMENT && (width < 3 || memcmp(j->at, "\xef\xbf\xbd", 3)))
			return tok_json_fail(j, "not UTF-8");
	}
	j->at = j->start;
	return 0;
}

int tok_json_open(struct tok_json *j, const char *name, char *text, size_t len,
	struct tn_call *call)
{
	*j = (struct tok_json){ .name = name, .start = text, .at = text, .end = text + len,
		.kept = text, .call = call };
	return check_utf8(j);
}

static void skip_space(struct tok_json *j)
{
	const uint64_t spaces = 1ull << ' ' | 1ull << '\n' | 1ull << '\t' | 1ull << '\r';

	while (j->at < j->end && (unsigned char)*j->at <= ' ' && spaces >> *j->at & 1)
		j->at++;
}

char tok_json_peek(struct tok_json *j)
{
	skip_space(j);
	if (j->at == j->end)
		return 0;
	switch (*j->at) {
	case '{':
	case '[':
	case '"':
	case 't':
	case 'f':
	case 'n':
		return *j->at;
	default:
		return *j->at == '-' || (*j->at >= '0' && *j->at <= '9') ? '0' : 0;
	}
}

int tok_json_enter(struct tok_json *j, char bracket)
{
	if (tok_json_peek(j) != bracket)
		return tok_json_fail(j, "expected %s", bracket == '{' ? "an object" : "a list");
	if (++j->depth > MAX_DEPTH)
		return tok_json_fail(j, "more than %d levels", MAX_DEPTH);
	j->at++;
	j->first = true;
	return 0;
}

/* Stands before an item (true) or behind the closing bracket (false). */
static bool next(struct tok_json *j, char close, int *rc)
{
	skip_space(j);
	if (j->at < j->end && *j->at == close) {
		j->at++;
		j->depth--;
		j->first = false;
		return false;
	}
	if (!j->first) {
		if (j->at == j->end || *j->at != ',') {
			*rc = tok_json_fail(j, "expected , or %c", close);
			return false;
		}
		j->at++;
		skip_space(j);
	}
	j->first = false;
	return true;
}

bool tok_json_item(struct tok_json *j, int *rc)
{
	*rc = 0;
	return next(j, ']', rc);
}

bool tok_json_member(struct tok_json *j, struct tn_text *key, int *rc)
{
	*rc = 0;
	if (!next(j, '}', rc))
		return false;
	*rc = tok_json_string(j, key);
	if (*rc)
		return false;
	skip_space(j);
	if (j->at == j->end || *j->at != ':') {
		*rc = tok_json_fail(j, "expected :");
		return false;
	}
	j->at++;
	return true;
}

static bool hex4(const struct tok_json *j, const char *at, uint32_t *out)
{
	*out = 0;
	if (j->end - at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = at[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
			c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (digit < 0)
			return false;
		*out = *out << 4 | (uint32_t)digit;
	}
	return true;
}

/* Reads the escape at j->at (its backslash); NULL `out`: only checks it. */
static int escape(struct tok_json *j, char **out)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *name;
	uint32_t c, low;

	if (j->end - j->at < 2)
		return tok_json_fail(j, "a string without end");
	name = memchr(names, j->at[1], sizeof(names) - 1);
	if (name) {
		if (out)
			*(*out)++ = values[name - names];
		j->at += 2;
		return 0;
	}
	if (j->at[1] != 'u' || !hex4(j, j->at + 2, &c))
		return tok_json_fail(j, "an unknown escape in a string");
	if (c >= 0xd800 && c < 0xe000) {
		if (c >= 0xdc00 || j->end - j->at < 12 || j->at[6] != '\\' || j->at[7] != 'u' ||
			!hex4(j, j->at + 8, &low) || low < 0xdc00 || low > 0xdfff)
			return tok_json_fail(j, "half of a surrogate pair");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		j->at += 6;
	}
	j->at += 6;
	if (out)
		*out += tok_encode(c, *out);
	return 0;
}

/* From behind the opening quote to behind the closing one. */
static int string_rest(struct tok_json *j, char **out)
{
	for (;;) {
		char *from = j->at;
		int rc;

		while (j->at < j->end && *j->at != '"' && *j->at != '\\' &&
			(unsigned char)*j->at >= 0x20)
			j->at++;
		if (out) {
			if (*out != from)
				memmove(*out, from, (size_t)(j->at - from));
			*out += j->at - from;
		}
		if (j->at == j->end)
			return tok_json_fail(j, "a string without end");
		if (*j->at == '"') {
			j->at++;
			return 0;
		}
		if (*j->at != '\\')
			return tok_json_fail(j, "a control character in a string");
		rc = escape(j, out);
		if (rc)
			return rc;
	}
}

int tok_json_string(struct tok_json *j, struct tn_text *out)
{
	char *to;
	int rc;

	if (tok_json_peek(j) != '"')
		return tok_json_fail(j, "expected a string");
	/* The quotes leave room for the NUL. */
	out->text = to = j->kept;
	j->at++;
	rc = string_rest(j, &to);
	if (rc)
		return rc;
	*to = '\0';
	out->len = (size_t)(to - out->text);
	j->kept = to + 1;
	return 0;
}

static bool digits(struct tok_json *j)
{
	char *from = j->at;

	while (j->at < j->end && *j->at >= '0' && *j->at <= '9')
		j->at++;
	return j->at > from;
}

int tok_json_number(struct tok_json *j, struct tn_text *out)
{
	bool good;

	if (tok_json_peek(j) != '0')
		return tok_json_fail(j, "expected a number");
	out->text = j->at;
	j->at += *j->at == '-';
	if (j->at < j->end && *j->at == '0') {
		j->at++;
		good = true;
	} else {
		good = digits(j);
	}
	if (good && j->at < j->end && *j->at == '.') {
		j->at++;
		good = digits(j);
	}
	if (good && j->at < j->end && (*j->at == 'e' || *j->at == 'E')) {
		j->at++;
		j->at += j->at < j->end && (*j->at == '+' || *j->at == '-');
		good = digits(j);
	}
	out->len = (size_t)(j->at - out->text);
	return good ? 0 : tok_json_fail(j, "a broken number");
}

int tok_json_count(struct tok_json *j, size_t max, size_t *out)
{
	struct tn_text raw;
	size_t n = 0;
	int rc = tok_json_number(j, &raw);

	if (rc)
		return rc;
	for (size_t i = 0; i < raw.len; i++) {
		unsigned digit = (unsigned char)raw.text[i] - '0';

		if (digit > 9 || n > (max - digit) / 10)
			return tok_json_fail(j, "%s is no integer of 0 to %zu",
				tn_quote(j->call, raw.text, raw.len), max);
		n = n * 10 + digit;
	}
	*out = n;
	return 0;
}

static int word(struct tok_json *j, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(j->end - j->at) < len || memcmp(j->at, text, len))
		return tok_json_fail(j, "expected a value");
	j->at += len;
	return 0;
}

static int skip_scalar(struct tok_json *j)
{
	struct tn_text raw;

	switch (tok_json_peek(j)) {
	case '"':
		j->at++;
		return string_rest(j, NULL);
	case '0':
		return tok_json_number(j, &raw);
	case 't':
		return word(j, "true");
	case 'f':
		return word(j, "false");
	case 'n':
		return word(j, "null");
	default:
		return tok_json_fail(j, "expected a value");
	}
}

int tok_json_skip(struct tok_json *j, struct tn_text *raw)
{
	/* Which of the open levels are objects, so that no recursion is needed. */
	bool object[MAX_DEPTH + 1];
	unsigned outside = j->depth;
	const char *from;
	int rc = 0;

	skip_space(j);
	from = j->at;
	for (bool value = true; value || j->depth > outside;) {
		char c = value ? tok_json_peek(j) : 0;
		bool more;

		if (c == '{' || c == '[') {
			rc = tok_json_enter(j, c);
			if (rc)
				return rc;
			object[j->depth] = c == '{';
		} else if (value) {
			rc = skip_scalar(j);
			if (rc)
				return rc;
			if (j->depth == outside)
				break;
		}
		more = next(j, object[j->depth] ? '}' : ']', &rc);
		if (rc)
			return rc;
		if (more && object[j->depth]) {
			rc = tok_json_peek(j) == '"' ? skip_scalar(j) :
				tok_json_fail(j, "expected a string");
			skip_space(j);
			if (!rc && (j->at == j->end || *j->at != ':'))
				rc = tok_json_fail(j, "expected :");
			if (rc)
				return rc;
			j->at++;
		}
		value = more;
	}
	if (!raw)
		return 0;
	*raw = (struct tn_text){ j->kept, (size_t)(j->at - from) };
	memmove(j->kept, from, raw->len);
	j->kept += raw->len;
	return 0;
}

int tok_json_finish(struct tok_json *j)
{
	skip_space(j);
	return j->at == j->end ? 0 : tok_json_fail(j, "text behind the end of the value");
}
