/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/plan_impl.h - the plan from inside, for the files that make it.
 */
#ifndef TN_TENSOR_PLAN_IMPL_H
#define TN_TENSOR_PLAN_IMPL_H

#include "tensor/plan.h"

#define NO_SLOT ((uint32_t)-1)
#define ALIGN_UP(n) (((n) + 63) & ~(size_t)63)

/* What the plan adds to a value of the graph; by root. */
struct plan_value {
	uint32_t uses;			/* by live nodes; outputs of the graph count */
	uint32_t slot;			/* where its rows lie, or NO_SLOT */
	int32_t last;			/* step that reads it last */
	bool constant;			/* made of weights alone */
	const struct tn_tensor *weight;	/* a weight that is held */
	struct tn_buffer buffer;	/* of a constant: its own memory */
};

/* Memory that values whose lifetimes do not meet take turns in. */
struct plan_slot {
	int32_t axis;			/* TN_NO_AXIS: `bytes` in all */
	size_t bytes;			/* of a row */
	bool free;
};

struct plan_packing;

struct plan_step {
	struct tn_graph_node n;
	size_t backend;			/* index in the chain */
	struct tn_offer offer;
	struct plan_packing *packing;	/* its packed weights, or NULL */
	void *packed;			/* what the backend made of them */
	char why[320];			/* the refusals of the backends before that one */
	bool gone;			/* fused into another, dead, or constant and done */
};

struct tn_plan {
	struct tn_graph *g;
	const struct tn_backend *const *chain;
	size_t n_chain;
	int threads;
	struct plan_value *values;	/* [n_values + room for merged ones] */
	size_t values_room;
	struct plan_step *steps;
	size_t n_steps;
	struct plan_slot *slots;
	size_t n_slots;
	size_t n_tensors;		/* inputs and outputs of all steps */
	size_t workspace;		/* bytes of the largest, one thread */
	size_t held_bytes;
};

/* Sets the specs a backend sees. */
void plan_link(struct tn_plan *p, struct tn_graph_node *n);
/* Asks one backend for a node; 1 with the offer, or 0 with offer->reason. */
int plan_offer(struct tn_plan *p, size_t backend, struct tn_graph_node *n,
	struct tn_offer *offer);
/* A weight, or the one that a view lies in; to be released by its source. */
int plan_load(const struct tn_plan *p, tn_ref x, const struct tn_tensor **t, struct tn_call *call);
/* Gives a step the packing of what its backend wants packed. */
int plan_pack(const struct tn_plan *p, struct plan_step *s, struct tn_call *call);
void plan_unpack(struct plan_step *s);
/* Runs something for each step, one on each thread of the team, with a call of its own. */
int plan_each_step(struct tn_plan *p, int (*run)(const struct tn_plan *p, struct plan_step *s,
	struct tn_call *call), struct tn_call *call);
size_t plan_packed_bytes(const struct plan_step *s);
/* Joins nodes that a backend of the chain runs as one. */
int plan_fuse(struct tn_plan *p, struct tn_call *call);
/* Gives each value its slot. */
int plan_slots(struct tn_plan *p, struct tn_call *call);
/* The impl of a backend of the chain. */
static inline const struct tn_backend_impl *plan_backend(const struct tn_plan *p, size_t i)
{
	return p->chain[i]->plugin->impl.backend;
}
/* The tensor of a value in a run; of a constant or weight it is complete. */
void plan_tensor(const struct tn_plan *p, tn_ref x, struct tn_tensor *t);

#endif
