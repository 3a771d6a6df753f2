/* SPDX-License-Identifier: Apache-2.0
 * core/plugin/options.c - a plugin's state and the options stored in it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "plugin/internal.h"

#define ALIGN 64

/* Stands before each state, ALIGN bytes away; owns the texts of its options. */
struct owner {
	struct tn_arena *texts;
};

static struct owner *owner_of(void *state)
{
	return (struct owner *)((char *)state - ALIGN);
}

void *tn_plugin_new(const struct tn_plugin *plugin, struct tn_call *call)
{
	struct owner *owner = NULL;
	struct tn_base *state;
	size_t bytes;

	if (!__builtin_add_overflow(plugin->state, 2 * ALIGN - 1, &bytes))
		owner = aligned_alloc(ALIGN, bytes & ~(size_t)(ALIGN - 1));
	if (!owner) {
		tn_fail(call, TN_ENOMEM, "out of memory: the state of %s %s has %zu bytes",
			tn_plugin_kind_name(plugin->kind), plugin->names[0], plugin->state);
		return NULL;
	}
	memset(owner, 0, bytes & ~(size_t)(ALIGN - 1));
	state = (struct tn_base *)((char *)owner + ALIGN);
	state->plugin = plugin;
	return state;
}

void tn_plugin_free(void *state)
{
	if (!state)
		return;
	tn_arena_destroy(owner_of(state)->texts);
	free(owner_of(state));
}

/* What the storing of one option needs to know. */
struct binding {
	const struct tn_option *option;
	void *field;
	const struct tn_value *value;
	struct tn_arena *texts;
	const char *where;
	struct tn_call *call;
};

/* "FILE:LINE: ", or "" for a value that stands in no file. */
static const char *place(const struct tn_value *v, struct tn_call *call)
{
	const char *text = "";

	if (tn_value_file(v) && tn_value_line(v))
		text = tn_printf(call, "%s:%d: ", tn_value_file(v), tn_value_line(v));
	else if (tn_value_file(v))
		text = tn_printf(call, "%s: ", tn_value_file(v));
	return text ? text : "";
}

/* A value as a message shows it: a scalar itself, the kind of others. */
static const char *found(const struct tn_value *v, struct tn_call *call)
{
	const char *text;

	switch (tn_value_kind(v)) {
	case TN_VALUE_BOOL:
	case TN_VALUE_INT:
	case TN_VALUE_REAL:
		text = tn_json_print(v, NULL, call);
		break;
	case TN_VALUE_STRING:
		text = tn_printf(call, "the text %s",
			tn_quote(call, tn_string(v, ""), tn_string_length(v)));
		break;
	default:
		text = tn_value_kind_name(tn_value_kind(v));
	}
	return text ? text : "";
}

static int refuse(const struct binding *b, const struct tn_value *v, const char *expected)
{
	return tn_fault(b->call, TN_ECONFIG, "%s%s%s%s: found %s, expected %s",
		place(v, b->call), b->where, *b->where ? "." : "", b->option->name,
		found(v, b->call), expected);
}

static int refuse_number(const struct binding *b, const char *kind)
{
	const char *range = tn_option_range(b->option, b->call);
	const char *expected = range && *range ? tn_printf(b->call, "%s, %s", kind, range) : kind;

	return refuse(b, b->value, expected ? expected : kind);
}

static int refuse_choice(const struct binding *b)
{
	const char *range = tn_option_range(b->option, b->call);
	const char *nearest = NULL, *expected;
	size_t n = 0;

	while (b->option->choices[n])
		n++;
	if (tn_value_kind(b->value) == TN_VALUE_STRING)
		nearest = tn_nearest(tn_string(b->value, ""), b->option->choices, n);
	expected = tn_printf(b->call, "one of %s%s%s%s", range ? range : "",
		nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
	return refuse(b, b->value, expected ? expected : "");
}

/* A copy of a text in the state's own memory; NULL after the fault. */
static const char *keep_text(const struct binding *b, const struct tn_value *v)
{
	const char *text = tn_string(v, NULL), *file = tn_value_file(v);
	size_t len = tn_string_length(v), base = 0;
	char *copy;

	if (!text) {
		refuse(b, v, b->option->type == TN_OPT_STRINGS ? "a list of texts" : "a text");
		return NULL;
	}
	if (strlen(text) != len) {
		refuse(b, v, "a text without NUL bytes");
		return NULL;
	}
	/* What --set states has no line, and is relative to the current directory. */
	if (b->option->type == TN_OPT_PATH && text[0] != '/' && file && tn_value_line(v) &&
			strrchr(file, '/'))
		base = (size_t)(strrchr(file, '/') - file) + 1;
	copy = tn_arena_alloc(b->texts, base + len + 1);
	if (!copy) {
		tn_fault(b->call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	memcpy(copy, base ? file : "", base);
	memcpy(copy + base, text, len);
	return copy;
}

static int store_text(const struct binding *b)
{
	const char *text = keep_text(b, b->value);

	if (!text)
		return TN_ECONFIG;
	*(const char **)b->field = text;
	return 0;
}

static int store_texts(const struct binding *b)
{
	bool one = tn_value_kind(b->value) == TN_VALUE_STRING;
	size_t n = one ? 1 : tn_size(b->value);
	const char **items;

	if (!one && tn_value_kind(b->value) != TN_VALUE_LIST)
		return refuse(b, b->value, "a list of texts");
	items = tn_arena_alloc(b->texts, n * sizeof(*items));
	if (!items)
		return tn_fault(b->call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		items[i] = keep_text(b, one ? b->value : tn_at(b->value, i));
		if (!items[i])
			return TN_ECONFIG;
	}
	*(struct tn_strings *)b->field = (struct tn_strings){ items, n };
	return 0;
}

static int store_choice(const struct binding *b)
{
	const char *text = tn_string(b->value, NULL);

	for (int32_t i = 0; text && b->option->choices[i]; i++) {
		if (strcmp(b->option->choices[i], text))
			continue;
		*(int32_t *)b->field = i;
		return 0;
	}
	return refuse_choice(b);
}

static int store_number(const struct binding *b)
{
	const struct tn_option *o = b->option;
	bool whole = o->type == TN_OPT_INT;
	enum tn_value_kind kind = tn_value_kind(b->value);
	double number = tn_real(b->value, 0);

	if (kind != TN_VALUE_INT && (whole || kind != TN_VALUE_REAL))
		return refuse_number(b, whole ? "an integer" : "a real number");
	if (!(number >= o->min && number <= o->max))
		return refuse_number(b, whole ? "an integer" : "a real number");
	if (whole)
		*(int64_t *)b->field = tn_int(b->value, 0);
	else
		*(double *)b->field = number;
	return 0;
}

static int store(const struct binding *b)
{
	switch ((enum tn_option_type)b->option->type) {
	case TN_OPT_BOOL:
		if (tn_value_kind(b->value) != TN_VALUE_BOOL)
			return refuse(b, b->value, "true or false");
		*(bool *)b->field = tn_bool(b->value, false);
		return 0;
	case TN_OPT_INT:
	case TN_OPT_REAL:
		return store_number(b);
	case TN_OPT_STRING:
	case TN_OPT_PATH:
		return store_text(b);
	case TN_OPT_CHOICE:
		return store_choice(b);
	case TN_OPT_STRINGS:
		return store_texts(b);
	case TN_OPT_END:
		break;
	}
	return tn_fault(b->call, TN_EINTERNAL, "option %s has an unknown type", b->option->name);
}

static void store_default(const struct tn_option *o, void *field)
{
	switch ((enum tn_option_type)o->type) {
	case TN_OPT_BOOL:
		*(bool *)field = o->number != 0;
		break;
	case TN_OPT_INT:
		*(int64_t *)field = (int64_t)o->number;
		break;
	case TN_OPT_REAL:
		*(double *)field = o->number;
		break;
	case TN_OPT_STRING:
	case TN_OPT_PATH:
		*(const char **)field = o->text;
		break;
	case TN_OPT_CHOICE:
		*(int32_t *)field = 0;
		while (strcmp(o->choices[*(int32_t *)field], o->text))
			++*(int32_t *)field;
		break;
	case TN_OPT_STRINGS:
		*(struct tn_strings *)field = (struct tn_strings){ NULL, 0 };
		break;
	case TN_OPT_END:
		break;
	}
}

static const struct tn_option *find(const struct tn_option *o, const char *name)
{
	for (; o && o->name; o++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

static bool is_listed(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

static int refuse_unknown(const struct binding *b, const struct tn_option *o, const char *key,
	const char *const *reserved, const char *owner)
{
	const char *known[512], *all = "", *nearest;
	size_t n = 0;

	for (; o && o->name && n < 512; o++)
		known[n++] = o->name;
	for (; reserved && *reserved && n < 512; reserved++)
		known[n++] = *reserved;
	for (size_t i = 0; i < n && all; i++)
		all = tn_printf(b->call, "%s%s%s", all, i ? ", " : "", known[i]);
	nearest = tn_nearest(key, known, n);
	return tn_fault(b->call, TN_ECONFIG, "%s%s%s%.64s: no such option%s%s%s%s (options: %s)",
		place(b->value, b->call), b->where, *b->where ? "." : "", key, owner,
		nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "",
		n && all ? all : "none");
}

int tn_options_read(const struct tn_option *options, const char *owner, void *fields,
	const struct tn_value *group, const char *const *reserved, const char *where,
	struct tn_arena *texts, struct tn_call *call)
{
	struct binding b = { .where = where, .texts = texts, .call = call };
	int error = 0, status;

	for (const struct tn_option *o = options; o && o->name; o++)
		store_default(o, (char *)fields + o->offset);
	if (tn_value_kind(group) != TN_VALUE_OBJECT && tn_value_kind(group) != TN_VALUE_NULL)
		return tn_fault(call, TN_ECONFIG, "%s%s: found %s, expected a group of options",
			place(group, call), where, found(group, call));
	for (size_t i = 0; i < tn_size(group); i++) {
		const char *key = tn_key(group, i);

		if (is_listed(reserved, key))
			continue;
		b.value = tn_at(group, i);
		b.option = find(options, key);
		if (b.option) {
			b.field = (char *)fields + b.option->offset;
			status = store(&b);
		} else {
			status = refuse_unknown(&b, options, key, reserved, owner);
		}
		error = error ? error : status;
	}
	return error;
}

int tn_options_store(const struct tn_plugin *plugin, void *state, const struct tn_value *group,
	const char *const *reserved, const char *where, struct tn_call *call)
{
	struct owner *o = owner_of(state);
	const char *owner = tn_printf(call, " of %s \"%s\"", tn_plugin_kind_name(plugin->kind),
		plugin->names[0]);

	if (!o->texts && !(o->texts = tn_arena_create()))
		return tn_fail(call, TN_ENOMEM, "out of memory");
	return owner ? tn_options_read(plugin->options, owner, state, group, reserved, where,
		o->texts, call) : tn_status(call);
}
