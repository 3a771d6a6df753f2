/* SPDX-License-Identifier: Apache-2.0
 * core/cli/plugins.c - tenon plugins: lists the plugins that are found, shows one, makes one to
 * begin with, or tests one.
 */
#include <argp.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/cli.h"
#include "cli/plugins.h"
#include "conform/run.h"

#define MOST_SETTINGS 64

enum format { TEXT, JSONL, MAN };

struct arguments {
	const char *action, *name, *new_name;
	struct conform_plan test;
	const char *settings[MOST_SETTINGS + 1];
	size_t n_settings;
	enum format format;
	const char *dirs[32];
	struct tn_plugin_path path;
};

enum { KEY_FORMAT = 256, KEY_MAN, KEY_ONLY, KEY_PATH, KEY_SET, KEY_TIMEOUT, KEY_WITH };

static const struct argp_option options[] = {
	{ "format", KEY_FORMAT, "FORMAT", 0, "text (the default) or jsonl", 0 },
	{ "man", KEY_MAN, NULL, 0, "show: as a manual page", 0 },
	{ "only", KEY_ONLY, "TEXT", 0, "test: cases that have TEXT in their name", 0 },
	{ "path", KEY_PATH, "DIR", 0, "search DIR first; may be given again", 0 },
	{ "set", KEY_SET, "PATH=VALUE", 0, "test: a setting of the pipeline; may be given again", 0 },
	{ "timeout", KEY_TIMEOUT, "SECONDS", 0, "test: the longest that a case may take (60)", 0 },
	{ "with", KEY_WITH, "PIPELINE", 0, "test: in this one, in place of one that is made up", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	char *end;

	switch (key) {
	case KEY_FORMAT:
		if (strcmp(arg, "text") && strcmp(arg, "jsonl"))
			argp_error(state, "--format: found %s, expected text or jsonl", arg);
		a->format = strcmp(arg, "text") ? JSONL : TEXT;
		return 0;
	case KEY_MAN:
		a->format = MAN;
		return 0;
	case KEY_ONLY:
		a->test.only = arg;
		return 0;
	case KEY_WITH:
		a->test.pipeline = arg;
		return 0;
	case KEY_SET:
		if (a->n_settings == MOST_SETTINGS)
			argp_error(state, "--set: more than %d are given", MOST_SETTINGS);
		a->settings[a->n_settings++] = arg;
		return 0;
	case KEY_TIMEOUT:
		a->test.patience = (int)strtol(arg, &end, 10);
		if (*arg < '1' || *arg > '9' || *end || strlen(arg) > 5)
			argp_error(state, "--timeout: found %s, expected a number of seconds", arg);
		return 0;
	case KEY_PATH:
		if (a->path.n == sizeof(a->dirs) / sizeof(a->dirs[0]))
			argp_error(state, "--path: given more than %zu times", a->path.n);
		a->dirs[a->path.n++] = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			a->action = arg;
		else if (state->arg_num == 1)
			a->name = arg;
		else if (state->arg_num == 2 && !strcmp(a->action, "new"))
			a->new_name = arg;
		else
			return ARGP_ERR_UNKNOWN;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "[list | show [KIND/]NAME | new KIND NAME | test FILE.so]",
	.doc = "Lists the plugins that are found, shows one with its options, makes the folder "
		"KIND-NAME with one of your own to begin with, or tests one, each case in a process "
		"of its own.\v"
		"A plugin is a file KIND-NAME.so, KIND being tokenizer, backend, model or head.  "
		"The directories of TENON_PLUGIN_PATH are searched, then " TN_PLUGIN_DIR ".",
};

/* --- list --- */

struct listing {
	enum format format;
	struct libscols_table *table;
	struct tn_call *call;
};

static const char *const columns[] = { "KIND", "NAME", "VERSION", "ABI", "STATE", "FILE" };
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const char *state_of(const struct tn_plugin_entry *e)
{
	return e->plugin ? "ok" : e->reason ? "BROKEN" : "hidden";
}

static const char *abi_of(const struct tn_plugin_entry *e, struct tn_call *call)
{
	return e->plugin ? tn_printf(call, "%d.%d", e->plugin->abi_major, e->plugin->abi_minor) :
		NULL;
}

static int list_text(struct listing *l, const struct tn_plugin_entry *e)
{
	const char *file = e->file;
	const char *version = e->plugin ? e->plugin->version : "-";
	const char *abi = abi_of(e, l->call);

	if (e->reason)
		file = tn_printf(l->call, "%s: %s", e->file, e->reason);
	else if (e->hidden_by)
		file = tn_printf(l->call, "%s: %s comes first", e->file, e->hidden_by);
	return tn_cli_line(l->table, (const char *const[]){ tn_plugin_kind_name(e->kind),
		e->name, version, abi ? abi : "-", state_of(e), file }, N_COLUMNS, l->call);
}

static int list_json(struct listing *l, const struct tn_plugin_entry *e)
{
	struct tn_arena *arena = tn_call_arena(l->call);
	struct tn_value *v = tn_new_object(arena);
	const char *line;

	tn_set(arena, v, "kind", tn_new_text(arena, tn_plugin_kind_name(e->kind)));
	tn_set(arena, v, "name", tn_new_text(arena, e->name));
	tn_set(arena, v, "state", tn_new_text(arena, e->reason ? "broken" : state_of(e)));
	tn_set(arena, v, "file", tn_new_text(arena, e->file));
	if (e->plugin && e->plugin->version)
		tn_set(arena, v, "version", tn_new_text(arena, e->plugin->version));
	if (e->plugin)
		tn_set(arena, v, "abi", tn_new_text(arena, abi_of(e, l->call)));
	if (e->plugin && e->plugin->about)
		tn_set(arena, v, "about", tn_new_text(arena, e->plugin->about));
	if (e->reason)
		tn_set(arena, v, "reason", tn_new_text(arena, e->reason));
	if (e->hidden_by)
		tn_set(arena, v, "hidden_by", tn_new_text(arena, e->hidden_by));
	line = tn_json_print(v, NULL, l->call);
	if (line)
		puts(line);
	return line ? 0 : TN_ENOMEM;
}

static int list_one(void *user, const struct tn_plugin_entry *entry)
{
	struct listing *l = user;

	return l->format == JSONL ? list_json(l, entry) : list_text(l, entry);
}

static int list(const struct arguments *a, struct tn_call *call)
{
	struct listing l = { .format = a->format, .call = call };
	int error = 0;

	if (l.format == TEXT && !(l.table = tn_cli_table(columns, N_COLUMNS, call)))
		return TN_ENOMEM;
	error = tn_plugin_scan(&a->path, list_one, &l, call);
	if (l.table && !error) {
		if (scols_table_is_empty(l.table))
			fputs("tenon: no plugin was found in TENON_PLUGIN_PATH and "
				TN_PLUGIN_DIR "\n", stderr);
		else
			scols_print_table(l.table);
	}
	scols_unref_table(l.table);
	return error;
}

/* --- show --- */

/* All that the directories hold, to find a plugin by its name alone. */
struct lookup {
	const char *name;
	const char *names[256];
	size_t n;
	enum tn_plugin_kind kinds;	/* a bit for each kind that has it */
	int last;
	struct tn_call *call;
};

static int look(void *user, enum tn_plugin_kind kind, const char *name)
{
	struct lookup *l = user;

	if (l->n < sizeof(l->names) / sizeof(l->names[0]))
		l->names[l->n++] = name;
	if (!strcmp(l->name, name)) {
		l->kinds |= 1u << kind;
		l->last = kind;
	}
	return 0;
}

/* The kind of the plugin NAME; 0 after the error. */
static enum tn_plugin_kind kind_of(const char *name, const struct tn_plugin_path *path,
	struct tn_call *call)
{
	struct lookup l = { .name = name };
	const char *nearest;

	if (tn_plugin_names(path, look, &l, call))
		return 0;
	if (l.kinds && l.kinds == 1u << l.last)
		return l.last;
	if (l.kinds) {
		tn_fail(call, TN_EUSAGE, "several plugins are called \"%s\"; say KIND/%s", name, name);
		return 0;
	}
	nearest = tn_nearest(name, l.names, l.n);
	tn_fail(call, TN_EPLUGIN, "no plugin %s%s%s%s (`tenon plugins list` lists them)",
		tn_quote(call, name, strlen(name)), nearest ? "; did you mean \"" : "",
		nearest ? nearest : "", nearest ? "\"?" : "");
	return 0;
}

static int show(const struct arguments *a, struct tn_call *call)
{
	const char *slash = strchr(a->name, '/'), *name = slash ? slash + 1 : a->name;
	const struct tn_plugin *plugin;
	enum tn_plugin_kind kind;

	if (slash) {
		kind = tn_plugin_kind_of(a->name, (size_t)(slash - a->name));
		if (!kind)
			return tn_fail(call, TN_EUSAGE, "found %s, expected NAME or KIND/NAME, KIND "
				"being tokenizer, backend, model or head",
				tn_quote(call, a->name, strlen(a->name)));
	} else {
		kind = kind_of(name, &a->path, call);
	}
	plugin = kind ? tn_plugin_load(kind, name, &a->path, call) : NULL;
	if (!plugin)
		return tn_status(call);
	return a->format == MAN ? tn_cli_show_man(plugin, call) :
		a->format == JSONL ? tn_cli_show_json(plugin, call) :
		tn_cli_show_text(plugin, call);
}

static void print_note(void *user, const char *text)
{
	fprintf(stderr, "tenon: note: %s\n", text);
}

int tn_cli_plugins(int argc, char **argv)
{
	struct arguments a = { .action = "list", .test.patience = 60 };
	struct tn_call *call;
	int code;

	a.path.dirs = a.dirs;
	a.test.settings = a.settings;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	call = tn_call_create();
	if (!call)
		return -TN_ENOMEM;
	tn_on_note(call, print_note, NULL);
	if (!strcmp(a.action, "list") && !a.name)
		list(&a, call);
	else if (!strcmp(a.action, "show") && a.name)
		show(&a, call);
	else if (!strcmp(a.action, "test") && a.name)
		tn_cli_plugins_test(a.name, &a.test, call);
	else if (!strcmp(a.action, "new") && a.new_name)
		tn_cli_plugins_new(a.name, a.new_name, call);
	else
		tn_fail(call, TN_EUSAGE, "expected `tenon plugins list`, `tenon plugins show NAME`, "
			"`tenon plugins new KIND NAME` or `tenon plugins test FILE.so`");
	code = tn_cli_report(call);
	tn_call_destroy(call);
	return code;
}
