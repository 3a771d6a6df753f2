/* SPDX-License-Identifier: Apache-2.0
 * kernels/select.c - which kernels this CPU runs.
 */
#include <stdlib.h>
#include <string.h>

#include "isa.h"

/* Best first. */
static const struct kernels *const tables[] = {
#ifdef KERNELS_X86
	&kernels_table_avx512,
	&kernels_table_avx2,
#endif
	&kernels_table_plain,
};
#define N_TABLES (sizeof(tables) / sizeof(tables[0]))

static int cpu_runs(const struct kernels *k)
{
#ifdef KERNELS_X86
	int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");

	if (k == &kernels_table_avx2)
		return avx2;
	if (k == &kernels_table_avx512)
		return avx2 && __builtin_cpu_supports("avx512f") &&
			__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
			__builtin_cpu_supports("avx512vl");
#endif
	return k == &kernels_table_plain;
}

const struct kernels *kernels_of(const char *isa)
{
	for (size_t i = 0; i < N_TABLES; i++)
		if (!strcmp(tables[i]->isa, isa))
			return cpu_runs(tables[i]) ? tables[i] : NULL;
	return NULL;
}

const struct kernels *kernels_choose(struct tn_call *call)
{
	const char *cap = getenv("TENON_ISA");
	size_t i = 0;

	if (cap && strcmp(cap, "plain") && strcmp(cap, "avx2") && strcmp(cap, "avx512")) {
		tn_fail(call, TN_ECONFIG, "TENON_ISA is %s, expected plain, avx2 or avx512",
			tn_quote(call, cap, strlen(cap)));
		return NULL;
	}
	if (cap && !strcmp(cap, "plain"))
		return &kernels_table_plain;
	if (cap && !strcmp(cap, "avx2"))
		while (tables[i]->lanes > 8)
			i++;
	while (!cpu_runs(tables[i]))
		i++;
	return tables[i];
}

void (*kernels_gemm(const struct kernels *kernels, int bf16))(const struct kernel_gemm *g,
	size_t first, size_t panels)
{
#ifdef KERNELS_X86
	if (bf16 && kernels == &kernels_table_avx512 && __builtin_cpu_supports("avx512bf16"))
		return kernels_gemm_dot_avx512;
#endif
	return kernels->gemm;
}
