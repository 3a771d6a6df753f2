/* SPDX-License-Identifier: Apache-2.0
 * core/bench/measure.h - answers texts with an open pipeline, again and again, and takes
 * the time.
 */
#ifndef TN_BENCH_MEASURE_H
#define TN_BENCH_MEASURE_H

#include "bench/samples.h"
#include "bench/work.h"

/** What one pass over all texts is, by the plan's own counts. */
struct bench_counts {
	size_t texts, windows;
	uint64_t tokens;	/* special ones counted; there is no padding */
	uint64_t runs;		/* of the plan */
	uint64_t flops, bytes;
	struct tn_profile profile;	/* by step: of that pass, then of bench_run_profile */
	size_t profiled;		/* passes in it */
	double profiled_s;		/* what they took */
};

/** A pipeline and texts that it answers, with all that was measured; zeroed at first but
 *  for p, work and encoded. */
struct bench_run {
	struct tn_pipeline *p;
	const struct bench_work *work;
	bool encoded;		/* texts are tokenized once, before the clock starts */
	struct tn_job *jobs;	/* [work->n], when encoded, in the arena */
	struct bench_counts counts;
	struct bench_samples batch_s, text_s, pass_s;	/* seconds */
	double wall_s, cpu_s;	/* of all measured passes */
};

/** Gets ready: tokenizes when `encoded`, and counts one pass, which also warms up.
 *  Memory of the arena; the call's arena grows too.  Errors: TN_EDATA, a text is refused;
 *  those of running. */
int bench_run_begin(struct bench_run *r, struct tn_arena *arena, struct tn_call *call);
/** One measured pass over all texts.  The latency of a text ends with its answer and
 *  begins with its batch. */
int bench_run_pass(struct bench_run *r, struct tn_call *call);
/** Passes that take the time of each step, into counts.profile, for at least so many
 *  seconds; they are not among the measured ones. */
int bench_run_profile(struct bench_run *r, double seconds, struct tn_call *call);
void bench_run_end(struct bench_run *r);

/** The largest difference between the raw scores that two pipelines with the same heads
 *  give to the texts of the work, as many of them as have at most `tokens` tokens, at
 *  least one. */
int bench_difference(struct tn_pipeline *a, struct tn_pipeline *b, const struct bench_work *work,
	size_t tokens, double *largest, struct tn_call *call);

#endif
