/* SPDX-License-Identifier: Apache-2.0
 * kernels/gemm_panels.c - products with weights that lie in panels of columns.
 *
 * Each sum is one chain over the depth, in order, that begins with the bias.  Where it is
 * cut it goes on from what was stored, which rounds nothing.  So no blocking, by caches,
 * rows or threads, changes a bit.
 *
 * A tile of up to TILE rows by 1 to 4 panels is held in registers.  With few rows more
 * panels keep the multipliers busy, with many the weights are read once for TILE rows.
 * The rows of x are copied for each block, tile by tile, in the order they are read in.
 * Source: Goto & van de Geijn, Anatomy of High-Performance Matrix Multiplication, 2008.
 *
 * In bf16 a word of w is two rows, and the chain takes the later one first, as vdpbf16ps
 * does.  A product of two bf16 is exact in single precision, so all CPUs have the same bits,
 * denormals apart.  The words are made floats again on the way to the multipliers; only with
 * KERNEL_DOT, for CPUs that have that instruction, are those of x kept as they are.
 */
#include "isa.h"
#include "vec.h"

#define PANEL GEMM_PANEL
#define TILE GEMM_TILE
#ifdef KERNEL_DOT
#define DOT 1
#else
#define DOT 0
#endif

/* One tile of a product: y [n][p * PANEL] = (goes_on ? y : bias) + x w, or y + (x w) with adds.
 * The tiles of a column together fetch the panels of the next one, each its part, evenly: in
 * one tile it would be more than the memory gives. */
struct tile {
	float *y;
	const float *x, *w, *bias;	/* x: [depth][n]; bias: [p * PANEL], or NULL */
	size_t y_stride;
	size_t depth;			/* in words */
	size_t next;			/* floats from one panel of w to the next */
	const float *fetch;		/* its part of the next panels */
	size_t fetch_step;		/* floats for each k */
	int goes_on, adds, bf16;
};

VEC_INLINE void run_tile(const struct tile *t, const int n, const int p, const int bf16)
{
	const int expand = bf16 && !DOT;
	const float *x = t->x, *w = t->w, *fetch = t->fetch, *mask = vupper_mask();
	vf acc[TILE][8];

#pragma GCC unroll 16
	for (int r = 0; r < n; r++)
#pragma GCC unroll 8
		for (int i = 0; i < 2 * p; i++)
			acc[r][i] = t->goes_on ? vload(t->y + (size_t)r * t->y_stride + i * LANES) :
				t->bias ? vload(t->bias + i * LANES) : vset(0.0f);
#pragma GCC unroll 4
	for (size_t k = 0; k < t->depth; k++) {
#pragma GCC unroll 8
		for (int i = 0; i < 2 * p; i++)
			if (LANES == 16 || i % 2 == 0)
				__builtin_prefetch(fetch + (size_t)(i / 2) * t->next +
					i % 2 * LANES);
#pragma GCC unroll 2
		for (int half = expand; half >= 0; half--) {
			vf b[8];

			/* Registers suffice if words and mask are read anew for each half. */
			if (expand)
				__asm__("" : "+r"(w), "+r"(mask));
#pragma GCC unroll 8
			for (int i = 0; i < 2 * p; i++) {
				b[i] = vload(w + (size_t)(i / 2) * t->next + i % 2 * LANES);
				b[i] = !expand ? b[i] : half ? vupper(b[i], vload(mask)) :
					vlower(b[i]);
			}
#pragma GCC unroll 16
			for (int r = 0; r < n; r++) {
				vf a = vset(x[half * n + r]);

#pragma GCC unroll 8
				for (int i = 0; i < 2 * p; i++)
					acc[r][i] = bf16 && DOT ?
						vdot_bf16(a, b[i], acc[r][i]) :
						vfma(a, b[i], acc[r][i]);
			}
		}
		x += (1 + expand) * n;
		w += PANEL;
		fetch += t->fetch_step;
	}
#pragma GCC unroll 16
	for (int r = 0; r < n; r++)
#pragma GCC unroll 8
		for (int i = 0; i < 2 * p; i++)
			vstore(t->y + (size_t)r * t->y_stride + i * LANES, t->adds ? acc[r][i] +
				vload(t->y + (size_t)r * t->y_stride + i * LANES) : acc[r][i]);
}

/* The tile with its size as constants. */
static void run_tile_of(const struct tile *t, size_t rows, size_t panels)
{
#define TILE_OF(n, p)				\
	case 16 * (p) + (n):			\
		if (t->bf16)			\
			run_tile(t, n, p, 1);	\
		else				\
			run_tile(t, n, p, 0);	\
		break;
	switch (16 * panels + rows) {
	TILE_OF(1, 4)
	TILE_OF(2, 3)
	TILE_OF(3, 2)
	TILE_OF(1, 1)
	TILE_OF(2, 1)
	TILE_OF(3, 1)
	TILE_OF(4, 1)
	TILE_OF(5, 1)
	TILE_OF(6, 1)
#if LANES == 16
	TILE_OF(7, 1)
	TILE_OF(8, 1)
	TILE_OF(9, 1)
	TILE_OF(10, 1)
	TILE_OF(11, 1)
	TILE_OF(12, 1)
	TILE_OF(13, 1)
	TILE_OF(14, 1)
#endif
	}
#undef TILE_OF
}

/* Rows of a panel that is wider than what is left of y, by way of a copy. */
static void run_edge(struct tile *t, size_t rows, size_t cols)
{
	float copy[TILE * PANEL], *y = t->y;
	const size_t stride = t->y_stride;

	for (size_t r = 0; (t->goes_on || t->adds) && r < rows; r++)
		memcpy(copy + r * PANEL, y + r * stride, cols * sizeof(*y));
	t->y = copy;
	t->y_stride = PANEL;
	run_tile_of(t, rows, 1);
	for (size_t r = 0; r < rows; r++)
		memcpy(y + r * stride, copy + r * PANEL, cols * sizeof(*y));
}

/* Part i of `parts` nearly equal ones: where it begins. */
static size_t cut(size_t total, size_t parts, size_t i)
{
	return total * i / parts;
}

/* Columns of x that are gone through for all tiles before the next ones: they stay in the
 * first cache. */
#define COLUMNS 8
#define AHEAD 64	/* floats that are fetched before they are copied */

/* A row of n floats to row c of a tile of `rows` rows.  Whole vectors are stored where they do
 * not leave the tile: what is too much goes to later rows, which come later. */
VEC_INLINE void copy_tile_row(float *tile, const float *x, size_t n, size_t c, size_t rows)
{
	for (size_t v = 0; v < n; v += LANES) {
		const size_t left = n - v < LANES ? n - v : LANES;

		if (c * n + v + LANES <= rows * n)
			vstore(tile + c * n + v, vload_n(x + v, left));
		else
			vstore_n(tile + c * n + v, vload_n(x + v, left), left);
	}
}

/* The depth that a strip is copied with: in bf16 a whole number of words. */
static size_t copied(const struct kernel_gemm *g, size_t depth)
{
	return g->bf16 ? (depth + 1) / 2 * 2 : depth;
}

/* As copy_strip, of x that lies column after column. */
static void copy_columns(const struct kernel_gemm *g, size_t from, size_t to, size_t k, size_t depth)
{
	const size_t tiles = (to - from + TILE - 1) / TILE;

	for (size_t j = 0; j < depth; j += COLUMNS) {
		const size_t end = depth - j < COLUMNS ? depth : j + COLUMNS;

		for (size_t i = 0; i < tiles; i++) {
			const size_t r = cut(to - from, tiles, i);
			const size_t n = cut(to - from, tiles, i + 1) - r;
			const float *x = g->x.at + from + r + k * g->x_step;

			for (size_t c = j; c < end; c++) {
				__builtin_prefetch(x + c * g->x_step + AHEAD);
				copy_tile_row(g->work + r * copied(g, depth), x + c * g->x_step, n,
					c, depth);
			}
		}
	}
}

/* Rounds one tile [depth][n] of x; zeros stand for what its last word lacks. */
static void round_tile(float *x, size_t n, size_t depth)
{
	const size_t words = (depth + 1) / 2;

	if (depth % 2)
		memset(x + depth * n, 0, n * sizeof(*x));
	for (size_t i = 0; !DOT && i < 2 * words * n; i += LANES) {
		const size_t left = 2 * words * n - i;

		if (left >= LANES)
			vstore(x + i, vround_bf16(vload(x + i)));
		else
			vstore_n(x + i, vround_bf16(vload_n(x + i, left)), left);
	}
	/* The words of a row take half the room, so none is written that is still to be read. */
	for (size_t i = 0; DOT && i < words; i++)
		for (size_t c = 0; c < n; c += LANES) {
			const size_t left = n - c < LANES ? n - c : LANES;
			const vf lower = vload_n(x + 2 * i * n + c, left);
			const vf upper = vload_n(x + (2 * i + 1) * n + c, left);

			vstore_n(x + i * n + c, vwords(vround_bf16(lower), vround_bf16(upper)),
				left);
		}
}

/* Rows [from, to) of x, columns [k, k + depth), to g->work: tile after tile [depth][rows]. */
static void copy_strip(const struct kernel_gemm *g, size_t from, size_t to, size_t k, size_t depth)
{
	const size_t tiles = (to - from + TILE - 1) / TILE;

	if (g->x_step != 1)
		copy_columns(g, from, to, k, depth);
	for (size_t i = 0; i < tiles; i++) {
		const size_t r = cut(to - from, tiles, i), n = cut(to - from, tiles, i + 1) - r;
		float *tile = g->work + r * copied(g, depth);

		if (g->x_step == 1)
			transpose(tile, n, g->x.at + (from + r) * g->x.stride + k, g->x.stride, n,
				depth, 1.0f);
		if (g->bf16)
			round_tile(tile, n, depth);
	}
}

/* Rows [from, to) by `panels` panels from `panel` on, against one block of the depth. */
static void run_column(const struct kernel_gemm *g, size_t from, size_t to, size_t panel,
	size_t panels, size_t k, size_t depth)
{
	const size_t tiles = (to - from + TILE - 1) / TILE, col = panel * PANEL;
	const size_t all = (g->outs + PANEL - 1) / PANEL;
	const size_t cols = g->outs - col < panels * PANEL ? g->outs - col : panels * PANEL;
	const size_t deep = copied(g, depth), words = g->bf16 ? deep / 2 : depth;
	const float *w = g->w + ((g->bf16 ? k / 2 : k) * all + panel * words) * PANEL;
	const int last = k + depth == g->ins;

	for (size_t i = 0; i < tiles; i++) {
		const size_t r = from + cut(to - from, tiles, i);
		const size_t n = from + cut(to - from, tiles, i + 1) - r;
		float *y = g->y.at + r * g->y.stride + col;
		struct tile t = { .y = y, .x = g->work + (r - from) * deep, .w = w,
			.bias = g->bias ? g->bias + col : NULL, .y_stride = g->y.stride,
			.depth = words, .next = words * PANEL,
			.fetch = w + (panels * words + cut(words, tiles, i)) * PANEL,
			.fetch_step = (PANEL + tiles - 1) / tiles,
			.goes_on = g->goes_on || k > 0, .adds = g->adds, .bf16 = g->bf16 };

		/* The next tile's lines of y: each lies on a page of its own. */
		for (size_t ahead = r + n; ahead < r + 2 * n && ahead < to; ahead++)
			__builtin_prefetch(g->y.at + ahead * g->y.stride + col, 1);
		if (cols < panels * PANEL)
			run_edge(&t, n, cols);
		else
			run_tile_of(&t, n, panels);
		if (last && (g->act != TN_ACT_NONE || g->residual.at)) {
			const struct kernel_rows done = { y, g->y.stride };
			const struct kernel_rows add = { g->residual.at ? g->residual.at +
				r * g->residual.stride + col : NULL, g->residual.stride };

			KERNEL_SYMBOL(finish)(g->act, done, done, NULL, add, n, cols);
		}
	}
}

#ifdef KERNEL_DOT
void KERNEL_SYMBOL(gemm_dot)(const struct kernel_gemm *g, size_t first, size_t panels)
#else
void KERNEL_SYMBOL(round_pair)(float *words, const float *row, const float *later, size_t n)
{
	for (size_t i = 0; i < n; i += LANES) {
		const size_t left = n - i < LANES ? n - i : LANES;
		const vf upper = later ? vround_bf16(vload_n(later + i, left)) : vset(0.0f);

		vstore_n(words + i, vwords(vround_bf16(vload_n(row + i, left)), upper), left);
	}
}

void KERNEL_SYMBOL(gemm)(const struct kernel_gemm *g, size_t first, size_t panels)
#endif
{
	const size_t strips = (g->rows + g->strip - 1) / g->strip, whole = g->outs / PANEL;
	const size_t most = g->rows == 1 ? 4 : g->rows == 2 ? 3 : g->rows == 3 ? 2 : 1;

	for (size_t s = 0; s < strips; s++) {
		const size_t from = cut(g->rows, strips, s), to = cut(g->rows, strips, s + 1);

		for (size_t k = 0; k < g->ins; k += g->depth) {
			const size_t depth = g->ins - k < g->depth ? g->ins - k : g->depth;

			copy_strip(g, from, to, k, depth);
			for (size_t p = first, n; p < first + panels; p += n) {
				n = p + most <= first + panels && p + most <= whole ? most : 1;
				run_column(g, from, to, p, n, k, depth);
			}
		}
	}
}
