/* SPDX-License-Identifier: Apache-2.0
 * core/conform/positions.c - the ops that look at where a row stands in its sequence: rotary
 * embedding and attention.
 */
#include <stdio.h>

#include "conform/suite.h"

/* Rows of heads turned by positions near and far. */
static void rotary(struct conform_node *n, int variant, size_t rows)
{
	static const struct { uint32_t heads, size, rotary; } shapes[] = {
		{ 3, 8, 8 }, { 2, 64, 64 }, { 2, 25, 14 }, { 1, 160, 160 }, { 4, 2, 2 }, { 2, 3, 0 }
	};
	const size_t i = (size_t)variant / 4 % N_OF(shapes);
	int32_t *position = tn_alloc_n(n->call, rows, sizeof(*position));

	for (size_t r = 0; position && r < rows; r++)
		position[r] = (int32_t)(r % 7 ? r : r * 4999);
	n->node.attr.rope.heads = shapes[i].heads;
	n->node.attr.rope.head_size = shapes[i].size;
	n->node.attr.rope.rotary = shapes[i].rotary;
	n->node.attr.rope.theta = variant & 4 ? 160000 : 10000;
	n->node.attr.rope.interleaved = variant & 1;
	n->node.attr.rope.inverse = variant >> 1 & 1;
	conform_rows(n, 0, rows, (size_t)shapes[i].heads * shapes[i].size);
	conform_index(n, 0, position, rows);
}

static void run_rotary(struct suite *s)
{
	char what[100];

	for (int variant = 0; variant < 24; variant++) {
		struct conform_node n = suite_node(s);

		rotary(&n, variant, 211);
		snprintf(what, sizeof(what), "variant %d", variant);
		suite_compare(s, &n, TN_OP_ROPE, 211, what);
	}
	struct conform_node n = suite_node(s);

	rotary(&n, 4, 600);
	if (!conform_finish(&n, TN_OP_ROPE, 600))
		suite_rows_stay(s, &n, 600, "of 2 heads");
}

static const uint32_t lengths[] = { 1, 16, 0, 7, 150, 33, 17, 2 };
static const uint32_t kv_lengths[] = { 5, 140, 3, 0, 9, 64, 128, 1 };

/* Tables of places and the place of each distance, alike far away. */
static void places(struct conform_node *n, const struct tn_attention_attr *attr, size_t head_size)
{
	const size_t rows = 2 * (size_t)attr->span - 1;
	int32_t *place = tn_alloc_n(n->call, rows, sizeof(*place));

	for (int part = 0; part < 2; part++)
		conform_weight(n, 37, attr->heads * head_size);
	for (size_t r = 0; place && r < rows; r++)
		place[r] = (int32_t)(r < 30 ? r : r < 100 ? 30 + r / 20 : 36);
	conform_index(n, TN_NO_AXIS, place, rows);
}

int suite_attention(struct conform_node *n, int variant, size_t head_size)
{
	static const struct tn_attention_attr kinds[] = {
		{ .heads = 3, .kv_heads = 3, .left = UINT32_MAX, .right = UINT32_MAX },
		{ .heads = 4, .kv_heads = 2, .left = UINT32_MAX, .right = UINT32_MAX, .causal = 1 },
		{ .heads = 2, .kv_heads = 1, .left = 4, .right = 4 },
		{ .heads = 2, .kv_heads = 2, .left = UINT32_MAX, .right = UINT32_MAX,
			.bias = TN_BIAS_REL, .span = 9 },
		{ .heads = 2, .kv_heads = 2, .left = 100, .right = UINT32_MAX,
			.bias = TN_BIAS_ALIBI, .causal = 1 },
		{ .heads = 2, .kv_heads = 2, .left = UINT32_MAX, .right = UINT32_MAX },
		{ .heads = 2, .kv_heads = 2, .left = 64, .right = 64 },
		{ .heads = 2, .kv_heads = 2, .left = UINT32_MAX, .right = UINT32_MAX,
			.bias = TN_BIAS_DISENTANGLED, .span = 150, .c2p = 1, .p2c = 1 },
		{ .heads = 3, .kv_heads = 3, .left = 9, .right = 140,
			.bias = TN_BIAS_DISENTANGLED, .span = 20, .c2p = 1 },
		{ .heads = 2, .kv_heads = 2, .left = UINT32_MAX, .right = UINT32_MAX,
			.bias = TN_BIAS_DISENTANGLED, .span = 9, .p2c = 1, .causal = 1 },
		{ .heads = 4, .kv_heads = 2, .left = 5, .right = 130, .dropout = 0.25,
			.key = UINT64_C(0x123456789abcdef) },
		{ .heads = 2, .kv_heads = 2, .left = UINT32_MAX, .right = UINT32_MAX, .dropout = 0.5,
			.key = 77, .bias = TN_BIAS_DISENTANGLED, .span = 40, .c2p = 1, .p2c = 1 },
	};
	const int cross = variant == 5;

	if (variant >= (int)N_OF(kinds))
		return 0;
	n->node.attr.attention = kinds[variant];
	n->node.attr.attention.head_size = (uint32_t)head_size;
	n->node.attr.attention.scale = 0.7f;
	n->axis = conform_axis(lengths, N_OF(lengths), n->call);
	n->kv_axis = cross ? conform_axis(kv_lengths, N_OF(kv_lengths), n->call) : n->axis;
	conform_rows(n, 0, n->axis.rows, kinds[variant].heads * head_size);
	for (int i = 0; i < 2; i++)
		conform_rows(n, cross, n->kv_axis.rows, kinds[variant].kv_heads * head_size);
	if (kinds[variant].bias == TN_BIAS_REL)
		conform_weight(n, 17, 2);
	if (kinds[variant].bias == TN_BIAS_ALIBI)
		conform_weight(n, 2, 0);
	if (kinds[variant].bias == TN_BIAS_DISENTANGLED)
		places(n, &kinds[variant], head_size);
	return 1;
}

static void run_attention(struct suite *s)
{
	static const size_t sizes[] = { 8, 24, 25, 32, 64, 96, 128 };
	char what[100];

	for (int variant = 0; variant < 12; variant++)
		for (size_t i = 0; i < N_OF(sizes); i++) {
			struct conform_node n = suite_node(s);

			if (!suite_attention(&n, variant, sizes[i]))
				continue;
			snprintf(what, sizeof(what), "head size %zu variant %d", sizes[i], variant);
			suite_compare(s, &n, TN_OP_ATTENTION, n.axis.rows, what);
		}
}

/* Each sequence of an attention alone, with its bits in the batch. */
static void run_sequences_stay(struct suite *s, int variant)
{
	struct conform_node n = suite_node(s), one;
	struct tn_offer offer;
	size_t rows[200];
	int ok = 1;

	suite_attention(&n, variant, 32);
	if (conform_finish(&n, TN_OP_ATTENTION, n.axis.rows) ||
	    !conform_offered(s->tested, &n, &offer) ||
	    conform_run(s->tested, &n, &offer, NULL, s->call))
		return;
	for (size_t q = 0; q < n.axis.seqs; q++) {
		const size_t count = n.axis.start[q + 1] - n.axis.start[q];

		for (size_t r = 0; r < count; r++)
			rows[r] = n.axis.start[q] + r;
		if (conform_pick(&n, rows, count, &one))
			return;
		one.axis = one.kv_axis = conform_axis(lengths + q, 1, s->call);
		if (conform_run(s->tested, &one, &offer, NULL, s->call))
			return;
		for (size_t r = 0; r < count; r++)
			ok &= conform_same_row(&one, r, &n, rows[r]);
	}
	suite_result(s, ok, "attention variant %d: bits of a sequence do not depend on the batch",
		variant);
}

void suite_positions(struct suite *s)
{
	static const int variants[] = { 2, 3, 6, 7, 8 };

	run_rotary(s);
	run_attention(s);
	for (size_t i = 0; i < N_OF(variants); i++)
		run_sequences_stay(s, variants[i]);
}
