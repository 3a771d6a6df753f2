/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/weights_impl.h - the weight store from inside.
 */
#ifndef TN_CHECKPOINT_WEIGHTS_IMPL_H
#define TN_CHECKPOINT_WEIGHTS_IMPL_H

#include <pthread.h>

#include "checkpoint/weights.h"

/* A weight in memory, as one of the two types; tensor comes first, so that a tensor
 * leads back to its copy. */
struct weight_copy {
	struct tn_tensor tensor;
	struct tn_buffer buffer;	/* data NULL: not held */
	size_t readers;
	struct weight *weight;
};

struct weight {
	const struct tn_st_tensor *t;
	const struct tn_safetensors *file;	/* NULL: it was made */
	struct weight_copy as_f32, as_f64;
	uint64_t version;
	bool used;
	struct weight *next;			/* of those that were made */
};

struct tn_weights {
	struct tn_weights *next;	/* of all stores */
	size_t users;
	char *key;			/* the files as they were when they were opened; NULL: the
					 * store is not shared */
	pthread_mutex_t lock;		/* of what is loaded */
	struct tn_safetensors **files;
	size_t n_files;
	struct weight *items;		/* file by file */
	struct weight **by_name;
	size_t n;
	struct weight *made;
	char *where, *prefix;
	size_t bytes;
};

/* The weight that a name leads to, or NULL. */
struct weight *weights_find(const struct tn_weights *w, const char *name);
/* Frees the memory of a copy, if it is held. */
void weights_free_copy(struct weight_copy *c);

#endif
