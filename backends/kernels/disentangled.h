/* SPDX-License-Identifier: Apache-2.0
 * kernels/disentangled.h - what relative positions add to the scores of a panel of queries and a
 * block of keys: q_i . c2p[b] + k_j . p2c[b], b the bucket of i - j.  Part of attention.c and
 * grad_attention.c.
 *
 * Both are products of rows with a table whose lanes are distances, PANEL of them at a time from
 * a multiple of PANEL on; such panels are kept from one sequence to the next.  For keys that is
 * already what scores need: row j holds neighbouring queries side by side.  Rows of queries are
 * transposed along their diagonals.
 * Source: He et al., DeBERTa, arXiv 2006.03654, section 3.1.
 */
#ifndef TN_KERNELS_DISENTANGLED_H
#define TN_KERNELS_DISENTANGLED_H

#include "mask.h"
#include "panels.h"

#define KEPT (512 / PANEL)	/* panels; more than any block needs at once */
#define T_STRIDE (KEYS + 2 * PANEL)
#define U_STRIDE (KERNEL_CHUNK + KEYS + 16)

/** What the terms are worked out in. */
struct places {
	int64_t *tag[2];	/* [KEPT]: which panel of which head is kept; of c2p, p2c */
	float *table[2];	/* [KEPT][D][PANEL], times scale log2(e) */
	float *rows;		/* [PANEL][D] */
	float *t;		/* [PANEL][T_STRIDE]: queries by distances */
	float *c;		/* [KEYS][PANEL]: of key j at the last key less j */
	float *u;		/* [KEYS][U_STRIDE]: keys by distances */
};

/** What is added to scores: where key 0 and the first query stand; NULL: nothing. */
struct added {
	const float *line;	/* one place lower for each next key; see distance_line */
	const float *c;		/* one row lower */
	const float *u;		/* one row further and one place lower */
};

/* What is added to the scores of the key j places further on. */
static inline struct added added_at(struct added add, size_t j)
{
	return (struct added){ add.line ? add.line - j : NULL, add.c ? add.c - j * PANEL : NULL,
		add.u ? add.u + j * (U_STRIDE - 1) : NULL };
}

/* D: the head's size, rounded up. */
static size_t lay_out_places(struct places *p, float *at, size_t D)
{
	const size_t table = D * PANEL * KEPT;
	float *tag[2];
	const struct part parts[] = {
		{ &tag[0], 2 * KEPT }, { &tag[1], 2 * KEPT }, { &p->table[0], table },
		{ &p->table[1], table }, { &p->rows, PANEL * D }, { &p->t, PANEL * T_STRIDE },
		{ &p->c, KEYS * PANEL }, { &p->u, KEYS * U_STRIDE },
	};
	const size_t n = lay_out_parts(parts, sizeof(parts) / sizeof(parts[0]), at);

	for (int i = 0; i < 2; i++)
		p->tag[i] = (int64_t *)(void *)tag[i];
	return n;
}

/* Nothing is kept of tables that were. */
static void forget_places(const struct places *p)
{
	for (int part = 0; part < 2; part++)
		memset(p->tag[part], 0xff, KEPT * sizeof(int64_t));
}

/* The multiple of PANEL at or below a distance, in panels. */
static ptrdiff_t panel_at(ptrdiff_t distance)
{
	return (distance - ((distance % PANEL) + PANEL) % PANEL) / PANEL;
}

/* The row of the tables for a distance i - j. */
static size_t place_of(const struct kernel_attention *a, ptrdiff_t distance)
{
	const ptrdiff_t most = (ptrdiff_t)a->span - 1;

	distance = distance < -most ? -most : distance > most ? most : distance;
	return (size_t)a->bucket[distance + most];
}

/* The panel of distances from number * PANEL on, made if it is not kept. */
static const float *place_panel(const struct kernel_attention *a, const struct places *w, int part,
	ptrdiff_t number)
{
	const size_t D = a->head_size, slot = (size_t)(number & (KEPT - 1));
	const struct kernel_rows from = part ? a->p2c : a->c2p;
	const int64_t tag = (int64_t)a->head << 32 | (uint32_t)number;
	float *panel = w->table[part] + slot * D * PANEL;

	if (w->tag[part][slot] == tag)
		return panel;
	for (ptrdiff_t l = 0; l < PANEL; l++)
		memcpy(w->rows + (size_t)l * D,
			from.at + place_of(a, number * PANEL + l) * from.stride, D * sizeof(float));
	transpose(panel, PANEL, w->rows, D, PANEL, D, a->scale * 1.44269504f);
	w->tag[part][slot] = tag;
	return panel;
}

/* y [n][PANEL] = x table for n rows. */
VEC_INLINE void place_tile(float *y, size_t y_stride, const float *table, const float *x,
	size_t x_stride, size_t D, const int n, const int m)
{
	vf acc[TILE][2];

#pragma GCC unroll 8
	for (int r = 0; r < n; r++)
#pragma GCC unroll 2
		for (int i = 0; i < m; i++)
			acc[r][i] = vset(0.0f);
	for (size_t d = 0; d < D; d++) {
		vf t0 = vload(table + d * PANEL), t1 = vload(table + d * PANEL + LANES);

#pragma GCC unroll 8
		for (int r = 0; r < n; r++) {
			vf b = vset(x[(size_t)r * x_stride + d]);

			acc[r][0] = vfma(b, t0, acc[r][0]);
			acc[r][1] = vfma(b, t1, acc[r][1]);
		}
	}
#pragma GCC unroll 8
	for (int r = 0; r < n; r++)
#pragma GCC unroll 2
		for (int i = 0; i < m; i++)
			vstore(y + (size_t)r * y_stride + i * LANES, acc[r][i]);
}

/* y: n rows of x by the distances from `begin` panels on. */
static void by_places(const struct kernel_attention *a, const struct places *w, int part, float *y,
	size_t y_stride, struct kernel_rows x, size_t n, ptrdiff_t begin, ptrdiff_t end)
{
	const int m = 2;

	for (ptrdiff_t p = begin; p < end; p++, y += PANEL) {
		const float *table = place_panel(a, w, part, p);

		for (size_t r = 0, rows; r < n; r += rows) {
			rows = tile_rows(n - r);
			TILE_OF(rows, place_tile, y + r * y_stride, y_stride, table,
				x.at + r * x.stride, x.stride, a->head_size);
		}
	}
}

/* Keys j0 .. j0 + keys - 1, which are k, by their distances to all queries of the call: what
 * key j0 + j adds to query a->first + i is at u[j * U_STRIDE + KEYS - j + i].  Both first and j0
 * are multiples of PANEL. */
static void key_terms(const struct kernel_attention *a, const struct places *w,
	struct kernel_rows k, size_t j0, size_t keys)
{
	for (size_t j = 0; a->p2c.at && j < keys; j += PANEL) {
		const size_t n = keys - j < PANEL ? keys - j : PANEL;
		const ptrdiff_t low = (ptrdiff_t)a->first - (ptrdiff_t)(j0 + j) - PANEL;
		const struct kernel_rows rows = { k.at + j * k.stride, k.stride };

		by_places(a, w, 1, w->u + j * U_STRIDE + KEYS - PANEL - j, U_STRIDE, rows, n,
			panel_at(low), panel_at(low + PANEL + (ptrdiff_t)a->n_q - 1) + 1);
	}
}

/* n queries from i0 on, which are q, by their distances to the keys: what they have from key
 * j0 + j is row keys - 1 - j of c. */
static void query_terms(const struct kernel_attention *a, const struct places *w,
	struct kernel_rows q, size_t i0, size_t n, size_t j0, size_t keys)
{
	const ptrdiff_t low = (ptrdiff_t)i0 - (ptrdiff_t)(j0 + keys - 1), begin = panel_at(low);

	if (!a->c2p.at)
		return;
	by_places(a, w, 0, w->t, T_STRIDE, q, n, begin,
		panel_at((ptrdiff_t)(i0 + n - 1) - (ptrdiff_t)j0) + 1);
	transpose(w->c, PANEL, w->t + (low - begin * PANEL), T_STRIDE + 1, n, keys, 1.0f);
}

#endif
