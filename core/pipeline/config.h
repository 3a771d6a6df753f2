/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/config.h - a pipeline's configuration, checked.
 */
#ifndef TN_PIPELINE_CONFIG_H
#define TN_PIPELINE_CONFIG_H

#include <stdbool.h>
#include <tenon/value.h>

#include "plugin/plugin.h"

#define TN_MOST_BACKENDS 64

/** What the head of a model directory is called. */
#define TN_DEDUCED_HEAD "result"

/** One component as the configuration names it. */
struct tn_component_config {
	const char *name;		/* of a head; else NULL */
	const char *use;		/* plugin; of a head NULL: that of the model's class */
	const struct tn_value *group;	/* its options; NULL: none */
	const char *where;		/* "heads.entities" */
	const struct tn_value *place;	/* where `use` stands */
	/* Of a head, what the core reads itself: */
	const char *weights;		/* file; NULL: none */
	const char *const *labels;	/* NULL: not given */
	size_t n_labels;
	int on_overflow;		/* enum tn_overflow; -1: not given */
};

/** All of it lives in the arena it was read into. */
struct tn_pipeline_config {
	struct tn_value *tree;		/* as read, with --set applied; NULL for a directory */
	const char *path;		/* as given */
	bool directory;			/* it is a model directory */
	const char *model;		/* directory */
	const struct tn_value *model_place;
	struct tn_component_config *heads;
	size_t n_heads;			/* 0: deduce one from the model's class */
	struct tn_component_config *backends;
	size_t n_backends;		/* 0: the installed ones by rank */
	struct tn_plugin_path plugins;
	size_t threads;			/* 0: what the machine gives */
	size_t threads_per_call;	/* 0: all */
	const char *precision;
	size_t window_tokens;		/* 0: what the model allows */
	size_t window_overlap;
};

/** Reads a .cfg file or takes a model directory, applies settings (ends with NULL, or
 *  NULL) and checks all but what it names.  Every fault is recorded (tn_fault).  NULL
 *  when it cannot be read at all; else look at tn_status. */
TN_PRIVATE struct tn_pipeline_config *tn_pipeline_config_read(const char *path,
	const char *const *settings, struct tn_arena *arena, struct tn_call *call);

/** Checks what the configuration names: plugins and their options, files and folders.
 *  Every fault is recorded.  Returns tn_status. */
TN_PRIVATE int tn_pipeline_config_check(const struct tn_pipeline_config *config,
	struct tn_call *call);

/** The names in a list of strings or in one string, `where` being the head that messages
 *  name; in the arena.  NULL after a fault: TN_ECONFIG, TN_ENOMEM. */
TN_PRIVATE const char *const *tn_config_labels(const struct tn_value *list, const char *where,
	struct tn_arena *arena, struct tn_call *call);

#endif
