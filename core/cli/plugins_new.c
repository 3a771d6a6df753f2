/* SPDX-License-Identifier: Apache-2.0
 * core/cli/plugins_new.c - tenon plugins new: a plugin of one's own to begin with.
 */
#include <stdio.h>
#include <string.h>

#include "cli/plugins.h"
#include "kit/kit.h"

int tn_cli_plugins_new(const char *kind, const char *name, struct tn_call *call)
{
	const enum tn_plugin_kind k = tn_plugin_kind_of(kind, strlen(kind));
	const char *dir;

	if (!k)
		return tn_fail(call, TN_EUSAGE, "found %s, expected tokenizer, backend, model or head",
			tn_quote(call, kind, strlen(kind)));
	if (!tn_plugin_name_ok(name, strnlen(name, 65)))
		return tn_fail(call, TN_EUSAGE, "found %s, expected a name of at most 64 of a-z, 0-9, "
			"\"_\", \".\" and \"-\" that begins with a letter or digit",
			tn_quote(call, name, strlen(name)));
	dir = tn_printf(call, "%s-%s", kind, name);
	if (!dir || tn_kit_write(dir, k, name, call))
		return tn_status(call);
	printf("%s has a %s to begin with, its test and a pipeline that uses it.  Next:\n\n"
		"    cd %s\n    make check\n    TENON_PLUGIN_PATH=. tenon run %s.cfg \"a word or two\"\n",
		dir, kind, dir, name);
	return 0;
}
