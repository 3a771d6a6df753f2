/* SPDX-License-Identifier: Apache-2.0
 * core/plugin/plugin.h - finding and loading plugins, and their options.
 *
 * A plugin of kind K and name N is the file K-N.so in the first directory that has
 * one: those of the configuration's plugin_path, those of TENON_PLUGIN_PATH (with
 * colons between them; an empty one is skipped, so the current directory is searched
 * only where it is named), the directory that tenon was built to install into.  A
 * plugin once loaded stays until the process ends; one that is refused is forgotten.
 *
 * The functions below may be called by any number of threads, each with its own call.
 */
#ifndef TN_PLUGIN_PLUGIN_H
#define TN_PLUGIN_PLUGIN_H

#include <stdbool.h>
#include <tenon/impl/plugin.h>
#include <tenon/value.h>

/** The configuration's plugin_path: absolute, or already relative to its file.  Where
 *  one is asked for, NULL stands for an empty one. */
struct tn_plugin_path {
	const char *const *dirs;
	size_t n;
};

/** "tokenizer", "backend", "model", "head"; NULL for an unknown kind. */
TN_PRIVATE const char *tn_plugin_kind_name(enum tn_plugin_kind kind);
/** The kind of a word; 0 for an unknown one. */
TN_PRIVATE enum tn_plugin_kind tn_plugin_kind_of(const char *word, size_t len);

/** Whether a name may be part of a file's name: [a-z0-9][a-z0-9_.-]*, no "..", at most
 *  64 bytes. */
TN_PRIVATE bool tn_plugin_name_ok(const char *name, size_t len);

/** The plugin of a kind and a name, loaded when it is not yet; it lives as long as the
 *  process.  NULL after TN_EPLUGIN with the file, every path that was tried and the
 *  reason, or TN_ENOMEM. */
TN_PRIVATE const struct tn_plugin *tn_plugin_load(enum tn_plugin_kind kind, const char *name,
	const struct tn_plugin_path *path, struct tn_call *call);
/** The file that a plugin was loaded from; "(built in)" where it is a part of libtenon. */
TN_PRIVATE const char *tn_plugin_file(const struct tn_plugin *plugin);

/** What tn_plugin_scan finds in the search directories: every file KIND-NAME.so, sorted
 *  by kind, then by name.  Exactly one of `plugin`, `reason` and `hidden_by` is set. */
struct tn_plugin_entry {
	enum tn_plugin_kind kind;
	const char *name;
	const char *file;
	const struct tn_plugin *plugin;	/* it was loaded */
	const char *reason;		/* why it was refused */
	const char *hidden_by;		/* the file of an earlier directory, used instead */
};

/** Loads each plugin that there is and gives it to `each`, whose result other than 0 ends
 *  the scan and is returned.  Every file is first tried in a forked child for at most 10
 *  seconds, so that one that crashes or hangs is refused and the process lives on: for a
 *  process of one thread.  The entries are in the call's arena.  Errors: TN_ENOMEM,
 *  TN_EINTERNAL (no child could be made). */
TN_PRIVATE int tn_plugin_scan(const struct tn_plugin_path *path,
	int (*each)(void *user, const struct tn_plugin_entry *entry), void *user,
	struct tn_call *call);

/** Gives the kind and the name of each file KIND-NAME.so in the search directories to
 *  `each`, loading none; a result other than 0 ends it and is returned.  Names are in the
 *  call's arena.  Errors: TN_ENOMEM. */
TN_PRIVATE int tn_plugin_names(const struct tn_plugin_path *path,
	int (*each)(void *user, enum tn_plugin_kind kind, const char *name), void *user,
	struct tn_call *call);

/** A plugin's state: zeroed, aligned to 64 bytes, base.plugin set.  NULL after TN_ENOMEM. */
TN_PRIVATE void *tn_plugin_new(const struct tn_plugin *plugin, struct tn_call *call);
/** Frees a state and the texts of its options; NULL is allowed. */
TN_PRIVATE void tn_plugin_free(void *state);

/** Stores options that a table describes in the fields of a struct: the defaults, then the
 *  members of `group` (NULL or null: none) that are not named in `reserved` (names that the
 *  caller reads itself, ending with NULL; or NULL).  A path is made relative to the file that
 *  states it; one text is a list of one.  Every fault is recorded with FILE:LINE, what was
 *  found and what was expected (tn_fault); `where` stands before the option's name
 *  ("heads.entities"; "": nothing does), `owner` behind "no such option" (" of head \"cls\"";
 *  ""). Texts are in the arena.  Errors: TN_ECONFIG, TN_ENOMEM. */
TN_PRIVATE int tn_options_read(const struct tn_option *options, const char *owner, void *fields,
	const struct tn_value *group, const char *const *reserved, const char *where,
	struct tn_arena *texts, struct tn_call *call);
/** The same for the options of a plugin in a state of tn_plugin_new, which keeps the texts.
 *  May be called again: the values then are as from one call. */
TN_PRIVATE int tn_options_store(const struct tn_plugin *plugin, void *state,
	const struct tn_value *group, const char *const *reserved, const char *where,
	struct tn_call *call);

/** An option's type in words ("real"), its default and its range or choices, as `plugins
 *  show` and the manual pages print them; "" where there is none.  In the call's arena,
 *  NULL after TN_ENOMEM. */
TN_PRIVATE const char *tn_option_type_name(const struct tn_option *option);
TN_PRIVATE const char *tn_option_default(const struct tn_option *option, struct tn_call *call);
TN_PRIVATE const char *tn_option_range(const struct tn_option *option, struct tn_call *call);

#endif
