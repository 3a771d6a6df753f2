/* SPDX-License-Identifier: Apache-2.0
 * core/plugin/builtin.c - the plugins that were linked into libtenon.
 */
#include <string.h>

#include "plugin/builtin.h"

#ifdef TN_STATIC
#define BUILTIN(id) tn_plugin_function TN_PLUGIN_SYMBOL_(id);
#include "plugin/builtin.def"
#undef BUILTIN
#endif

static tn_plugin_function *const builtins[] = {
#ifdef TN_STATIC
#define BUILTIN(id) TN_PLUGIN_SYMBOL_(id),
#include "plugin/builtin.def"
#undef BUILTIN
#endif
	NULL
};

const struct tn_plugin *tn_builtin(size_t at)
{
	return builtins[at] ? builtins[at]() : NULL;
}

const struct tn_plugin *tn_builtin_named(enum tn_plugin_kind kind, const char *name)
{
	const struct tn_plugin *plugin;

	for (size_t i = 0; (plugin = tn_builtin(i)); i++)
		for (const char *const *n = plugin->names; plugin->kind == kind && *n; n++)
			if (!strcmp(*n, name))
				return plugin;
	return NULL;
}
