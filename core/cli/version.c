/* SPDX-License-Identifier: Apache-2.0
 * core/cli/version.c - tenon --version.
 */
#include <config.h>
#include <jansson.h>
#include <libconfig.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/impl/plugin.h>
#include <tenon/pipeline.h>

#include "cli/cli.h"

/* The best instruction set that kernels have and this CPU too: plain, avx2 or avx512. */
static const char *best_isa(void)
{
#if defined(__x86_64__) || defined(__i386__)
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
		return "plain";
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") ?
		"avx512" : "avx2";
#else
	return "plain";
#endif
}

static void print_isa(void)
{
	const char *best = best_isa(), *cap = getenv("TENON_ISA");
	bool capped = cap && (!strcmp(cap, "plain") ||
		(!strcmp(cap, "avx2") && !strcmp(best, "avx512")));

	if (capped)
		printf("CPU path %s (TENON_ISA; this CPU has %s)\n", cap, best);
	else
		printf("CPU path %s\n", best);
}

/* What the environment tells the dynamic linker decides which libraries plugins get, so a report
 * of a fault has to say it. */
static void print_linker(void)
{
	static const char *const names[] = { "LD_PRELOAD", "LD_LIBRARY_PATH" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			printf("%s=%s\n", names[i], value);
	}
}

void tn_cli_version(void)
{
	const char *smartcols = "";

	scols_get_library_version(&smartcols);
	printf("tenon %s\n", tn_version());
	printf("plugin ABI %d.%d, plugins in %s\n", TN_ABI_MAJOR, TN_ABI_MINOR, TN_PLUGIN_DIR);
	print_isa();
	printf("libconfig %d.%d.%d, jansson %s, libsmartcols %s\n", LIBCONFIG_VER_MAJOR,
		LIBCONFIG_VER_MINOR, LIBCONFIG_VER_REVISION, JANSSON_VERSION, smartcols);
	print_linker();
}
