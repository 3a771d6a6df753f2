/* SPDX-License-Identifier: Apache-2.0
 * core/cli/plugins_test.c - tenon plugins test: the conformance suite of one plugin, as TAP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/plugins.h"
#include "conform/run.h"

struct printing {
	const char *plugin;		/* KIND-NAME */
	size_t n;
};

static void print_result(void *user, bool ok, const char *line, const char *skipped)
{
	struct printing *p = user;

	printf("%s %zu - %s: %s%s%s\n", ok ? "ok" : "not ok", ++p->n, p->plugin, line,
		skipped ? " # SKIP " : "", skipped ? skipped : "");
	fflush(stdout);
}

/* In the child of a case: what the verb prints is not asked for. */
static int gradients(const char *pipeline, const char *const *settings)
{
	char *argv[150] = { "tenon gradcheck", (char *)pipeline };
	int n = 2, nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	for (size_t i = 0; settings && settings[i] && n < 148; i++) {
		argv[n++] = "--set";
		argv[n++] = (char *)settings[i];
	}
	if (nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0)
		return 1;
	return tn_cli_gradcheck(n, argv);
}

/* Takes DIR/KIND-NAME.so apart; the directory is searched first. */
static int find(const char *file, struct conform_plan *plan, const char **id, struct tn_call *call)
{
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
	const char *older = getenv("TENON_PLUGIN_PATH"), *path;
	size_t dash = strcspn(base, "-"), len = strlen(base);

	plan->kind = tn_plugin_kind_of(base, dash);
	if (!plan->kind || dash + 5 > len || strcmp(base + len - 3, ".so") ||
	    !tn_plugin_name_ok(base + dash + 1, len - dash - 4))
		return tn_fail(call, TN_EUSAGE, "found %s, expected a file KIND-NAME.so, KIND being "
			"tokenizer, backend, model or head", tn_quote(call, base, len));
	if (access(file, F_OK))
		return tn_fail(call, TN_ENOINPUT, "%s: there is no such file", file);
	plan->name = tn_arena_dup(tn_call_arena(call), base + dash + 1, len - dash - 4);
	*id = tn_arena_dup(tn_call_arena(call), base, len - 3);
	path = tn_printf(call, "%.*s%s%s", slash ? (int)(slash - file) + 1 : 1, slash ? file : ".",
		older && *older ? ":" : "", older ? older : "");
	if (!plan->name || !*id || !path || setenv("TENON_PLUGIN_PATH", path, 1))
		return tn_fail(call, TN_ENOMEM, "out of memory");
	return 0;
}

int tn_cli_plugins_test(const char *file, struct conform_plan *plan, struct tn_call *call)
{
	struct printing p = { .n = 0 };

	plan->gradients = gradients;
	plan->user = &p;
	plan->result = print_result;
	if (find(file, plan, &p.plugin, call))
		return tn_status(call);
	puts("TAP version 13");
	if (conform_run_plan(plan, call))
		return tn_status(call);
	printf("1..%zu\n", p.n);
	if (plan->failed)
		return tn_fail(call, TN_EPLUGIN, "%s: %zu of %zu cases failed", file, plan->failed,
			plan->failed + plan->passed);
	return 0;
}
