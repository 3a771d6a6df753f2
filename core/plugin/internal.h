/* SPDX-License-Identifier: Apache-2.0
 * core/plugin/internal.h - what the files of this folder share.
 *
 * Reasons are recorded alone in the call (TN_EPLUGIN); who asked names the plugin and
 * the file in front of them.
 */
#ifndef TN_PLUGIN_INTERNAL_H
#define TN_PLUGIN_INTERNAL_H

#include "plugin/plugin.h"

#define TN_PLUGIN_SYMBOL "tn_plugin_v1"

/** The directories to search, in order; in the call's arena. */
struct tn_plugin_dirs {
	const char **items;
	size_t n;
};
int tn_plugin_dirs(const struct tn_plugin_path *path, struct tn_plugin_dirs *dirs,
	struct tn_call *call);

/** A file of a directory that is named like a plugin. */
struct tn_plugin_found {
	enum tn_plugin_kind kind;
	const char *name;
	const char *file;
	size_t dir;			/* index of its directory */
};
/** All files KIND-NAME.so of the directories, of one kind or (0) of all, sorted by kind,
 *  name and directory; in the call's arena.  A directory that cannot be read has none. */
int tn_plugin_files(const struct tn_plugin_dirs *dirs, enum tn_plugin_kind kind,
	struct tn_plugin_found **found, size_t *n, struct tn_call *call);

/** Loads one file, or finds it loaded.  NULL after the reason. */
const struct tn_plugin *tn_plugin_load_file(enum tn_plugin_kind kind, const char *name,
	const char *file, struct tn_call *call);

/** Checks a descriptor as the plugin gave it, of which only plugin->size bytes exist, and
 *  plugin->impl_size of its table. */
int tn_plugin_check(const struct tn_plugin *plugin, enum tn_plugin_kind kind, const char *name,
	struct tn_call *call);
/** Bytes of the table of slots that this tenon knows for a kind; 0 for an unknown one. */
size_t tn_plugin_impl_size(uint32_t kind);
/** Checks an option table against the size of the state it is for. */
int tn_options_check(const struct tn_option *options, size_t state, struct tn_call *call);

#endif
