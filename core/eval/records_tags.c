/* SPDX-License-Identifier: Apache-2.0
 * core/eval/records_tags.c - records of tags and spans: what is right, by conlleval, by seqeval, by
 * type and by surface form.
 */
#include <math.h>
#include <string.h>

#include "eval/records_impl.h"
#include "pipeline/writer.h"

static int count_types(struct eval_records *r, const struct eval_span *spans, size_t n, int which,
	struct tn_call *call)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		if (eval_tally_add(&r->types, spans[i].label, 1, r->arena, call))
			return tn_status(call);
		while (!eval_same_label(r->types.items[k].name, spans[i].label))
			k++;
		if (r->types.n > r->types_room) {
			size_t room = 2 * r->types_room + 32;
			struct eval_counts *grown = tn_arena_alloc(r->arena, room * sizeof(*grown));

			if (!grown)
				return tn_fail(call, TN_ENOMEM, "out of memory");
			memset(grown, 0, room * sizeof(*grown));
			if (r->types_room)
				memcpy(grown, r->by_type, r->types_room * sizeof(*grown));
			r->by_type = grown;
			r->types_room = room;
		}
		if (which == 0)
			r->by_type[k].gold++;
		else if (which == 1)
			r->by_type[k].found++;
		else
			r->by_type[k].right++;
	}
	return 0;
}

/* The words of a span and its label as one name, in the arena; NULL after TN_ENOMEM. */
static char *form_name(const struct eval_records *r, const struct eval_example *e,
	const struct eval_span *span, size_t *len, struct tn_call *call)
{
	size_t at = 0;
	char *name;

	*len = span->label.len;
	for (size_t i = span->begin; i < span->end; i++)
		*len += e->input.words[i].len + 1;
	name = tn_arena_alloc(r->arena, *len + 1);
	if (!name) {
		tn_fail(call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	for (size_t i = span->begin; i < span->end; i++) {
		memcpy(name + at, e->input.words[i].text, e->input.words[i].len);
		at += e->input.words[i].len;
		name[at++] = '\n';
	}
	memcpy(name + at, span->label.text, span->label.len);
	return name;
}

static int add_forms(struct eval_records *r, const struct eval_example *e,
	const struct eval_span *spans, size_t n, uint8_t where, struct tn_call *call)
{
	for (size_t i = 0; i < n; i++) {
		struct tn_text name;

		name.text = form_name(r, e, &spans[i], &name.len, call);
		if (!name.text || eval_tally_add(&r->form_names, name, 1, r->arena, call))
			return tn_status(call);
		if (r->n_forms == r->forms_room) {
			size_t room = 2 * r->forms_room + 256;
			struct eval_form *grown = tn_arena_alloc(r->arena, room * sizeof(*grown));

			if (!grown)
				return tn_fail(call, TN_ENOMEM, "out of memory");
			if (r->n_forms)
				memcpy(grown, r->forms, r->n_forms * sizeof(*grown));
			r->forms = grown;
			r->forms_room = room;
		}
		r->forms[r->n_forms++] = (struct eval_form){ (uint32_t)(r->n - 1),
			(uint32_t)eval_tally_find(&r->form_names, name), where };
	}
	return 0;
}

/* The spans that both have, in their order. */
static size_t common_spans(const struct eval_span *a, size_t n, const struct eval_span *b, size_t m,
	struct eval_span *common)
{
	size_t n_common = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m; k++)
			if (a[i].begin == b[k].begin && a[i].end == b[k].end &&
					eval_same_label(a[i].label, b[k].label)) {
				common[n_common++] = a[i];
				break;
			}
	return n_common;
}

static size_t count_illegal(enum eval_scheme scheme, const struct tn_text *tags, size_t n)
{
	struct eval_tag before = { .place = 0 }, now;
	size_t illegal = 0;

	for (size_t i = 0; i < n; i++) {
		now = eval_tag_of(tags[i]);
		illegal += !eval_tag_may_follow(scheme, i ? &before : NULL, &now);
		before = now;
	}
	return illegal + (n && !eval_tag_may_follow(scheme, &before, NULL));
}

/* Whether a tag is found right: of labels and of IO the letter does not count. */
static bool same_tag(const struct eval_records *r, struct tn_text a, struct tn_text b)
{
	struct eval_tag x = eval_tag_of(a), y = eval_tag_of(b);

	if (r->scheme == EVAL_LABELS)
		return eval_same_label(x.label, y.label) && (x.place == 'O') == (y.place == 'O');
	if (r->scheme == EVAL_IO)
		return (x.place == 'O') == (y.place == 'O') && eval_same_label(x.label, y.label);
	return x.place == y.place && eval_same_label(x.label, y.label);
}

int eval_records_add_tags(struct eval_records *r, const struct eval_example *e,
	const struct tn_text *tags, struct tn_call *call)
{
	size_t n = e->input.n_words, n_gold, n_found, n_common;
	struct eval_span *spans = tn_alloc_n(call, 3 * n + 3, sizeof(*spans));
	struct eval_span *gold = spans, *found = spans + n + 1, *common = found + n + 1;
	struct eval_tagged *t;

	if (!spans || eval_records_room(r, call))
		return tn_status(call);
	t = &r->tagged[r->n++];
	*t = (struct eval_tagged){ .words = (uint32_t)n };
	for (size_t i = 0; i < n; i++)
		t->right += same_tag(r, e->gold.tags[i], tags[i]);
	if (r->scheme == EVAL_LABELS)
		return 0;
	r->illegal_gold += count_illegal(r->scheme, e->gold.tags, n);
	r->illegal_found += count_illegal(r->scheme, tags, n);
	n_gold = eval_spans_of_tags(e->gold.tags, n, gold);
	n_found = eval_spans_of_tags(tags, n, found);
	n_common = common_spans(gold, n_gold, found, n_found, common);
	t->conll = (struct eval_counts){ n_gold, n_found, n_common };
	if (count_types(r, gold, n_gold, 0, call) || count_types(r, found, n_found, 1, call) ||
			count_types(r, common, n_common, 2, call) ||
			add_forms(r, e, gold, n_gold, 1, call) ||
			add_forms(r, e, found, n_found, 2, call) ||
			add_forms(r, e, common, n_common, 4, call))
		return tn_status(call);
	n_gold = eval_strict_spans_of_tags(e->gold.tags, n, r->scheme == EVAL_BIOES, gold);
	n_found = eval_strict_spans_of_tags(tags, n, r->scheme == EVAL_BIOES, found);
	t->strict = (struct eval_counts){ n_gold, n_found,
		common_spans(gold, n_gold, found, n_found, common) };
	return 0;
}

/* The tag of a word in a span. */
static struct tn_text tag_text(const struct eval_records *r, const char *label, bool first,
	struct tn_call *call)
{
	const char *text = r->scheme == EVAL_LABELS ? label : tn_printf(call, "%c-%s",
		first && r->scheme != EVAL_IO ? 'B' : 'I', label);

	return (struct tn_text){ text, text ? strlen(text) : 0 };
}

/* Tags of the words that a span covers; *first and *n say which.  A span that ends inside a word
 * has none. */
static void words_of(const size_t *begin, size_t n_words, const struct tn_answer_row *row,
	size_t *first, size_t *n)
{
	size_t i = 0, k;

	*n = 0;
	while (i < n_words && begin[i] != row->begin)
		i++;
	for (k = i; k < n_words && begin[k + 1] - 1 <= row->end; k++)
		if (begin[k + 1] - 1 == row->end) {
			*first = i;
			*n = k + 1 - i;
		}
}

/* Whether the gold tags have this very span. */
static bool is_gold(const struct eval_example *e, const struct eval_span *gold, size_t n_gold,
	size_t first, size_t n, const char *label)
{
	struct tn_text name = { label, strlen(label) };

	for (size_t i = 0; i < n_gold; i++)
		if (gold[i].begin == first && gold[i].end == first + n &&
				eval_same_label(gold[i].label, name))
			return true;
	return false;
}

int eval_records_add_spans(struct eval_records *r, const struct eval_example *e,
	const struct tn_value *answer, struct tn_call *call)
{
	size_t n = e->input.n_words, n_rows, astray = 0, n_gold;
	const struct tn_answer_row *rows = tn_answer_rows(answer, &n_rows, call);
	struct tn_text *tags = tn_alloc_n(call, n + 1, sizeof(*tags));
	size_t *begin = tn_alloc_n(call, n + 1, sizeof(*begin));
	struct eval_span *gold = tn_alloc_n(call, n + 1, sizeof(*gold));

	if (!rows || !tags || !begin || !gold)
		return tn_status(call);
	n_gold = eval_spans_of_tags(e->gold.tags, n, gold);
	for (size_t i = 0; i < n; i++) {
		begin[i + 1] = begin[i] + e->input.words[i].len + 1;
		tags[i] = (struct tn_text){ "O", 1 };
	}
	for (size_t i = 0; i < n_rows; i++) {
		size_t first = 0, many;

		if (rows[i].rank != 1)
			continue;
		words_of(begin, n, &rows[i], &first, &many);
		astray += !many;
		for (size_t k = 0; k < many; k++)
			tags[first + k] = tag_text(r, rows[i].label, !k, call);
		if (!isnan(rows[i].score) && eval_records_add_sure(r, rows[i].score, many &&
				is_gold(e, gold, n_gold, first, many, rows[i].label), call))
			return tn_status(call);
	}
	if (eval_records_add_tags(r, e, tags, call))
		return tn_status(call);
	r->tagged[r->n - 1].conll.found += astray;
	r->tagged[r->n - 1].strict.found += astray;
	return 0;
}
