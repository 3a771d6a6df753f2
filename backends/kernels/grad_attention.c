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
#include "disentangled.h"

/** What the gradient works in; each part is 64-byte aligned. */
struct work {
	float *q, *dy;		/* [D][PANEL]; q times scale log2(e) */
	float *q_rows, *dy_rows;	/* [PANEL][W], zeros behind the head's columns */
	float *dq;		/* [D][PANEL] */
	float *p, *ds;		/* [KEYS][PANEL] */
	float *factors;		/* [KEYS][PANEL], see drop_factors */
	float *lse, *row;	/* [PANEL]: log-sum-exp times log2(e), dy . y */
	float *line;		/* see distance_line */
	float *dline;		/* what comes back to it */
	struct places places;
	float *band[2];		/* [KEYS + PANEL][W]: rows of c2p and p2c, see place_gradients */
	float *dq_rows;		/* [PANEL][W]: what c2p adds to dq */
};

static size_t lay_out(struct work *w, float *at, size_t head_size, int places)
{
	const size_t W = round16(head_size), square = W * PANEL, block = KEYS * PANEL;
	const size_t band = places ? (KEYS + PANEL) * W : 0;
	const struct part parts[] = {
		{ &w->q, square }, { &w->dy, square }, { &w->q_rows, square }, { &w->dy_rows, square },
		{ &w->dq, square }, { &w->p, block }, { &w->ds, block },
		{ &w->factors, block },
		{ &w->lse, round16(PANEL) }, { &w->row, round16(PANEL) },
		{ &w->line, round16(KEYS + 2 * PANEL) }, { &w->dline, round16(KEYS + 2 * PANEL) },
		{ &w->band[0], band }, { &w->band[1], band }, { &w->dq_rows, places ? square : 0 },
	};
	size_t n = lay_out_parts(parts, sizeof(parts) / sizeof(parts[0]), at);

	if (places)
		n += lay_out_places(&w->places, at ? at + n : NULL, W);
	return n * sizeof(float);
}

size_t KERNEL_SYMBOL(grad_attention_work)(size_t head_size, int places)
{
	struct work w;

	return lay_out(&w, NULL, head_size, places);
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
 * w->p and products dy . v in w->ds.  dline: where key 0 begins, or NULL. */
VEC_INLINE void pair_gradients(const struct kernel_attention *a, const struct work *w, size_t keys,
	struct added all, float *dline, const int m)
{
	const vf scale = vset(a->scale);
	const int drop = a->dropout > 0;

	for (int i = 0; i < m; i++) {
		const vf lse = vload(w->lse + i * LANES), row = vload(w->row + i * LANES);

		for (size_t j = 0; j < keys; j++) {
			float *p = w->p + j * PANEL + i * LANES, *ds = w->ds + j * PANEL + i * LANES;
			vf s = vload(p), by, d;

			if (all.line)
				s += vload(all.line - j + i * LANES);
			if (all.c)
				s += vload(all.c - j * PANEL + i * LANES);
			if (all.u)
				s += vload(all.u + j * (U_STRIDE - 1) + i * LANES);
			s = vexp2_capped(s - lse);
			by = drop ? vload(w->factors + j * PANEL + i * LANES) : vset(1.0f);
			d = s * (vload(ds) * by - row);
			vstore(p, s * by);
			vstore(ds, d * scale);
			if (dline)
				vstore(dline - j + i * LANES, vload(dline - j + i * LANES) + d);
		}
	}
}

/* One panel against one block of keys; m: vectors of queries. */
VEC_INLINE void panel_block(const struct grad_attention *g, const struct work *w, size_t queries,
	size_t j0, size_t keys, struct added add, float *dline, const int m)
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
	pair_gradients(a, w, keys, add, dline, m);
	if (!g->dq.at)
		return;
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

/* y [D] += the sum of n rows of x, each times its c. */
VEC_INLINE void add_rows_part(float *y, const float *c, size_t c_step, const float *x,
	ptrdiff_t x_step, size_t n, size_t cols, const int m)
{
	vf acc[8];

#pragma GCC unroll 8
	for (int i = 0; i < m; i++)
		acc[i] = cols < LANES ? vload_n(y, cols) : vload(y + i * LANES);
	for (size_t t = 0; t < n; t++, c += c_step, x += x_step) {
		const vf by = vset(*c);

#pragma GCC unroll 8
		for (int i = 0; i < m; i++)
			acc[i] = vfma(by, cols < LANES ? vload_n(x, cols) : vload(x + i * LANES),
				acc[i]);
	}
#pragma GCC unroll 8
	for (int i = 0; i < m; i++)
		if (cols < LANES)
			vstore_n(y, acc[i], cols);
		else
			vstore(y + i * LANES, acc[i]);
}

static void add_rows(float *y, const float *c, size_t c_step, const float *x, ptrdiff_t x_step,
	size_t n, size_t D)
{
	size_t d = 0;

	for (; d + 8 * LANES <= D; d += 8 * LANES)
		add_rows_part(y + d, c, c_step, x + d, x_step, n, 8 * LANES, 8);
	for (; d + 2 * LANES <= D; d += 2 * LANES)
		add_rows_part(y + d, c, c_step, x + d, x_step, n, 2 * LANES, 2);
	for (; d < D; d += LANES)
		add_rows_part(y + d, c, c_step, x + d, x_step, n, D - d < LANES ? D - d : LANES, 1);
}

/* Of the pairs of one panel and one block of keys: dq_i += ds_ij c2p, dk_j += ds_ij p2c, each
 * at the place of i - j.  Row t of a band is for the distance i0 - (j0 + keys - 1) + t, so for a
 * query the rows of its keys lie one behind the other, and for a key those of its queries. */
static void place_gradients(const struct grad_attention *g, const struct work *w, size_t i0,
	size_t n, size_t j0, size_t keys)
{
	const struct kernel_attention *a = &g->forward;
	const size_t D = a->head_size, W = round16(D);
	const struct kernel_rows tables[] = { a->c2p, a->p2c };

	for (int part = 0; part < 2; part++)
		for (size_t t = 0; tables[part].at && t < keys + n - 1; t++)
			memcpy(w->band[part] + t * W, tables[part].at + tables[part].stride *
				place_of(a, (ptrdiff_t)(i0 + t) - (ptrdiff_t)(j0 + keys - 1)),
				D * sizeof(float));
	for (size_t i = 0; a->c2p.at && i < n; i++)
		add_rows(w->dq_rows + i * W, w->ds + i, PANEL, w->band[0] + (i + keys - 1) * W,
			-(ptrdiff_t)W, keys, D);
	for (size_t j = 0; a->p2c.at && j < keys; j++)
		add_rows(g->dk.at + (j0 + j) * g->dk.stride, w->ds + j * PANEL, 1,
			w->band[1] + (keys - 1 - j) * W, (ptrdiff_t)W, n, D);
}

/* Of the same pairs: dc2p += ds_ij q_i, dp2c += ds_ij k_j at that place.  Pairs of one distance
 * lie on a diagonal of ds. */
static void table_gradients(const struct grad_attention *g, const struct work *w, size_t i0,
	size_t n, size_t j0, size_t keys)
{
	const struct kernel_attention *a = &g->forward;
	const size_t D = a->head_size, W = round16(D);

	for (size_t t = 0; t < keys + n - 1; t++) {
		const size_t i = t < keys ? 0 : t - (keys - 1), j = i + keys - 1 - t;
		const size_t pairs = n - i < keys - j ? n - i : keys - j;
		const size_t place = place_of(a, (ptrdiff_t)(i0 + i) - (ptrdiff_t)(j0 + j));
		const float *ds = w->ds + j * PANEL + i;

		if (g->dc2p.at)
			add_rows(g->dc2p.at + place * g->dc2p.stride, ds, PANEL + 1,
				w->q_rows + i * W, (ptrdiff_t)W, pairs, D);
		if (g->dp2c.at)
			add_rows(g->dp2c.at + place * g->dp2c.stride, ds, PANEL + 1,
				a->k.at + (j0 + j) * a->k.stride, (ptrdiff_t)a->k.stride, pairs, D);
	}
}

/* What is added to the scores of queries i0 .. i0 + n - 1 and the keys j .. j + keys - 1. */
static struct added added_to(const struct grad_attention *g, const struct work *w, size_t i0,
	size_t n, size_t j, size_t keys)
{
	const struct kernel_attention *a = &g->forward;
	struct kernel_attention panel = *a;
	struct added add = { 0 };

	if (a->causal || a->left != UINT32_MAX || a->right != UINT32_MAX || a->rel.at ||
	    a->slope != 0)
		add.line = distance_line(a, w->line, i0, j, keys);
	if (a->c2p.at) {
		query_terms(a, &w->places, (struct kernel_rows){ w->q_rows, round16(a->head_size) },
			i0, n, j, keys);
		add.c = w->places.c + (keys - 1) * PANEL;
	}
	if (a->p2c.at) {
		panel.first = i0;
		panel.n_q = n;
		key_terms(&panel, &w->places,
			(struct kernel_rows){ a->k.at + j * a->k.stride, a->k.stride }, j, keys);
		add.u = w->places.u + KEYS;
	}
	return add;
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

/* dq of queries i0 .. i0 + n - 1, in rows. */
static void close_panel(const struct grad_attention *g, const struct work *w, size_t i0, size_t n)
{
	const struct kernel_attention *a = &g->forward;
	const size_t D = a->head_size, W = round16(D);
	float *dq = g->dq.at + i0 * g->dq.stride;

	transpose(dq, g->dq.stride, w->dq, PANEL, D, n, 1.0f);
	for (size_t i = 0; a->c2p.at && i < n; i++)
		for (size_t d = 0; d < D; d++)
			dq[i * g->dq.stride + d] += w->dq_rows[i * W + d];
}

void KERNEL_SYMBOL(grad_attention)(const struct grad_attention *g)
{
	const struct kernel_attention *a = &g->forward;
	const int places = a->c2p.at || a->p2c.at;
	struct work w;

	lay_out(&w, a->work, a->head_size, places);
	if (places && a->fresh)
		forget_places(&w.places);
	for (size_t i0 = 0; i0 < a->n_q; i0 += PANEL) {
		const size_t n = a->n_q - i0 < PANEL ? a->n_q - i0 : PANEL;
		size_t begin, end;

		open_panel(g, &w, i0, n);
		seen(a, i0, n, &begin, &end);
		if (places)
			memset(w.dq_rows, 0, PANEL * round16(a->head_size) * sizeof(float));
		for (size_t j = begin / PANEL * PANEL; j < end; j += KEYS) {
			const size_t keys = end - j < KEYS ? end - j : KEYS;
			const struct added add = added_to(g, &w, i0, n, j, keys);
			float *dline = g->drel.at ? w.dline + keys - 1 : NULL;

			memset(w.dline, 0, (KEYS + PANEL) * sizeof(float));
			if (a->dropout > 0)
				drop_factors(a, w.factors, i0, j, keys);
			if (n > LANES)
				panel_block(g, &w, n, j, keys, add, dline, 2);
			else
				panel_block(g, &w, n, j, keys, add, dline, 1);
			if (dline)
				add_distances(g, w.dline, i0, j, keys);
			if (places && g->dq.at)
				place_gradients(g, &w, i0, n, j, keys);
			if (g->dc2p.at || g->dp2c.at)
				table_gradients(g, &w, i0, n, j, keys);
		}
		if (g->dq.at)
			close_panel(g, &w, i0, n);
	}
}
