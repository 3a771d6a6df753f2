/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/model_dir_impl.h - what the parts of a model directory's reader share.
 */
#ifndef TN_CHECKPOINT_MODEL_DIR_IMPL_H
#define TN_CHECKPOINT_MODEL_DIR_IMPL_H

#include "checkpoint/model_dir.h"

#define SMALL_JSON ((size_t)1 << 20)	/* bytes of config.json and the like */

/** A directory while it is opened. */
struct opening {
	struct tn_model_dir *dir;
	const char *root;	/* where the model's files lie: path or a module's folder in it */
	struct tn_arena *arena;
	struct tn_call *call;
};

/** DIRECTORY/NAME in the arena; NULL after TN_ENOMEM. */
const char *dir_join(struct opening *o, const char *directory, const char *name);
/** Whether there is anything of that name. */
bool dir_has(struct opening *o, const char *directory, const char *name);
/** The path of a regular file that must not be a Git LFS pointer; *path is NULL when
 *  there is nothing of that name. */
int dir_file(struct opening *o, const char *directory, const char *name, const char **path);
/** A JSON file of at most `max` bytes; *tree is NULL when there is none. */
int dir_json(struct opening *o, const char *directory, const char *name, size_t max,
	const struct tn_value **tree);
/** Whether a name from a file is a plain file name: not empty, no '/', no "..". */
bool dir_plain_name(const char *name);
/** Whether a text, which may be NULL, ends so. */
bool dir_ends_with(const char *text, const char *end);

/** Reads modules.json of sentence-transformers, if it is there: sets root, class,
 *  head_options and max_tokens. */
int dir_read_modules(struct opening *o);
/** Sets labels. */
int dir_read_labels(struct opening *o);
/** Sets files and tokenizer_type. */
int dir_read_tokenizer(struct opening *o);
/** The error for a directory without config.json, and for one without weights: says what
 *  it is instead and what to do. */
int dir_no_config(struct opening *o);
int dir_no_weights(struct opening *o);

#endif
