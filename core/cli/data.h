/* SPDX-License-Identifier: Apache-2.0
 * core/cli/data.h - what the files of the verb data share.
 */
#ifndef TN_CLI_DATA_H
#define TN_CLI_DATA_H

#include "eval/rows.h"
#include "cli/progress.h"
#include "eval/audit.h"

#define DATA_MOST 64		/* values of one option */

/** The two sets: files to train on, or alone; and those of --dev. */
enum { DATA_TRAIN, DATA_DEV, DATA_SETS };

struct data_arguments {
	const char *verb;		/* "check" */
	const char *files[DATA_SETS][DATA_MOST];
	size_t n_files[DATA_SETS];
	const char *columns[DATA_MOST];
	size_t n_columns;
	const char *pipeline;		/* NULL: none */
	const char *settings[DATA_MOST + 1];
	size_t n_settings;
	int from;			/* -1: by the files' names */
	bool header, iob1;
	enum eval_row_format format;	/* EVAL_ROWS_TEXT or EVAL_ROWS_JSONL */
};

struct data_file {
	const char *path;
	enum eval_format format;
	size_t examples, dropped;
};

struct data_set {
	const char *name;		/* "train" and "dev"; of one "data" */
	struct data_file files[DATA_MOST];
	size_t n_files;
	struct eval_data data;
	struct eval_audit audit;
	struct eval_token_audit tokens;
};

/** What the verb holds. */
struct data_check {
	const struct data_arguments *a;
	struct data_set sets[DATA_SETS];
	size_t n_sets;			/* 1 without --dev */
	struct eval_beside beside;	/* of two */
	struct tn_arena *arena;
	struct tn_call *call;
	struct progress progress;
	size_t n_errors, n_warnings;	/* as printed */
};

/** Prints all that was found to stdout, and counts it. */
int data_print(struct data_check *c);
/** For data_print: the findings. */
int data_print_findings(struct data_check *c);

#endif
