/* SPDX-License-Identifier: Apache-2.0
 * heads/foreign/signature.c - reading a signature.
 */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <tenon/value.h>

#include "signature.h"

#define LARGEST 1e6		/* items of an array with a fixed size */

static const char *const types[] = { "void", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64",
	"usize", "f32", "f64", "cstr" };

const char *foreign_type_name(enum foreign_type type)
{
	return types[type];
}

/* What is given under which name; arrays with what they hold and their sizes. */
static const struct given {
	const char *name;
	enum foreign_what what;
	enum foreign_type holds;	/* FOREIGN_VOID: it is a number */
	enum foreign_what sizes[2];
} givens[] = {
	{ "len", FOREIGN_LEN, FOREIGN_VOID, { 0 } },
	{ "pair_len", FOREIGN_PAIR_LEN, FOREIGN_VOID, { 0 } },
	{ "rows", FOREIGN_ROWS, FOREIGN_VOID, { 0 } },
	{ "cols", FOREIGN_COLS, FOREIGN_VOID, { 0 } },
	{ "n", FOREIGN_N, FOREIGN_VOID, { 0 } },
	{ "text", FOREIGN_TEXT, FOREIGN_U8, { FOREIGN_LEN } },
	{ "pair", FOREIGN_PAIR, FOREIGN_U8, { FOREIGN_PAIR_LEN } },
	{ "hidden", FOREIGN_HIDDEN, FOREIGN_F32, { FOREIGN_ROWS, FOREIGN_COLS } },
	{ "scores", FOREIGN_SCORES, FOREIGN_F32, { FOREIGN_ROWS, FOREIGN_COLS } },
	{ "begin", FOREIGN_BEGIN, FOREIGN_U32, { FOREIGN_ROWS } },
	{ "end", FOREIGN_END, FOREIGN_U32, { FOREIGN_ROWS } },
	{ NULL, 0, 0, { 0 } }
};

struct cursor {
	const char *head, *text, *at;
	struct tn_call *call;
};

static void skip(struct cursor *c)
{
	while (isspace((unsigned char)*c->at))
		c->at++;
}

static size_t word(const char *at)
{
	size_t n = 0;

	if (isdigit((unsigned char)*at))
		return 0;
	while (isalnum((unsigned char)at[n]) || at[n] == '_')
		n++;
	return n;
}

static int expected(struct cursor *c, const char *what)
{
	size_t n;

	skip(c);
	n = word(c->at);
	return tn_fail(c->call, TN_ECONFIG, "heads.%s.signature: column %zu: found %s, expected %s",
		c->head, (size_t)(c->at - c->text) + 1,
		*c->at ? tn_quote(c->call, c->at, n ? n : 1) : "the end", what);
}

static bool take(struct cursor *c, char sign)
{
	skip(c);
	if (*c->at != sign)
		return false;
	c->at++;
	return true;
}

static bool take_word(struct cursor *c, const char *text)
{
	size_t n;

	skip(c);
	n = word(c->at);
	if (!n || strlen(text) != n || memcmp(c->at, text, n))
		return false;
	c->at += n;
	return true;
}

static int take_type(struct cursor *c, enum foreign_type first, enum foreign_type *type)
{
	for (*type = first; *type < FOREIGN_TYPES; ++*type)
		if (take_word(c, types[*type]))
			return 0;
	return expected(c, first == FOREIGN_VOID ?
		"the type of what is returned: void, i8 to i64, u8 to u64, usize, f32 or f64" :
		"a type: i8 to i64, u8 to u64, usize, f32, f64 or cstr");
}

/* As JSON has it: a point in any locale, no infinities.  Its own call, as a fault of a signature
 * is one of the configuration. */
static int take_number(struct cursor *c, double *number)
{
	struct tn_call *own = tn_call_create();
	const struct tn_value *v;
	size_t n;

	if (!own)
		return tn_fail(c->call, TN_ENOMEM, "out of memory");
	skip(c);
	n = strspn(c->at, "+-.0123456789eE");
	v = tn_json_parse(c->at, n, "", tn_call_arena(own), own);
	*number = tn_real(v, 0);
	tn_call_destroy(own);
	if (!v)
		return expected(c, "a number");
	c->at += n;
	return 0;
}

static const struct given *find(const char *name, bool array)
{
	for (const struct given *g = givens; g->name; g++)
		if (!strcmp(g->name, name) && (g->holds != FOREIGN_VOID) == array)
			return g;
	return NULL;
}

/* One size of an array: a quantity, or a number where `number` is not NULL. */
static int take_size(struct cursor *c, enum foreign_what *size, double *number)
{
	skip(c);
	if (number && isdigit((unsigned char)*c->at)) {
		const char *begin = c->at;

		*size = FOREIGN_CONSTANT;
		if (take_number(c, number))
			return TN_ECONFIG;
		if (*number < 1 || *number > LARGEST || *number != (double)(size_t)*number) {
			c->at = begin;
			return expected(c, "a whole number from 1 to 1000000");
		}
		return 0;
	}
	for (const struct given *g = givens; g->name && g->holds == FOREIGN_VOID; g++)
		if (take_word(c, g->name)) {
			*size = g->what;
			return 0;
		}
	return expected(c, number ? "len, pair_len, rows, cols, n or a number" :
		"len, pair_len, rows or cols");
}

/* An array that is given: its sizes may be stated, and then are those that it has. */
static int given_array(struct cursor *c, struct foreign_param *p, const char *begin)
{
	const struct given *g = find(p->name, true);
	bool bytes = p->type == FOREIGN_I8 || p->type == FOREIGN_U8;

	if (!g || !(g->holds == p->type || (g->holds == FOREIGN_U8 && bytes))) {
		c->at = begin;
		return expected(c, "u8* text, u8* pair, f32* hidden, f32* scores, u32* begin or u32* end; "
			"\"out\" before the type makes an array that the function fills");
	}
	p->what = g->what;
	if (!take(c, '['))
		return 0;
	for (size_t i = 0; i < 2 && (i == 0 || g->sizes[i]); i++) {
		enum foreign_what size;
		const char *at;

		if (i && !take(c, ','))
			return expected(c, "\",\"");
		skip(c);
		at = c->at;
		if (take_size(c, &size, NULL))
			return TN_ECONFIG;
		if (size != g->sizes[i]) {
			c->at = at;
			return expected(c, "text[len], pair[pair_len], hidden[rows,cols], "
				"scores[rows,cols], begin[rows] or end[rows]");
		}
	}
	return take(c, ']') ? 0 : expected(c, "\"]\"");
}

static int take_name(struct cursor *c, struct foreign_param *p)
{
	size_t n;

	skip(c);
	n = word(c->at);
	if (!n || n >= FOREIGN_NAME)
		return expected(c, "a name of less than 40 bytes");
	memcpy(p->name, c->at, n);
	c->at += n;
	return 0;
}

/* What is behind the name of a number or a text. */
static int given_scalar(struct cursor *c, struct foreign_param *p, const char *begin)
{
	const struct given *g = find(p->name, p->type == FOREIGN_CSTR);

	if (p->type == FOREIGN_CSTR) {
		if (g && g->holds == FOREIGN_U8) {
			p->what = g->what;
			return 0;
		}
		c->at = begin;
		return expected(c, "cstr text or cstr pair");
	}
	if (take(c, '=')) {
		p->what = FOREIGN_CONSTANT;
		return take_number(c, &p->constant);
	}
	if (!g) {
		c->at = begin;
		return expected(c, "len, pair_len, rows, cols or n, or a name with \"= NUMBER\"");
	}
	p->what = g->what;
	return 0;
}

static int take_param(struct cursor *c, struct foreign_param *p)
{
	bool out = take_word(c, "out"), in = !out && take_word(c, "in"), array;
	const char *begin;

	if (take_type(c, FOREIGN_I8, &p->type))
		return TN_ECONFIG;
	array = p->type != FOREIGN_CSTR && take(c, '*');
	if ((in || out) && !array)
		return expected(c, "\"*\": what goes in or out is an array of numbers");
	skip(c);
	begin = c->at;
	if (take_name(c, p))
		return TN_ECONFIG;
	if (!array)
		return given_scalar(c, p, begin);
	if (!out)
		return given_array(c, p, begin);
	p->what = FOREIGN_OUT;
	if (!take(c, '['))
		return expected(c, "\"[\" and how many numbers the function fills in");
	if (take_size(c, &p->size, &p->constant))
		return TN_ECONFIG;
	return take(c, ']') ? 0 : expected(c, "\"]\"");
}

/* Each part of the answer has a name of its own. */
static int check_names(struct cursor *c, const struct foreign_signature *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct foreign_param *p = &s->params[i];
		bool twice = p->what == FOREIGN_OUT && !strcmp(p->name, "value");

		for (size_t k = 0; k < i && p->what == FOREIGN_OUT; k++)
			twice |= s->params[k].what == FOREIGN_OUT && !strcmp(s->params[k].name, p->name);
		if (twice)
			return tn_fail(c->call, TN_ECONFIG, "heads.%s.signature: \"%s\" is the name of "
				"another part of the answer", c->head, p->name);
	}
	return 0;
}

int foreign_parse(const char *head, const char *text, struct foreign_signature *s,
	struct tn_call *call)
{
	struct cursor c = { head, text, text, call };

	memset(s, 0, sizeof(*s));
	if (take_type(&c, FOREIGN_VOID, &s->returns))
		return TN_ECONFIG;
	if (s->returns == FOREIGN_CSTR)
		return tn_fail(call, TN_ECONFIG, "heads.%s.signature: a function that returns a text "
			"cannot be called: nobody says who frees it", head);
	if (!take(&c, '('))
		return expected(&c, "\"(\"");
	if (!take(&c, ')')) {
		do {
			if (s->n == FOREIGN_MOST)
				return expected(&c, "\")\": a function has at most 32 parameters");
			if (take_param(&c, &s->params[s->n++]))
				return TN_ECONFIG;
		} while (take(&c, ','));
		if (!take(&c, ')'))
			return expected(&c, "\",\" or \")\"");
	}
	skip(&c);
	return *c.at ? expected(&c, "the end") : check_names(&c, s);
}
