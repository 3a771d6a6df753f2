/* SPDX-License-Identifier: Apache-2.0
 * tests/backends/test_reference_golden.c - ops of the reference against what PyTorch
 * and transformers recorded (tests/golden/ops/make.py): names, ops and attributes of
 * the cases stand here, inputs and outputs in the record.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "checkpoint/safetensors.h"
#include "ways.h"

struct golden {
	const char *name;
	uint32_t op;
	union tn_attr attr;
};

#define ALL UINT32_MAX
#define ATTENTION(kv, before, after, ...) { .attention = { .heads = 4, .kv_heads = kv,	\
	.head_size = 8, .left = before, .right = after, .scale = 0.3125f, __VA_ARGS__ } }
#define ACTS(prefix, op)								\
	{ prefix "gelu", op, { .act.kind = TN_ACT_GELU } },				\
	{ prefix "gelu_tanh", op, { .act.kind = TN_ACT_GELU_TANH } },			\
	{ prefix "relu", op, { .act.kind = TN_ACT_RELU } },				\
	{ prefix "silu", op, { .act.kind = TN_ACT_SILU } },				\
	{ prefix "tanh", op, { .act.kind = TN_ACT_TANH } },				\
	{ prefix "sigmoid", op, { .act.kind = TN_ACT_SIGMOID } }
#define ROPE .heads = 3, .head_size = 8, .rotary = 8, .theta = 10000

static const struct golden goldens[] = {
	{ "linear", TN_OP_LINEAR, { .linear = { .parts = 1, .bias = 1 } } },
	{ "linear_parts", TN_OP_LINEAR, { .linear = { .parts = 3, .bias = 1 } } },
	{ "linear_gelu_residual", TN_OP_LINEAR, { .linear = { .parts = 1, .bias = 1,
		.act = TN_ACT_GELU, .residual = 1 } } },
	{ "matmul", TN_OP_MATMUL, { { 0 } } },
	{ "matmul_transpose_a", TN_OP_MATMUL, { .matmul.transpose_a = 1 } },
	{ "matmul_transpose_b", TN_OP_MATMUL, { .matmul.transpose_b = 1 } },
	{ "layer_norm", TN_OP_LAYER_NORM, { .norm = { .bias = 1, .eps = 1e-12 } } },
	{ "layer_norm_residual", TN_OP_LAYER_NORM, { .norm = { .bias = 1, .residual = 1,
		.eps = 1e-5 } } },
	{ "rms_norm", TN_OP_RMS_NORM, { .norm.eps = 1e-6 } },
	{ "l2norm", TN_OP_L2NORM, { .norm.eps = 1e-12 } },
	{ "softmax", TN_OP_SOFTMAX, { { 0 } } },
	{ "log_softmax", TN_OP_SOFTMAX, { .softmax.log = 1 } },
	ACTS("act_", TN_OP_ACT),
	ACTS("glu_", TN_OP_GLU),
	{ "gather", TN_OP_GATHER, { { 0 } } },
	{ "segment_sum", TN_OP_SEGMENT, { .reduce.kind = TN_SUM } },
	{ "segment_mean", TN_OP_SEGMENT, { .reduce.kind = TN_MEAN } },
	{ "segment_max", TN_OP_SEGMENT, { .reduce.kind = TN_MAX } },
	{ "reduce_sum", TN_OP_REDUCE, { .reduce.kind = TN_SUM } },
	{ "reduce_mean", TN_OP_REDUCE, { .reduce.kind = TN_MEAN } },
	{ "reduce_max", TN_OP_REDUCE, { .reduce.kind = TN_MAX } },
	{ "cross_entropy", TN_OP_CROSS_ENTROPY, { { 0 } } },
	{ "cross_entropy_weighted", TN_OP_CROSS_ENTROPY, { .loss.weighted = 1 } },
	{ "cross_entropy_smooth", TN_OP_CROSS_ENTROPY, { .loss.smoothing = 0.1 } },
	{ "cross_entropy_both", TN_OP_CROSS_ENTROPY, { .loss = { .smoothing = 0.1,
		.weighted = 1 } } },
	{ "bce", TN_OP_BCE, { { 0 } } },
	{ "mse", TN_OP_BCE, { .loss.mse = 1 } },
	{ "rope", TN_OP_ROPE, { .rope = { ROPE } } },
	{ "rope_interleaved", TN_OP_ROPE, { .rope = { ROPE, .interleaved = 1 } } },
	{ "rel_table", TN_OP_REL_TABLE, { .rel_table = { 32, 128, 300, 1 } } },
	{ "rel_table_one_way", TN_OP_REL_TABLE, { .rel_table = { 32, 128, 300, 0 } } },
	{ "attention", TN_OP_ATTENTION, ATTENTION(4, ALL, ALL) },
	{ "attention_causal", TN_OP_ATTENTION, ATTENTION(4, ALL, ALL, .causal = 1) },
	{ "attention_window", TN_OP_ATTENTION, ATTENTION(4, 3, 1) },
	{ "attention_grouped", TN_OP_ATTENTION, ATTENTION(2, ALL, ALL) },
	{ "attention_cross", TN_OP_ATTENTION, ATTENTION(4, ALL, ALL) },
	{ "attention_rel", TN_OP_ATTENTION, ATTENTION(4, ALL, ALL, .bias = TN_BIAS_REL, .span = 4) },
	{ "attention_alibi", TN_OP_ATTENTION, ATTENTION(4, ALL, ALL, .bias = TN_BIAS_ALIBI, .causal = 1) },
	{ "attention_disentangled", TN_OP_ATTENTION, { .attention = { .heads = 3,
		.kv_heads = 3, .head_size = 4, .left = ALL, .right = ALL, .scale = 1,
		.bias = TN_BIAS_DISENTANGLED, .span = 20, .c2p = 1, .p2c = 1 } } },
	ACTS("act_grad_", TN_OP_ACT_GRAD),
	{ "layer_norm_grad", TN_OP_LAYER_NORM_GRAD, { .norm.eps = 1e-5 } },
	{ "rms_norm_grad", TN_OP_RMS_NORM_GRAD, { .norm.eps = 1e-5 } },
	{ "softmax_grad", TN_OP_SOFTMAX_GRAD, { { 0 } } },
	{ "log_softmax_grad", TN_OP_SOFTMAX_GRAD, { .softmax.log = 1 } },
	{ "cross_entropy_grad", TN_OP_CROSS_ENTROPY_GRAD, { { 0 } } },
	{ "cross_entropy_grad_weighted", TN_OP_CROSS_ENTROPY_GRAD, { .loss.weighted = 1 } },
	{ "cross_entropy_grad_smooth", TN_OP_CROSS_ENTROPY_GRAD, { .loss.smoothing = 0.1 } },
	{ "cross_entropy_grad_both", TN_OP_CROSS_ENTROPY_GRAD, { .loss = { .smoothing = 0.1,
		.weighted = 1 } } },
	{ "scatter_add", TN_OP_SCATTER_ADD, { .scatter.rows = 12 } },
	{ "attention_grad", TN_OP_ATTENTION_GRAD, ATTENTION(4, ALL, ALL) },
	{ "attention_grad_causal", TN_OP_ATTENTION_GRAD, ATTENTION(4, ALL, ALL, .causal = 1) },
	{ "attention_grad_window", TN_OP_ATTENTION_GRAD, ATTENTION(4, 3, 1) },
	{ "attention_grad_grouped", TN_OP_ATTENTION_GRAD, ATTENTION(2, ALL, ALL) },
	{ "attention_grad_cross", TN_OP_ATTENTION_GRAD, ATTENTION(4, ALL, ALL) },
	{ "attention_grad_rel", TN_OP_ATTENTION_GRAD, ATTENTION(4, ALL, ALL, .bias = TN_BIAS_REL,
		.span = 4) },
	{ "attention_grad_alibi", TN_OP_ATTENTION_GRAD, ATTENTION(4, ALL, ALL, .bias = TN_BIAS_ALIBI,
		.causal = 1) },
	{ "adamw", TN_OP_ADAMW, { { 0 } } },
	{ "sum_squares", TN_OP_SUM_SQUARES, { { 0 } } },
	{ "cast_f16", TN_OP_CAST, { .cast.dtype = TN_F16 } },
	{ "cast_bf16", TN_OP_CAST, { .cast.dtype = TN_BF16 } },
	{ "add", TN_OP_ADD, { { 0 } } },
	{ "add_row", TN_OP_ADD, { { 0 } } },
	{ "add_column", TN_OP_ADD, { { 0 } } },
	{ "add_single", TN_OP_ADD, { { 0 } } },
	{ "mul", TN_OP_MUL, { { 0 } } },
	{ "mul_row", TN_OP_MUL, { { 0 } } },
	{ "mul_column", TN_OP_MUL, { { 0 } } },
	{ "mul_single", TN_OP_MUL, { { 0 } } },
	{ "scale", TN_OP_SCALE, { .scale = { .by = -1.25, .plus = 0.5 } } },
	{ "concat", TN_OP_CONCAT, { { 0 } } },
	{ "where", TN_OP_WHERE, { { 0 } } },
	{ "where_column", TN_OP_WHERE, { { 0 } } },
	{ "reduce_sum_rows", TN_OP_REDUCE, { .reduce = { .kind = TN_SUM, .over = 1 } } },
	{ "reduce_mean_rows", TN_OP_REDUCE, { .reduce = { .kind = TN_MEAN, .over = 1 } } },
	{ "reduce_max_rows", TN_OP_REDUCE, { .reduce = { .kind = TN_MAX, .over = 1 } } },
	{ "reduce_sum_all", TN_OP_REDUCE, { .reduce = { .kind = TN_SUM, .over = 2 } } },
	{ "reduce_mean_all", TN_OP_REDUCE, { .reduce = { .kind = TN_MEAN, .over = 2 } } },
	{ "reduce_max_all", TN_OP_REDUCE, { .reduce = { .kind = TN_MAX, .over = 2 } } },
	{ "attention_tensor", TN_OP_ATTENTION, ATTENTION(4, ALL, ALL,
		.bias = TN_BIAS_TENSOR) },
	{ "attention_state", TN_OP_ATTENTION, ATTENTION(2, ALL, ALL, .causal = 1,
		.state = 1) },
	{ "attention_state_window", TN_OP_ATTENTION, ATTENTION(2, 2, 0, .causal = 1,
		.state = 1) },
};
#define N_GOLDENS (sizeof(goldens) / sizeof(goldens[0]))

static struct tn_safetensors *open_record(struct tn_call *call)
{
	const char *top = getenv("top_srcdir");
	char path[4096];
	struct tn_safetensors *file;

	snprintf(path, sizeof(path), "%s/tests/golden/ops/ops.safetensors", top ? top : ".");
	file = tn_st_open(path, call);
	ck_assert_msg(file != NULL, "%s", tn_error_text(call));
	return file;
}

/* CASE.FIELD, or CASE.FIELDi with i >= 0; NULL when it is not there. */
static const struct tn_st_tensor *field(const struct tn_safetensors *file, const char *name,
	const char *field, int i)
{
	char full[128], number[16] = "";

	if (i >= 0)
		snprintf(number, sizeof(number), "%d", i);
	snprintf(full, sizeof(full), "%s.%s%s", name, field, number);
	return tn_st_find(file, full);
}

/* A tensor's elements as double, or its bytes when it is of no float type. */
static void *elements(const struct tn_safetensors *file, const struct tn_st_tensor *t,
	struct tn_call *call)
{
	void *data = tn_alloc(call, 8 * tn_st_elements(t) + 8);
	bool wide = t->dtype == TN_F64;

	ck_assert_msg(!(wide ? tn_st_read_float(file, t, TN_F64, data, call) :
		tn_st_read(file, t, data, call)), "%s", tn_error_text(call));
	return data;
}

static void add_inputs(struct rig *rig, const struct tn_safetensors *file, const char *name,
	struct tn_call *call)
{
	const struct tn_st_tensor *t;

	for (int i = 0; (t = field(file, name, "in", i)); i++) {
		void *data = elements(file, t, call);

		if (t->dtype == TN_I32)
			rig_index(rig, data, t->dims[0]);
		else if (t->dtype == TN_U8)
			rig_mask(rig, data, t->dims[0], t->dims[1]);
		else
			rig_in(rig, data, t->n_dims > 0 ? t->dims[0] : 0,
				t->n_dims > 1 ? t->dims[1] : 0, t->n_dims > 2 ? t->dims[2] : 0);
	}
	ck_assert_msg(rig->node.n_in > 0, "%s: not in the record", name);
	t = field(file, name, "start", -1);
	if (t)
		rig_axis(rig, elements(file, t, call), t->dims[0] - 1);
	t = field(file, name, "kv_start", -1);
	if (t)
		rig_kv_axis(rig, elements(file, t, call), t->dims[0] - 1);
	t = field(file, name, "past", -1);
	if (t)
		rig->axis.past = elements(file, t, call);
	t = field(file, name, "slot", -1);
	if (t)
		rig->axis.slot = elements(file, t, call);
}

START_TEST(test_golden)
{
	const struct golden *golden = &goldens[(size_t)_i / N_WAYS];
	struct rig *rig = open_way(_i % N_WAYS);
	struct tn_call *call = tn_call_create();
	struct tn_safetensors *file = open_record(call);
	const struct tn_st_tensor *out;
	uint32_t n_out = 0;

	rig->node.attr = golden->attr;
	add_inputs(rig, file, golden->name, call);
	while (field(file, golden->name, "out", (int)n_out))
		n_out++;
	ck_assert_msg(!rig_run(rig, golden->op, n_out), "%s: %s", golden->name,
		tn_error_text(rig->call));
	for (uint32_t o = 0; (out = field(file, golden->name, "out", (int)o)); o++) {
		void *expected = elements(file, out, call);

		ck_assert_uint_eq(rig_out_size(rig, o), tn_st_elements(out));
		if (golden->op == TN_OP_CAST)
			ck_assert_mem_eq(tn_host_data(&rig->out[o]), expected,
				2 * tn_st_elements(out));
		else
			rig_expect(rig, o, expected, tn_st_elements(out));
	}
	tn_st_close(file);
	tn_call_destroy(call);
	rig_close(rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reference against PyTorch");

	ADD_TIMES(suite, test_golden, N_GOLDENS * N_WAYS);
	return tn_check_main(suite);
}
