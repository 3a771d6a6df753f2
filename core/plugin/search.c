/* SPDX-License-Identifier: Apache-2.0
 * core/plugin/search.c - the directories of plugins and the files in them.
 */
#include <config.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/builtin.h"
#include "plugin/internal.h"

#define LONGEST_NAME 64

bool tn_plugin_name_ok(const char *name, size_t len)
{
	if (!len || len > LONGEST_NAME || strchr("_.-", name[0]))
		return false;
	for (size_t i = 0; i < len; i++) {
		bool plain = (name[i] >= 'a' && name[i] <= 'z') ||
			(name[i] >= '0' && name[i] <= '9');

		if (!plain && (!name[i] || !strchr("_.-", name[i])))
			return false;
		if (i && name[i] == '.' && name[i - 1] == '.')
			return false;
	}
	return true;
}

/* Appends the directories of a text with colons between them. */
static int add_list(struct tn_plugin_dirs *dirs, const char *list, struct tn_call *call)
{
	while (*list) {
		size_t len = strcspn(list, ":");

		if (len) {
			dirs->items[dirs->n] = tn_arena_dup(tn_call_arena(call), list, len);
			if (!dirs->items[dirs->n++])
				return tn_fail(call, TN_ENOMEM, "out of memory");
		} else {
			tn_note(call, "TENON_PLUGIN_PATH has an empty element, which is skipped: "
				"the current directory is searched only where it is named");
		}
		list += len + (list[len] == ':');
	}
	return 0;
}

int tn_plugin_dirs(const struct tn_plugin_path *path, struct tn_plugin_dirs *dirs,
	struct tn_call *call)
{
	const char *list = secure_getenv("TENON_PLUGIN_PATH");
	size_t most = (path ? path->n : 0) + 3;

	for (const char *p = list ? list : ""; *p; p++)
		most += *p == ':';
	dirs->n = 0;
	dirs->items = tn_alloc_n(call, most, sizeof(*dirs->items));
	if (!dirs->items)
		return TN_ENOMEM;
	for (size_t i = 0; path && i < path->n; i++)
		if (path->dirs[i][0])
			dirs->items[dirs->n++] = path->dirs[i];
	if (list && add_list(dirs, list, call))
		return TN_ENOMEM;
	if (tn_builtin(0))
		dirs->items[dirs->n++] = TN_BUILTIN_DIR;
	dirs->items[dirs->n++] = TN_PLUGIN_DIR;
	return 0;
}

/* Takes KIND-NAME.so apart; false for another name. */
static bool parse(const char *file, enum tn_plugin_kind *kind, size_t *name, size_t *len)
{
	size_t n = strlen(file), dash = strcspn(file, "-");

	if (n < 4 || strcmp(file + n - 3, ".so") || dash + 4 > n)
		return false;
	*kind = tn_plugin_kind_of(file, dash);
	*name = dash + 1;
	*len = n - 3 - *name;
	return *kind && tn_plugin_name_ok(file + *name, *len);
}

/* A growing list of files; memory grows by doubling in the arena. */
struct list {
	struct tn_plugin_found *items;
	size_t n, capacity;
};

static int add(struct list *list, const struct tn_plugin_found *found, struct tn_call *call)
{
	if (list->n == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 32;
		struct tn_plugin_found *grown = tn_alloc_n(call, capacity, sizeof(*grown));

		if (!grown)
			return TN_ENOMEM;
		if (list->n)
			memcpy(grown, list->items, list->n * sizeof(*grown));
		list->items = grown;
		list->capacity = capacity;
	}
	list->items[list->n++] = *found;
	return 0;
}

static int read_directory(const struct tn_plugin_dirs *dirs, size_t dir,
	enum tn_plugin_kind wanted, struct list *list, struct tn_call *call)
{
	DIR *stream = opendir(dirs->items[dir]);
	struct dirent *entry;
	int error = 0;

	while (stream && !error && (entry = readdir(stream))) {
		struct tn_plugin_found found = { .dir = dir };
		size_t name, len;

		if (!parse(entry->d_name, &found.kind, &name, &len) ||
			(wanted && found.kind != wanted))
			continue;
		found.name = tn_arena_dup(tn_call_arena(call), entry->d_name + name, len);
		found.file = tn_printf(call, "%s/%s", dirs->items[dir], entry->d_name);
		if (!found.name || !found.file)
			error = tn_fail(call, TN_ENOMEM, "out of memory");
		else
			error = add(list, &found, call);
	}
	if (stream)
		closedir(stream);
	return error;
}

/* The plugins that were linked in, by each of their names. */
static int list_builtins(size_t dir, enum tn_plugin_kind wanted, struct list *list,
	struct tn_call *call)
{
	const struct tn_plugin *p;

	for (size_t i = 0; (p = tn_builtin(i)); i++)
		for (size_t k = 0; p->names[k] && (!wanted || p->kind == wanted); k++) {
			struct tn_plugin_found found = { .dir = dir, .kind = p->kind,
				.name = p->names[k], .file = tn_printf(call, TN_BUILTIN_DIR "/%s-%s.so",
				tn_plugin_kind_name(p->kind), p->names[k]) };

			if (!found.file || add(list, &found, call))
				return TN_ENOMEM;
		}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct tn_plugin_found *x = a, *y = b;
	int names = strcmp(x->name, y->name);

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (names)
		return names;
	return (x->dir > y->dir) - (x->dir < y->dir);
}

int tn_plugin_files(const struct tn_plugin_dirs *dirs, enum tn_plugin_kind kind,
	struct tn_plugin_found **found, size_t *n, struct tn_call *call)
{
	struct list list = { 0 };
	int error = 0;

	for (size_t i = 0; i < dirs->n && !error; i++)
		error = strcmp(dirs->items[i], TN_BUILTIN_DIR) ?
			read_directory(dirs, i, kind, &list, call) :
			list_builtins(i, kind, &list, call);
	if (error)
		return error;
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), compare);
	*found = list.items;
	*n = list.n;
	return 0;
}

int tn_plugin_names(const struct tn_plugin_path *path,
	int (*each)(void *user, enum tn_plugin_kind kind, const char *name), void *user,
	struct tn_call *call)
{
	struct tn_plugin_found *found;
	struct tn_plugin_dirs dirs;
	size_t n;
	int error = tn_plugin_dirs(path, &dirs, call);

	if (!error)
		error = tn_plugin_files(&dirs, 0, &found, &n, call);
	for (size_t i = 0; !error && i < n; i++)
		error = each(user, found[i].kind, found[i].name);
	return error;
}
