/* SPDX-License-Identifier: Apache-2.0
 * core/cli/plugins.h - what the files of the verb plugins share.
 */
#ifndef TN_CLI_PLUGINS_H
#define TN_CLI_PLUGINS_H

#include <stdbool.h>

#include "plugin/plugin.h"

/** Prints one plugin with its options: its descriptor and a table. */
int tn_cli_show_text(const struct tn_plugin *plugin, struct tn_call *call);
/** The same as one line of JSON. */
int tn_cli_show_json(const struct tn_plugin *plugin, struct tn_call *call);
/** The same as a manual page of section 7, for man(1). */
int tn_cli_show_man(const struct tn_plugin *plugin, struct tn_call *call);

struct libscols_table;

/** A table with the columns `names`, the last of which wraps on a terminal.  NULL after
 *  TN_ENOMEM. */
struct libscols_table *tn_cli_table(const char *const *names, size_t n, struct tn_call *call);
/** Appends a line of cells, one for each column; NULL ones stay empty. */
int tn_cli_line(struct libscols_table *table, const char *const *cells, size_t n,
	struct tn_call *call);

struct conform_plan;
/** Tests the plugin of a file and prints TAP; TN_EPLUGIN when something is wrong with it.
 *  pipeline, settings, only and patience of the plan are set. */
int tn_cli_plugins_test(const char *file, struct conform_plan *plan, struct tn_call *call);
/** Writes the folder KIND-NAME with a plugin to begin with, and prints what to do next. */
int tn_cli_plugins_new(const char *kind, const char *name, struct tn_call *call);

#endif
