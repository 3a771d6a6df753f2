/* SPDX-License-Identifier: Apache-2.0
 * core/plugin/builtin.h - the plugins that were linked into libtenon when it was built
 * (configure --with-static-plugins=all).
 *
 * They stand in a directory of their own, which is searched before that of the installation.
 */
#ifndef TN_PLUGIN_BUILTIN_H
#define TN_PLUGIN_BUILTIN_H

#include "plugin/plugin.h"

/** The directory's name. */
#define TN_BUILTIN_DIR "(built in)"

/** The plugin at place `at`; NULL behind the last. */
const struct tn_plugin *tn_builtin(size_t at);
/** The one of a kind and a name; NULL: there is none. */
const struct tn_plugin *tn_builtin_named(enum tn_plugin_kind kind, const char *name);

#endif
