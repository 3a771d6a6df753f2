/* SPDX-License-Identifier: Apache-2.0
 * core/base/config.c - checked configurations to value trees, by libconfig.
 */
#include <libconfig.h>
#include <locale.h>
#include <string.h>

#include "base/config.h"
#include "base/config_scan.h"

/* A setting of libconfig beside the place of it, in the order of the text. */
struct walk {
	const struct tn_config_scan *scan;
	size_t next;
};

static struct tn_value *convert(struct walk *w, config_setting_t *setting);

static struct tn_value *convert_members(struct walk *w, config_setting_t *setting, bool group)
{
	struct tn_arena *arena = w->scan->arena;
	struct tn_value *v = group ? tn_new_object(arena) : tn_new_list(arena);

	for (int i = 0; v && i < config_setting_length(setting); i++) {
		config_setting_t *member = config_setting_get_elem(setting, (unsigned)i);
		struct tn_value *m = convert(w, member);

		if (group)
			m = tn_set(arena, v, config_setting_name(member), m);
		else
			m = tn_append(arena, v, m);
		if (!m)
			return NULL;
	}
	return v;
}

static struct tn_value *convert(struct walk *w, config_setting_t *setting)
{
	struct tn_arena *arena = w->scan->arena;
	const struct tn_config_item *item = &w->scan->items[w->next++];
	struct tn_value *v = NULL;

	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_BOOL:
		v = tn_new_bool(arena, config_setting_get_bool(setting));
		break;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		v = tn_new_int(arena, item->number);
		break;
	case CONFIG_TYPE_FLOAT:
		v = tn_new_real(arena, config_setting_get_float(setting));
		break;
	case CONFIG_TYPE_STRING:
		v = tn_new_text(arena, config_setting_get_string(setting));
		break;
	case CONFIG_TYPE_GROUP:
	case CONFIG_TYPE_LIST:
	case CONFIG_TYPE_ARRAY:
		v = convert_members(w, setting, config_setting_is_group(setting));
		break;
	}
	tn_value_set_place(v, item->file, item->line);
	return v;
}

/* The number of values, and whether each is of the kind the check found. */
static bool agrees(const struct walk *w, config_setting_t *setting, size_t *n)
{
	static const enum tn_value_kind kinds[] = {
		[CONFIG_TYPE_GROUP] = TN_VALUE_OBJECT, [CONFIG_TYPE_INT] = TN_VALUE_INT,
		[CONFIG_TYPE_INT64] = TN_VALUE_INT, [CONFIG_TYPE_FLOAT] = TN_VALUE_REAL,
		[CONFIG_TYPE_STRING] = TN_VALUE_STRING, [CONFIG_TYPE_BOOL] = TN_VALUE_BOOL,
		[CONFIG_TYPE_ARRAY] = TN_VALUE_LIST, [CONFIG_TYPE_LIST] = TN_VALUE_LIST,
	};

	if (*n >= w->scan->n_items ||
	    kinds[config_setting_type(setting)] != w->scan->items[(*n)++].kind)
		return false;
	if (!config_setting_is_aggregate(setting))
		return true;
	for (int i = 0; i < config_setting_length(setting); i++)
		if (!agrees(w, config_setting_get_elem(setting, (unsigned)i), n))
			return false;
	return true;
}

/* The tree of a text that passed the check. */
static struct tn_value *build(const struct tn_config_scan *scan, struct tn_call *call)
{
	struct walk w = { scan, 0 };
	struct tn_value *tree = tn_new_object(scan->arena);
	config_setting_t *root;
	config_t config;
	size_t n = 0;

	config_init(&config);
	if (!config_read_string(&config, scan->text ? scan->text : ""))
		tn_fail(call, TN_EINTERNAL, "libconfig refuses what was checked: line %d: %s",
			config_error_line(&config), config_error_text(&config));
	root = config_root_setting(&config);
	for (int i = 0; !tn_status(call) && i < config_setting_length(root); i++) {
		config_setting_t *member = config_setting_get_elem(root, (unsigned)i);
		const char *name = config_setting_name(member);

		if (!agrees(&w, member, &n))
			tn_fail(call, TN_EINTERNAL, "libconfig reads \"%s\" otherwise than it was "
				"checked", name);
		else if (!tn_set(scan->arena, tree, name, convert(&w, member)))
			tn_fail(call, TN_ENOMEM, "out of memory");
	}
	config_destroy(&config);
	return tn_status(call) ? NULL : tree;
}

/* Numbers are read under the C locale, whatever the caller's is. */
struct c_locale {
	locale_t c, saved;
};

static bool enter_c_locale(struct c_locale *l, struct tn_call *call)
{
	l->c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (l->c == (locale_t)0) {
		tn_fail(call, TN_ENOMEM, "out of memory");
		return false;
	}
	l->saved = uselocale(l->c);
	return true;
}

static void leave_c_locale(struct c_locale *l)
{
	uselocale(l->saved);
	freelocale(l->c);
}

/* Makes the tree, unless there were faults, and frees the scan. */
static struct tn_value *finish(struct tn_config_scan *s, struct c_locale *l)
{
	struct tn_value *tree = tn_status(s->call) ? NULL : build(s, s->call);

	tn_config_scan_finish(s);
	leave_c_locale(l);
	return tree;
}

struct tn_value *tn_config_read(const char *path, struct tn_arena *arena, struct tn_call *call)
{
	struct tn_config_scan s = { .arena = arena, .call = call };
	struct c_locale l;

	if (!enter_c_locale(&l, call))
		return NULL;
	tn_config_check_file(&s, path);
	return finish(&s, &l);
}

struct tn_value *tn_config_parse(const char *text, size_t len, const char *name,
	const char *directory, struct tn_arena *arena, struct tn_call *call)
{
	struct tn_config_scan s = { .arena = arena, .call = call };
	struct c_locale l;

	if (!enter_c_locale(&l, call))
		return NULL;
	tn_config_check_text(&s, text, len, name, directory);
	return finish(&s, &l);
}

struct tn_value *tn_config_parse_value(const char *text, const char *setting,
	struct tn_arena *arena, bool *out_of_range, struct tn_call *call)
{
	struct tn_config_scan s = { .arena = arena, .call = call, .setting = setting };
	struct c_locale l;
	struct tn_value *tree;

	if (!enter_c_locale(&l, call))
		return NULL;
	if (!tn_config_check_value(&s, text, strlen(text)))
		tn_fail(call, TN_ECONFIG, "%s: not exactly one value", setting);
	*out_of_range = s.out_of_range;
	tree = finish(&s, &l);
	return (struct tn_value *)tn_at(tree, 0);
}

const char *tn_value_where(const struct tn_value *v, struct tn_call *call)
{
	const char *file = tn_value_file(v), *where;

	if (!file)
		return "configuration";
	if (tn_value_line(v) <= 0)
		return file;
	where = tn_printf(call, "%s:%d", file, tn_value_line(v));
	return where ? where : file;
}
