/* SPDX-License-Identifier: Apache-2.0
 * core/base/config_check.c - the grammar of a configuration: settings, groups, lists and
 * included files, with a sentence for each way of writing them wrongly.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/config.h"
#include "base/config_scan.h"
#include "base/utf8.h"

/* A setting's name, for finding it twice. */
struct tn_config_name {
	struct tn_config_name *next;
	const char *text, *file;
	int line;
};

static enum tn_value_kind read_value(struct tn_config_scan *s, int line);

/* What comes next, for a message. */
const char *tn_config_found(struct tn_config_scan *s)
{
	const struct tn_config_source *f = s->source;
	size_t n = 0;

	if (tn_config_peek(s) < 0)
		return f->includer ? "the end of the included file" : "the end";
	while (n < 24 && f->at + n < f->len && !strchr(" \t\r\f\n,;=()[]{}\"", f->text[f->at + n]))
		n++;
	while (n && tn_utf8_valid(f->text + f->at, n) < n)
		n--;
	return tn_quote(s->call, f->text + f->at, n ? n : 1);
}

/* The bytes that were meant as a string: up to what ends a value on this line. */
static void unquoted(struct tn_config_scan *s, struct tn_config_place at, const char *word)
{
	struct tn_config_source *f = s->source;
	size_t n;

	while (f->at < f->len && !strchr(",;)]}{\"#\n", f->text[f->at]))
		f->at++;
	n = (size_t)(f->text + f->at - word);
	while (n && strchr(" \t\r", word[n - 1]))
		n--;
	if (n >= 2 && word[0] == '\'' && word[n - 1] == '\'') {
		tn_config_fault(s, at, "a string stands in double quotes: %s",
			tn_quote(s->call, word + 1, n - 2));
		return;
	}
	tn_config_fault(s, at, "%.*s is not true, false or a number; a string stands in double "
		"quotes: %s", (int)(n < 60 ? n : 60), word, tn_quote(s->call, word, n));
}

static enum tn_value_kind read_int(struct tn_config_scan *s, struct tn_config_item *item,
	struct tn_config_place at, const char *word, size_t len)
{
	char text[32];

	if (!tn_config_parse_int(word, len, &item->number)) {
		s->out_of_range = true;
		tn_config_fault(s, at, "%.*s does not fit 64 bits: expected %lld to %lld",
			(int)(len < 60 ? len : 60), word, (long long)INT64_MIN,
			(long long)INT64_MAX);
		return TN_VALUE_INT;
	}
	snprintf(text, sizeof(text), "%lld%s", (long long)item->number,
		item->number == (int32_t)item->number ? "" : "L");
	tn_config_put(s, text, strlen(text));
	return TN_VALUE_INT;
}

static enum tn_value_kind read_real(struct tn_config_scan *s, struct tn_config_place at,
	const char *word, size_t len)
{
	const char *text = tn_arena_dup(s->arena, word, len);

	if (!text) {
		tn_fail(s->call, TN_ENOMEM, "out of memory");
	} else if (!isfinite(strtod(text, NULL))) {
		s->out_of_range = true;
		tn_config_fault(s, at, "%.*s is beyond the largest real number, "
			"1.7976931348623157e308",
			(int)(len < 60 ? len : 60), word);
	}
	tn_config_put(s, word, len);
	return TN_VALUE_REAL;
}

static enum tn_value_kind read_word(struct tn_config_scan *s, int line)
{
	struct tn_config_place at = tn_config_here(s);
	struct tn_config_item *item;
	const char *word;
	size_t len;
	enum tn_config_word kind = tn_config_read_word(s, &word, &len);

	if (kind == TN_WORD_NAME) {
		unquoted(s, at, word);
		return TN_VALUE_NULL;
	}
	if (kind == TN_WORD_BAD_NUMBER) {
		tn_config_fault(s, at, "%s is not a number; a string stands in double quotes",
			tn_quote(s->call, word, len));
		return TN_VALUE_NULL;
	}
	item = tn_config_add_item(s, kind == TN_WORD_INT ? TN_VALUE_INT :
		kind == TN_WORD_REAL ? TN_VALUE_REAL : TN_VALUE_BOOL, line);
	if (!item)
		return TN_VALUE_NULL;
	if (kind == TN_WORD_INT)
		return read_int(s, item, at, word, len);
	if (kind == TN_WORD_REAL)
		return read_real(s, at, word, len);
	tn_config_put(s, word, len);
	return TN_VALUE_BOOL;
}

static enum tn_value_kind read_string(struct tn_config_scan *s, int line)
{
	size_t len;
	const char *raw = tn_config_read_string(s, &len);

	if (raw) {
		tn_config_add_item(s, TN_VALUE_STRING, line);
		tn_config_put(s, raw, len);
	}
	if (raw && tn_config_peek(s) == '"') {
		tn_config_fault(s, tn_config_here(s), "this string stands right behind another one "
			"(on line %d): a comma or a semicolon is missing between them", line);
		while (tn_config_peek(s) == '"')
			tn_config_read_string(s, &len);
	}
	return TN_VALUE_STRING;
}

/* False, with a fault, when groups and lists are nested too deep. */
static bool enter(struct tn_config_scan *s, struct tn_config_place at)
{
	if (s->depth >= TN_CONFIG_MAX_DEPTH) {
		TN_LOST(s, at, "groups and lists lie more than %d deep in each other",
			TN_CONFIG_MAX_DEPTH);
		return false;
	}
	s->depth++;
	s->source->at++;
	return true;
}

static enum tn_value_kind read_group(struct tn_config_scan *s, int line)
{
	struct tn_config_place open = tn_config_here(s);
	struct tn_config_group group = { 0 };

	if (!enter(s, open))
		return TN_VALUE_OBJECT;
	tn_config_add_item(s, TN_VALUE_OBJECT, line);
	tn_config_put(s, "{\n", 2);
	tn_config_read_settings(s, &group, &open);
	tn_config_put(s, "}", 1);
	s->depth--;
	return TN_VALUE_OBJECT;
}

/* An array [ ] holds plain values of one kind; libconfig refuses others. */
static void check_array_item(struct tn_config_scan *s, struct tn_config_place at,
	enum tn_value_kind first, enum tn_value_kind kind)
{
	if (kind == TN_VALUE_OBJECT || kind == TN_VALUE_LIST)
		tn_config_fault(s, at, "[ ] holds plain values only, here is %s; write ( )",
			kind == TN_VALUE_OBJECT ? "a group" : "a list");
	else if (first != kind && kind != TN_VALUE_NULL && first != TN_VALUE_NULL)
		tn_config_fault(s, at, "[ ] holds values of one kind, here is %s after %s; write "
			"( )", tn_value_kind_name(kind), tn_value_kind_name(first));
}

/* Behind an item of a list: true when another one follows. */
static bool next_item(struct tn_config_scan *s, char opened, char close,
	struct tn_config_place open)
{
	int c = tn_config_peek(s);
	struct tn_config_place at = tn_config_here(s);

	if (s->source->lost)
		return false;
	if (c < 0) {
		TN_LOST(s, open, "the %c that opens here is never closed", opened);
		return false;
	}
	if (c == close) {
		s->source->at++;
		return false;
	}
	if (c == ';') {
		TN_LOST(s, at, "a semicolon stands here while the %c of line %d is open; "
			"expected a comma or %c", opened, open.line, close);
		return false;
	}
	if (c == ')' || c == ']' || c == '}') {
		TN_LOST(s, at, "%c closes what %c opened on line %d; expected %c", c, opened,
			open.line, close);
		return false;
	}
	if (c != ',') {
		TN_LOST(s, at, "expected a comma or %c behind a value, found %s", close,
			tn_config_found(s));
		return false;
	}
	s->source->at++;
	if (tn_config_peek(s) == close) {
		tn_config_fault(s, at, "no comma may stand behind the last value, before %c",
			close);
		s->source->at++;
		return false;
	}
	tn_config_put(s, ",", 1);
	return !s->source->lost;
}

/* The items of a list behind its bracket, up to and with the one that closes it. */
static void read_items(struct tn_config_scan *s, char opened, char close,
	struct tn_config_place open)
{
	enum tn_value_kind first = TN_VALUE_NULL, kind;
	bool more = true;

	for (size_t n = 0; more && tn_config_peek(s) >= 0; n++) {
		struct tn_config_place at = tn_config_here(s);

		if (n == TN_CONFIG_MAX_ITEMS) {
			TN_LOST(s, at, "more than %d values in one list", TN_CONFIG_MAX_ITEMS);
			return;
		}
		kind = read_value(s, at.line);
		if (first == TN_VALUE_NULL)
			first = kind;
		if (opened == '[' && !s->source->lost)
			check_array_item(s, at, first, kind);
		more = next_item(s, opened, close, open);
	}
	if (more && !s->source->lost)
		TN_LOST(s, open, "the %c that opens here is never closed", opened);
}

static enum tn_value_kind read_list(struct tn_config_scan *s, int line)
{
	struct tn_config_place open = tn_config_here(s);
	char opened = s->source->text[s->source->at], close = opened == '(' ? ')' : ']';

	if (!enter(s, open))
		return TN_VALUE_LIST;
	tn_config_add_item(s, TN_VALUE_LIST, line);
	tn_config_put(s, "(", 1);
	if (tn_config_peek(s) == close)
		s->source->at++;
	else
		read_items(s, opened, close, open);
	tn_config_put(s, ")", 1);
	s->depth--;
	return TN_VALUE_LIST;
}

static enum tn_value_kind read_value(struct tn_config_scan *s, int line)
{
	int c = tn_config_peek(s);

	switch (c) {
	case '"':
		return read_string(s, line);
	case '{':
		return read_group(s, line);
	case '(':
	case '[':
		return read_list(s, line);
	case ';':
	case ',':
		tn_config_fault(s, tn_config_here(s), "a value is missing before this %c", c);
		return TN_VALUE_NULL;
	case ')':
	case ']':
	case '}':
	case '=':
	case -1:
		if (!s->source->lost)
			TN_LOST(s, tn_config_here(s), "expected a value, found %s",
				tn_config_found(s));
		return TN_VALUE_NULL;
	default:
		return read_word(s, line);
	}
}

static void add_name(struct tn_config_scan *s, struct tn_config_group *group,
	struct tn_config_place at,
	const char *text)
{
	struct tn_config_name *name;

	for (name = group->names; name; name = name->next) {
		if (strcmp(name->text, text))
			continue;
		tn_config_fault(s, at, "\"%s\" is set twice, first at %s:%d", text, name->file,
			name->line);
		return;
	}
	name = tn_arena_alloc(s->arena, sizeof(*name));
	if (!name) {
		tn_fail(s->call, TN_ENOMEM, "out of memory");
		s->source->lost = true;
		return;
	}
	*name = (struct tn_config_name){ group->names, text, s->source->name, at.line };
	group->names = name;
	if (++group->n > TN_CONFIG_MAX_MEMBERS)
		TN_LOST(s, at, "more than %d settings in one group", TN_CONFIG_MAX_MEMBERS);
	else if (++s->n_settings > TN_CONFIG_MAX_SETTINGS)
		TN_LOST(s, at, "more than %d settings", TN_CONFIG_MAX_SETTINGS);
}

/* No name stands where a setting begins. */
static void no_name(struct tn_config_scan *s, int c)
{
	struct tn_config_place at = tn_config_here(s);

	if (c == ')' || c == ']' || c == '}')
		TN_LOST(s, at, "nothing is open that this %c could close", c);
	else if (c == '"')
		TN_LOST(s, at, "expected a setting, NAME = VALUE;, found a string (names have no "
			"quotes)");
	else if (c >= '0' && c <= '9')
		TN_LOST(s, at, "expected a setting, NAME = VALUE;, found %s; names begin with a "
			"letter (the decimal sign of numbers is a point)", tn_config_found(s));
	else
		TN_LOST(s, at, "expected a setting, NAME = VALUE;, found %s", tn_config_found(s));
}

static bool begins_name(int c)
{
	return c == '*' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static void read_setting(struct tn_config_scan *s, struct tn_config_group *group, int c)
{
	struct tn_config_place at = tn_config_here(s);
	const char *name = tn_config_read_name(s);

	if (!name) {
		no_name(s, c);
		return;
	}
	c = tn_config_peek(s);
	if (s->source->lost)
		return;
	if (!strcasecmp(name, "true") || !strcasecmp(name, "false")) {
		TN_LOST(s, at, "\"%s\" is a value and cannot name a setting", name);
		return;
	}
	if (c == '.') {
		TN_LOST(s, at, "a setting's name has no dots: write %s = { ... }", name);
		return;
	}
	if (c != '=' && c != ':') {
		TN_LOST(s, tn_config_here(s), "expected = and a value behind \"%s\", found %s",
			name, tn_config_found(s));
		return;
	}
	s->source->at++;
	add_name(s, group, at, name);
	tn_config_put(s, name, strlen(name));
	tn_config_put(s, "=", 1);
	read_value(s, at.line);
	tn_config_put(s, ";\n", 2);
	c = tn_config_peek(s);
	if (c == ';' || c == ',')
		s->source->at++;
	else if (c == ')' || c == ']')
		no_name(s, c);
	else if (c >= 0 && c != '}' && c != '@' && !begins_name(c))
		TN_LOST(s, tn_config_here(s), "expected a semicolon behind the value of \"%s\", "
			"found %s", name, tn_config_found(s));
}

void tn_config_read_settings(struct tn_config_scan *s, struct tn_config_group *group,
	const struct tn_config_place *open)
{
	struct tn_config_source *f = s->source;
	int c;

	while ((c = tn_config_peek(s)) >= 0) {
		if (c == '}' && open) {
			f->at++;
			return;
		}
		if (c == '@') {
			tn_config_read_include(s, group);
		} else if (c == ';' || c == ',') {
			tn_config_fault(s, tn_config_here(s), "there is no setting before this "
				"%c", c);
			f->at++;
		} else {
			read_setting(s, group, c);
		}
	}
	if (open && !f->lost)
		TN_LOST(s, *open, "the { that opens here is never closed");
}

bool tn_config_check_value(struct tn_config_scan *s, const char *value, size_t len)
{
	struct tn_config_source f = { .text = value, .len = len, .name = s->setting,
		.directory = "", .line = 1 };
	bool exact;

	s->source = &f;
	exact = len <= TN_CONFIG_MAX && tn_utf8_valid(value, len) == len;
	if (exact && tn_config_peek(s) >= 0) {
		tn_config_put(s, "value=", 6);
		read_value(s, 0);
		tn_config_put(s, ";", 1);
	}
	exact = exact && s->n_items && tn_config_peek(s) < 0 && !f.lost && !tn_status(s->call);
	s->source = NULL;
	return exact;
}
