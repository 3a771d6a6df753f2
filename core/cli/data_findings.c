/* SPDX-License-Identifier: Apache-2.0
 * core/cli/data_findings.c - tenon data: what is wrong or suspect, with places.
 */
#include <string.h>

#include "cli/data.h"

/* One kind of finding: its line for people, and the places that are printed below it. */
struct finding {
	const char *level;		/* "error", "warning" */
	const char *what;		/* its name in JSON */
	const char *set;
	size_t total, distinct;		/* distinct 0: not counted */
	const char *headline;		/* in the call's arena */
	size_t n;
	struct {
		const char *where, *other, *text;	/* NULL: none */
		const char *shorter;	/* `other` without a file that `where` has named */
	} places[EVAL_MOST_FINDS];
};

static void begin(struct data_check *c)
{
	if (c->a->format == EVAL_ROWS_TEXT && !c->n_errors && !c->n_warnings)
		putchar('\n');
}

static int print_rows(struct data_check *c, const struct finding *f)
{
	struct tn_arena *arena = tn_call_arena(c->call);
	const struct tn_value *rows[EVAL_MOST_FINDS];
	struct eval_rows table = { NULL, 0, rows, f->n ? f->n : 1 };

	for (size_t i = 0; i < table.n; i++) {
		struct tn_value *row = tn_new_object(arena);

		eval_set_text(arena, row, "row", "finding");
		eval_set_text(arena, row, "level", f->level);
		eval_set_text(arena, row, "what", f->what);
		eval_set_text(arena, row, "set", f->set);
		eval_set_int(arena, row, "total", (int64_t)f->total);
		tn_set(arena, row, "distinct", f->distinct ?
			tn_new_int(arena, (int64_t)f->distinct) : tn_new_null(arena));
		eval_set_text(arena, row, "where", f->n ? f->places[i].where : NULL);
		eval_set_text(arena, row, "other", f->n ? f->places[i].other : NULL);
		rows[i] = eval_set_text(arena, row, "text", f->n ? f->places[i].text : f->headline) ?
			row : NULL;
		if (!rows[i])
			return tn_fail(c->call, TN_ENOMEM, "out of memory");
	}
	return eval_rows_print(stdout, EVAL_ROWS_JSONL, &table, c->call);
}

/* Prints a finding that has a total, and counts it. */
static int print(struct data_check *c, const struct finding *f)
{
	bool error = !strcmp(f->level, "error");

	if (tn_status(c->call) || !f->total)
		return tn_status(c->call);
	begin(c);
	c->n_errors += error;
	c->n_warnings += !error;
	if (c->a->format == EVAL_ROWS_JSONL)
		return print_rows(c, f);
	printf("%s: %s\n", f->level, f->headline);
	for (size_t i = 0; i < f->n; i++)
		printf("  %s%s%s%s%s\n", f->places[i].where ? f->places[i].where : "",
			f->places[i].other ? " and " : "",
			f->places[i].other ? f->places[i].shorter : "",
			f->places[i].where && f->places[i].text ? ": " : "",
			f->places[i].text ? f->places[i].text : "");
	if (f->n && f->total > f->n)
		printf("  and %zu more\n", f->total - f->n);
	return 0;
}

static int print_bad(struct data_check *c, const struct data_set *set)
{
	struct finding f = { .level = "error", .what = "bad", .set = set->name,
		.total = set->data.dropped };

	f.headline = tn_printf(c->call, "%s: lines, sentences or questions that cannot be read: %zu",
		set->name, f.total);
	for (; f.n < f.total && f.n < EVAL_MOST_BAD; f.n++)
		f.places[f.n].text = set->data.bad[f.n];
	return print(c, &f);
}

static int print_illegal(struct data_check *c, const struct data_set *set)
{
	const struct eval_audit *a = &set->audit;
	struct finding f = { .level = "error", .what = "illegal-transition", .set = set->name,
		.total = a->illegal.n };

	f.headline = tn_printf(c->call, "%s: tags that cannot stand where they do (%s): %zu%s",
		set->name, eval_scheme_name(a->scheme), f.total, a->fits_iob1 ?
		"; all can in IOB1: try --iob1" : "");
	for (; f.n < f.total && f.n < EVAL_MOST_FINDS; f.n++) {
		f.places[f.n].where = eval_illegal_where(a, &a->illegal.first[f.n], c->call);
		f.places[f.n].text = eval_illegal_text(a, &a->illegal.first[f.n], c->call);
	}
	return print(c, &f);
}

/* The beginning of an example's text, in quotes. */
static const char *text_of(struct data_check *c, const struct eval_example *e)
{
	char *text;

	if (!e->input.words)
		return tn_quote(c->call, e->input.text.text, e->input.text.len);
	text = tn_printf(c->call, "%s", "");
	for (size_t i = 0; i < e->input.n_words && text && strlen(text) <= 120; i++)
		text = tn_printf(c->call, "%s%s%.*s", text, i ? " " : "",
			(int)(e->input.words[i].len < 200 ? e->input.words[i].len : 200),
			e->input.words[i].text);
	return text ? tn_quote(c->call, text, strlen(text)) : NULL;
}

/* Where an example is, behind its file and colon when that is the file of another. */
static const char *shorter(const struct eval_example *e, const struct eval_example *other)
{
	size_t n = strlen(e->file);

	return strcmp(e->file, other->file) ? e->where : e->where + n + 1 + (e->where[n + 1] == ' ');
}

/* Texts that two examples have, the second of them of `others`. */
static int print_pairs(struct data_check *c, struct finding *f, const struct eval_finds *finds,
	const struct eval_data *data, const struct eval_data *others)
{
	f->total = finds->n;
	for (; f->n < f->total && f->n < EVAL_MOST_FINDS; f->n++) {
		const struct eval_find *find = &finds->first[f->n];

		f->places[f->n].where = data->items[find->example].where;
		f->places[f->n].other = others->items[find->other].where;
		f->places[f->n].shorter = shorter(&others->items[find->other],
			&data->items[find->example]);
		f->places[f->n].text = text_of(c, &data->items[find->example]);
	}
	return print(c, f);
}

static int print_repeats(struct data_check *c, const struct data_set *set)
{
	const struct eval_audit *a = &set->audit;
	struct finding again = { .level = "warning", .what = "duplicate", .set = set->name };
	struct finding other = { .level = "warning", .what = "contradiction", .set = set->name };

	again.headline = tn_printf(c->call, "%s: texts that were there before: %zu", set->name,
		a->repeats.n);
	other.headline = tn_printf(c->call, "%s: of these, with other labels than before: %zu",
		set->name, a->differing.n);
	return print_pairs(c, &again, &a->repeats, a->data, a->data) ? tn_status(c->call) :
		print_pairs(c, &other, &a->differing, a->data, a->data);
}

static int print_odd(struct data_check *c, const struct data_set *set)
{
	const struct eval_audit *a = &set->audit;
	struct finding odd = { .level = "warning", .what = "odd-tag", .set = set->name,
		.total = a->odd_tags };
	struct finding empty = { .level = "warning", .what = "empty", .set = set->name,
		.total = a->empty };

	odd.headline = tn_printf(c->call, "%s: tags without a letter and hyphen in front, as others "
		"have: %zu; so all are taken for labels of words", set->name, a->odd_tags);
	for (size_t i = 0; i < a->tags.n && odd.n < EVAL_MOST_FINDS && a->odd_tags; i++)
		if (!eval_tag_of(a->tags.items[i].name).marked)
			odd.places[odd.n++].text = tn_printf(c->call, "%.*s: %zu",
				(int)a->tags.items[i].name.len, a->tags.items[i].name.text,
				a->tags.items[i].n);
	empty.headline = tn_printf(c->call, "%s: texts without a word: %zu", set->name, a->empty);
	return print(c, &odd) ? tn_status(c->call) : print(c, &empty);
}

static int print_unseen(struct data_check *c, const char *what, const struct eval_tally *unseen)
{
	struct finding f = { .level = "warning", .what = what, .set = "dev", .total = unseen->n };

	f.headline = tn_printf(c->call, "dev: %ss that train has not: %zu",
		what + strlen("unseen-"), f.total);
	for (; f.n < f.total && f.n < EVAL_MOST_FINDS; f.n++)
		f.places[f.n].text = tn_printf(c->call, "%.*s: %zu",
			(int)unseen->items[f.n].name.len, unseen->items[f.n].name.text,
			unseen->items[f.n].n);
	return print(c, &f);
}

static int print_beside(struct data_check *c)
{
	const struct data_set *train = &c->sets[DATA_TRAIN], *dev = &c->sets[DATA_DEV];
	struct finding f = { .level = "warning", .what = "overlap", .set = "dev",
		.distinct = c->beside.distinct };

	f.headline = tn_printf(c->call, "dev: texts that are in train, too: %zu; different ones: %zu",
		c->beside.shared.n, f.distinct);
	return print_pairs(c, &f, &c->beside.shared, &dev->data, &train->data) ||
		print_unseen(c, "unseen-label", &c->beside.labels) ||
		print_unseen(c, "unseen-tag", &c->beside.tags) ? tn_status(c->call) : 0;
}

static int print_long(struct data_check *c, const struct data_set *set)
{
	const struct eval_token_audit *t = &set->tokens;
	struct finding longer = { .level = "warning", .what = "long", .set = set->name,
		.total = t->longer };
	struct finding wrong = { .level = "error", .what = "not-tokenized", .set = set->name,
		.total = t->wrong };

	longer.headline = tn_printf(c->call, "%s: texts longer than the %zu tokens of a window: %zu; "
		"where they are cut (on_overflow), %zu words with tags and %zu answers are lost",
		set->name, t->limit, t->longer, t->lost_words, t->lost_spans);
	wrong.headline = tn_printf(c->call, "%s: texts that cannot be tokenized: %zu", set->name,
		t->wrong);
	return print(c, &longer) ? tn_status(c->call) : print(c, &wrong);
}

int data_print_findings(struct data_check *c)
{
	for (size_t i = 0; i < c->n_sets; i++)
		if (print_bad(c, &c->sets[i]) || print_illegal(c, &c->sets[i]))
			return tn_status(c->call);
	for (size_t i = 0; i < c->n_sets; i++)
		if (print_odd(c, &c->sets[i]) || print_repeats(c, &c->sets[i]) ||
				(c->a->pipeline && print_long(c, &c->sets[i])))
			return tn_status(c->call);
	return c->n_sets > 1 ? print_beside(c) : 0;
}
