/* SPDX-License-Identifier: Apache-2.0
 * tenon/impl/backend.h - to be included by backend plugins.
 */
#ifndef TN_IMPL_BACKEND_H
#define TN_IMPL_BACKEND_H

#include <tenon/impl/op.h>
#include <tenon/impl/plugin.h>

TN_BEGIN

/** Memory of a device; later backends may bring one.  NULL in the interface:
 *  host memory. */
struct tn_memory_impl {
	size_t size;	/* sizeof(struct tn_memory_impl) */
	int (*alloc)(void *self, size_t bytes, void **data, struct tn_call *call);
	void (*free)(void *self, void *data);
	int (*copy_in)(void *self, void *to, const void *from, size_t bytes, struct tn_call *call);
	int (*copy_out)(void *self, void *to, const void *from, size_t bytes, struct tn_call *call);
	int (*sync)(void *self, struct tn_call *call);
};

struct tn_backend {
	const struct tn_plugin *plugin;
	void *core;
};

/** Row buffers end with this many rows that a kernel may read and write, and a
 *  backend handles at most TN_ROW_BLOCK rows at a time with the tail rounded up
 *  to a multiple of TN_ROW_SLACK + 1: so a row's bits do not depend on the rows
 *  beside it.  */
#define TN_ROW_SLACK 7
#define TN_ROW_BLOCK 512

/** What a backend answers when it is asked for a node. */
struct tn_offer {
	uint32_t pack;		/* bit i: it wants input i packed; only of weight_in.  The
				 * packed weights form one packing for the node */
	uint32_t strided;	/* bit i: input i may be a view of columns */
	uint32_t by_rows;	/* not 0: pack may get its one weight by so many rows at a time,
				 * in order; after the first, *packed is what it made before.
				 * The node has the shape of the whole; unpack frees a part, too */
	size_t workspace;	/* bytes for each thread of the team while the node runs */
	char reason[160];	/* why not, when it is refused */
};

/** One execution of a node.  Frozen within an ABI major. */
struct tn_step {
	const struct tn_node *node;
	const void *packed;		/* what pack made, or NULL */
	const struct tn_tensor *in;	/* [n_in], dims and buffers of this call */
	const struct tn_tensor *out;	/* [n_out] */
	const struct tn_axis *axis;	/* of the rows of the first input, or NULL */
	const struct tn_axis *kv_axis;	/* attention: of the keys, or NULL */
	void *workspace;		/* offer.workspace bytes x threads, 64-byte aligned */
	void *prepared;			/* what prepare made for the node, or NULL */
};

/** A compute backend.  supports and run are required.  A backend is opened once
 *  for a process and a number of threads; run is called by many threads, each
 *  with its own call, and uses at most the team of omp_get_max_threads() that
 *  the core has set for the calling thread. */
struct tn_backend_impl {
	/** Once.  Fails with the reason why the backend cannot work here.  `threads`
	 *  is the whole budget.  NULL: nothing to do. */
	int (*open)(struct tn_backend *self, int threads, struct tn_call *call);
	/** Whether the backend runs the node: 1 with the offer filled, or 0 with the
	 *  reason.  Never sees a node above the versions in `ops`. */
	int (*supports)(const struct tn_backend *self, const struct tn_node *node,
		struct tn_offer *offer);
	/** Makes one packing of the weights that the offer named, in the order of the
	 *  inputs (n of them; F32, host, dense); *packed is NULL.  The result is const,
	 *  shared by threads and plans, and lives until unpack: it keeps nothing of the
	 *  node.  *bytes: its size, for the memory report.  Called by many threads at once,
	 *  each for a team of one. */
	int (*pack)(const struct tn_backend *self, const struct tn_node *node,
		const struct tn_tensor *weights, size_t n, void **packed, size_t *bytes,
		struct tn_call *call);
	void (*unpack)(const struct tn_backend *self, void *packed);
	/** Runs n steps in order.  Errors: TN_EINTERNAL with the node's name. */
	int (*run)(const struct tn_backend *self, const struct tn_step *steps, size_t n,
		struct tn_call *call);
	/** NULL: host memory. */
	const struct tn_memory_impl *memory;
	/** The highest version of each op that the backend knows, [TN_N_OPS], indexed by
	 *  enum tn_op; 0: none.  Required. */
	const uint8_t *ops;
	/** Once at the end of the process' use; NULL: nothing. */
	void (*close)(struct tn_backend *self);
};

/** Memory for packed weights: 64-byte aligned, in huge pages where the machine gives them,
 *  so that opening costs few page faults and running few TLB misses.  NULL: there is none,
 *  or bytes is 0.  By any thread. */
TN_API void *tn_pack_alloc(size_t bytes);
/** NULL is allowed. */
TN_API void tn_pack_free(void *block);

/** A plugin's own op, which begins with its size.  All its tensors lie in host memory.
 *  backward sees only what the masks name. */
struct tn_custom_op {
	uint32_t size;			/* sizeof(struct tn_custom_op) */
	uint32_t n_out, n_saved;	/* n_out + n_saved <= TN_MAX_OUT; saved ones come last */
	const char *name;
	/** At plan time: fills the specs of outputs and saved tensors. */
	int (*infer)(const void *data, const struct tn_spec *in, size_t n_in,
		struct tn_spec *out, struct tn_call *call);
	/** Bytes of scratch when the first input has `rows` rows, also for backward: the
	 *  step's workspace.  NULL: none. */
	size_t (*workspace)(const void *data, size_t rows);
	int (*forward)(const void *data, const struct tn_step *step, struct tn_call *call);
	/** Run as a node TN_OP_CUSTOM_GRAD.  in: the inputs that keep_in names, the outputs
	 *  (saved ones counted) that keep_out names, then the gradient of each output that is
	 *  not saved, zeros when nothing depends on it; step->axis is that of the first of
	 *  these.  out: the gradients of all inputs of a float type, in order, at most
	 *  TN_MAX_OUT, to be overwritten.  NULL: the op cannot be trained through, and a
	 *  training plan with it is refused. */
	int (*backward)(const void *data, const struct tn_step *step, struct tn_call *call);
	uint32_t keep_in, keep_out;	/* which inputs and outputs backward reads */
};

TN_END
#endif
