/* SPDX-License-Identifier: Apache-2.0
 * core/train/story.c - curves, a report and a model card of a run.
 */
#include "train/story.h"

#include <config.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/file.h"
#include "eval/report.h"

#define LARGEST_LOG ((size_t)1 << 30)
#define N_MEANS 100		/* points of the curve of the train loss, at most */
#define MOST_CURVES 8

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* The lines of a log. */
struct lines {
	const struct tn_value **items;
	size_t n, steps;		/* of all, of those of a step */
};

static int read_log(const struct run *r, struct lines *l, struct tn_call *call)
{
	size_t len, room = 1;
	char *text = tn_file_read(r->log_path, LARGEST_LOG, &len, tn_call_arena(call), call);

	for (size_t i = 0; text && i < len; i++)
		room += text[i] == '\n';
	l->items = text ? tn_alloc_n(call, room, sizeof(*l->items)) : NULL;
	for (char *at = text, *end; l->items && at < text + len; at = end + 1) {
		end = memchr(at, '\n', (size_t)(text + len - at));
		if (!end)
			break;
		l->items[l->n] = tn_json_parse(at, (size_t)(end - at), r->log_path,
			tn_call_arena(call), call);
		if (!l->items[l->n])
			return tn_status(call);
		l->steps += tn_get(l->items[l->n++], "rate") != NULL;
	}
	return tn_status(call);
}

/* --- curves --- */

struct curves {
	struct tn_series loss[2], metrics[MOST_CURVES];
	size_t n_metrics;
	double *x, *y;			/* of what is being made */
};

static int new_points(struct curves *c, size_t n, struct tn_call *call)
{
	c->x = tn_alloc_n(call, n + 1, sizeof(*c->x));
	c->y = tn_alloc_n(call, n + 1, sizeof(*c->y));
	return c->x && c->y ? 0 : tn_status(call);
}

/* Means over stretches of steps. */
static int train_loss(struct curves *c, const struct lines *l, struct tn_call *call)
{
	size_t each = (l->steps + N_MEANS - 1) / N_MEANS, n = 0, points = 0;
	double sum = 0;

	if (new_points(c, N_MEANS, call))
		return tn_status(call);
	for (size_t i = 0; i < l->n; i++) {
		if (!tn_get(l->items[i], "rate"))
			continue;
		sum += tn_real(tn_get(l->items[i], "loss"), 0);
		if (++n < each)
			continue;
		c->x[points] = tn_real(tn_get(l->items[i], "step"), 0);
		c->y[points++] = sum / (double)n;
		sum = 0;
		n = 0;
	}
	c->loss[0] = (struct tn_series){ .name = "train", .x = c->x, .y = c->y, .n = points };
	return 0;
}

/* A number of each evaluation. */
static int add_curve(struct curves *c, const struct lines *l, struct tn_series *s, const char *name,
	const char *head, const char *metric, struct tn_call *call)
{
	size_t points = 0;

	if (new_points(c, l->n, call))
		return tn_status(call);
	for (size_t i = 0; i < l->n; i++) {
		const struct tn_value *dev = tn_get(l->items[i], "dev");
		const struct tn_value *v = head ? tn_get(tn_get(dev, head), metric) :
			tn_get(l->items[i], metric);

		if (!dev || !v)
			continue;
		c->x[points] = tn_real(tn_get(l->items[i], "step"), 0);
		c->y[points++] = tn_real(v, NAN);
	}
	*s = (struct tn_series){ .name = name, .x = c->x, .y = c->y, .n = points };
	return 0;
}

static const struct tn_value *last_evaluation(const struct lines *l, bool best)
{
	const struct tn_value *found = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (tn_get(l->items[i], "dev") &&
				(!best || tn_bool(tn_get(l->items[i], "best"), false)))
			found = l->items[i];
	return found;
}

static int metric_curves(struct curves *c, const struct lines *l, struct tn_call *call)
{
	const struct tn_value *dev = tn_get(last_evaluation(l, false), "dev");

	for (size_t h = 0; h < tn_size(dev); h++)
		for (size_t m = 0; m < tn_size(tn_at(dev, h)) && c->n_metrics < MOST_CURVES; m++) {
			const char *metric = tn_key(tn_at(dev, h), m);
			const char *name = tn_printf(call, "%s.%s", tn_key(dev, h), metric);

			if (!name || add_curve(c, l, &c->metrics[c->n_metrics++], name,
					tn_key(dev, h), metric, call))
				return tn_status(call);
		}
	return 0;
}

static int write_file(const struct run *r, const char *name, const char *text, size_t len,
	struct tn_call *call)
{
	const char *path = tn_printf(call, "%s/%s", r->job.output, name);
	struct tn_file_writer w = { 0 };
	int status = path ? tn_file_create(&w, path, call) : tn_status(call);

	if (!status)
		status = tn_file_write(&w, text, len, call);
	if (!status)
		status = tn_file_commit(&w, call);
	tn_file_abandon(&w);
	return status;
}

/* The curves, and two panels of them: of the loss, and of what the dev data say; returns how many
 * there are, 0 after TN_ENOMEM. */
static size_t make_curves(const struct run *r, const struct lines *l, struct curves *c,
	struct tn_panel panels[2], struct tn_call *call)
{
	*c = (struct curves){ .n_metrics = 0 };
	if (train_loss(c, l, call) || add_curve(c, l, &c->loss[1], "dev", NULL, "dev_loss", call) ||
			metric_curves(c, l, call))
		return 0;
	panels[0] = (struct tn_panel){ .title = "loss", .x_label = "step",
		.y_label = "mean over targets", .linear_x = true, .series = c->loss,
		.n_series = c->loss[1].n && r->dev.data.n ? 2 : 1 };
	panels[1] = (struct tn_panel){ .title = "dev data", .x_label = "step",
		.y_label = "points", .linear_x = true, .series = c->metrics,
		.n_series = c->n_metrics };
	return c->n_metrics ? 2 : 1;
}

static int write_curves(const struct run *r, const struct tn_panel *panels, size_t n,
	struct tn_call *call)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int status;

	if (!out)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	tn_plot(out, r->job.path, panels, n, 2);
	status = fclose(out) ? tn_fail(call, TN_ENOMEM, "out of memory") :
		write_file(r, "curves.svg", text, len, call);
	free(text);
	return status;
}

/* The same with all that was found on the dev data. */
static int write_page(const struct run *r, const struct lines *l, const struct tn_panel *panels,
	size_t n, struct tn_call *call)
{
	const char *path = tn_printf(call, "%s/report.html", r->job.output);
	const char *about = tn_printf(call, "Made by tenon " PACKAGE_VERSION " from %zu examples; "
		"judged by %zu others, after step %lld.", r->train.data.n, r->dev.data.n,
		(long long)tn_int(tn_get(last_evaluation(l, true), "step"), 0));
	const struct eval_page page = { .title = base_name(r->job.output), .about = about,
		.verdicts = r->verdicts, .n = r->n_verdicts, .curves = panels, .n_curves = n };

	return path && about ? eval_page_write(path, &page, call) : tn_status(call);
}

/* --- the card --- */

static void tell_heads(const struct run *r, FILE *out)
{
	for (size_t h = 0; h < r->p->n_heads; h++) {
		const struct tn_pipeline_head *head = &r->p->heads[h];

		fprintf(out, "- `%s` (%s%s)", head->name, head->config->use,
			r->objective.trained[h] ? "" : ", not trained here");
		for (size_t i = 0; i < head->env.n_labels && i < 50; i++)
			fprintf(out, "%s%s", i ? ", " : ": ", head->env.labels[i]);
		fprintf(out, "%s\n", head->env.n_labels > 50 ? ", ..." : "");
	}
}

/* What the report says first, as tables. */
static int tell_figures(const struct run *r, const struct lines *l, FILE *out, struct tn_call *call)
{
	static const enum eval_table kinds[] = { EVAL_SCORES, EVAL_BASELINES, EVAL_CALIBRATION,
		EVAL_THRESHOLDS };
	const struct tn_value *best = last_evaluation(l, true);

	if (!r->dev.data.n) {
		fputs("There were no dev data: how good the model is was not measured.\n", out);
		return 0;
	}
	fprintf(out, "On %zu dev examples, after step %lld, the loss is %.4f.\n", r->dev.data.n,
		(long long)tn_int(tn_get(best, "step"), 0), tn_real(tn_get(best, "dev_loss"), NAN));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct eval_rows table;

		if (eval_table_make(&table, kinds[i], r->verdicts, r->n_verdicts, call))
			return tn_status(call);
		if (!table.n)
			continue;
		fprintf(out, "\n### %s\n\n", eval_table_title(kinds[i]));
		if (eval_rows_print(out, EVAL_ROWS_MARKDOWN, &table, call))
			return tn_status(call);
	}
	fputs("\nA temperature was fitted on these very data. report.html has all figures and "
		"pictures.\n", out);
	return 0;
}

static void tell_data(const struct run *r, FILE *out)
{
	for (size_t i = 0; i < r->job.n_data; i++) {
		fprintf(out, "- train: %s", base_name(r->job.data[i].train));
		if (r->job.data[i].dev)
			fprintf(out, ", dev: %s", base_name(r->job.data[i].dev));
		fputc('\n', out);
	}
	fprintf(out, "- %zu train examples (content %016llx), %zu dev examples\n", r->train.data.n,
		(unsigned long long)r->train.hash, r->dev.data.n);
}

static int write_card(const struct run *r, const struct lines *l, struct tn_call *call)
{
	const char *settings = tn_config_print(r->job.tree, NULL, call);
	char *text = NULL;
	size_t len = 0;
	FILE *out = settings ? open_memstream(&text, &len) : NULL;
	int status;

	if (!out)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	fprintf(out, "---\nlibrary_name: tenon\n---\n\n# %s\n\nMade by tenon " PACKAGE_VERSION " from the "
		"model %s.\n\n## Heads\n\n", base_name(r->job.output), base_name(r->p->dir->path));
	tell_heads(r, out);
	fputs("\n## Figures\n\n", out);
	status = tell_figures(r, l, out, call);
	fputs("\n![loss and metrics by step](curves.svg)\n\n## Data\n\n", out);
	tell_data(r, out);
	fprintf(out, "\n## How it was made\n\nSeed %lld, %llu steps, %zu tensors trained. The "
		"job:\n\n", (long long)r->job.seed, (unsigned long long)r->state.step, r->optimizer.n);
	for (const char *line = settings, *end; *line; line = *end ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		fprintf(out, "    %.*s\n", (int)(end - line), line);
	}
	fputs("\n## Use\n\n    tenon run pipeline.cfg \"a text\"\n", out);
	if (fclose(out))
		status = tn_fail(call, TN_ENOMEM, "out of memory");
	if (!status)
		status = write_file(r, "README.md", text, len, call);
	free(text);
	return status;
}

int run_tell_story(struct run *r, struct tn_call *call)
{
	struct lines l = { NULL, 0, 0 };
	struct tn_panel panels[2];
	struct curves c;
	size_t n = read_log(r, &l, call) ? 0 : make_curves(r, &l, &c, panels, call);

	if (!n || write_curves(r, panels, n, call) || write_page(r, &l, panels, n, call))
		return tn_status(call);
	return write_card(r, &l, call);
}
