/* SPDX-License-Identifier: Apache-2.0
 * core/base/config_print.c - value trees as libconfig texts.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/number.h"

#define LONGEST_LINE 80		/* a list of plain values that is longer gets a line for each */

struct print {
	FILE *out;
	struct tn_call *call;
};

static void print_value(struct print *p, const char *name, const struct tn_value *v, int depth);

static bool is_name(const char *name)
{
	static const char letters[] = "*abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char others[] = "*abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-_";

	return name[0] && strchr(letters, name[0]) && strspn(name, others) == strlen(name);
}

static void indent(struct print *p, int depth)
{
	fprintf(p->out, "%*s", depth * 2, "");
}

static void print_string(struct print *p, const char *name, const struct tn_value *v)
{
	static const char plain[] = "\n\r\t\f\\\"", escaped[] = "nrtf\\\"";
	const char *text = tn_string(v, "");
	size_t n = tn_string_length(v);

	if (memchr(text, '\0', n))
		tn_fail(p->call, TN_ECONFIG, "%s holds a NUL, which a configuration cannot", name);
	putc('"', p->out);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		const char *e = c ? strchr(plain, c) : NULL;

		if (e)
			fprintf(p->out, "\\%c", escaped[e - plain]);
		else if (c < 0x20 || c == 0x7f)
			fprintf(p->out, "\\x%02x", c);
		else
			putc(c, p->out);
	}
	putc('"', p->out);
}

static void print_real(struct print *p, const char *name, double r)
{
	char text[TN_REAL_TEXT];

	if (!isfinite(r)) {
		tn_fail(p->call, TN_ECONFIG, "%s is not finite, which a configuration cannot "
			"say", name);
		return;
	}
	tn_real_text(text, r, false);
	fputs(text, p->out);
}

static bool is_plain(const struct tn_value *v)
{
	enum tn_value_kind kind = tn_value_kind(v);

	return kind != TN_VALUE_LIST && kind != TN_VALUE_OBJECT && kind != TN_VALUE_FLOATS;
}

/* Whether a list fits one line; a guess that needs no second printing. */
static bool is_short(const struct tn_value *list)
{
	size_t width = 0;

	for (size_t i = 0; i < tn_size(list); i++) {
		const struct tn_value *v = tn_at(list, i);

		width += 4 + (tn_value_kind(v) == TN_VALUE_STRING ? tn_string_length(v) : 6);
		if (!is_plain(v) || width > LONGEST_LINE)
			return false;
	}
	return true;
}

static void print_list(struct print *p, const char *name, const struct tn_value *v, int depth)
{
	bool line = is_short(v);

	putc('(', p->out);
	for (size_t i = 0; i < tn_size(v); i++) {
		fputs(i ? "," : "", p->out);
		if (line) {
			putc(' ', p->out);
		} else {
			putc('\n', p->out);
			indent(p, depth + 1);
		}
		print_value(p, name, tn_at(v, i), depth + 1);
	}
	if (!line) {
		putc('\n', p->out);
		indent(p, depth);
	}
	fputs(line ? " )" : ")", p->out);
}

static void print_floats(struct print *p, const char *name, const struct tn_value *v)
{
	putc('(', p->out);
	for (size_t i = 0; i < tn_size(v); i++) {
		fputs(i ? ", " : " ", p->out);
		print_real(p, name, (double)tn_floats(v)[i]);
	}
	fputs(" )", p->out);
}

static void print_members(struct print *p, const struct tn_value *v, int depth)
{
	for (size_t i = 0; i < tn_size(v); i++) {
		const char *name = tn_key(v, i);

		if (!is_name(name))
			tn_fail(p->call, TN_ECONFIG, "%s cannot name a setting of a configuration",
				tn_quote(p->call, name, strlen(name)));
		indent(p, depth);
		fprintf(p->out, "%s = ", name);
		print_value(p, name, tn_at(v, i), depth);
		fputs(";\n", p->out);
	}
}

static void print_value(struct print *p, const char *name, const struct tn_value *v, int depth)
{
	int64_t i = tn_int(v, 0);

	switch (tn_value_kind(v)) {
	case TN_VALUE_NULL:
		tn_fail(p->call, TN_ECONFIG, "%s is null, which a configuration cannot say", name);
		break;
	case TN_VALUE_BOOL:
		fputs(tn_bool(v, false) ? "true" : "false", p->out);
		break;
	case TN_VALUE_INT:
		fprintf(p->out, "%lld%s", (long long)i, i == (int32_t)i ? "" : "L");
		break;
	case TN_VALUE_REAL:
		print_real(p, name, tn_real(v, 0));
		break;
	case TN_VALUE_STRING:
		print_string(p, name, v);
		break;
	case TN_VALUE_LIST:
		print_list(p, name, v, depth);
		break;
	case TN_VALUE_FLOATS:
		print_floats(p, name, v);
		break;
	case TN_VALUE_OBJECT:
		fputs("{\n", p->out);
		print_members(p, v, depth + 1);
		indent(p, depth);
		putc('}', p->out);
		break;
	}
}

char *tn_config_print(const struct tn_value *root, size_t *len, struct tn_call *call)
{
	char *buffer = NULL, *text = NULL;
	size_t n = 0;
	struct print p = { open_memstream(&buffer, &n), call };

	if (!p.out) {
		tn_fail(call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	print_members(&p, root, 0);
	if (fclose(p.out))
		tn_fail(call, TN_ENOMEM, "out of memory");
	else if (!tn_status(call)) {
		text = tn_arena_dup(tn_call_arena(call), buffer, n);
		if (!text)
			tn_fail(call, TN_ENOMEM, "out of memory");
		else if (len)
			*len = n;
	}
	free(buffer);
	return text;
}
