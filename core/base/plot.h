/* SPDX-License-Identifier: Apache-2.0
 * core/base/plot.h - lines over axes as an SVG file that needs nothing else.
 */
#ifndef TN_BASE_PLOT_H
#define TN_BASE_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <tenon/export.h>

/** Points in the order of x. */
struct tn_series {
	const char *name;
	const double *x, *y;
	size_t n;
	bool dashed;		/* a line without points: what is expected */
};

/** Series over one pair of axes.  A linear y axis begins at 0.  The x axis is logarithmic,
 *  with a tick at each point of the first series; or linear from 0, or from below. */
struct tn_panel {
	const char *title, *x_label, *y_label;
	bool linear_x, log_y;
	bool legend_below;		/* the names of the series: below, or in the corner */
	const struct tn_series *series;
	size_t n_series;
};

/** Writes panels, `columns` side by side, below a title, as a file of SVG 1.1.  Texts may hold any
 *  bytes but are taken as UTF-8.  A point that is not finite, or not above 0 on a logarithmic
 *  axis, is left out. */
TN_PRIVATE void tn_plot(FILE *out, const char *title, const struct tn_panel *panels, size_t n,
	size_t columns);
/** The same as an element, to stand in HTML. */
TN_PRIVATE void tn_plot_inline(FILE *out, const char *title, const struct tn_panel *panels,
	size_t n, size_t columns);

struct tn_bar {
	const char *name;
	double value;
};

/** Bars from 0, one below the other, below a title, as an element: `full` is as wide as one can
 *  be. */
TN_PRIVATE void tn_bars(FILE *out, const char *title, const struct tn_bar *bars, size_t n,
	double full);

#endif
