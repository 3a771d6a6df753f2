/* SPDX-License-Identifier: Apache-2.0
 * core/cli/quantize.h - what the files of the verb quantize share.
 */
#ifndef TN_CLI_QUANTIZE_H
#define TN_CLI_QUANTIZE_H

#include "cli/progress.h"
#include "eval/records.h"
#include "eval/rows.h"
#include "pipeline/pipeline_impl.h"

#define QUANTIZE_MOST 64	/* values of one option */
#define QUANTIZE_MOST_METRICS 3

struct quantize_arguments {
	const char *pipeline, *out, *model;
	const char *precision;		/* that is judged: int8 or bf16 */
	const char *dev[QUANTIZE_MOST], *heads[QUANTIZE_MOST];
	const char *settings[QUANTIZE_MOST + 2];	/* one more, and NULL */
	size_t n_dev, n_heads, n_settings;
	int from;			/* -1: not given */
	double max_drop;		/* points */
	enum eval_row_format format;
};

/** The two that are compared. */
enum { QUANTIZE_FP32, QUANTIZE_LOW, QUANTIZE_WAYS };

/** What the verb holds. */
struct quantize {
	const struct quantize_arguments *a;
	struct tn_call *call;
	struct tn_arena *arena;		/* what lives to the end */
	struct eval_data data;
	struct tn_pipeline *p[QUANTIZE_WAYS];
	struct eval_records *records[QUANTIZE_WAYS];	/* [n_records], a head each; of vectors how
							 * near they are to those of fp32 */
	size_t n_records;
	double *ratios;			/* [batches] how many times as fast the lower one was */
	size_t n_batches;
	double seconds[QUANTIZE_WAYS];
	struct progress progress;
};

/** Runs both ways over all data, in batches by turns, and fills records, ratios and
 *  seconds. */
int quantize_measure(struct quantize *q);
/** The first scores of a head in both, in points; the first one judges. */
struct quantize_metrics {
	size_t n;
	struct {
		const char *name;
		double fp32, low;
	} items[QUANTIZE_MOST_METRICS];
};
struct quantize_metrics quantize_metrics(const struct quantize *q, size_t i);
/** Prints the tables. */
int quantize_print(struct quantize *q);
/** Writes the effective configuration with the lower precision to a file that is not there
 *  yet; its model is --model where that is given. */
int quantize_write(struct quantize *q);
/** Makes the directory --model: model.safetensors with all weights that are rounded in BF16,
 *  the others as they were, and the small files beside them.  After an error it is gone. */
int quantize_write_model(struct quantize *q);

#endif
