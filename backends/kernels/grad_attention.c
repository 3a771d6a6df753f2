/* SPDX-License-Identifier: Apache-2.0
 * kernels/grad_attention.c - the gradient of attention of one sequence and head.
 *
 * As in attention.c the lanes are queries where scores are concerned: p, the probabilities,
 * and ds, the gradients of scores, are [key][query].  What keys and values get, sums over
 * queries, has the columns of the head in its lanes instead.  Nothing is kept of the
 * forward pass but y and the log-sum-exp.
 * Source: Dao et al., FlashAttention, arXiv 2205.14135, algorithm 4.
 *
 * Legend: D size of a head, W that rounded up, i a query, j a key, d a column of the head.
 */
#include <math.h>

#include "isa.h"
#include "vec.h"

#define PANEL (2 * LANES)	/* queries */
#include "mask.h"

#define KEYS 128		/* in a block */
#define TILE 6			/* rows of a tile */

/** What the gradient works in; each part is 64-byte aligned. */
struct work {
	float *q, *dy;		/* [D][PANEL]; q times scale log2(e) */
	float *q_rows, *dy_rows;	/* [PANEL][W], zeros behind the head's columns */
	float *dq;		/* [D][PANEL] */
	float *p, *ds;		/* [KEYS][PANEL] */
	float *lse, *row;	/* [PANEL]: log-sum-exp times log2(e), dy . y */
	float *line;		/* see distance_line */
	float *dline;		/* what comes back to it */
};

static size_t round16(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

static size_t lay_out(struct work *w, float *at, size_t head_size)
{
	const size_t square = round16(head_size) * PANEL, block = KEYS * PANEL;
	const size_t sizes[] = { square, square, square, square, square, block, block,
		round16(PANEL), round16(PANEL), round16(KEYS + 2 * PANEL),
		round16(KEYS + 2 * PANEL) };
	float **parts[] = { &w->q, &w->dy, &w->q_rows, &w->dy_rows, &w->dq, &w->p, &w->ds,
		&w->lse, &w->row, &w->line, &w->dline };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		*parts[i] = at ? at + n : NULL;
		n += sizes[i];
	}
	return n * sizeof(float);
}

size_t KERNEL_SYMBOL(grad_attention_work)(size_t head_size)
{
	struct work w;

	return lay_out(&w, NULL, head_size);
}

/* y [n][PANEL] = k x for n keys and m vectors of queries; x [D][PANEL]. */
VEC_INLINE void key_tile(float *y, const float *x, struct kernel_rows k, size_t D, const int n,
	const int m)
{
	vf acc[TILE][2];

#pragma GCC unroll 8
	for (int r = 0; r < n; r++)
#pragma GCC unroll 2
		for (int i = 0; i < m; i++)
			acc[r][i] = vset(0.0f);
	for (size_t d = 0; d < D; d++) {
		vf x0 = vload(x + d * PANEL), x1 = m > 1 ? vload(x + d * PANEL + LANES) : x0;

#pragma GCC unroll 8
		for (int r = 0; r < n; r++) {
			vf a = vset(k.at[(size_t)r * k.stride + d]);

			acc[r][0] = vfma(a, x0, acc[r][0]);
			if (m > 1)
				acc[r][1] = vfma(a, x1, acc[r][1]);
		}
	}
#pragma GCC unroll 8
	for (int r = 0; r < n; r++)
#pragma GCC unroll 2
		for (int i = 0; i < m; i++)
			vstore(y + r * PANEL + i * LANES, acc[r][i]);
}

/* y [n][PANEL] += the sum over keys of column 0 .. n - 1 of k by ds, m vectors of queries. */
VEC_INLINE void column_tile(float *y, const float *ds, struct kernel_rows k, size_t keys,
	const int n, const int m)
{
	vf acc[TILE][2];

#pragma GCC unroll 8
	for (int r = 0; r < n; r++)
#pragma GCC unroll 2
		for (int i = 0; i < m; i++)
			acc[r][i] = vload(y + r * PANEL + i * LANES);
	for (size_t j = 0; j < keys; j++) {
		vf d0 = vload(ds + j * PANEL), d1 = m > 1 ? vload(ds + j * PANEL + LANES) : d0;

#pragma GCC unroll 8
		for (int r = 0; r < n; r++) {
			vf a = vset(k.at[j * k.stride + (size_t)r]);

			acc[r][0] = vfma(a, d0, acc[r][0]);
			if (m > 1)
				acc[r][1] = vfma(a, d1, acc[r][1]);
		}
	}
#pragma GCC unroll 8
	for (int r = 0; r < n; r++)
#pragma GCC unroll 2
		for (int i = 0; i < m; i++)
			vstore(y + r * PANEL + i * LANES, acc[r][i]);
}

/* Rows of n keys of y += the sum over queries of p [n][PANEL] by x [queries][W]: m whole
 * vectors of columns, or `cols` of one. */
VEC_INLINE void query_tile(struct kernel_rows y, const float *p, struct kernel_rows x,
	size_t queries, size_t cols, const int n, const int m)
{
	vf acc[TILE][2];

#pragma GCC unroll 8
	for (int r = 0; r < n; r++)
#pragma GCC unroll 2
		for (int i = 0; i < m; i++)
			acc[r][i] = cols < LANES ? vload_n(y.at + (size_t)r * y.stride, cols) :
				vload(y.at + (size_t)r * y.stride + i * LANES);
	for (size_t q = 0; q < queries; q++) {
		vf x0 = vload(x.at + q * x.stride);
		vf x1 = m > 1 ? vload(x.at + q * x.stride + LANES) : x0;

#pragma GCC unroll 8
		for (int r = 0; r < n; r++) {
			vf a = vset(p[(size_t)r * PANEL + q]);

			acc[r][0] = vfma(a, x0, acc[r][0]);
			if (m > 1)
				acc[r][1] = vfma(a, x1, acc[r][1]);
		}
	}
#pragma GCC unroll 8
	for (int r = 0; r < n; r++)
#pragma GCC unroll 2
		for (int i = 0; i < m; i++) {
			float *to = y.at + (size_t)r * y.stride + i * LANES;

			if (cols < LANES)
				vstore_n(to, acc[r][i], cols);
			else
				vstore(to, acc[r][i]);
		}
}

/* Calls f with the number of rows as a constant. */
#define TILE_OF(n, f, ...)				\
	do {						\
		switch (n) {				\
		case 6: f(__VA_ARGS__, 6, m); break;	\
		case 5: f(__VA_ARGS__, 5, m); break;	\
		case 4: f(__VA_ARGS__, 4, m); break;	\
		case 3: f(__VA_ARGS__, 3, m); break;	\
		case 2: f(__VA_ARGS__, 2, m); break;	\
		default: f(__VA_ARGS__, 1, m); break;	\
		}					\
	} while (0)

/* Rows of the next tile of `left`: 4 and 4 instead of 6 and 2. */
static inline size_t tile_rows(size_t left)
{
	return left == 8 ? 4 : left < TILE ? left : TILE;
}

VEC_INLINE void by_queries(struct kernel_rows y, const float *p, struct kernel_rows x,
	size_t queries, size_t keys, size_t cols, const int m)
{
	for (size_t j = 0, n; j < keys; j += n) {
		const struct kernel_rows to = { y.at + j * y.stride, y.stride };

		n = tile_rows(keys - j);
		TILE_OF(n, query_tile, to, p + j * PANEL, x, queries, cols);
	}
}

/* Rows of `keys` keys of y [D] += p^T x, x [queries][W]. */
static void add_by_queries(struct kernel_rows y, const float *p, struct kernel_rows x,
	size_t queries, size_t keys, size_t D)
{
	size_t d = 0;

	for (; d + 2 * LANES <= D; d += 2 * LANES, y.at += 2 * LANES, x.at += 2 * LANES)
		by_queries(y, p, x, queries, keys, 2 * LANES, 2);
	for (; d < D; d += LANES, y.at += LANES, x.at += LANES)
		by_queries(y, p, x, queries, keys, D - d < LANES ? D - d : LANES, 1);
}

/* Probabilities and gradients of scores of one panel and one block of keys: from scores in
 * w->p and products dy . v in w->ds.  line and dline: where key 0 begins, or NULL. */
VEC_INLINE void pair_gradients(const struct kernel_attention *a, const struct work *w, size_t keys,
	const float *line, float *dline, const int m)
{
	const vf scale = vset(a->scale);

	for (int i = 0; i < m; i++) {
		const vf lse = vload(w->lse + i * LANES), row = vload(w->row + i * LANES);

		for (size_t j = 0; j < keys; j++) {
			float *p = w->p + j * PANEL + i * LANES, *ds = w->ds + j * PANEL + i * LANES;
			vf s = vload(p), d;

			if (line)
				s += vload(line - j + i * LANES);
			s = vexp2_capped(s - lse);
			d = s * (vload(ds) - row);
			vstore(p, s);
			vstore(ds, d * scale);
			if (dline)
				vstore(dline - j + i * LANES, vload(dline - j + i * LANES) + d);
		}
	}
}

/* One panel against one block of keys; m: vectors of queries. */
VEC_INLINE void panel_block(const struct grad_attention *g, const struct work *w, size_t queries,
	size_t j0, size_t keys, const float *line, float *dline, const int m)
{
	const struct kernel_attention *a = &g->forward;
	const size_t D = a->head_size, W = round16(D);
	const struct kernel_rows k = { a->k.at + j0 * a->k.stride, a->k.stride };
	const struct kernel_rows v = { a->v.at + j0 * a->v.stride, a->v.stride };
	const struct kernel_rows dk = { g->dk.at + j0 * g->dk.stride, g->dk.stride };
	const struct kernel_rows dv = { g->dv.at + j0 * g->dv.stride, g->dv.stride };

	for (size_t j = 0, n; j < keys; j += n) {
		const struct kernel_rows kj = { k.at + j * k.stride, k.stride };
		const struct kernel_rows vj = { v.at + j * v.stride, v.stride };

		n = tile_rows(keys - j);
		TILE_OF(n, key_tile, w->p + j * PANEL, w->q, kj, D);
		TILE_OF(n, key_tile, w->ds + j * PANEL, w->dy, vj, D);
	}
	pair_gradients(a, w, keys, line, dline, m);
	for (size_t d = 0, n; d < D; d += n) {
		const struct kernel_rows kd = { k.at + d, k.stride };

		n = tile_rows(D - d);
		TILE_OF(n, column_tile, w->dq + d * PANEL, w->ds, kd, keys);
	}
	add_by_queries(dv, w->p, (struct kernel_rows){ w->dy_rows, W }, queries, keys, D);
	add_by_queries(dk, w->ds, (struct kernel_rows){ w->q_rows, W }, queries, keys, D);
}

static double dot(const float *x, const float *y, size_t n)
{
	vf s = vset(0.0f);
	double tail = 0;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		s = vfma(vload(x + i), vload(y + i), s);
	for (; i < n; i++)
		tail += (double)x[i] * (double)y[i];
	return vsum(s) + tail;
}

/* Queries i0 .. i0 + n of the sequence: copies of them in both orders. */
static void open_panel(const struct grad_attention *g, const struct work *w, size_t i0, size_t n)
{
	const struct kernel_attention *a = &g->forward;
	const size_t D = a->head_size, W = round16(D);
	const float *q = a->q.at + i0 * a->q.stride, *dy = g->dy.at + i0 * g->dy.stride;

	memset(w->q, 0, D * PANEL * sizeof(float));
	memset(w->dy, 0, D * PANEL * sizeof(float));
	memset(w->dq, 0, D * PANEL * sizeof(float));
	transpose(w->q, PANEL, q, a->q.stride, n, D, a->scale * 1.44269504f);
	transpose(w->dy, PANEL, dy, g->dy.stride, n, D, 1.0f);
	for (size_t i = 0; i < PANEL; i++) {
		const float lse = i < n ? a->lse.at[(i0 + i) * a->lse.stride] : 0.0f;

		/* A query that sees no key has none. */
		w->lse[i] = isfinite(lse) ? lse * 1.44269504f : 0.0f;
		w->row[i] = i < n ? (float)dot(dy + i * g->dy.stride,
			a->y.at + (i0 + i) * a->y.stride, D) : 0.0f;
	}
	for (size_t i = 0; i < n; i++) {
		memcpy(w->q_rows + i * W, q + i * a->q.stride, D * sizeof(float));
		memset(w->q_rows + i * W + D, 0, (W - D) * sizeof(float));
		memcpy(w->dy_rows + i * W, dy + i * g->dy.stride, D * sizeof(float));
		memset(w->dy_rows + i * W + D, 0, (W - D) * sizeof(float));
	}
}

/* Sums by distance to the rows of the bias that they were read from; see distance_line. */
static void add_distances(const struct grad_attention *g, const float *dline, size_t i0, size_t j0,
	size_t keys)
{
	const ptrdiff_t span = (ptrdiff_t)g->forward.span;

	for (size_t t = 0; t < keys + PANEL - 1; t++) {
		ptrdiff_t far = (ptrdiff_t)(j0 + keys - 1) - (ptrdiff_t)(i0 + t);

		far = far < 1 - span ? 1 - span : far > span - 1 ? span - 1 : far;
		g->drel.at[(size_t)(far + span - 1) * g->drel.stride] += dline[t];
	}
}

void KERNEL_SYMBOL(grad_attention)(const struct grad_attention *g)
{
	const struct kernel_attention *a = &g->forward;
	const int lined = a->causal || a->left != UINT32_MAX || a->right != UINT32_MAX ||
		a->rel.at || a->slope != 0;
	struct work w;

	lay_out(&w, a->work, a->head_size);
	for (size_t i0 = 0; i0 < a->n_q; i0 += PANEL) {
		const size_t n = a->n_q - i0 < PANEL ? a->n_q - i0 : PANEL;
		size_t begin, end;

		open_panel(g, &w, i0, n);
		seen(a, i0, n, &begin, &end);
		for (size_t j = begin; j < end; j += KEYS) {
			const size_t keys = end - j < KEYS ? end - j : KEYS;
			const float *line = lined ? distance_line(a, w.line, i0, j, keys) : NULL;
			float *dline = g->drel.at ? w.dline + keys - 1 : NULL;

			memset(w.dline, 0, (KEYS + PANEL) * sizeof(float));
			if (n > LANES)
				panel_block(g, &w, n, j, keys, line, dline, 2);
			else
				panel_block(g, &w, n, j, keys, line, dline, 1);
			if (dline)
				add_distances(g, w.dline, i0, j, keys);
		}
		transpose(g->dq.at + i0 * g->dq.stride, g->dq.stride, w.dq, PANEL, a->head_size, n,
			1.0f);
	}
}
