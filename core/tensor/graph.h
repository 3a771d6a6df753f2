/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/graph.h - the graph from inside: what the builder leaves and the
 * plan reads.
 */
#ifndef TN_TENSOR_GRAPH_H
#define TN_TENSOR_GRAPH_H

#include <tenon/impl/graph.h>

#define TN_MAX_AXES 8

/** Where a graph gets its weights: a checkpoint, or a head's file before the
 *  model's.  `user` is given to each function. */
struct tn_weight_source {
	void *user;
	/** Whether there is a tensor of that name; fills its shape (n_dims 0 to 4). */
	bool (*find)(void *user, const char *name, size_t dims[4], uint32_t *n_dims);
	/** The tensor as `dtype` on the host, dense, borrowed until release. */
	const struct tn_tensor *(*load)(void *user, const char *name, enum tn_dtype dtype,
		struct tn_call *call);
	void (*release)(void *user, const struct tn_tensor *weight);
	/** Copies `n` elements from `first` on as TN_F32, without holding the tensor.  NULL:
	 *  tensors are loaded whole. */
	int (*read)(void *user, const char *name, size_t first, size_t n, float *to,
		struct tn_call *call);
	/** What stands for the tensor in all graphs of the process, and its version; it lives
	 *  as long as the graph.  NULL: packings of these weights are not shared and never
	 *  outdated. */
	const void *(*identity)(void *user, const char *name, uint64_t *version);
	/** Makes a tensor that is not there.  NULL: that is a fault. */
	int (*make)(void *user, const char *name, const size_t dims[4], uint32_t n_dims,
		struct tn_call *call);
	/** The files that were looked into, for messages. */
	const char *where;
};

enum tn_origin {
	TN_FROM_NODE,
	TN_FROM_INPUT,		/* filled by the caller for each batch */
	TN_FROM_WEIGHT,
	TN_FROM_STATE,
	TN_FROM_NUMBERS		/* in the graph itself */
};

/** A value: where it comes from and what is known of it. */
struct tn_graph_value {
	struct tn_spec spec;
	enum tn_origin origin;
	int32_t node;			/* that makes it; -1 */
	uint32_t out;			/* as which output */
	const char *name;		/* of an input, weight or state */
	const struct tn_weight_source *source;
	tn_ref root;			/* of a view: the value it lies in; else itself */
	const void *numbers;		/* dense, in the graph's arena */
	size_t first;			/* of a view: elements from the start of a row (of the
					 * tensor, for rows of a weight) */
};

struct tn_graph_node {
	struct tn_node node;		/* in/out specs are set by the plan */
	tn_ref in[TN_MAX_IN];
	tn_ref out[TN_MAX_OUT];
};

struct tn_graph_output {
	const char *name;
	tn_ref value;
};

/** A feature of the model that was built. */
struct tn_graph_feature {
	const char *name;
	tn_ref value;
	bool asked;		/* by a head, and not only by the model for another */
};

struct tn_graph {
	struct tn_arena *arena;
	struct tn_call *call;		/* of the builder */
	struct tn_graph_value *values;
	size_t n_values, values_room;
	struct tn_graph_node *nodes;
	size_t n_nodes, nodes_room;
	const char *axes[TN_MAX_AXES];
	int n_axes;
	struct tn_graph_output *outputs;
	size_t n_outputs, outputs_room;
	const struct tn_weight_source *source;
	const char *scope;		/* for messages: "the model", "head entities" */
	tn_ref (*feature)(void *user, struct tn_graph *g, const char *name);
	void *feature_user;
	struct tn_graph_feature features[16];
	size_t n_features, feature_depth;
	enum tn_dtype real;		/* TN_F32, or TN_F64 in gradient checks */
	enum tn_dtype precision;	/* of linears where a backend can: TN_BF16, TN_I8; else 0 */
	bool training;
	bool no_dropout;		/* training without it */
	int status;			/* the first fault's code */
};

/** A new graph.  NULL after TN_ENOMEM. */
TN_PRIVATE struct tn_graph *tn_graph_create(enum tn_dtype real, bool training,
	struct tn_call *call);
TN_PRIVATE void tn_graph_destroy(struct tn_graph *g);
/** Weights asked for from here on come from `source`; `scope` is for messages. */
TN_PRIVATE void tn_graph_scope(struct tn_graph *g, const struct tn_weight_source *source,
	const char *scope);
/** How features are built when a head asks. */
TN_PRIVATE void tn_graph_features(struct tn_graph *g,
	tn_ref (*feature)(void *user, struct tn_graph *g, const char *name), void *user);
/** Marks a value as one that is read after a run. */
TN_PRIVATE void tn_graph_output(struct tn_graph *g, const char *name, tn_ref value);
/** 0, or the code of the first fault (whose text is in the builder's call). */
TN_PRIVATE int tn_graph_status(const struct tn_graph *g);
/** Emits a node: the shape rule gives the outputs.  Returns the first. */
TN_PRIVATE tn_ref tn_graph_emit(struct tn_graph *g, uint32_t op, uint32_t version,
	const union tn_attr *attr, const tn_ref *in, size_t n_in, size_t n_out);
/** Emits the gradient of a custom node with outputs of the given specs.  Returns the first. */
TN_PRIVATE tn_ref tn_graph_custom_grad(struct tn_graph *g, const struct tn_node *forward,
	const tn_ref *in, size_t n_in, const struct tn_spec *out, size_t n_out);
/** Whether two values have one type, axis and shape. */
TN_PRIVATE bool tn_spec_equal(const struct tn_spec *a, const struct tn_spec *b);
/** Index of an axis by name, or -1. */
TN_PRIVATE int tn_graph_axis(const struct tn_graph *g, const char *name);

#endif
