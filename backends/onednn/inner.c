/* SPDX-License-Identifier: Apache-2.0
 * onednn/inner.c - linear layers as inner products.
 *
 * Rows are run TN_ROW_BLOCK at a time with the tail rounded up to a multiple of
 * GRAIN, so a weight has at most 64 shapes; each is compiled when it is first
 * met.  Within them a row's bits do not depend on the count.
 */
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../kernels/gemm.h"
#include "inner.h"

#define GRAIN INNER_GRAIN
#define SHAPES (TN_ROW_BLOCK / GRAIN)

/* The weights in one of oneDNN's layouts. */
struct packing {
	struct packing *next;
	struct md md;
	dnnl_memory_t memory;
	void *data;
};

/* What one execution needs; kept for the next one. */
struct context {
	struct context *next;
	dnnl_stream_t stream;
	dnnl_memory_t x, y, residual, scratch;
	void *scratch_data;
	dnnl_exec_arg_t args[6];
	int n_args;
};

/* The primitive of one row count and team. */
struct shape {
	struct shape *next;
	int threads;
	const struct packing *packing;
	dnnl_primitive_desc_t pd;
	dnnl_primitive_t primitive;
	struct context *idle;
};

struct inner {
	enum linear_kind kind;
	dnnl_engine_t engine;
	dnnl_dim_t ins, outs;
	uint32_t act;
	int residual;
	float *weights;			/* [outs][ins] while it is being packed */
	float *bias;			/* [outs], or NULL */
	struct md bias_md;
	dnnl_memory_t bias_memory;
	struct packing *packings;	/* the first is the usual one */
	size_t bytes;
	pthread_mutex_t lock;		/* of packings, shapes and idle contexts */
	struct shape *shapes[SHAPES];	/* [rows / GRAIN - 1], by team */
};

int onednn_fail(struct tn_call *call, const char *name, const char *what, dnnl_status_t status)
{
	return tn_fail(call, status == dnnl_out_of_memory ? TN_ENOMEM : TN_EINTERNAL,
		"%s: oneDNN %s gave status %d", name, what, (int)status);
}

static void *alloc(size_t bytes)
{
	return aligned_alloc(64, (bytes + 63) & ~(size_t)63);
}

static dnnl_status_t add_activation(dnnl_post_ops_t ops, uint32_t act)
{
	switch (act) {
	case TN_ACT_GELU:
		return append_eltwise(ops, dnnl_eltwise_gelu_erf, 0.0f);
	case TN_ACT_GELU_TANH:
		return append_eltwise(ops, dnnl_eltwise_gelu_tanh, 0.0f);
	case TN_ACT_RELU:
		return append_eltwise(ops, dnnl_eltwise_relu, 0.0f);
	case TN_ACT_SILU:
		return append_eltwise(ops, dnnl_eltwise_swish, 1.0f);
	case TN_ACT_TANH:
		return append_eltwise(ops, dnnl_eltwise_tanh, 0.0f);
	case TN_ACT_SIGMOID:
		return append_eltwise(ops, dnnl_eltwise_logistic, 0.0f);
	default:
		return dnnl_success;
	}
}

/* Activation, then residual; scratch memory is the caller's. */
static dnnl_status_t make_attr(const struct inner *l, md_ref y, dnnl_primitive_attr_t *attr)
{
	dnnl_post_ops_t ops = NULL;
	dnnl_status_t status = dnnl_primitive_attr_create(attr);

	if (status == dnnl_success)
		status = dnnl_primitive_attr_set_scratchpad_mode(*attr,
			dnnl_scratchpad_mode_user);
	if (status == dnnl_success)
		status = dnnl_post_ops_create(&ops);
	if (status == dnnl_success)
		status = add_activation(ops, l->act);
	if (status == dnnl_success && l->residual)
		status = dnnl_post_ops_append_binary(ops, dnnl_binary_add, y);
	if (status == dnnl_success)
		status = dnnl_primitive_attr_set_post_ops(*attr, ops);
	if (ops)
		dnnl_post_ops_destroy(ops);
	return status;
}

/* The primitive descriptor for `rows` rows with weights in the layout w, or in the
 * one that oneDNN likes best (NULL). */
static dnnl_status_t describe(const struct inner *l, dnnl_dim_t rows, md_ref w,
	dnnl_primitive_desc_t *pd)
{
	struct md x = { 0 }, y = { 0 }, any = { 0 };
	dnnl_primitive_attr_t attr = NULL;
	dnnl_status_t status = md_init(&x, rows, l->ins, dnnl_ab);

	if (status == dnnl_success)
		status = md_init(&y, rows, l->outs, dnnl_ab);
	if (status == dnnl_success)
		status = md_init(&any, l->outs, l->ins, dnnl_format_tag_any);
	if (status == dnnl_success)
		status = make_attr(l, md_of(&y), &attr);
	if (status == dnnl_success)
		status = inner_product(pd, l->engine, md_of(&x), w ? w : md_of(&any),
			l->bias ? md_of(&l->bias_md) : NULL, md_of(&y), attr);
	if (attr)
		dnnl_primitive_attr_destroy(attr);
	md_finish(&x);
	md_finish(&y);
	md_finish(&any);
	return status;
}

static dnnl_status_t reorder(struct inner *l, dnnl_memory_t from, dnnl_memory_t to,
	md_ref from_md, md_ref to_md)
{
	dnnl_primitive_desc_t pd = NULL;
	dnnl_primitive_t primitive = NULL;
	dnnl_stream_t stream = NULL;
	dnnl_exec_arg_t args[] = { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, to } };
	dnnl_status_t status = dnnl_reorder_primitive_desc_create(&pd, from_md, l->engine,
		to_md, l->engine, NULL);

	if (status == dnnl_success)
		status = dnnl_primitive_create(&primitive, pd);
	if (status == dnnl_success)
		status = dnnl_stream_create(&stream, l->engine, dnnl_stream_default_flags);
	if (status == dnnl_success)
		status = dnnl_primitive_execute(primitive, stream, 2, args);
	if (status == dnnl_success)
		status = dnnl_stream_wait(stream);
	if (stream)
		dnnl_stream_destroy(stream);
	if (primitive)
		dnnl_primitive_destroy(primitive);
	if (pd)
		dnnl_primitive_desc_destroy(pd);
	return status;
}

static void free_packing(struct packing *p)
{
	if (p->memory)
		dnnl_memory_destroy(p->memory);
	md_finish(&p->md);
	free(p->data);
	free(p);
}

/* Copies weights that lie at `data` in the layout `from` into the layout `to`. */
static dnnl_status_t add_packing(struct inner *l, md_ref from, void *data, md_ref to)
{
	struct packing *p = calloc(1, sizeof(*p)), **end = &l->packings;
	dnnl_memory_t source = NULL;
	dnnl_status_t status = dnnl_out_of_memory;

	if (!p)
		return status;
	p->data = alloc(md_bytes(to));
	if (p->data)
		status = md_copy(&p->md, to);
	if (status == dnnl_success)
		status = dnnl_memory_create(&p->memory, to, l->engine, p->data);
	if (status == dnnl_success)
		status = dnnl_memory_create(&source, from, l->engine, data);
	if (status == dnnl_success)
		status = reorder(l, source, p->memory, from, to);
	if (source)
		dnnl_memory_destroy(source);
	if (status != dnnl_success) {
		free_packing(p);
		return status;
	}
	while (*end)
		end = &(*end)->next;
	*end = p;
	l->bytes += md_bytes(to);
	return status;
}

static int is_reference(const_dnnl_primitive_desc_t pd)
{
	const char *info = NULL;

	return dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &info) !=
		dnnl_success || !info || strstr(info, "ref") != NULL;
}

/* The descriptor of a shape over a layout that is there, else over a new one. */
static dnnl_status_t settle(struct inner *l, dnnl_dim_t rows, struct shape *s)
{
	dnnl_status_t status;
	md_ref best;

	for (const struct packing *p = l->packings; p; p = p->next) {
		status = describe(l, rows, md_of(&p->md), &s->pd);
		s->packing = p;
		if (status == dnnl_success && !is_reference(s->pd))
			return status;
		if (status == dnnl_success)
			dnnl_primitive_desc_destroy(s->pd);
		s->pd = NULL;
	}
	status = describe(l, rows, NULL, &s->pd);
	if (status != dnnl_success)
		return status;
	best = dnnl_primitive_desc_query_md(s->pd, dnnl_query_weights_md, 0);
	status = add_packing(l, md_of(&l->packings->md), l->packings->data, best);
	for (const struct packing *p = l->packings; p; p = p->next)
		s->packing = p;
	return status;
}

static void free_context(struct context *c)
{
	if (c->x)
		dnnl_memory_destroy(c->x);
	if (c->y)
		dnnl_memory_destroy(c->y);
	if (c->residual)
		dnnl_memory_destroy(c->residual);
	if (c->scratch)
		dnnl_memory_destroy(c->scratch);
	if (c->stream)
		dnnl_stream_destroy(c->stream);
	free(c->scratch_data);
	free(c);
}

static void free_shape(struct shape *s)
{
	while (s->idle) {
		struct context *c = s->idle;

		s->idle = c->next;
		free_context(c);
	}
	if (s->primitive)
		dnnl_primitive_destroy(s->primitive);
	if (s->pd)
		dnnl_primitive_desc_destroy(s->pd);
	free(s);
}

/* The shape for `rows` rows, a multiple of GRAIN.  Under the lock. */
static dnnl_status_t find_shape(struct inner *l, size_t rows, struct shape **found)
{
	struct shape **list = &l->shapes[rows / GRAIN - 1], *s;
	const int threads = omp_get_max_threads();
	dnnl_status_t status;

	for (s = *list; s; s = s->next)
		if (s->threads == threads) {
			*found = s;
			return dnnl_success;
		}
	s = calloc(1, sizeof(*s));
	if (!s)
		return dnnl_out_of_memory;
	s->threads = threads;
	status = settle(l, (dnnl_dim_t)rows, s);
	if (status == dnnl_success)
		status = dnnl_primitive_create(&s->primitive, s->pd);
	if (status != dnnl_success) {
		free_shape(s);
		return status;
	}
	s->next = *list;
	*list = s;
	*found = s;
	return status;
}

static dnnl_status_t make_memory(const struct inner *l, md_ref md, dnnl_memory_t *memory)
{
	return dnnl_memory_create(memory, md, l->engine, DNNL_MEMORY_NONE);
}

/* A context of the shape.  Not under the lock. */
static dnnl_status_t make_context(const struct inner *l, const struct shape *s,
	struct context **made)
{
	struct context *c = calloc(1, sizeof(*c));
	md_ref x = dnnl_primitive_desc_query_md(s->pd, dnnl_query_src_md, 0);
	md_ref y = dnnl_primitive_desc_query_md(s->pd, dnnl_query_dst_md, 0);
	md_ref scratch = dnnl_primitive_desc_query_md(s->pd, dnnl_query_scratchpad_md, 0);
	dnnl_status_t status = dnnl_out_of_memory;

	if (!c)
		return status;
	c->scratch_data = alloc(md_bytes(scratch) + 64);
	if (c->scratch_data)
		status = dnnl_stream_create(&c->stream, l->engine, dnnl_stream_default_flags);
	if (status == dnnl_success)
		status = make_memory(l, x, &c->x);
	if (status == dnnl_success)
		status = make_memory(l, y, &c->y);
	if (status == dnnl_success)
		status = make_memory(l, y, &c->residual);
	if (status == dnnl_success)
		status = dnnl_memory_create(&c->scratch, scratch, l->engine, c->scratch_data);
	if (status != dnnl_success) {
		free_context(c);
		return status;
	}
	c->args[c->n_args++] = (dnnl_exec_arg_t){ DNNL_ARG_SRC, c->x };
	c->args[c->n_args++] = (dnnl_exec_arg_t){ DNNL_ARG_DST, c->y };
	c->args[c->n_args++] = (dnnl_exec_arg_t){ DNNL_ARG_WEIGHTS, s->packing->memory };
	c->args[c->n_args++] = (dnnl_exec_arg_t){ DNNL_ARG_SCRATCHPAD, c->scratch };
	if (l->bias)
		c->args[c->n_args++] = (dnnl_exec_arg_t){ DNNL_ARG_BIAS, l->bias_memory };
	if (l->residual)
		c->args[c->n_args++] = (dnnl_exec_arg_t){
			DNNL_ARG_ATTR_MULTIPLE_POST_OP(l->act != TN_ACT_NONE) | DNNL_ARG_SRC_1,
			c->residual };
	*made = c;
	return status;
}

/* One block of rows: a multiple of GRAIN, dense, all of them there. */
static dnnl_status_t run_block(struct inner *l, float *y, float *x, float *residual, size_t rows)
{
	struct shape *s = NULL;
	struct context *c = NULL;
	dnnl_status_t status;

	pthread_mutex_lock(&l->lock);
	status = find_shape(l, rows, &s);
	if (status == dnnl_success && s->idle) {
		c = s->idle;
		s->idle = c->next;
	}
	pthread_mutex_unlock(&l->lock);
	if (status == dnnl_success && !c)
		status = make_context(l, s, &c);
	if (status != dnnl_success)
		return status;
	dnnl_memory_set_data_handle(c->x, x);
	dnnl_memory_set_data_handle(c->y, y);
	if (residual)
		dnnl_memory_set_data_handle(c->residual, residual);
	status = dnnl_primitive_execute(s->primitive, c->stream, c->n_args, c->args);
	if (status == dnnl_success)
		status = dnnl_stream_wait(c->stream);
	pthread_mutex_lock(&l->lock);
	c->next = s->idle;
	s->idle = c;
	pthread_mutex_unlock(&l->lock);
	return status;
}

static int run_rows(void *user, float *y, float *x, float *residual, size_t padded, size_t rows)
{
	struct inner *l = user;
	const size_t ins = (size_t)l->ins, outs = (size_t)l->outs;
	dnnl_status_t status = dnnl_success;

	(void)rows;
	for (size_t i = 0; i < padded && status == dnnl_success; i += TN_ROW_BLOCK)
		status = run_block(l, y + i * outs, x + i * ins,
			residual ? residual + i * outs : NULL,
			padded - i < TN_ROW_BLOCK ? padded - i : TN_ROW_BLOCK);
	return (int)status;
}

int inner_run(struct inner *l, const struct tn_step *step, struct tn_call *call)
{
	dnnl_status_t status = (dnnl_status_t)linear_by_rows(step, GRAIN, run_rows, l);

	return status == dnnl_success ? 0 :
		onednn_fail(call, step->node->name, "inner product", status);
}

static dnnl_status_t pack(struct inner *l)
{
	struct md plain = { 0 };
	dnnl_primitive_desc_t pd = NULL;
	dnnl_status_t status = md_init(&plain, l->outs, l->ins, dnnl_ab);

	if (status == dnnl_success && l->bias)
		status = md_init(&l->bias_md, l->outs, 0, dnnl_a);
	if (status == dnnl_success && l->bias)
		status = dnnl_memory_create(&l->bias_memory, md_of(&l->bias_md), l->engine,
			l->bias);
	if (status == dnnl_success)
		status = describe(l, TN_ROW_BLOCK, NULL, &pd);
	if (status == dnnl_success)
		status = add_packing(l, md_of(&plain), l->weights,
			dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0));
	if (pd)
		dnnl_primitive_desc_destroy(pd);
	md_finish(&plain);
	free(l->weights);
	l->weights = NULL;
	return status;
}

int inner_create(struct inner **made, dnnl_engine_t engine, const struct tn_node *node,
	const struct tn_tensor *weights, size_t *bytes, struct tn_call *call)
{
	struct inner *l = calloc(1, sizeof(*l));
	size_t outs, ins;
	dnnl_status_t status;

	if (!l)
		return tn_fail(call, TN_ENOMEM, "out of memory for the weights of %s", node->name);
	pthread_mutex_init(&l->lock, NULL);
	l->engine = engine;
	l->kind = LINEAR_OTHER;
	l->act = node->attr.linear.act;
	l->residual = node->attr.linear.residual != 0;
	if (linear_collect(node, weights, &l->weights, &l->bias, &outs, &ins, call)) {
		inner_destroy(l);
		return tn_status(call);
	}
	l->outs = (dnnl_dim_t)outs;
	l->ins = (dnnl_dim_t)ins;
	status = pack(l);
	if (status != dnnl_success) {
		inner_destroy(l);
		return onednn_fail(call, node->name, "packing of weights", status);
	}
	*made = l;
	*bytes = l->bytes;
	return 0;
}

int inner_by_brgemm(dnnl_engine_t engine)
{
	const struct inner usual = { .engine = engine, .ins = 384, .outs = 384 };
	dnnl_primitive_desc_t pd = NULL;
	const char *info = NULL;
	int by_brgemm;

	if (describe(&usual, TN_ROW_BLOCK, NULL, &pd) != dnnl_success)
		return 0;
	by_brgemm = dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &info) ==
		dnnl_success && strstr(info, "brgemm:avx512") && DNNL_VERSION_MAJOR == 2;
	dnnl_primitive_desc_destroy(pd);
	return by_brgemm;
}

void inner_destroy(struct inner *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < SHAPES; i++)
		while (l->shapes[i]) {
			struct shape *s = l->shapes[i];

			l->shapes[i] = s->next;
			free_shape(s);
		}
	while (l->packings) {
		struct packing *p = l->packings;

		l->packings = p->next;
		free_packing(p);
	}
	if (l->bias_memory)
		dnnl_memory_destroy(l->bias_memory);
	md_finish(&l->bias_md);
	free(l->weights);
	free(l->bias);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
