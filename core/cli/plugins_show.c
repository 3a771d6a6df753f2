/* SPDX-License-Identifier: Apache-2.0
 * core/cli/plugins_show.c - one plugin with its options: as text, JSON or manual page.
 */
#include <config.h>
#include <ctype.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <string.h>

#include "cli/plugins.h"

static const char *or_dash(const char *text)
{
	return text && *text ? text : "-";
}

static int print_options(const struct tn_plugin *p, struct tn_call *call)
{
	static const char *const columns[] = { "OPTION", "TYPE", "DEFAULT", "RANGE", "HELP" };
	struct libscols_table *table = tn_cli_table(columns, 5, call);
	int error = table ? 0 : TN_ENOMEM;

	for (const struct tn_option *o = p->options; !error && o && o->name; o++)
		error = tn_cli_line(table, (const char *const[]){ o->name,
			tn_option_type_name(o), or_dash(tn_option_default(o, call)),
			or_dash(tn_option_range(o, call)), o->help }, 5, call);
	if (!error)
		scols_print_table(table);
	scols_unref_table(table);
	return error;
}

int tn_cli_show_text(const struct tn_plugin *p, struct tn_call *call)
{
	printf("%s/%s %s: %s\n", tn_plugin_kind_name(p->kind), p->names[0], or_dash(p->version),
		or_dash(p->about));
	fputs("  names    ", stdout);
	for (const char *const *name = p->names; *name; name++)
		printf("%s%s", name == p->names ? "" : ", ", *name);
	printf("\n  file     %s\n", tn_plugin_file(p));
	printf("  ABI      %d.%d (this tenon has %d.%d)\n", p->abi_major, p->abi_minor,
		TN_ABI_MAJOR, TN_ABI_MINOR);
	printf("  licence  %s\n  build    %s\n  state    %zu bytes\n", or_dash(p->licence),
		or_dash(p->build), p->state);
	if (p->kind == TN_BACKEND)
		printf("  rank     %d%s\n", p->rank, p->rank < 0 ? " (used only when named)" : "");
	if (!p->options || !p->options[0].name) {
		puts("  options  none");
		return 0;
	}
	putchar('\n');
	return print_options(p, call);
}

static struct tn_value *option_value(const struct tn_option *o, struct tn_arena *arena,
	struct tn_call *call)
{
	struct tn_value *v = tn_new_object(arena);
	const char *text = tn_option_default(o, call), *range = tn_option_range(o, call);

	tn_set(arena, v, "name", tn_new_text(arena, o->name));
	tn_set(arena, v, "type", tn_new_text(arena, tn_option_type_name(o)));
	if (text && *text)
		tn_set(arena, v, "default", tn_new_text(arena, text));
	if (range && *range)
		tn_set(arena, v, "range", tn_new_text(arena, range));
	return tn_set(arena, v, "help", tn_new_text(arena, o->help)) ? v : NULL;
}

int tn_cli_show_json(const struct tn_plugin *p, struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *v = tn_new_object(arena), *names = tn_new_list(arena);
	struct tn_value *options = tn_new_list(arena);
	const char *line;

	for (const char *const *name = p->names; *name; name++)
		tn_append(arena, names, tn_new_text(arena, *name));
	for (const struct tn_option *o = p->options; o && o->name; o++)
		tn_append(arena, options, option_value(o, arena, call));
	tn_set(arena, v, "kind", tn_new_text(arena, tn_plugin_kind_name(p->kind)));
	tn_set(arena, v, "names", names);
	tn_set(arena, v, "version", tn_new_text(arena, or_dash(p->version)));
	tn_set(arena, v, "about", tn_new_text(arena, or_dash(p->about)));
	tn_set(arena, v, "licence", tn_new_text(arena, or_dash(p->licence)));
	tn_set(arena, v, "build", tn_new_text(arena, or_dash(p->build)));
	tn_set(arena, v, "abi", tn_new_text(arena,
		tn_printf(call, "%d.%d", p->abi_major, p->abi_minor)));
	tn_set(arena, v, "file", tn_new_text(arena, tn_plugin_file(p)));
	tn_set(arena, v, "options", options);
	line = tn_json_print(v, NULL, call);
	if (line)
		puts(line);
	return line ? 0 : TN_ENOMEM;
}

/* --- the manual page, in man(7) --- */

/* Text that roff takes as it stands. */
static void put_roff(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\\')
			fputs("\\e", stdout);
		else if (*p == '-')
			fputs("\\-", stdout);
		else if ((*p == '.' || *p == '\'') && p == text)
			printf("\\&%c", *p);
		else
			putchar(*p);
	}
}

static void put_title(const struct tn_plugin *p)
{
	fputs(".TH \"TENON\\-", stdout);
	for (const char *c = tn_plugin_kind_name(p->kind); *c; c++)
		putchar(toupper((unsigned char)*c));
	fputs("\\-", stdout);
	for (const char *c = p->names[0]; *c; c++)
		putchar(toupper((unsigned char)*c));
	printf("\" 7 \"\" \"tenon %s\" \"Plugins of tenon\"\n", PACKAGE_VERSION);
}

/* How a pipeline's text file comes to use a plugin of the kind. */
static void put_use(const struct tn_plugin *p)
{
	static const char *const how[] = {
		[TN_TOKENIZER] = "The plugin is chosen by the model directory: by the type of the "
			"model in its tokenizer.json, or else by its model family.",
		[TN_BACKEND] = "Without the setting backends, all installed backends are used "
			"in the order of their rank, the highest first.",
		[TN_MODEL] = "The plugin is chosen by model_type in the model directory's "
			"config.json.",
		[TN_HEAD] = "NAME is the head's name in the answers.  Its options stand in the "
			"same group.",
	};

	fputs(".SH SYNOPSIS\n.nf\n", stdout);
	if (p->kind == TN_HEAD)
		printf("heads = { NAME = { use = \"%s\"; }; };\n", p->names[0]);
	else if (p->kind == TN_BACKEND)
		printf("backends = ( \"%s\" );\n", p->names[0]);
	else
		printf("model = \"DIRECTORY\";\n");
	fputs(".fi\n.SH DESCRIPTION\nThe ", stdout);
	put_roff(tn_plugin_kind_name(p->kind));
	fputs(" \\fB", stdout);
	put_roff(p->names[0]);
	fputs("\\fR of\n.BR tenon (1):\n", stdout);
	put_roff(or_dash(p->about));
	fputs(".\n.PP\n", stdout);
	put_roff(how[p->kind]);
	putchar('\n');
	if (p->kind == TN_BACKEND)
		printf("The rank of this one is %d%s.\n", p->rank,
			p->rank < 0 ? ", so it is used only when it is named" : "");
	if (p->names[1]) {
		fputs(".PP\nIt serves the names\n", stdout);
		for (const char *const *name = p->names; *name; name++) {
			put_roff(*name);
			puts(name[1] ? "," : ".");
		}
	}
}

static void put_option(const struct tn_option *o, struct tn_call *call)
{
	const char *otherwise = tn_option_default(o, call), *range = tn_option_range(o, call);

	fputs(".TP\n\\fB", stdout);
	put_roff(o->name);
	fputs("\\fR (", stdout);
	put_roff(tn_option_type_name(o));
	if (range && *range) {
		fputs(o->type == TN_OPT_CHOICE ? " of " : ", ", stdout);
		put_roff(range);
	}
	if (otherwise && *otherwise) {
		fputs("; default ", stdout);
		put_roff(otherwise);
	}
	fputs(")\n", stdout);
	put_roff(o->help);
	fputs(".\n", stdout);
}

int tn_cli_show_man(const struct tn_plugin *p, struct tn_call *call)
{
	puts(".\\\" Made by `tenon plugins show --man` from the plugin's option table.");
	put_title(p);
	fputs(".SH NAME\ntenon\\-", stdout);
	put_roff(tn_plugin_kind_name(p->kind));
	fputs("\\-", stdout);
	put_roff(p->names[0]);
	fputs(" \\- ", stdout);
	put_roff(or_dash(p->about));
	putchar('\n');
	put_use(p);
	fputs(".SH OPTIONS\n", stdout);
	if (!p->options || !p->options[0].name)
		puts("None.");
	for (const struct tn_option *o = p->options; o && o->name; o++)
		put_option(o, call);
	printf(".SH VERSION\n%s, plugin ABI %d.%d, licence %s\n", or_dash(p->version),
		p->abi_major, p->abi_minor, or_dash(p->licence));
	puts(".SH SEE ALSO\n.BR tenon (1)");
	return tn_status(call);
}
