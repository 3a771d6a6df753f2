/* SPDX-License-Identifier: Apache-2.0
 * core/eval/columns.c - which column of labelled data is what.
 */
#include <string.h>

#include "base/nearest.h"
#include "eval/gold_impl.h"

static const char *const role_names[] = {
	[EVAL_WORD] = "word", [EVAL_LABEL] = "label", [EVAL_TEXT_1] = "text",
	[EVAL_PAIR] = "pair", [EVAL_ID] = "id",
};

static const char *const conllu_names[] = { "ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS",
	"HEAD", "DEPREL", "DEPS", "MISC" };
#define N_CONLLU (sizeof(conllu_names) / sizeof(conllu_names[0]))

static bool has_words(enum eval_format format)
{
	return format == EVAL_CONLL || format == EVAL_CONLLU;
}

static bool has_role(enum eval_format format, enum eval_role role)
{
	return role == EVAL_LABEL || (role == EVAL_WORD) == has_words(format);
}

/* The role of n bytes, or EVAL_N_ROLES. */
static enum eval_role role_of(enum eval_format format, const char *name, size_t n)
{
	size_t i = 0;

	while (i < EVAL_N_ROLES && (!has_role(format, (enum eval_role)i) ||
			strlen(role_names[i]) != n || memcmp(role_names[i], name, n)))
		i++;
	return (enum eval_role)i;
}

static const char *unknown_role(enum eval_format format, const char *name, size_t n,
	struct tn_call *call)
{
	return tn_printf(call, "no column is called %s: there are %s, and - for one that is not "
		"used", tn_quote(call, name, n), has_words(format) ? "word and label" :
		"text, pair, label and id");
}

/* Sets the column of a role in CoNLL-U. */
static const char *set_conllu(struct eval_columns *c, enum eval_role role, const char *name,
	struct tn_call *call)
{
	const char *nearest = tn_nearest(name, conllu_names, N_CONLLU);

	for (size_t i = 0; i < N_CONLLU; i++)
		if (!strcmp(conllu_names[i], name)) {
			c->at[role] = i;
			return NULL;
		}
	return tn_printf(call, "CoNLL-U has no column %s%s%s: its columns are ID, FORM, LEMMA, "
		"UPOS, XPOS, FEATS, HEAD, DEPREL, DEPS and MISC", tn_quote(call, name,
		strlen(name)), nearest ? "; did you mean " : "", nearest ? nearest : "");
}

/* Takes the i-th of the columns that a source states. */
static const char *take(struct eval_columns *c, const struct eval_source *s, size_t i,
	struct tn_call *call)
{
	const char *column = s->columns[i], *equals = strchr(column, '=');
	size_t n = equals ? (size_t)(equals - column) : strlen(column);
	enum eval_role role = role_of(s->format, column, n);

	if (!*column || !strcmp(column, "-"))
		return NULL;
	if (role == EVAL_N_ROLES)
		return unknown_role(s->format, column, n, call);
	if (c->at[role] != SIZE_MAX || c->names[role])
		return tn_printf(call, "the column %s is given twice", role_names[role]);
	if (s->format == EVAL_CONLLU)
		return set_conllu(c, role, equals ? equals + 1 :
			role == EVAL_WORD ? "FORM" : "UPOS", call);
	if (equals && s->format == EVAL_CONLL)
		return tn_printf(call, "%s: conll has no header: its columns go by their order",
			tn_quote(call, column, strlen(column)));
	if (equals)
		c->names[role] = equals + 1;
	else
		c->at[role] = i;
	c->by_name = c->by_name || equals;
	return NULL;
}

/* Either all columns go by name or none. */
static const char *check_mixed(const struct eval_columns *c, struct tn_call *call)
{
	for (size_t i = 0; i < EVAL_N_ROLES; i++)
		if (c->by_name && c->at[i] != SIZE_MAX)
			return tn_printf(call, "%s goes by its place and others by name: write %s=NAME",
				role_names[i], role_names[i]);
	return NULL;
}

static const char *take_all(struct eval_columns *c, const struct eval_source *s,
	struct tn_call *call)
{
	enum eval_role needed = has_words(s->format) ? EVAL_WORD : EVAL_TEXT_1;
	const char *wrong = NULL;

	for (size_t i = 0; i < s->n_columns && !wrong; i++)
		wrong = take(c, s, i, call);
	if (!wrong)
		wrong = check_mixed(c, call);
	if (!wrong && s->format == EVAL_CONLLU && c->at[EVAL_WORD] == SIZE_MAX)
		c->at[EVAL_WORD] = 1;
	if (!wrong && c->at[needed] == SIZE_MAX && !c->names[needed])
		wrong = tn_printf(call, "none of the columns is called %s", role_names[needed]);
	c->n = s->format == EVAL_CONLLU ? N_CONLLU : s->n_columns;
	return wrong;
}

const char *eval_columns_open(struct eval_columns *c, const struct eval_source *s,
	struct tn_call *call)
{
	*c = (struct eval_columns){ 0 };
	for (size_t i = 0; i < EVAL_N_ROLES; i++)
		c->at[i] = SIZE_MAX;
	if (s->n_columns && s->format != EVAL_TSV && s->format != EVAL_CSV &&
			!has_words(s->format))
		return tn_printf(call, "columns are for tsv, csv, conll and conllu alone");
	if (s->header && s->format != EVAL_TSV && s->format != EVAL_CSV)
		return tn_printf(call, "a header is for tsv and csv alone");
	if (s->n_columns)
		return take_all(c, s, call);
	if (s->format == EVAL_CONLL)
		c->at[EVAL_WORD] = 0;
	if (s->format == EVAL_CONLLU) {
		c->at[EVAL_WORD] = 1;
		c->at[EVAL_LABEL] = 3;
		c->n = N_CONLLU;
	}
	return NULL;
}

static bool is_name(struct tn_text cell, const char *name)
{
	return cell.len == strlen(name) && !memcmp(cell.text, name, cell.len);
}

static int find_names(struct eval_columns *c, const struct tn_text *cells, size_t n,
	const char *where, struct tn_call *call)
{
	for (size_t role = 0; role < EVAL_N_ROLES; role++) {
		if (!c->names[role])
			continue;
		for (size_t i = 0; i < n; i++) {
			if (!is_name(cells[i], c->names[role]))
				continue;
			if (c->at[role] != SIZE_MAX)
				return tn_fail(call, TN_EDATA, "%s: two columns are called %s",
					where, tn_quote(call, cells[i].text, cells[i].len));
			c->at[role] = i;
		}
		if (c->at[role] == SIZE_MAX)
			return tn_fail(call, TN_EDATA, "%s: no column is called %s, which is to be "
				"the %s: found %s%s", where, c->names[role], role_names[role],
				n ? tn_quote(call, cells[0].text, cells[0].len) : "none",
				n > 1 ? " and others" : "");
	}
	c->n = n;
	return 1;
}

/* Whether all cells stand under their own roles. */
static bool names_its_roles(const struct eval_columns *c, const struct tn_text *cells, size_t n)
{
	for (size_t role = 0; role < EVAL_N_ROLES; role++)
		if (c->at[role] != SIZE_MAX &&
				(c->at[role] >= n || !is_name(cells[c->at[role]], role_names[role])))
			return false;
	return n == c->n;
}

/* Without anything stated: all cells are roles, none twice, and text is one of them. */
static bool states_roles(struct eval_columns *c, const struct eval_source *s,
	const struct tn_text *cells, size_t n)
{
	struct eval_columns found = *c;

	for (size_t i = 0; i < n; i++) {
		enum eval_role role = role_of(s->format, cells[i].text, cells[i].len);

		if (role == EVAL_N_ROLES || found.at[role] != SIZE_MAX)
			return false;
		found.at[role] = i;
	}
	if (found.at[EVAL_TEXT_1] == SIZE_MAX)
		return false;
	*c = found;
	c->n = n;
	return true;
}

int eval_columns_header(struct eval_columns *c, const struct eval_source *s,
	const struct tn_text *cells, size_t n, const char *where, struct tn_call *call)
{
	if (c->by_name)
		return find_names(c, cells, n, where, call);
	if (c->n)
		return s->header || names_its_roles(c, cells, n);
	return states_roles(c, s, cells, n) || s->header;
}

/* The order that a row of so many cells has where nothing was stated. */
static int default_order(struct eval_columns *c, size_t n, const char *where,
	struct tn_call *call)
{
	if (n != 2 && n != 3)
		return tn_fail(call, TN_EDATA, "%s: %zu columns, expected a text and its label, "
			"or two texts and their label", where, n);
	c->at[EVAL_TEXT_1] = 0;
	if (n == 3)
		c->at[EVAL_PAIR] = 1;
	c->at[EVAL_LABEL] = n - 1;
	return 0;
}

int eval_columns_row(const struct eval_columns *columns, const struct tn_text *cells, size_t n,
	struct eval_example *e, struct tn_arena *arena, struct tn_call *call)
{
	struct eval_columns c = *columns;
	const struct tn_text *label, *id;

	if (c.n && c.n != n)
		return tn_fail(call, TN_EDATA, "%s: %zu columns, expected %zu", e->where, n, c.n);
	if (!c.n && default_order(&c, n, e->where, call))
		return tn_status(call);
	label = c.at[EVAL_LABEL] == SIZE_MAX ? NULL : &cells[c.at[EVAL_LABEL]];
	id = c.at[EVAL_ID] == SIZE_MAX ? NULL : &cells[c.at[EVAL_ID]];
	e->input.text = cells[c.at[EVAL_TEXT_1]];
	if (c.at[EVAL_PAIR] != SIZE_MAX)
		e->input.pair = cells[c.at[EVAL_PAIR]];
	if (label && !label->len)
		return tn_fail(call, TN_EDATA, "%s: the label is empty", e->where);
	if (label)
		e->gold.label = tn_new_string(arena, label->text, label->len);
	if (id)
		e->input.id = tn_new_string(arena, id->text, id->len);
	return (label && !e->gold.label) || (id && !e->input.id) ?
		tn_fail(call, TN_ENOMEM, "out of memory") : 0;
}
