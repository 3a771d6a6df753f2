/* SPDX-License-Identifier: Apache-2.0
 * tests/tensor/test_grad_ops.c - the gradient rule of every op against central differences,
 * over odd shapes; and that every op of the table has a rule or is known to have none.
 */
#include <string.h>

#include "check_main.h"
#include "net.h"
#include "tensor/op_table.h"

/* Central differences of step 1e-6 in F64 of sums of size 10 are off by about 1e-9. */
#define TOLERANCE 1e-6
#define LEAST 1e-2

#define ROWS 7

static const uint32_t two[] = { 0, 3, ROWS }, one[] = { 0, 1 }, empty[] = { 0, 0, 5, 5 };
static const struct {
	size_t seqs;
	const uint32_t *start;
} batches[] = { { 2, two }, { 1, one }, { 3, empty } };

static const int32_t ids[] = { 1, 4, 0, 1, 2, 2, 3 }, target[] = { 0, 0, -100, 1, 1, 2, 0 };
static const int32_t position[] = { 0, 1, 2, 0, 1, 2, 30 };
static const int32_t bucket[] = { 3, 0, 1, 1, 2 };
static const uint8_t masks[] = { 1, 0, 0, 1, 1, 0, 1 };

struct place {
	struct net *net;
	struct tn_graph *g;
	size_t cols;
};

/* Builds the variant-th net of an op: a value of any shape, TN_NONE when there is none. */
typedef tn_ref build_case(struct place *p, int variant);

/* Rows on the axis that come from a weight of their own, [5][cols]. */
static tn_ref rows(struct place *p, const char *name, size_t cols)
{
	return tn_gather(p->g, net_weight(p->net, name, 5, cols), net_index(p->net, "ids"));
}

static tn_ref x_of(struct place *p)
{
	return rows(p, "x", p->cols);
}

static tn_ref case_concat(struct place *p, int variant)
{
	tn_ref x = x_of(p), parts[] = { x, rows(p, "b", 2), tn_view(p->g, x, 0, 1) };

	return variant ? TN_NONE : tn_concat(p->g, parts, 3);
}

static tn_ref case_gather(struct place *p, int variant)
{
	switch (variant) {
	case 0:
		return x_of(p);
	case 1:
		return tn_gather(p->g, x_of(p), net_index(p->net, "back"));
	case 2:
		return tn_gather(p->g, tn_view_rows(p->g, net_weight(p->net, "wide", 9, p->cols), 2,
			6), net_index(p->net, "ids"));
	default:
		return TN_NONE;
	}
}

static tn_ref case_segment(struct place *p, int variant)
{
	return variant > TN_MAX ? TN_NONE : tn_segment(p->g, x_of(p), net_index(p->net, "begin"),
		net_index(p->net, "end"), (enum tn_reduce)variant);
}

static tn_ref case_cast(struct place *p, int variant)
{
	return variant ? TN_NONE : tn_cast(p->g, x_of(p), TN_F64);
}

/* The second input of add and mul: like the first, [C], [R][1] or []. */
static tn_ref spread(struct place *p, int variant)
{
	switch (variant) {
	case 0:
		return rows(p, "b", p->cols);
	case 1:
		return net_weight(p->net, "b", p->cols, 0);
	case 2:
		return rows(p, "b", 1);
	case 3:
		return tn_reduce(p->g, net_weight(p->net, "b", 3, 2), TN_SUM, 2);
	default:
		return TN_NONE;
	}
}

static tn_ref case_add(struct place *p, int variant)
{
	tn_ref b = spread(p, variant);

	return b == TN_NONE ? b : tn_add(p->g, x_of(p), b);
}

static tn_ref case_mul(struct place *p, int variant)
{
	tn_ref b = spread(p, variant);

	return b == TN_NONE ? b : tn_mul(p->g, x_of(p), b);
}

static tn_ref case_scale(struct place *p, int variant)
{
	return variant ? TN_NONE : tn_scale(p->g, x_of(p), -1.5, 0.25);
}

static tn_ref case_act(struct place *p, int variant)
{
	return variant >= TN_ACT_SIGMOID ? TN_NONE :
		tn_act(p->g, x_of(p), (enum tn_act)(variant + 1));
}

static tn_ref case_glu(struct place *p, int variant)
{
	return variant >= TN_ACT_SIGMOID ? TN_NONE :
		tn_glu(p->g, rows(p, "b", 2 * p->cols), (enum tn_act)(variant + 1));
}

static tn_ref case_dropout(struct place *p, int variant)
{
	return variant ? TN_NONE : tn_dropout(p->g, x_of(p), 0.3);
}

static tn_ref case_linear(struct place *p, int variant)
{
	tn_ref w = net_weight(p->net, "w", 3, p->cols);

	return variant > 1 ? TN_NONE :
		tn_linear(p->g, x_of(p), w, variant ? net_weight(p->net, "bias", 3, 0) : TN_NONE);
}

static tn_ref case_matmul(struct place *p, int variant)
{
	bool ta = variant & 1, tb = variant & 2;
	tn_ref a = variant < 4 ? net_weight(p->net, "a", ta ? p->cols : 3, ta ? 3 : p->cols) :
		x_of(p);

	if (variant == 4)
		return tn_matmul(p->g, a, rows(p, "b", 2), true, false);
	return variant > 4 ? TN_NONE : tn_matmul(p->g, a, net_weight(p->net, "b",
		tb ? 2 : p->cols, tb ? p->cols : 2), ta, tb);
}

static tn_ref case_layer_norm(struct place *p, int variant)
{
	tn_ref w = net_weight(p->net, "w", p->cols, 0);

	return variant > 1 ? TN_NONE : tn_layer_norm(p->g, x_of(p), w,
		variant ? net_weight(p->net, "bias", p->cols, 0) : TN_NONE, 1e-2);
}

static tn_ref case_rms_norm(struct place *p, int variant)
{
	return variant ? TN_NONE :
		tn_rms_norm(p->g, x_of(p), net_weight(p->net, "w", p->cols, 0), 1e-2);
}

static tn_ref case_rope(struct place *p, int variant)
{
	tn_ref x = rows(p, "b", 4 * p->cols);

	return variant > 2 ? TN_NONE : tn_rope(p->g, x, net_index(p->net, "position"), 2,
		variant == 2 ? p->cols / 2 * 2 : 2 * p->cols, 100, variant == 1);
}

static tn_ref case_rel_table(struct place *p, int variant)
{
	return variant > 1 ? TN_NONE : tn_rel_table(p->g, net_weight(p->net, "b", 8, p->cols), 20,
		17, variant);
}

/* Two heads of the width over one key head or two; kinds of mask and bias. */
static tn_ref case_attention(struct place *p, int variant)
{
	static const struct tn_attention_attr kinds[] = {
		{ .kv_heads = 1, .left = UINT32_MAX, .right = UINT32_MAX, .bias = TN_BIAS_REL,
			.span = 3 },
		{ .kv_heads = 2, .left = UINT32_MAX, .right = UINT32_MAX, .causal = 1 },
		{ .kv_heads = 2, .left = 1, .right = 1, .bias = TN_BIAS_ALIBI },
		{ .kv_heads = 2, .left = UINT32_MAX, .right = UINT32_MAX,
			.bias = TN_BIAS_DISENTANGLED, .span = 3, .c2p = 1, .p2c = 1 },
		{ .kv_heads = 2, .left = UINT32_MAX, .right = UINT32_MAX,
			.bias = TN_BIAS_DISENTANGLED, .span = 3, .c2p = 1 },
	};
	int axis = tn_axis(p->g, "tokens");
	struct tn_attention_attr attr;
	tn_ref q, k, v, extra[3] = { 0 };
	size_t n = 0;

	if (variant >= (int)(sizeof(kinds) / sizeof(*kinds)))
		return TN_NONE;
	attr = kinds[variant];
	attr.heads = 2;
	attr.head_size = (uint32_t)p->cols;
	attr.scale = 0.6f;
	q = rows(p, "q", 2 * p->cols);
	k = rows(p, "k", attr.kv_heads * p->cols);
	v = rows(p, "v", attr.kv_heads * p->cols);
	if (attr.bias == TN_BIAS_REL)
		extra[n++] = net_weight(p->net, "rel", 5, 2);
	if (attr.bias == TN_BIAS_ALIBI) {
		extra[n++] = net_weight(p->net, "slopes", 2, 0);
		p->net->n_fixed = 1;
	}
	if (attr.bias == TN_BIAS_DISENTANGLED) {
		extra[n++] = net_weight(p->net, "c2p", 4, 2 * p->cols);
		extra[n++] = net_weight(p->net, "p2c", 4, 2 * p->cols);
		p->net->n_fixed = !attr.p2c;
		extra[n++] = tn_constant(p->g, TN_I32, bucket, 5, 0);
	}
	return tn_attention(p->g, q, k, v, axis, axis, &attr, extra, n);
}

static tn_ref case_softmax(struct place *p, int variant)
{
	return variant > 1 ? TN_NONE : tn_softmax(p->g, x_of(p), variant);
}

static tn_ref case_reduce(struct place *p, int variant)
{
	return variant > 8 ? TN_NONE : tn_reduce(p->g, x_of(p), (enum tn_reduce)(variant / 3),
		variant % 3);
}

static tn_ref case_where(struct place *p, int variant)
{
	tn_ref mask = tn_input(p->g, "mask", tn_axis(p->g, "tokens"), TN_U8, 1);

	return variant ? TN_NONE : tn_where(p->g, mask, x_of(p), rows(p, "b", p->cols));
}

/* With eps 1 some rows are shorter than that. */
static tn_ref case_l2norm(struct place *p, int variant)
{
	return variant > 1 ? TN_NONE : tn_l2norm(p->g, x_of(p), variant ? 1 : 1e-9);
}

static tn_ref case_cross_entropy(struct place *p, int variant)
{
	tn_ref x = rows(p, "b", p->cols + 2), weights = TN_NONE;

	if (variant & 1) {
		weights = net_weight(p->net, "class", p->cols + 2, 0);
		p->net->n_fixed = 1;
	}
	return variant > 3 ? TN_NONE : tn_cross_entropy(p->g, x, net_index(p->net, "target"),
		weights, variant & 2 ? 0.1 : 0);
}

static tn_ref case_bce(struct place *p, int variant)
{
	return variant > 1 ? TN_NONE : tn_bce(p->g, x_of(p), rows(p, "b", p->cols), variant);
}

/* A custom op: a [R][C], an index that is not looked at, b [C] -> y = a b, z = a^2, and 2 a
 * saved.  Its backward asks for b and what is saved. */
static int infer_pair(const void *data, const struct tn_spec *in, size_t n_in, struct tn_spec *out,
	struct tn_call *call)
{
	out[0] = out[1] = out[2] = in[0];
	return n_in == 3 ? 0 : TN_EINTERNAL;
}

static size_t pair_work(const void *data, size_t rows)
{
	return (rows + 1) * sizeof(double);
}

static int run_pair(const void *data, const struct tn_step *step, struct tn_call *call)
{
	const double *a = tn_host_data(&step->in[0]), *b = tn_host_data(&step->in[2]);
	double *y = tn_host_data(&step->out[0]), *z = tn_host_data(&step->out[1]);
	double *saved = tn_host_data(&step->out[2]);
	size_t cols = step->in[0].dims[1];

	memset(step->workspace, 1, pair_work(data, step->in[0].dims[0]));
	for (size_t i = 0; i < step->in[0].dims[0] * cols; i++) {
		y[i] = a[i] * b[i % cols];
		z[i] = a[i] * a[i];
		saved[i] = 2 * a[i];
	}
	return 0;
}

static int run_pair_grad(const void *data, const struct tn_step *step, struct tn_call *call)
{
	const double *b = tn_host_data(&step->in[0]), *saved = tn_host_data(&step->in[1]);
	const double *dy = tn_host_data(&step->in[2]), *dz = tn_host_data(&step->in[3]);
	double *da = tn_host_data(&step->out[0]), *db = tn_host_data(&step->out[1]);
	size_t cols = step->in[0].dims[0];

	ck_assert_uint_eq(step->node->n_in, 4);
	ck_assert_uint_eq(step->node->n_out, 2);
	memset(db, 0, cols * sizeof(*db));
	for (size_t i = 0; i < step->in[1].dims[0] * cols; i++) {
		da[i] = dy[i] * b[i % cols] + dz[i] * saved[i];
		db[i % cols] += dy[i] * saved[i] / 2;
	}
	return 0;
}

static const struct tn_custom_op pair = { .size = sizeof(pair), .n_out = 2, .n_saved = 1,
	.name = "pair", .infer = infer_pair, .workspace = pair_work, .forward = run_pair,
	.backward = run_pair_grad, .keep_in = 4, .keep_out = 4 };

static tn_ref case_custom(struct place *p, int variant)
{
	tn_ref in[] = { x_of(p), net_index(p->net, "ids"), net_weight(p->net, "b", p->cols, 0) };
	tn_ref y = tn_custom(p->g, &pair, NULL, in, 3);

	switch (variant) {
	case 0:
		return y;
	case 1:
		return tn_add(p->g, tn_act(p->g, y, TN_ACT_TANH), tn_output(p->g, y, 1));
	case 2:
		return tn_add(p->g, tn_output(p->g, y, 1), in[0]);
	default:
		return TN_NONE;
	}
}

static build_case *const cases[TN_N_OPS] = {
	[TN_OP_CONCAT] = case_concat,
	[TN_OP_GATHER] = case_gather,
	[TN_OP_SEGMENT] = case_segment,
	[TN_OP_CAST] = case_cast,
	[TN_OP_ADD] = case_add,
	[TN_OP_MUL] = case_mul,
	[TN_OP_SCALE] = case_scale,
	[TN_OP_ACT] = case_act,
	[TN_OP_GLU] = case_glu,
	[TN_OP_DROPOUT] = case_dropout,
	[TN_OP_LINEAR] = case_linear,
	[TN_OP_MATMUL] = case_matmul,
	[TN_OP_LAYER_NORM] = case_layer_norm,
	[TN_OP_RMS_NORM] = case_rms_norm,
	[TN_OP_ROPE] = case_rope,
	[TN_OP_REL_TABLE] = case_rel_table,
	[TN_OP_ATTENTION] = case_attention,
	[TN_OP_SOFTMAX] = case_softmax,
	[TN_OP_REDUCE] = case_reduce,
	[TN_OP_WHERE] = case_where,
	[TN_OP_L2NORM] = case_l2norm,
	[TN_OP_CROSS_ENTROPY] = case_cross_entropy,
	[TN_OP_BCE] = case_bce,
	[TN_OP_CUSTOM] = case_custom,
};

/* Ops that no gradient goes through: a view is no node, the rest are not of forward graphs. */
static const uint32_t without[] = {
	TN_OP_VIEW, TN_OP_ACT_GRAD, TN_OP_LAYER_NORM_GRAD, TN_OP_SOFTMAX_GRAD,
	TN_OP_CROSS_ENTROPY_GRAD, TN_OP_ATTENTION_GRAD, TN_OP_SCATTER_ADD, TN_OP_RMS_NORM_GRAD,
	TN_OP_SEGMENT_GRAD, TN_OP_REDUCE_GRAD, TN_OP_REL_TABLE_GRAD, TN_OP_L2NORM_GRAD,
	TN_OP_PLACE, TN_OP_ATTENTION_BIAS_GRAD, TN_OP_CUSTOM_GRAD, TN_OP_SUM_SQUARES, TN_OP_ADAMW,
};

START_TEST(test_every_op_has_a_rule_or_is_known_to_have_none)
{
	for (uint32_t op = 0; op < TN_N_OPS; op++) {
		bool known = false;

		for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++)
			known |= without[i] == op;
		ck_assert_msg(tn_op_has_gradient(op) == (tn_op_info(op) && !known),
			"op %u (%s)", op, tn_op_info(op) ? tn_op_name(op) : "none");
		ck_assert_msg((cases[op] != NULL) == tn_op_has_gradient(op),
			"op %u has %s here", op, cases[op] ? "a case" : "no case");
	}
}
END_TEST

/* A number that feels each element of y in another way: sum of y tanh(0.7 y + 0.4). */
static tn_ref objective(struct tn_graph *g, tn_ref y)
{
	return tn_reduce(g, tn_mul(g, y, tn_act(g, tn_scale(g, y, 0.7, 0.4), TN_ACT_TANH)), TN_SUM,
		2);
}

static void bind(struct net *net, size_t b)
{
	static int32_t begin[ROWS], end[ROWS], back[ROWS];
	static struct net_batch batch = {
		.n_inputs = 7, .inputs = { { "ids", ids, sizeof(*ids) },
		{ "target", target, sizeof(*target) },
		{ "position", position, sizeof(*position) }, { "mask", masks, 1 },
		{ "begin", begin, sizeof(*begin) }, { "end", end, sizeof(*end) },
		{ "back", back, sizeof(*back) } } };
	size_t rows = batches[b].start[batches[b].seqs];

	batch.seqs = batches[b].seqs;
	batch.start = batches[b].start;
	for (size_t r = 0; r < ROWS; r++) {
		begin[r] = (int32_t)(r / 2);
		end[r] = r % 4 == 3 ? begin[r] : (int32_t)(r + 2 < rows ? r + 2 : rows);
		back[r] = (int32_t)(r && rows ? rows - 1 - r / 2 % rows : 0) - (r == 2);
	}
	net_bind(net, &batch);
}

/* One net for each op, variant and width; a test for each op. */
START_TEST(test_rule)
{
	static const size_t widths[] = { 1, 3, 4 };
	build_case *build = cases[_i];
	int more = 1;

	for (int variant = 0; build && more; variant++)
		for (size_t w = 0; w < sizeof(widths) / sizeof(*widths); w++) {
			struct net *net = net_open();
			struct place p = { .net = net, .g = net->g, .cols = widths[w] };
			tn_ref y;

			y = build(&p, variant);
			more = y != TN_NONE;
			if (!more) {
				tn_graph_destroy(net->g);
				net_close(net);
				break;
			}
			ck_assert_msg(!tn_graph_status(net->g), "%s", tn_error_text(net->call));
			net_plan(net, objective(net->g, y));
			for (size_t b = 0; b < sizeof(batches) / sizeof(*batches); b++) {
				bind(net, b);
				net_check(net, TOLERANCE, LEAST);
			}
			net_close(net);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gradients of ops");
	TCase *rule = tcase_create("rules");

	TN_ADD(suite, test_every_op_has_a_rule_or_is_known_to_have_none);
	tcase_set_timeout(rule, 120);
	tcase_add_loop_test(rule, test_rule, TN_OP_CONCAT, TN_OP_CUSTOM + 1);
	suite_add_tcase(suite, rule);
	return tn_check_main(suite);
}
