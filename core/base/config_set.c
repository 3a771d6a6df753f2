/* SPDX-License-Identifier: Apache-2.0
 * core/base/config_set.c - settings from the command line over a configuration.
 */
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/config_scan.h"
#include "base/value.h"

struct setting {
	const char *cited;		/* "--set a.b=VALUE" */
	struct tn_arena *arena;
	struct tn_call *call;
};

/* One step of a path: a member's name, or an item's number in brackets. */
struct step {
	const char *name;
	size_t len;
	size_t index;
	bool is_index;
};

static bool read_index(struct step *step)
{
	char *end;

	if (step->len < 3 || step->name[step->len - 1] != ']' ||
	    step->name[1] < '0' || step->name[1] > '9')
		return false;
	step->index = strtoul(step->name + 1, &end, 10);
	step->is_index = true;
	return end == step->name + step->len - 1;
}

static bool is_name(const char *name, size_t len)
{
	size_t i = 0;

	for (; i < len; i++) {
		char c = name[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '*';

		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '_')))
			break;
	}
	return i && i == len;
}

/* Reads the step that *path begins with and goes behind its dot. */
static int read_step(const struct setting *set, const char **path, const char *end,
	struct step *step)
{
	const char *dot = memchr(*path, '.', (size_t)(end - *path));

	*step = (struct step){ .name = *path, .len = (size_t)((dot ? dot : end) - *path) };
	*path = dot ? dot + 1 : end;
	if (step->len && step->name[0] == '[') {
		if (read_index(step))
			return 0;
	} else if (is_name(step->name, step->len) && (!dot || dot + 1 < end)) {
		return 0;
	}
	return tn_fail(set->call, TN_EUSAGE, "%s: %s is no part of a path; expected names and [N] "
		"with dots between them, as in heads.NAME.use=VALUE", set->cited,
		tn_quote(set->call, step->name, step->len));
}

/* The value that a step leads to, NULL when a group has no such member. */
static int take_step(const struct setting *set, struct tn_value *v, const struct step *step,
	const char *key, struct tn_value **to)
{
	enum tn_value_kind kind = tn_value_kind(v);

	if (step->is_index && kind != TN_VALUE_LIST)
		return tn_fail(set->call, TN_ECONFIG, "%s: %s leads into %s (%s), expected a list",
			set->cited, key, tn_value_kind_name(kind), tn_value_where(v, set->call));
	if (step->is_index && step->index >= tn_size(v))
		return tn_fail(set->call, TN_ECONFIG, "%s: %s is beyond the end of a list of %zu "
			"(%s)", set->cited, key, tn_size(v), tn_value_where(v, set->call));
	if (!step->is_index && kind != TN_VALUE_OBJECT)
		return tn_fail(set->call, TN_ECONFIG, "%s: %s is wanted of %s (%s), expected a "
			"group",
			set->cited, key, tn_value_kind_name(kind), tn_value_where(v, set->call));
	*to = (struct tn_value *)(step->is_index ? tn_at(v, step->index) : tn_get(v, key));
	return 0;
}

/* Puts a value where a step leads to. */
static int put(const struct setting *set, struct tn_value *v, const struct step *step,
	const char *key, struct tn_value *member)
{
	if (step->is_index ? !tn_replace(v, step->index, member) :
	    !tn_set(set->arena, v, key, member))
		return tn_fail(set->call, TN_ENOMEM, "%s: out of memory", set->cited);
	return 0;
}

static struct tn_value *read_value(const struct setting *set, const char *text)
{
	struct tn_call *attempt = tn_call_create();
	struct tn_value *v = NULL;
	bool out_of_range = false;

	if (attempt)
		v = tn_config_parse_value(text, set->cited, set->arena, &out_of_range, attempt);
	if (!attempt || tn_status(attempt) == TN_ENOMEM) {
		tn_fail(set->call, TN_ENOMEM, "%s: out of memory", set->cited);
	} else if (out_of_range) {
		tn_fail(set->call, TN_ECONFIG, "%s", tn_error_text(attempt));
	} else if (!v) {
		v = tn_new_text(set->arena, text);
		tn_value_set_place(v, set->cited, 0);
		if (!v)
			tn_fail(set->call, TN_ENOMEM, "%s: out of memory", set->cited);
	}
	tn_call_destroy(attempt);
	return v;
}

static int apply(const struct setting *set, struct tn_value *v, const char *path,
	const char *end, struct tn_value *value)
{
	while (path < end) {
		struct tn_value *next = NULL;
		struct step step;
		char *key;
		int status = read_step(set, &path, end, &step);

		if (status)
			return status;
		key = tn_arena_dup(set->arena, step.name, step.len);
		if (!key)
			return tn_fail(set->call, TN_ENOMEM, "%s: out of memory", set->cited);
		status = take_step(set, v, &step, key, &next);
		if (status || path == end)
			return status ? status : put(set, v, &step, key, value);
		if (!next) {
			next = tn_new_object(set->arena);
			tn_value_set_place(next, set->cited, 0);
			status = put(set, v, &step, key, next);
			if (status)
				return status;
		}
		v = next;
	}
	return 0;
}

int tn_config_set(struct tn_value *root, const char *assignment, struct tn_arena *arena,
	struct tn_call *call)
{
	struct setting set = { NULL, arena, call };
	const char *equals = strchr(assignment, '='), *end = equals;
	struct tn_value *value;
	char *cited;

	cited = tn_arena_alloc(arena, strlen(assignment) + 7);
	if (!cited)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	strcpy(cited, "--set ");
	strcpy(cited + 6, assignment);
	set.cited = cited;
	if (!equals || equals == assignment)
		return tn_fail(call, TN_EUSAGE, "%s: expected PATH=VALUE", cited);
	while (end > assignment && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	value = read_value(&set, equals + 1);
	return value ? apply(&set, root, assignment, end, value) : tn_status(call);
}
