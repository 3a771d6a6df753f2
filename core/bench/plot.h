/* SPDX-License-Identifier: Apache-2.0
 * core/bench/plot.h - lines over axes as an SVG file that needs nothing else.
 */
#ifndef TN_BENCH_PLOT_H
#define TN_BENCH_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** Points in the order of x. */
struct bench_series {
	const char *name;
	const double *x, *y;
	size_t n;
	bool dashed;		/* a line without points: what is expected */
};

/** Series over one pair of axes.  A linear y axis begins at 0.  The x axis is logarithmic,
 *  with a tick at each point of the first series. */
struct bench_panel {
	const char *title, *x_label, *y_label;
	bool log_y, legend_below;	/* the names of the series: below, or in the corner */
	const struct bench_series *series;
	size_t n_series;
};

/** Writes panels, `columns` side by side, below a title.  Texts may hold any bytes but are
 *  taken as UTF-8.  A point that is not finite, or not above 0 on a logarithmic axis, is
 *  left out.  SVG 1.1. */
void bench_plot(FILE *out, const char *title, const struct bench_panel *panels, size_t n,
	size_t columns);

#endif
