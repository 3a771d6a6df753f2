/* SPDX-License-Identifier: Apache-2.0
 * core/base/config_scan.c - the words of a configuration: white space, comments, names,
 * numbers and strings, each with its place.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config_scan.h"
#include "base/utf8.h"

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int hex_digit(int c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct tn_config_place tn_config_here(const struct tn_config_scan *s)
{
	const struct tn_config_source *f = s->source;

	return (struct tn_config_place){ f->line, f->line_start, f->at };
}

void tn_config_fault(struct tn_config_scan *s, struct tn_config_place at, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (s->n_faults++ >= TN_CONFIG_MAX_FAULTS) {
		s->source->lost = true;
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (s->setting)
		tn_fault(s->call, TN_ECONFIG, "%s: %s", s->setting, text);
	else
		tn_fault(s->call, TN_ECONFIG, "%s:%d:%zu: %s", s->source->name, at.line,
			tn_utf8_count(s->source->text + at.line_start, at.at - at.line_start) + 1,
			text);
}

static void new_line(struct tn_config_source *f)
{
	f->line++;
	f->line_start = f->at;
}

static void skip_comment(struct tn_config_scan *s)
{
	struct tn_config_source *f = s->source;
	struct tn_config_place begin = tn_config_here(s);

	if (f->text[f->at] == '#' || f->text[f->at + 1] == '/') {
		while (f->at < f->len && f->text[f->at] != '\n')
			f->at++;
		return;
	}
	f->at += 2;
	while (f->at < f->len) {
		char c = f->text[f->at++];

		if (c == '\n')
			new_line(f);
		if (c == '*' && f->at < f->len && f->text[f->at] == '/') {
			f->at++;
			return;
		}
	}
	tn_config_fault(s, begin, "the comment that begins here is never closed by */");
	f->lost = true;
}

static bool at_comment(const struct tn_config_source *f, size_t at)
{
	char next = at + 1 < f->len ? f->text[at + 1] : '\0';

	return f->text[at] == '#' || (f->text[at] == '/' && (next == '/' || next == '*'));
}

int tn_config_peek(struct tn_config_scan *s)
{
	struct tn_config_source *f = s->source;

	while (f->at < f->len && !f->lost) {
		char c = f->text[f->at];

		if (at_comment(f, f->at)) {
			skip_comment(s);
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
			f->at++;
		} else if (c == '\n') {
			f->at++;
			new_line(f);
		} else {
			return (unsigned char)c;
		}
	}
	return -1;
}

const char *tn_config_read_name(struct tn_config_scan *s)
{
	struct tn_config_source *f = s->source;
	size_t begin = f->at;

	if (f->at < f->len && (is_letter(f->text[f->at]) || f->text[f->at] == '*'))
		f->at++;
	else
		return NULL;
	while (f->at < f->len) {
		char c = f->text[f->at];

		if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_' && c != '*')
			break;
		f->at++;
	}
	return tn_arena_dup(s->arena, f->text + begin, f->at - begin);
}

/* [-+]?[0-9]+L?L? or 0x[0-9a-f]+L?L? */
static bool looks_int(const char *w, size_t n)
{
	size_t i = n && (w[0] == '-' || w[0] == '+'), begin;
	bool hex = n > 2 && w[0] == '0' && (w[1] == 'x' || w[1] == 'X');

	begin = i = hex ? 2 : i;
	while (i < n && (hex ? hex_digit(w[i]) >= 0 : is_digit(w[i])))
		i++;
	if (i == begin)
		return false;
	for (int k = 0; k < 2 && i < n && w[i] == 'L'; k++)
		i++;
	return i == n;
}

/* Digits with a point, an exponent or both. */
static bool looks_real(const char *w, size_t n)
{
	size_t i = n && (w[0] == '-' || w[0] == '+'), digits = 0;
	bool point = false;

	for (; i < n && (is_digit(w[i]) || (w[i] == '.' && !point)); i++) {
		point |= w[i] == '.';
		digits += w[i] != '.';
	}
	if (!digits || i == n)
		return digits && point;
	if (w[i] != 'e' && w[i] != 'E')
		return false;
	i++;
	if (i < n && (w[i] == '-' || w[i] == '+'))
		i++;
	digits = i;
	while (i < n && is_digit(w[i]))
		i++;
	return i > digits && i == n;
}

static bool is_bool(const char *w, size_t n)
{
	static const char *const words[] = { "true", "false" };

	for (size_t k = 0; k < 2; k++) {
		size_t i = 0;

		while (i < n && words[k][i] && (w[i] | 0x20) == words[k][i])
			i++;
		if (i == n && !words[k][i])
			return true;
	}
	return false;
}

enum tn_config_word tn_config_read_word(struct tn_config_scan *s, const char **word, size_t *len)
{
	struct tn_config_source *f = s->source;
	const char *w = f->text + f->at;
	size_t n = 0, sign;

	while (f->at + n < f->len && !strchr(" \t\r\f\n,;=()[]{}\"", w[n]) &&
	       !at_comment(f, f->at + n))
		n++;
	f->at += n;
	*word = w;
	*len = n;
	if (is_bool(w, n))
		return TN_WORD_BOOL;
	if (looks_int(w, n))
		return TN_WORD_INT;
	if (looks_real(w, n))
		return TN_WORD_REAL;
	sign = n && (w[0] == '-' || w[0] == '+' || w[0] == '.');
	return sign < n && is_digit(w[sign]) ? TN_WORD_BAD_NUMBER : TN_WORD_NAME;
}

bool tn_config_parse_int(const char *w, size_t n, int64_t *number)
{
	bool negative = w[0] == '-', hex = n > 2 && (w[1] == 'x' || w[1] == 'X');
	size_t i = hex ? 2 : negative || w[0] == '+';
	uint64_t value = 0;

	for (; i < n && w[i] != 'L'; i++)
		if (__builtin_mul_overflow(value, hex ? 16u : 10u, &value) ||
		    __builtin_add_overflow(value, (unsigned)hex_digit(w[i]), &value))
			return false;
	if (value > (uint64_t)INT64_MAX + negative)
		return false;
	*number = negative ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

/* The width of an escape at p, or 0 when it is none that all versions know. */
static size_t escape_width(const char *p, size_t left)
{
	if (left >= 2 && strchr("nrtf\\\"", p[1]) && p[1])
		return 2;
	if (left >= 4 && (p[1] == 'x' || p[1] == 'X') && hex_digit(p[2]) >= 0 &&
	    hex_digit(p[3]) >= 0)
		return 4;
	return 0;
}

char *tn_config_unescape(struct tn_config_scan *s, const char *raw, size_t len, size_t *n)
{
	char *out = tn_arena_dup(s->arena, raw, len);

	*n = 0;
	if (!out) {
		tn_fail(s->call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	for (size_t i = 1; i + 1 < len; i++) {
		char c = raw[i];

		if (c == '\\') {
			c = raw[++i];
			if (c == 'x' || c == 'X') {
				c = (char)(hex_digit(raw[i + 1]) << 4 | hex_digit(raw[i + 2]));
				i += 2;
			} else {
				c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' :
					c == 'f' ? '\f' : c;
			}
		}
		out[(*n)++] = c;
	}
	out[*n] = '\0';
	return out;
}

/* Escapes can write what may not stand in a text: a NUL, bad UTF-8. */
static void check_escaped(struct tn_config_scan *s, struct tn_config_place begin, const char *raw,
	size_t len)
{
	size_t n;
	const char *text = tn_config_unescape(s, raw, len, &n);

	if (!text)
		return;
	if (memchr(text, '\0', n))
		tn_config_fault(s, begin, "this string holds \\x00; a setting cannot hold a NUL");
	else if (tn_utf8_valid(text, n) < n)
		tn_config_fault(s, begin, "this string is not UTF-8 once its \\x escapes are read");
}

/* The width of the escape that comes next; 0 after a fault. */
static size_t read_escape(struct tn_config_scan *s)
{
	const struct tn_config_source *f = s->source;
	size_t width = escape_width(f->text + f->at, f->len - f->at);

	if (!width)
		tn_config_fault(s, tn_config_here(s), "a string has no such escape; known are \\n "
			"\\r \\t \\f \\\\ \\\" and \\xHH (a backslash alone is \\\\)");
	return width;
}

const char *tn_config_read_string(struct tn_config_scan *s, size_t *len)
{
	struct tn_config_source *f = s->source;
	struct tn_config_place begin = tn_config_here(s);
	size_t start = f->at++, width;
	bool escaped = false, sound = true;

	while (f->at < f->len && f->text[f->at] != '"' && f->text[f->at] != '\n') {
		width = f->text[f->at] == '\\' ? read_escape(s) : 1;
		escaped |= width > 1;
		sound &= width > 0;
		f->at += width ? width : 1;
	}
	if (f->at == f->len || f->text[f->at] == '\n') {
		tn_config_fault(s, begin, "the string that begins here is not closed on its line "
			"(a line break within a string is written \\n)");
		return NULL;
	}
	f->at++;
	*len = f->at - start;
	if (escaped && sound)
		check_escaped(s, begin, f->text + start, *len);
	return sound ? f->text + start : NULL;
}

/* Room for one more item of `size` bytes, and `more` of them; false when memory ran out. */
static bool reserve(struct tn_config_scan *s, void **memory, size_t *capacity, size_t needed,
	size_t size)
{
	size_t grown = needed * 2 + 64;
	void *p;

	if (needed <= *capacity)
		return true;
	p = reallocarray(*memory, grown, size);
	if (!p) {
		tn_fail(s->call, TN_ENOMEM, "out of memory");
		s->source->lost = true;
		return false;
	}
	*memory = p;
	*capacity = grown;
	return true;
}

void tn_config_put(struct tn_config_scan *s, const char *text, size_t len)
{
	void *memory = s->text;

	if (!reserve(s, &memory, &s->capacity, s->len + len + 1, 1))
		return;
	s->text = memory;
	memcpy(s->text + s->len, text, len);
	s->len += len;
	s->text[s->len] = '\0';
}

struct tn_config_item *tn_config_add_item(struct tn_config_scan *s, enum tn_value_kind kind,
	int line)
{
	void *memory = s->items;
	struct tn_config_item *item;

	if (!reserve(s, &memory, &s->items_capacity, s->n_items + 1, sizeof(*item)))
		return NULL;
	s->items = memory;
	item = &s->items[s->n_items++];
	*item = (struct tn_config_item){ .kind = kind, .line = s->setting ? 0 : line,
		.file = s->setting ? s->setting : s->source->name };
	return item;
}

void tn_config_scan_finish(struct tn_config_scan *s)
{
	free(s->text);
	free(s->items);
	s->text = NULL;
	s->items = NULL;
}
