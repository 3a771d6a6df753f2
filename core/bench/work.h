/* SPDX-License-Identifier: Apache-2.0
 * core/bench/work.h - the texts that a measurement answers.
 */
#ifndef TN_BENCH_WORK_H
#define TN_BENCH_WORK_H

#include "data/input.h"
#include "pipeline/pipeline_impl.h"

/** Texts that are answered in batches, again and again. */
struct bench_work {
	const char *source;	/* "sentences", "lengths" or the name of a file */
	size_t length;		/* tokens of each text; 0: as they come */
	size_t batch;		/* texts that are given at a time */
	struct tn_input *inputs;
	size_t n;
};

/** The n first of the built-in sentences, taken around as often as needed.  When windows go
 *  over a second text, each is that, beside a question; when a head answers masked places,
 *  each begins with one.  All of the functions below give memory of the arena and return 0,
 *  or TN_ENOMEM and what they name. */
int bench_work_sentences(struct bench_work *w, struct tn_pipeline *p, size_t n,
	struct tn_arena *arena, struct tn_call *call);
/** All inputs of a file, or of standard input ("-").  Errors: those of the reader;
 *  TN_EDATA, an input is wrong or there is none. */
int bench_work_read(struct bench_work *w, const char *path, enum tn_input_format format,
	struct tn_arena *arena, struct tn_call *call);
/** n texts of exactly `length` tokens, special ones counted, made of the words of the
 *  built-in sentences; a second text and a masked place as above.
 *  Errors: TN_EUSAGE, the pipeline's windows are shorter, or the length is less than
 *  special tokens and a word take. */
int bench_work_fixed(struct bench_work *w, struct tn_pipeline *p, size_t length, size_t n,
	struct tn_arena *arena, struct tn_call *call);
/** n texts with the lengths of n texts of the file `path`, drawn from them at random with
 *  a fixed seed; longer ones than a window are cut to it.  Errors as bench_work_read and
 *  bench_work_fixed. */
int bench_work_drawn(struct bench_work *w, struct tn_pipeline *p, const char *path,
	enum tn_input_format format, size_t n, struct tn_arena *arena, struct tn_call *call);

#endif
