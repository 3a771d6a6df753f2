/* SPDX-License-Identifier: Apache-2.0
 * core/cli/bench.h - what the files of the verb bench share.
 */
#ifndef TN_CLI_BENCH_H
#define TN_CLI_BENCH_H

#include "base/file.h"
#include "bench/measure.h"
#include "bench/peak.h"
#include "base/plot.h"
#include "eval/rows.h"
#include "cli/progress.h"

#define BENCH_MOST 32		/* values of one option, and settings */

struct bench_arguments {
	const char *pipeline, *input, *lengths_file, *plot;
	char **texts;
	int n_texts;
	const char *settings[BENCH_MOST + 1];
	size_t n_settings;
	int from;			/* -1: not given */
	enum eval_row_format format;
	size_t lengths[BENCH_MOST], n_lengths;
	size_t batches[BENCH_MOST], n_batches;
	size_t threads[BENCH_MOST], n_threads;
	const char *backends[BENCH_MOST];
	size_t n_backends;
	size_t count;			/* of texts that are made; 0: not given */
	double seconds;
	size_t repeat;
	bool encoded, explain, growth;
};

/** One way to run the pipeline: a chain of backends and a number of threads. */
struct bench_way {
	const char *settings[BENCH_MOST + 4];
	const char *backends;		/* as it was asked for; NULL: those of the pipeline */
	struct tn_pipeline *p;
	double open_s, first_s;		/* until it was ready, from then to the first answer; by
					 * the first opening, in a process of its own */
	double *memory;			/* [works] peak memory so far in that process, 1e6 bytes */
};

/** Rows of one kind. */
struct bench_rows {
	const struct tn_value **items;
	size_t n, room;
};

/** What the verb holds. */
struct bench {
	const struct bench_arguments *a;
	struct tn_call *call;
	struct tn_arena *arena;		/* what lives to the end */
	struct bench_way *ways;
	size_t n_ways;
	struct bench_work *works;
	size_t n_works;
	struct bench_peaks *peaks;	/* [ways] */
	const char *reference_name;
	struct tn_pipeline *reference;	/* opened when answers are compared */
	struct bench_rows works_done, ops, points, findings;
	struct tn_file_writer plot;	/* begun when a->plot is set */
	struct progress progress;
};

/** Appends a row; NULL stands for TN_ENOMEM. */
int bench_add_row(struct bench *b, struct bench_rows *rows, const struct tn_value *row);
/** What begins each row: the kind, the pipeline, the way and the texts. */
struct tn_value *bench_new_row(const struct bench *b, const char *kind, const struct bench_way *w,
	const struct bench_work *work);
/** The peak of the precision that a way is asked for, 1e9 operations a second. */
double bench_peak_of(const struct bench *b, size_t way);

/** Takes the time of each step of a work in one way, and adds a row for each kind of step. */
int bench_explain(struct bench *b, size_t way, struct bench_run *r);

/** Measures the peaks of the threads of each way, once more after the first time; that of
 *  memory takes time, so not with --time 0. */
void bench_measure_peaks(struct bench *b);
/** Measures growth in the first way, which is open: sets points and findings, and writes the
 *  plot. */
int bench_growth(struct bench *b);
/** Measures all works in all ways and sets the rows.  The ways are open. */
int bench_measure(struct bench *b);

/** The works that the arguments ask for, as the pipeline p makes tokens of them. */
int bench_works(struct bench *b, struct tn_pipeline *p);
/** The ways that the arguments ask for, none of them open. */
int bench_ways(struct bench *b);
/** The name of the backend that the others are compared with: the installed one of the
 *  lowest rank.  First called in a process of one thread.  NULL after TN_EPLUGIN. */
const char *bench_reference(struct bench *b);
/** Opens a way; the first answer too.  open_s and first_s are set. */
int bench_way_open(struct bench *b, struct bench_way *w);
/** Opens a way in a process of its own and runs all works there once: sets open_s, first_s
 *  and memory.  For a process of one thread.  Leaves them as they are when the way fails:
 *  opening it again will say why. */
int bench_way_probe(struct bench *b, struct bench_way *w);
/** Threads that run an open way. */
int bench_way_threads(const struct bench_way *w);
/** The names of its backends, as "a+b"; in the call's arena. */
const char *bench_way_chain(const struct bench_way *w, struct tn_call *call);

/** How many rows from `first` on are of one work in one way. */
size_t bench_same_work(const struct bench_rows *rows, size_t first);
/** Draws the ops of each work in each way under the roofline of the processor. */
int bench_roofline(struct bench *b);
/** Draws the panels (tn_plot) into the file of --plot. */
int bench_save_plot(struct bench *b, const char *title, const struct tn_panel *panels, size_t n,
	size_t columns);
/** Writes all rows to stdout. */
int bench_write(struct bench *b);
/** Shows on a terminal how far a work is: `done` of 0 to 1, the last tokens a second. */
void bench_progress(struct bench *b, const struct bench_work *work, double done, double rate);

#endif
