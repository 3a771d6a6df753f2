/* SPDX-License-Identifier: Apache-2.0
 * tests/conform/backend.c - the conformance suite over the backends of this build,
 * each with every ISA that the CPU has (with the address sanitizer, which is slow, the best),
 * or the one that TENON_ISA names.  Prints TAP: one point for each pair.
 *
 *	conform_backend [-v] [BACKEND]
 *
 * -v tells every result.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conform/backend.h"
#include "plugin/plugin.h"

static void receive(void *user, int ok, const char *line)
{
	if (!ok || *(const int *)user)
		printf("# %s %s\n", ok ? "ok" : "FAILED", line);
}

/* An opened backend of its own, or NULL with the error in the call. */
static struct tn_backend *open_backend(const char *name, struct tn_call *call)
{
	const struct tn_plugin *plugin = tn_plugin_load(TN_BACKEND, name, NULL, call);
	struct tn_backend *backend = plugin ? tn_plugin_new(plugin, call) : NULL;
	const struct tn_backend_impl *impl = plugin ? plugin->impl.backend : NULL;

	if (backend && (tn_options_store(plugin, backend, NULL, NULL, name, call) ||
	    (impl->open && impl->open(backend, 2, call)))) {
		if (impl->close)
			impl->close(backend);
		tn_plugin_free(backend);
		return NULL;
	}
	return backend;
}

static void close_backend(struct tn_backend *backend)
{
	if (backend && backend->plugin->impl.backend->close)
		backend->plugin->impl.backend->close(backend);
	tn_plugin_free(backend);
}

static int test(int number, const char *name, const char *isa, int verbose)
{
	struct tn_conform to = { .receive = receive, .user = &verbose };
	struct tn_call *call = tn_call_create();
	struct tn_backend *tested, *reference;
	int ok;

	setenv("TENON_ISA", isa, 1);
	tested = open_backend(name, call);
	reference = open_backend("reference", call);
	if (tested && reference)
		tn_conform_backend(tested, reference, &to, call);
	ok = tested && reference && !tn_status(call) && to.failed == 0 && to.passed > 0;
	if (tn_status(call))
		printf("# %s\n", tn_error_text(call));
	printf("%s %d - %s, ISA up to %s: %zu passed, %zu failed\n", ok ? "ok" : "not ok", number,
		name, isa, to.passed, to.failed);
	fflush(stdout);
	close_backend(tested);
	close_backend(reference);
	tn_call_destroy(call);
	return ok;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "native", "openblas", "onednn" };
	static const char *const isas[] = { "plain", "avx2", "avx512" };
	size_t n_isas = 1, first_isa = 0;
	const int verbose = argc > 1 && !strcmp(argv[1], "-v");
	const char *only = argc > 1 + verbose ? argv[1 + verbose] : NULL;
	const char *cap = getenv("TENON_ISA");
	char only_isa[16] = "";
	int n = 0, bad = 0;

#ifdef __x86_64__
	n_isas += __builtin_cpu_supports("avx2") != 0;
	n_isas += __builtin_cpu_supports("avx512f") != 0;
#endif
#ifdef __SANITIZE_ADDRESS__
	first_isa = cap ? 0 : n_isas - 1;
#endif
	if (cap)
		snprintf(only_isa, sizeof(only_isa), "%s", cap);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[4096];
		FILE *there;

		snprintf(path, sizeof(path), "%s/backends/.libs/backend-%s.so",
			getenv("top_builddir") ? getenv("top_builddir") : ".", names[i]);
		there = fopen(path, "r");
		if (!there)
			continue;
		fclose(there);
		if (only && strcmp(only, names[i]))
			continue;
		for (size_t j = first_isa; j < n_isas; j++)
			if (!*only_isa || !strcmp(only_isa, isas[j]))
				bad += !test(++n, names[i], isas[j], verbose);
	}
	printf("1..%d\n", n);
	return bad != 0 || (cap && !n);
}
