/* SPDX-License-Identifier: Apache-2.0
 * kernels/gemm_packed.c - linear layers and matrix products by the kernels' own gemm:
 * panels of weights, blocks that fit the caches, shares for the team.
 */
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gemm.h"
#include "gemm_packed.h"

/* Outputs up to this many columns are dot products. */
#define NARROW 4
/* Multiply-adds below which a team costs more than it saves. */
#define ALONE 100000
/* Columns of a matrix product whose panels are made at a time. */
#define MADE 256
/* Words of bf16 that are made at a time. */
#define PAIRS 32

struct packed_linear {
	enum linear_kind kind;
	const struct kernels *kernels;
	size_t ins, outs;
	int act;
	int narrow;		/* dot products; never in bf16 */
	int bf16;
	size_t depth, strip;
	float *bias;		/* [outs rounded up], or NULL */
	float *w;		/* panels; narrow: [outs][ins] */
};

static size_t panels_of(const struct kernels *k, size_t outs)
{
	return (outs + k->gemm_panel - 1) / k->gemm_panel;
}

/* Bytes of a cache, or what is likely where the machine does not tell. */
static size_t cache(int name, size_t likely)
{
	long bytes = sysconf(name);

	return bytes > 0 ? (size_t)bytes : likely;
}

/* Most rows of weights in a block.  A panel of them streams from the second cache, the
 * first one holds the tile of x; longer blocks go over y less often. */
static size_t most_depth(const struct kernels *k)
{
	return cache(_SC_LEVEL1_DCACHE_SIZE, 32768) * 3 / 2 / (k->gemm_panel * sizeof(float)) /
		8 * 8;
}

static size_t depth_of(const struct kernels *k, size_t ins)
{
	size_t blocks = (ins + most_depth(k) - 1) / most_depth(k);

	return blocks ? ((ins + blocks - 1) / blocks + 7) / 8 * 8 : 8;
}

/* Rows of x such that `depth` columns of them stay in a third of the second cache,
 * beside the panels and what passes by of y. */
static size_t strip_of(const struct kernels *k, size_t depth)
{
	size_t rows = cache(_SC_LEVEL2_CACHE_SIZE, 262144) / 3 / (depth * sizeof(float));

	rows = rows < 8 * k->gemm_tile ? 8 * k->gemm_tile : rows > 512 ? 512 : rows;
	return rows / k->gemm_tile * k->gemm_tile;
}

/* Floats that the copy of a strip takes at most: one thread's workspace. */
static size_t work_floats(const struct kernels *k)
{
	const size_t usual = cache(_SC_LEVEL2_CACHE_SIZE, 262144) / 3 / sizeof(float);
	const size_t least = 8 * k->gemm_tile * most_depth(k);

	return ((usual > least ? usual : least) + 15) / 16 * 16;
}

int packed_linear_supports(const struct kernels *kernels, const struct tn_node *node,
	struct tn_offer *offer)
{
	if (!linear_supports(node, 1, offer))
		return 0;
	offer->workspace = work_floats(kernels) * sizeof(float);
	return 1;
}

/* Words of a panel's column that `depth` rows take. */
static size_t words_of(int bf16, size_t depth)
{
	return bf16 ? (depth + 1) / 2 : depth;
}

/* A column of a panel in bf16: to every panel-th word. */
static void pack_column(float *to, size_t panel, const float *from, size_t depth)
{
	for (size_t i = 0; i < depth; i += PAIRS * 2) {
		const size_t n = depth - i < PAIRS * 2 ? depth - i : PAIRS * 2;
		uint16_t halves[PAIRS * 2] = { 0 };

		tn_round_bf16(from + i, n, halves);
		for (size_t k = 0; k < n; k += 2) {
			const uint32_t word = (uint32_t)halves[k + 1] << 16 | halves[k];

			memcpy(to + (i + k) / 2 * panel, &word, sizeof(word));
		}
	}
}

/* Rows k .. k + depth of one panel: to [depth][panel] from w [outs][ins], whose rows are
 * given one by one. */
static void pack_panel(float *to, size_t panel, int bf16, const float *const *rows, size_t outs,
	size_t k, size_t depth)
{
	for (size_t c = 0; c < panel; c++) {
		if (bf16 && c < outs) {
			pack_column(to + c, panel, rows[c] + k, depth);
			continue;
		}
		for (size_t i = 0; i < words_of(bf16, depth); i++)
			to[i * panel + c] = c < outs ? rows[c][k + i] : 0.0f;
	}
}

static void pack_weights(struct packed_linear *l, const float *const *rows)
{
	const size_t panel = l->kernels->gemm_panel, panels = panels_of(l->kernels, l->outs);

	for (size_t p = 0; p < panels; p++)
		for (size_t k = 0; k < l->ins; k += l->depth) {
			const size_t depth = l->ins - k < l->depth ? l->ins - k : l->depth;
			const size_t before = words_of(l->bf16, k), words = words_of(l->bf16, depth);

			pack_panel(l->w + (before * panels + p * words) * panel, panel, l->bf16,
				rows + p * panel, l->outs - p * panel, k, depth);
		}
}

/* The rows and biases of all parts, one below the other; rows has room for `outs`. */
static void collect(const struct packed_linear *l, const struct tn_node *node,
	const struct tn_tensor *weights, const float **rows)
{
	const size_t step = node->attr.linear.bias ? 2 : 1;
	size_t at = 0;

	for (size_t p = 0; p < node->attr.linear.parts; p++) {
		const struct tn_tensor *w = &weights[p * step];
		const size_t n = w->dims[0];

		for (size_t o = 0; o < n; o++)
			rows[at + o] = (const float *)tn_host_data(w) + o * l->ins;
		if (l->bias)
			memcpy(l->bias + at, tn_host_data(w + 1), n * sizeof(float));
		at += n;
	}
}

static size_t count_outs(const struct tn_node *node, const struct tn_tensor *weights)
{
	const size_t step = node->attr.linear.bias ? 2 : 1;
	size_t outs = 0;

	for (size_t p = 0; p < node->attr.linear.parts; p++)
		outs += weights[p * step].dims[0];
	return outs;
}

int packed_linear_create(struct packed_linear **made, const struct kernels *kernels,
	const struct tn_node *node, const struct tn_tensor *weights, size_t *bytes,
	struct tn_call *call)
{
	struct packed_linear *l = calloc(1, sizeof(*l));
	const size_t outs = count_outs(node, weights), ins = tn_row_size(&weights[0]);
	const size_t wide = panels_of(kernels, outs) * kernels->gemm_panel;
	const int bf16 = node->attr.linear.precision == TN_BF16;
	const float **rows = malloc((outs + 1) * sizeof(*rows));

	*made = l;
	if (!l || !rows)
		goto failed;
	*l = (struct packed_linear){ .kind = LINEAR_PACKED, .kernels = kernels, .ins = ins,
		.outs = outs, .act = (int)node->attr.linear.act, .narrow = outs <= NARROW && !bf16,
		.bf16 = bf16, .depth = depth_of(kernels, ins) };
	l->strip = strip_of(kernels, l->depth);
	*bytes = (l->narrow ? outs : wide) * words_of(bf16, ins) * sizeof(float);
	l->w = tn_pack_alloc(*bytes + sizeof(float));
	if (node->attr.linear.bias) {
		l->bias = calloc(wide + 1, sizeof(float));
		*bytes += wide * sizeof(float);
	}
	if (!l->w || (node->attr.linear.bias && !l->bias))
		goto failed;
	collect(l, node, weights, rows);
	if (!l->narrow)
		pack_weights(l, rows);
	for (size_t o = 0; l->narrow && o < outs; o++)
		memcpy(l->w + o * ins, rows[o], ins * sizeof(float));
	free(rows);
	return 0;
failed:
	packed_linear_destroy(l);
	free(rows);
	*made = NULL;
	return tn_fail(call, TN_ENOMEM, "out of memory for the weights of %s", node->name);
}

void packed_linear_destroy(struct packed_linear *l)
{
	if (!l)
		return;
	tn_pack_free(l->w);
	free(l->bias);
	free(l);
}

/* How a team shares a product: `down` shares of the rows by `across` of the panels. */
struct shares {
	size_t down, across;
};

/* The least work for the busiest thread, where to copy a tile's rows counts as one panel;
 * among equals, weights are read by the fewest. */
static struct shares share(const struct kernels *k, size_t rows, size_t panels, size_t team)
{
	const size_t tiles = (rows + k->gemm_tile - 1) / k->gemm_tile;
	struct shares best = { 1, 1 };
	size_t least = SIZE_MAX;

	for (size_t down = 1; down <= team; down++) {
		const size_t across = team / down;
		const size_t cost = ((tiles + down - 1) / down) *
			((panels + across - 1) / across + 1);

		if (cost < least) {
			least = cost;
			best = (struct shares){ down, across };
		}
	}
	return best;
}

/* Share i of a product. */
static void run_share(const struct kernels *k, struct kernel_gemm g, struct shares s, size_t i)
{
	const size_t panels = panels_of(k, g.outs);
	const size_t row = g.rows * (i / s.across) / s.down;
	const size_t first = panels * (i % s.across) / s.across;

	g.work += (size_t)omp_get_thread_num() * work_floats(k);
	g.rows = g.rows * (i / s.across + 1) / s.down - row;
	g.x.at += row * g.x.stride;
	g.y.at += row * g.y.stride;
	if (g.residual.at)
		g.residual.at += row * g.residual.stride;
	if (g.rows)
		kernels_gemm(k, g.bf16)(&g, first, panels * (i % s.across + 1) / s.across - first);
}

void packed_linear_run(const struct packed_linear *l, const struct tn_step *step)
{
	const struct tn_node *node = step->node;
	struct kernel_gemm g = { .rows = kernel_n_rows(&step->out[0]), .ins = l->ins,
		.outs = l->outs, .x = kernel_rows_of(&step->in[0]),
		.y = kernel_rows_of(&step->out[0]), .x_step = 1, .w = l->w, .bf16 = l->bf16,
		.bias = l->bias, .act = l->act, .depth = l->depth, .strip = l->strip, .work = step->workspace };
	const size_t team = g.rows * g.ins * g.outs < ALONE ? 1 : (size_t)omp_get_max_threads();
	const struct shares s = share(l->kernels, g.rows, panels_of(l->kernels, g.outs), team);

	if (node->attr.linear.residual)
		g.residual = kernel_rows_of(&step->in[node->n_in - 1]);
	if (l->narrow) {
		l->kernels->narrow(g.y, g.x, (struct kernel_rows){ l->w, l->ins }, l->bias, g.rows,
			l->ins, l->outs);
		l->kernels->finish(l->act, g.y, g.y, NULL, g.residual, g.rows, l->outs);
		return;
	}
#pragma omp parallel for schedule(static, 1) if (team > 1)
	for (size_t i = 0; i < s.down * s.across; i++)
		run_share(l->kernels, g, s, i);
}

/* Floats of the panels that one thread makes at a time, and of the strip's copy behind. */
static size_t made_floats(const struct kernels *k)
{
	return most_depth(k) * MADE;
}

int packed_matmul_supports(const struct kernels *kernels, const struct tn_node *node,
	struct tn_offer *offer)
{
	for (int i = 0; i < 2; i++)
		if (node->in[i]->dtype != TN_F32 || node->in[i]->n_dims != 2)
			return kernel_refuse(offer, "input %d is no matrix of F32", i);
	offer->strided = 3;
	offer->workspace = (made_floats(kernels) + work_floats(kernels)) * sizeof(float);
	return 1;
}

/* A row of a panel; the usual widths as constants. */
static void copy_row(float *to, const float *from, size_t n)
{
	switch (n) {
	case 8:
		memcpy(to, from, 8 * sizeof(*to));
		break;
	case 16:
		memcpy(to, from, 16 * sizeof(*to));
		break;
	case 32:
		memcpy(to, from, 32 * sizeof(*to));
		break;
	default:
		memcpy(to, from, n * sizeof(*to));
		break;
	}
}

/* A panel of rows k .. k + depth of b [ins][outs], its n columns from `from` on. */
static void make_panel(const struct kernels *kernels, float *to, int bf16, const float *from,
	size_t stride, size_t n, size_t depth)
{
	const size_t panel = kernels->gemm_panel;

	for (size_t i = 0; i < depth; i += bf16 + 1, to += panel, from += (bf16 + 1) * stride) {
		if (bf16)
			kernels->round_pair(to, from, i + 1 < depth ? from + stride : NULL, n);
		else
			copy_row(to, from, n);
		if (n < panel)
			memset(to + n, 0, (panel - n) * sizeof(*to));
	}
}

/* Panels of rows k .. k + depth of op(b) [ins][outs], columns first .. first + cols. */
static void make_panels(const struct kernels *kernels, float *to, const struct tn_step *step,
	size_t first, size_t cols, size_t k, size_t depth)
{
	const int bf16 = step->node->attr.matmul.precision == TN_BF16;
	const size_t panel = kernels->gemm_panel, stride = step->in[1].row_stride;
	const float *from = tn_host_data(&step->in[1]);

	for (size_t c = 0; c < cols; c += panel, to += words_of(bf16, depth) * panel) {
		const size_t n = cols - c < panel ? cols - c : panel;
		const float *rows[MADE];

		if (!step->node->attr.matmul.transpose_b) {
			make_panel(kernels, to, bf16, from + k * stride + first + c, stride, n,
				depth);
			continue;
		}
		for (size_t j = 0; j < n; j++)
			rows[j] = from + (first + c + j) * stride;
		pack_panel(to, panel, bf16, rows, n, k, depth);
	}
}

/* Rows of b in a block.  A gradient by weights, the sum over rows of a, is made in slabs of
 * TN_ROW_BLOCK where the caches allow, added in their order. */
static size_t block_of(const struct kernels *kernels, size_t ins, int slabs)
{
	if (!slabs || ins <= TN_ROW_BLOCK)
		return depth_of(kernels, ins);
	return TN_ROW_BLOCK < most_depth(kernels) ? TN_ROW_BLOCK : most_depth(kernels);
}

/* Columns first .. first + cols of a product. */
static void multiply(const struct kernels *kernels, const struct tn_step *step, size_t first,
	size_t cols, float *panels)
{
	const struct tn_tensor *a = &step->in[0];
	const int ta = step->node->attr.matmul.transpose_a != 0;
	const size_t ins = a->dims[!ta], depth = block_of(kernels, ins, ta);
	const struct kernel_rows y = kernel_rows_of(&step->out[0]);
	struct kernel_gemm g = { .rows = step->out[0].dims[0], .outs = cols,
		.x = { tn_host_data(a), ta ? 1 : a->row_stride },
		.y = { y.at + first, y.stride }, .x_step = ta ? a->row_stride : 1, .w = panels,
		.bf16 = step->node->attr.matmul.precision == TN_BF16, .depth = depth,
		.strip = strip_of(kernels, depth), .work = panels + made_floats(kernels) };

	for (size_t r = 0; ins == 0 && r < g.rows; r++)
		memset(g.y.at + r * g.y.stride, 0, cols * sizeof(float));
	for (size_t k = 0; k < ins; k += depth) {
		g.ins = ins - k < depth ? ins - k : depth;
		make_panels(kernels, panels, step, first, cols, k, g.ins);
		g.goes_on = k > 0 && !ta;
		g.adds = k > 0 && ta;
		kernels_gemm(kernels, g.bf16)(&g, 0, panels_of(kernels, cols));
		g.x.at += g.ins * g.x_step;
	}
}

void packed_matmul_run(const struct kernels *kernels, const struct tn_step *step)
{
	const size_t outs = step->out[0].dims[1], panels = panels_of(kernels, outs);
	const size_t team = (size_t)omp_get_max_threads(), most = MADE / kernels->gemm_panel;
	const size_t least = (panels + most - 1) / most, even = team < panels ? team : panels;
	const size_t shares = least < even ? even : least;
	const size_t floats = made_floats(kernels) + work_floats(kernels);

#pragma omp parallel for schedule(dynamic)
	for (size_t i = 0; i < shares; i++) {
		const size_t from = panels * i / shares * kernels->gemm_panel;
		const size_t to = panels * (i + 1) / shares * kernels->gemm_panel;

		multiply(kernels, step, from, (to < outs ? to : outs) - from,
			(float *)step->workspace + (size_t)omp_get_thread_num() * floats);
	}
}
