/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/graph.c - the graph: values, nodes, inputs and weights.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/graph.h"
#include "tensor/op_table.h"

#define LONGEST_NAME 512

struct tn_graph *tn_graph_create(enum tn_dtype real, bool training, struct tn_call *call)
{
	struct tn_graph *g = calloc(1, sizeof(*g));

	if (g)
		g->arena = tn_arena_create();
	if (!g || !g->arena) {
		free(g);
		tn_fail(call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	g->call = call;
	g->real = real;
	g->training = training;
	g->scope = "the graph";
	return g;
}

void tn_graph_destroy(struct tn_graph *g)
{
	if (!g)
		return;
	free(g->values);
	free(g->nodes);
	free(g->outputs);
	tn_arena_destroy(g->arena);
	free(g);
}

void tn_graph_scope(struct tn_graph *g, const struct tn_weight_source *source, const char *scope)
{
	g->source = source;
	g->scope = scope;
}

void tn_graph_features(struct tn_graph *g,
	tn_ref (*feature)(void *user, struct tn_graph *g, const char *name), void *user)
{
	g->feature = feature;
	g->feature_user = user;
}

int tn_graph_status(const struct tn_graph *g)
{
	return g->status;
}

tn_ref tn_graph_fail(struct tn_graph *g, enum tn_error code, const char *format, ...)
{
	va_list args;

	if (g->status)
		return TN_BAD;
	va_start(args, format);
	g->status = tn_vfail(g->call, code, format, args);
	va_end(args);
	return TN_BAD;
}

static tn_ref out_of_memory(struct tn_graph *g)
{
	return tn_graph_fail(g, TN_ENOMEM, "out of memory while the graph was built");
}

/* Makes room for one more item of a growing array. */
static bool grow(void **items, size_t n, size_t *room, size_t size)
{
	size_t wanted = *room ? *room * 2 : 64;
	void *grown;

	if (n < *room)
		return true;
	grown = realloc(*items, wanted * size);
	if (!grown)
		return false;
	*items = grown;
	*room = wanted;
	return true;
}

static tn_ref add_value(struct tn_graph *g, const struct tn_graph_value *value)
{
	if (!grow((void **)&g->values, g->n_values, &g->values_room, sizeof(*g->values)))
		return out_of_memory(g);
	g->values[g->n_values] = *value;
	g->values[g->n_values].root = (tn_ref)g->n_values;
	return (tn_ref)g->n_values++;
}

bool tn_spec_equal(const struct tn_spec *a, const struct tn_spec *b)
{
	return a->dtype == b->dtype && a->axis == b->axis && a->n_dims == b->n_dims &&
		!memcmp(a->dims, b->dims, sizeof(a->dims));
}

/* A value by its reference; NULL and a fault when there is none. */
static const struct tn_graph_value *value_of(struct tn_graph *g, tn_ref x)
{
	if (g->status)
		return NULL;
	if (x < 0 || (size_t)x >= g->n_values) {
		tn_graph_fail(g, TN_EINTERNAL, "%s: a value is used that was never made", g->scope);
		return NULL;
	}
	return &g->values[x];
}

int tn_graph_axis(const struct tn_graph *g, const char *name)
{
	for (int i = 0; i < g->n_axes; i++)
		if (!strcmp(g->axes[i], name))
			return i;
	return -1;
}

int tn_axis(struct tn_graph *g, const char *name)
{
	int i = tn_graph_axis(g, name);

	if (i >= 0)
		return i;
	if (g->n_axes == TN_MAX_AXES) {
		tn_graph_fail(g, TN_EINTERNAL, "%s: more than %d axes", g->scope, TN_MAX_AXES);
		return 0;
	}
	g->axes[g->n_axes] = tn_arena_dup(g->arena, name, strlen(name));
	if (!g->axes[g->n_axes]) {
		out_of_memory(g);
		return 0;
	}
	return g->n_axes++;
}

static tn_ref find_named(const struct tn_graph *g, enum tn_origin origin, const char *name,
	const struct tn_weight_source *source)
{
	for (size_t i = 0; i < g->n_values; i++) {
		const struct tn_graph_value *v = &g->values[i];

		if (v->origin == origin && v->root == (tn_ref)i && v->source == source &&
				!strcmp(v->name, name))
			return (tn_ref)i;
	}
	return TN_BAD;
}

static tn_ref add_named(struct tn_graph *g, struct tn_graph_value *v, const char *name)
{
	v->node = -1;
	v->name = tn_arena_dup(g->arena, name, strlen(name));
	return v->name ? add_value(g, v) : out_of_memory(g);
}

tn_ref tn_input(struct tn_graph *g, const char *name, int axis, enum tn_dtype dtype, size_t cols)
{
	struct tn_graph_value v = {
		.origin = TN_FROM_INPUT,
		.spec = { .dtype = dtype, .axis = axis, .n_dims = cols ? 2 : 1,
			  .dims = { 0, cols ? cols : 1, 1, 1 } },
	};
	tn_ref known;

	if (g->status)
		return TN_BAD;
	known = find_named(g, TN_FROM_INPUT, name, NULL);
	if (known < 0)
		return add_named(g, &v, name);
	if (!tn_spec_equal(&g->values[known].spec, &v.spec))
		return tn_graph_fail(g, TN_EINTERNAL, "input %s is declared twice, differently",
			name);
	return known;
}

static bool print_name(struct tn_graph *g, char name[LONGEST_NAME], const char *format,
	va_list args)
{
	int n = vsnprintf(name, LONGEST_NAME, format, args);

	if (n >= 0 && n < LONGEST_NAME)
		return true;
	tn_graph_fail(g, TN_EINTERNAL, "%s: a name is too long", g->scope);
	return false;
}

tn_ref tn_inputf(struct tn_graph *g, int axis, enum tn_dtype dtype, size_t cols,
	const char *format, ...)
{
	char name[LONGEST_NAME];
	va_list args;
	bool ok;

	va_start(args, format);
	ok = print_name(g, name, format, args);
	va_end(args);
	return ok ? tn_input(g, name, axis, dtype, cols) : TN_BAD;
}

tn_ref tn_constant(struct tn_graph *g, enum tn_dtype dtype, const void *numbers, size_t rows,
	size_t cols)
{
	struct tn_graph_value v = { .origin = TN_FROM_NUMBERS, .node = -1,
		.spec = { .dtype = dtype == TN_F32 ? g->real : dtype, .axis = TN_NO_AXIS,
			  .n_dims = cols ? 2 : 1, .dims = { rows, cols ? cols : 1, 1, 1 } } };
	size_t n = rows * (cols ? cols : 1), size = tn_dtype_size(v.spec.dtype);
	void *copy;

	if (g->status)
		return TN_BAD;
	if (dtype != TN_F32 && dtype != TN_I32)
		return tn_graph_fail(g, TN_EINTERNAL, "%s: a constant of %s", g->scope,
			tn_dtype_name(dtype));
	copy = tn_arena_alloc(g->arena, n * size);
	if (!copy)
		return out_of_memory(g);
	if (v.spec.dtype == TN_F64)
		for (size_t i = 0; i < n; i++)
			((double *)copy)[i] = (double)((const float *)numbers)[i];
	else
		memcpy(copy, numbers, n * size);
	v.numbers = copy;
	return add_value(g, &v);
}

static const char *shape_text(struct tn_graph *g, const size_t *dims, uint32_t n_dims)
{
	char text[100];
	size_t n = 0;

	n += (size_t)snprintf(text, sizeof(text), "[");
	for (uint32_t i = 0; i < n_dims; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, i ? ",%zu" : "%zu", dims[i]);
	snprintf(text + n, sizeof(text) - n, "]");
	return tn_printf(g->call, "%s", text);
}

static size_t row_size(const size_t *dims, uint32_t n_dims)
{
	size_t n = 1;

	for (uint32_t i = 1; i < n_dims; i++)
		n *= dims[i];
	return n;
}

tn_ref tn_weight(struct tn_graph *g, const char *name, size_t rows, size_t cols)
{
	struct tn_graph_value v = {
		.origin = TN_FROM_WEIGHT, .source = g->source,
		.spec = { .dtype = g->real, .axis = TN_NO_AXIS, .n_dims = cols ? 2 : 1,
			  .dims = { rows, cols ? cols : 1, 1, 1 } },
	};
	size_t dims[4];
	uint32_t n_dims;
	tn_ref known;

	if (g->status)
		return TN_BAD;
	known = find_named(g, TN_FROM_WEIGHT, name, g->source);
	if (known >= 0 && tn_spec_equal(&g->values[known].spec, &v.spec))
		return known;
	if (g->source && g->source->make && !tn_has_weight(g, name) &&
			g->source->make(g->source->user, name, v.spec.dims, v.spec.n_dims, g->call))
		return out_of_memory(g);
	if (!g->source || !g->source->find(g->source->user, name, dims, &n_dims))
		return tn_graph_fail(g, TN_EDATA, "%s: there is no tensor \"%s\", which %s needs",
			g->source ? g->source->where : "no file", name, g->scope);
	if ((n_dims < 3 ? n_dims : 2) != v.spec.n_dims || dims[0] != rows ||
	    (cols && row_size(dims, n_dims) != cols)) {
		const char *found = shape_text(g, dims, n_dims);

		return tn_graph_fail(g, TN_EDATA, "%s: tensor \"%s\" has the shape %s, %s needs %s",
			g->source->where, name, found ? found : "?", g->scope,
			shape_text(g, v.spec.dims, v.spec.n_dims));
	}
	return add_named(g, &v, name);
}

tn_ref tn_weightf(struct tn_graph *g, size_t rows, size_t cols, const char *format, ...)
{
	char name[LONGEST_NAME];
	va_list args;
	bool ok;

	va_start(args, format);
	ok = print_name(g, name, format, args);
	va_end(args);
	return ok ? tn_weight(g, name, rows, cols) : TN_BAD;
}

bool tn_has_weight(const struct tn_graph *g, const char *name)
{
	size_t dims[4];
	uint32_t n_dims;

	return g->source && g->source->find(g->source->user, name, dims, &n_dims);
}

tn_ref tn_state(struct tn_graph *g, const char *name, int axis, size_t width)
{
	struct tn_graph_value v = {
		.origin = TN_FROM_STATE,
		.spec = { .dtype = g->real, .axis = axis, .n_dims = 2, .dims = { 0, width, 1, 1 } },
	};

	return g->status ? TN_BAD : add_named(g, &v, name);
}

/* What a node is called in messages: its first weight without ".weight", or its op. */
static const char *node_name(struct tn_graph *g, uint32_t op, const tn_ref *in, size_t n_in)
{
	char name[600];

	for (size_t i = 0; i < n_in; i++) {
		const struct tn_graph_value *v = &g->values[in[i]];
		const char *end;

		if (v->origin != TN_FROM_WEIGHT)
			continue;
		end = strrchr(v->name, '.');
		snprintf(name, sizeof(name), "%.*s", end ? (int)(end - v->name) : 500, v->name);
		return tn_arena_dup(g->arena, name, strlen(name));
	}
	snprintf(name, sizeof(name), "%s.%zu", tn_op_name(op), g->n_nodes);
	return tn_arena_dup(g->arena, name, strlen(name));
}

/* Checks the inputs and adds the node with its outputs, which the shape rule gives unless
 * they are known. */
static tn_ref add_node(struct tn_graph *g, struct tn_graph_node *n, const tn_ref *in,
	const struct tn_spec *known)
{
	const struct tn_op_info *info = tn_op_info(n->node.op);
	struct tn_spec out[TN_MAX_OUT];

	if (g->status)
		return TN_BAD;
	if (!info || n->node.n_in < info->min_in || n->node.n_in > info->max_in ||
			n->node.n_in > TN_MAX_IN || n->node.n_out > TN_MAX_OUT)
		return tn_graph_fail(g, TN_EINTERNAL, "%s: op %u with %u inputs", g->scope,
			(unsigned)n->node.op, (unsigned)n->node.n_in);
	for (size_t i = 0; i < n->node.n_in; i++) {
		const struct tn_graph_value *v = value_of(g, in[i]);

		if (!v)
			return TN_BAD;
		n->in[i] = in[i];
		n->node.in[i] = &v->spec;
		if (v->origin == TN_FROM_WEIGHT)
			n->node.weight_in |= 1u << i;
	}
	n->node.name = node_name(g, n->node.op, in, n->node.n_in);
	if (!n->node.name || !grow((void **)&g->nodes, g->n_nodes, &g->nodes_room,
			sizeof(*g->nodes)))
		return out_of_memory(g);
	memset(out, 0, sizeof(out));
	for (size_t i = 0; known && i < n->node.n_out; i++)
		out[i] = known[i];
	if (tn_op_infer(&n->node, out, g->call)) {
		g->status = tn_status(g->call);
		return TN_BAD;
	}
	for (size_t i = 0; i < n->node.n_out; i++) {
		struct tn_graph_value v = { .spec = out[i], .origin = TN_FROM_NODE,
			.node = (int32_t)g->n_nodes, .out = (uint32_t)i };

		n->out[i] = add_value(g, &v);
		if (n->out[i] < 0)
			return TN_BAD;
	}
	g->nodes[g->n_nodes++] = *n;
	return n->out[0];
}

tn_ref tn_graph_emit(struct tn_graph *g, uint32_t op, uint32_t version, const union tn_attr *attr,
	const tn_ref *in, size_t n_in, size_t n_out)
{
	struct tn_graph_node n = { .node = { .op = op, .version = version,
		.n_in = (uint32_t)n_in, .n_out = (uint32_t)n_out } };

	if (attr)
		n.node.attr = *attr;
	return add_node(g, &n, in, NULL);
}

tn_ref tn_custom(struct tn_graph *g, const struct tn_custom_op *op, const void *data,
	const tn_ref *in, size_t n_in)
{
	struct tn_graph_node n = { .node = { .op = TN_OP_CUSTOM, .version = 1,
		.n_in = (uint32_t)n_in, .n_out = op->n_out + (g->training ? op->n_saved : 0),
		.custom = op, .custom_data = data } };

	return add_node(g, &n, in, NULL);
}

tn_ref tn_graph_custom_grad(struct tn_graph *g, const struct tn_node *forward, const tn_ref *in,
	size_t n_in, const struct tn_spec *out, size_t n_out)
{
	struct tn_graph_node n = { .node = { .op = TN_OP_CUSTOM_GRAD, .version = 1,
		.n_in = (uint32_t)n_in, .n_out = (uint32_t)n_out, .custom = forward->custom,
		.custom_data = forward->custom_data } };

	return add_node(g, &n, in, out);
}

tn_ref tn_output(struct tn_graph *g, tn_ref x, unsigned i)
{
	const struct tn_graph_value *v = value_of(g, x);

	if (!v)
		return TN_BAD;
	if (v->origin != TN_FROM_NODE || i >= g->nodes[v->node].node.n_out)
		return tn_graph_fail(g, TN_EINTERNAL, "%s: a node has no output %u", g->scope, i);
	return g->nodes[v->node].out[i];
}

tn_ref tn_feature(struct tn_graph *g, const char *name)
{
	const struct tn_weight_source *source = g->source;
	const char *scope = g->scope;
	tn_ref x;

	if (g->status)
		return TN_BAD;
	for (size_t i = 0; i < g->n_features; i++)
		if (!strcmp(g->features[i].name, name)) {
			g->features[i].asked |= !g->feature_depth;
			return g->features[i].value;
		}
	if (!g->feature || g->n_features == 16)
		return tn_graph_fail(g, TN_EINTERNAL, "%s: there are no features", scope);
	g->feature_depth++;
	x = g->feature(g->feature_user, g, name);
	g->feature_depth--;
	tn_graph_scope(g, source, scope);
	if (x == TN_NONE)
		return tn_graph_fail(g, TN_ECONFIG, "%s asks for \"%s\", which the model does not have",
			scope, name);
	if (x >= 0) {
		g->features[g->n_features].name = tn_arena_dup(g->arena, name, strlen(name));
		if (!g->features[g->n_features].name)
			return out_of_memory(g);
		g->features[g->n_features].asked = !g->feature_depth;
		g->features[g->n_features++].value = x;
	}
	return x;
}

void tn_graph_output(struct tn_graph *g, const char *name, tn_ref value)
{
	struct tn_graph_output *o;

	if (!value_of(g, value))
		return;
	if (!grow((void **)&g->outputs, g->n_outputs, &g->outputs_room, sizeof(*g->outputs))) {
		out_of_memory(g);
		return;
	}
	o = &g->outputs[g->n_outputs++];
	o->value = value;
	o->name = tn_arena_dup(g->arena, name, strlen(name));
	if (!o->name)
		out_of_memory(g);
}

static tn_ref add_view(struct tn_graph *g, tn_ref x, struct tn_spec spec, size_t first)
{
	struct tn_graph_value v = g->values[x];
	tn_ref view;

	v.spec = spec;
	v.first += first;
	view = add_value(g, &v);
	if (view >= 0)
		g->values[view].root = g->values[x].root;
	return view;
}

tn_ref tn_view(struct tn_graph *g, tn_ref x, size_t first, size_t cols)
{
	const struct tn_graph_value *v = value_of(g, x);
	struct tn_spec spec;

	if (!v)
		return TN_BAD;
	spec = v->spec;
	if (spec.n_dims != 2 || first > spec.dims[1] || cols > spec.dims[1] - first)
		return tn_graph_fail(g, TN_EINTERNAL, "%s: columns %zu to %zu of a value with %zu",
			g->scope, first, first + cols, spec.dims[1]);
	spec.dims[1] = cols;
	return add_view(g, x, spec, first);
}

tn_ref tn_view_rows(struct tn_graph *g, tn_ref weight, size_t first, size_t rows)
{
	const struct tn_graph_value *v = value_of(g, weight);
	struct tn_spec spec;

	if (!v)
		return TN_BAD;
	spec = v->spec;
	if (spec.axis != TN_NO_AXIS || first > spec.dims[0] || rows > spec.dims[0] - first)
		return tn_graph_fail(g, TN_EINTERNAL, "%s: rows %zu to %zu of a value with %zu",
			g->scope, first, first + rows, spec.dims[0]);
	spec.dims[0] = rows;
	return add_view(g, weight, spec, first * spec.dims[1]);
}
