/* SPDX-License-Identifier: Apache-2.0
 * kernels/attention.c - attention of one sequence and head, by blocks of keys.
 *
 * The lanes of all vectors are queries: scores and outputs are kept transposed,
 * s [key][query] and o [column][query].  Then maxima and sums over keys need no
 * work across lanes, keys and values are read as broadcasts from where they lie,
 * and any head size runs at the same speed.  Queries come in panels of PANEL.
 *
 * Legend: D size of a head, j a key, d a column of the head.
 */
#include <float.h>
#include <math.h>

#include "isa.h"
#include "disentangled.h"

#define NOTHING (-FLT_MAX / 4)	/* below any score; -INFINITY less itself would be NaN */

/** What attention works in; each part is 64-byte aligned. */
struct work {
	float *q;	/* [panel][D][PANEL], times scale log2(e) */
	float *o;	/* [panel][D][PANEL] */
	float *most;	/* [panel][PANEL]: greatest score so far */
	float *sum;	/* [panel][PANEL]: of 2^(score - most) */
	float *s;	/* [KEYS][PANEL] */
	float *line;	/* what is added to a score by its distance, see distance_line */
	float *factors;	/* [KEYS][PANEL], see drop_factors */
	float *k, *v;	/* [KEYS][D], copies */
	struct places places;
};

static size_t lay_out(struct work *w, float *at, size_t head_size, int places)
{
	const size_t chunk = KERNEL_CHUNK, D = round16(head_size), square = D * chunk;
	const struct part parts[] = {
		{ &w->q, square }, { &w->o, square }, { &w->most, chunk }, { &w->sum, chunk },
		{ &w->s, KEYS * PANEL }, { &w->line, round16(KEYS + 2 * PANEL) },
		{ &w->factors, KEYS * PANEL },
		{ &w->k, KEYS * D }, { &w->v, KEYS * D },
	};
	size_t n = lay_out_parts(parts, sizeof(parts) / sizeof(parts[0]), at);

	if (places)
		n += lay_out_places(&w->places, at ? at + n : NULL, D);
	return n * sizeof(float);
}

size_t KERNEL_SYMBOL(attention_work)(size_t head_size, int places)
{
	struct work w;

	return lay_out(&w, NULL, head_size, places);
}

/* s [n][PANEL] = k q for n keys and m vectors of queries, plus what is added; raises most. */
VEC_INLINE void score_tile(float *s, const float *q, const float *k, size_t k_stride, size_t D,
	struct added add, vf *most, const int n, const int m)
{
	vf acc[TILE][2];

#pragma GCC unroll 8
	for (int r = 0; r < n; r++)
#pragma GCC unroll 2
		for (int i = 0; i < m; i++)
			acc[r][i] = vset(0.0f);
	for (size_t d = 0; d < D; d++) {
		vf q0 = vload(q + d * PANEL), q1 = m > 1 ? vload(q + d * PANEL + LANES) : q0;

#pragma GCC unroll 8
		for (int r = 0; r < n; r++) {
			vf a = vset(k[(size_t)r * k_stride + d]);

			acc[r][0] = vfma(a, q0, acc[r][0]);
			if (m > 1)
				acc[r][1] = vfma(a, q1, acc[r][1]);
		}
	}
#pragma GCC unroll 8
	for (int r = 0; r < n; r++)
#pragma GCC unroll 2
		for (int i = 0; i < m; i++) {
			if (add.line)
				acc[r][i] += vload(add.line - r + i * LANES);
			if (add.c)
				acc[r][i] += vload(add.c - r * PANEL + i * LANES);
			if (add.u)
				acc[r][i] += vload(add.u + r * (U_STRIDE - 1) + i * LANES);
			vstore(s + r * PANEL + i * LANES, acc[r][i]);
			most[i] = vmax(most[i], acc[r][i]);
		}
}

/* o [n][PANEL] = (first block ? 0 : o * keep) + v p for n columns of the head. */
VEC_INLINE void value_tile(float *o, const float *p, const float *v, size_t v_stride, size_t keys,
	const vf *keep, const int n, const int m)
{
	vf acc[TILE][2];

#pragma GCC unroll 8
	for (int r = 0; r < n; r++)
#pragma GCC unroll 2
		for (int i = 0; i < m; i++)
			acc[r][i] = keep ? vload(o + r * PANEL + i * LANES) * keep[i] : vset(0.0f);
	for (size_t j = 0; j < keys; j++) {
		vf p0 = vload(p + j * PANEL), p1 = m > 1 ? vload(p + j * PANEL + LANES) : p0;

#pragma GCC unroll 8
		for (int r = 0; r < n; r++) {
			vf a = vset(v[j * v_stride + (size_t)r]);

			acc[r][0] = vfma(a, p0, acc[r][0]);
			if (m > 1)
				acc[r][1] = vfma(a, p1, acc[r][1]);
		}
	}
#pragma GCC unroll 8
	for (int r = 0; r < n; r++)
#pragma GCC unroll 2
		for (int i = 0; i < m; i++)
			vstore(o + r * PANEL + i * LANES, acc[r][i]);
}

static size_t queries_of(const struct kernel_attention *a, size_t panel)
{
	const size_t left = a->n_q - panel * PANEL;

	return left < PANEL ? left : PANEL;
}

static struct kernel_rows from_row(struct kernel_rows m, size_t row)
{
	return (struct kernel_rows){ m.at + row * m.stride, m.stride };
}

VEC_INLINE void fetch_row(const float *row, size_t cols, const int to_write)
{
	const char *end = (const char *)(row + cols);

	for (const char *line = (const char *)((uintptr_t)row & ~(uintptr_t)63); line < end;
		line += 64) {
		if (to_write)
			__builtin_prefetch(line, 1);
		else
			__builtin_prefetch(line, 0);
	}
}

/* Brings part i of n of the panel's rows into the cache, where the next head has them. */
VEC_INLINE void fetch_ahead(const struct kernel_attention *a, size_t panel, size_t i, size_t n)
{
	const size_t rows = queries_of(a, panel), D = a->head_size;

	for (size_t r = rows * i / n; a->ahead && r < rows * (i + 1) / n; r++) {
		const size_t row = panel * PANEL + r, key = a->first + row;

		fetch_row(a->q.at + row * a->q.stride + a->ahead, D, 0);
		fetch_row(a->y.at + row * a->y.stride + a->ahead, D, 1);
		if (key < a->n_k) {
			fetch_row(a->k.at + key * a->k.stride + a->ahead, D, 0);
			fetch_row(a->v.at + key * a->v.stride + a->ahead, D, 0);
		}
	}
}

/* One panel against one block of keys; m: vectors of queries. */
VEC_INLINE void panel_block(const struct kernel_attention *a, const struct work *w, size_t panel,
	struct kernel_rows k, struct kernel_rows v, size_t keys, struct added add, int first,
	const int m)
{
	const size_t D = a->head_size;
	const float *q = w->q + panel * D * PANEL;
	float *o = w->o + panel * D * PANEL, *most = w->most + panel * PANEL;
	float *sum = w->sum + panel * PANEL;
	const int drop = a->dropout > 0;
	vf new_most[2], new_sum[2], keep[2];

	for (int i = 0; i < m; i++)
		new_most[i] = first ? vset(NOTHING) : vload(most + i * LANES);
	for (size_t j = 0, n; j < keys; j += n) {
		float *s = w->s + j * PANEL;
		const float *at = k.at + j * k.stride;

		n = tile_rows(keys - j);
		if (first)
			fetch_ahead(a, panel, j / TILE, (keys + TILE - 1) / TILE);
		if (add.line || add.c || add.u)
			TILE_OF(n, score_tile, s, q, at, k.stride, D, added_at(add, j), new_most);
		else
			TILE_OF(n, score_tile, s, q, at, k.stride, D, (struct added){ 0 }, new_most);
	}
	for (int i = 0; i < m; i++) {
		keep[i] = first ? vset(0.0f) : vexp2_capped(vload(most + i * LANES) - new_most[i]);
		new_sum[i] = first ? vset(0.0f) : vload(sum + i * LANES) * keep[i];
		vstore(most + i * LANES, new_most[i]);
	}
	for (size_t j = 0; j < keys; j++)
		for (int i = 0; i < m; i++) {
			float *s = w->s + j * PANEL + i * LANES;
			vf p = vexp2_capped(vload(s) - new_most[i]);

			new_sum[i] += p;
			vstore(s, drop ? p * vload(w->factors + j * PANEL + i * LANES) : p);
		}
	for (int i = 0; i < m; i++)
		vstore(sum + i * LANES, new_sum[i]);
	for (size_t d = 0, n; d < D; d += n) {
		n = tile_rows(D - d);
		if (first)
			TILE_OF(n, value_tile, o + d * PANEL, w->s, v.at + d, v.stride, keys, NULL);
		else
			TILE_OF(n, value_tile, o + d * PANEL, w->s, v.at + d, v.stride, keys, keep);
	}
}

static struct kernel_rows copy_rows(float *to, struct kernel_rows from, size_t rows, size_t cols)
{
	for (size_t r = 0; r < rows; r++) {
		const float *row = from.at + r * from.stride;
		size_t c = 0;

		for (; c + LANES <= cols; c += LANES)
			vstore(to + r * cols + c, vload(row + c));
		if (c < cols)
			vstore_n(to + r * cols + c, vload_n(row + c, cols - c), cols - c);
	}
	return (struct kernel_rows){ to, cols };
}

static void read_panel(const struct kernel_attention *a, const struct work *w, size_t panel)
{
	const size_t D = a->head_size, n = queries_of(a, panel);
	float *q = w->q + panel * D * PANEL;

	if (n < PANEL)
		memset(q, 0, D * PANEL * sizeof(*q));
	transpose(q, PANEL, from_row(a->q, panel * PANEL).at, a->q.stride, n, D,
		a->scale * 1.44269504f);
}

static void write_panel(const struct kernel_attention *a, const struct work *w, size_t panel)
{
	const size_t D = a->head_size, n = queries_of(a, panel);
	float *o = w->o + panel * D * PANEL, *sum = w->sum + panel * PANEL;
	const float *most = w->most + panel * PANEL;

	for (int i = 0; i < 2; i++) {
		vf s = vload(sum + i * LANES);
		vf part = vselect(s == vset(0.0f), s, vset(1.0f) / s);

		for (size_t d = 0; d < D; d++)
			vstore(o + d * PANEL + i * LANES, vload(o + d * PANEL + i * LANES) * part);
	}
	transpose(from_row(a->y, panel * PANEL).at, a->y.stride, o, PANEL, D, n, 1.0f);
	if (a->lse.at)
		for (size_t i = 0; i < n; i++)
			a->lse.at[(panel * PANEL + i) * a->lse.stride] =
				(float)((double)most[i] * 0.69314718055994531 +
				log((double)sum[i]));
}

/* Queries come to the workspace; those that see no key are done. */
static void begin(const struct kernel_attention *a, const struct work *w, size_t panels)
{
	const size_t D = a->head_size;

	for (size_t p = 0; p < panels; p++) {
		size_t from, to;

		read_panel(a, w, p);
		memset(w->sum + p * PANEL, 0, PANEL * sizeof(float));
		for (size_t i = 0; i < PANEL; i++)
			w->most[p * PANEL + i] = NOTHING;
		seen(a, a->first + p * PANEL, queries_of(a, p), &from, &to);
		if (from == to) {
			memset(w->o + p * D * PANEL, 0, D * PANEL * sizeof(float));
			write_panel(a, w, p);
		}
	}
}

/* What is added to the scores of panel p and the keys j .. j + keys - 1, `skip` behind the first
 * one of their block. */
static struct added added_to(const struct kernel_attention *a, const struct work *w, size_t p,
	size_t j, size_t skip, size_t keys)
{
	const size_t i0 = a->first + p * PANEL;
	struct added add = { 0 };

	if (a->causal || a->left != UINT32_MAX || a->right != UINT32_MAX || a->rel.at ||
	    a->slope != 0)
		add.line = distance_line(a, w->line, i0, j, keys);
	if (a->c2p.at) {
		query_terms(a, &w->places, from_row(a->q, p * PANEL), i0, queries_of(a, p), j, keys);
		add.c = w->places.c + (keys - 1) * PANEL;
	}
	if (a->p2c.at)
		add.u = w->places.u + KEYS + p * PANEL + skip * (U_STRIDE - 1);
	return add;
}

/* All panels against keys j .. j + block - 1. */
static void run_block(const struct kernel_attention *a, const struct work *w, size_t panels,
	size_t j, size_t block)
{
	const size_t D = a->head_size;
	struct kernel_rows k = from_row(a->k, j), v = from_row(a->v, j);

	if (panels > 1) {
		k = copy_rows(w->k, k, block, D);
		v = copy_rows(w->v, v, block, D);
	}
	key_terms(a, &w->places, k, j, block);
	for (size_t p = 0; p < panels; p++) {
		const size_t i0 = a->first + p * PANEL;
		size_t from, to, skip, keys;
		struct added add;

		seen(a, i0, queries_of(a, p), &from, &to);
		if (to <= j || from >= j + block)
			continue;
		skip = from > j ? from - j : 0;
		keys = (to - j < block ? to - j : block) - skip;
		add = added_to(a, w, p, j + skip, skip, keys);
		if (a->dropout > 0)
			drop_factors(a, w->factors, i0, j + skip, keys);
		if (queries_of(a, p) > LANES)
			panel_block(a, w, p, from_row(k, skip), from_row(v, skip), keys, add,
				from >= j, 2);
		else
			panel_block(a, w, p, from_row(k, skip), from_row(v, skip), keys, add,
				from >= j, 1);
		if (to <= j + block)
			write_panel(a, w, p);
	}
}

void KERNEL_SYMBOL(attention)(const struct kernel_attention *a)
{
	const size_t panels = (a->n_q + PANEL - 1) / PANEL;
	const int places = a->c2p.at || a->p2c.at;
	struct work w;
	size_t from, to;

	lay_out(&w, a->work, a->head_size, places);
	if (places && a->fresh)
		forget_places(&w.places);
	begin(a, &w, panels);
	seen(a, a->first, a->n_q, &from, &to);
	for (size_t j = from / KEYS * KEYS; j < to; j += KEYS)
		run_block(a, &w, panels, j, to - j < KEYS ? to - j : KEYS);
}
