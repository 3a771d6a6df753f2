/* SPDX-License-Identifier: Apache-2.0
 * core/bench/clock.c - time and memory of this process.
 */
#include <stdio.h>
#include <time.h>

#include "bench/clock.h"

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_now(void)
{
	return seconds(CLOCK_MONOTONIC);
}

double bench_cpu(void)
{
	return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

double bench_thread_cpu(void)
{
	return seconds(CLOCK_THREAD_CPUTIME_ID);
}

double bench_peak_memory(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return (double)kib * 1024 / 1e6;
}
