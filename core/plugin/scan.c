/* SPDX-License-Identifier: Apache-2.0
 * core/plugin/scan.c - all plugins that there are, each first tried in a child process.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plugin/internal.h"

#define PATIENCE 10000		/* milliseconds that a plugin may take to load */

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

/* In the child: loads the file and writes "+", or "-" and the reason when it is refused.
 * The child ends without running what the plugin left to run at exit. */
static void try_in_child(const struct tn_plugin_found *found, int out, struct tn_call *call)
{
	const char *text = "+";

	tn_clear(call);
	if (!tn_plugin_load_file(found->kind, found->name, found->file, call))
		text = tn_printf(call, "-%s", tn_error_text(call));
	_exit(!text || write(out, text, strlen(text)) < 0);
}

/* Reads until the child has closed its end; false when it took too long. */
static bool read_reason(int in, char *reason, size_t room)
{
	long until = now_ms() + PATIENCE;
	size_t n = 0;
	bool done = false;

	while (!done) {
		struct pollfd p = { .fd = in, .events = POLLIN };
		long left = until - now_ms();
		ssize_t got;

		if (left <= 0)
			break;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		got = read(in, reason + n, room - 1 - n);
		if (got > 0)
			n += (size_t)got;
		else if (got == 0 || errno != EINTR)
			done = true;
		if (n == room - 1)
			done = true;
	}
	reason[n] = '\0';
	return done;
}

/* The reason why a file is refused, "" when it loads; NULL when no child can be made. */
static const char *probe(const struct tn_plugin_found *found, struct tn_call *call)
{
	char reason[2048];
	int ends[2], status = 0;
	bool in_time;
	pid_t child;

	if (pipe(ends))
		return NULL;
	child = fork();
	if (!child) {
		close(ends[0]);
		try_in_child(found, ends[1], call);
	}
	close(ends[1]);
	in_time = child > 0 && read_reason(ends[0], reason, sizeof(reason));
	close(ends[0]);
	if (child < 0)
		return NULL;
	if (!in_time)
		kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (!in_time)
		return tn_printf(call, "loading it took more than %d seconds", PATIENCE / 1000);
	if (WIFSIGNALED(status))
		return tn_printf(call, "loading it ended the process by signal %d (%s)",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (!reason[0])
		return tn_printf(call, "loading it ended the process with exit code %d",
			WEXITSTATUS(status));
	return tn_arena_dup(tn_call_arena(call), reason + 1, strlen(reason + 1));
}

static int fill(struct tn_plugin_entry *entry, const struct tn_plugin_found *found,
	struct tn_call *call)
{
	const char *reason = probe(found, call);
	struct tn_call *inner;

	if (!reason)
		return tn_fail(call, TN_EINTERNAL, "%s: no process to try it in: %s", found->file,
			strerror(errno));
	if (reason[0]) {
		entry->reason = reason;
		return 0;
	}
	inner = tn_call_create();
	if (!inner)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	entry->plugin = tn_plugin_load_file(found->kind, found->name, found->file, inner);
	if (!entry->plugin)
		entry->reason = tn_printf(call, "%s", tn_error_text(inner));
	tn_call_destroy(inner);
	return entry->plugin || entry->reason ? 0 : TN_ENOMEM;
}

int tn_plugin_scan(const struct tn_plugin_path *path,
	int (*each)(void *user, const struct tn_plugin_entry *entry), void *user,
	struct tn_call *call)
{
	struct tn_plugin_found *found;
	struct tn_plugin_dirs dirs;
	size_t n, shown = 0;
	int error = tn_plugin_dirs(path, &dirs, call);

	if (!error)
		error = tn_plugin_files(&dirs, 0, &found, &n, call);
	for (size_t i = 0; !error && i < n; i++) {
		struct tn_plugin_entry entry = { .kind = found[i].kind, .name = found[i].name,
			.file = found[i].file };

		if (i && found[i].kind == found[shown].kind &&
			!strcmp(found[i].name, found[shown].name)) {
			entry.hidden_by = found[shown].file;
		} else {
			shown = i;
			error = fill(&entry, &found[i], call);
		}
		if (!error)
			error = each(user, &entry);
	}
	return error;
}
