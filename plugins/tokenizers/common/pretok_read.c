/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/pretok_read.c - reading "pre_tokenizer".
 */
#include "pretok.h"

#include <string.h>

#include "unicode/unicode.h"

#define MAX_STEPS 32
#define MAX_DEPTH 8

struct reader {
	struct tok_pretok *t;
	const char *what;	/* for messages */
	struct tn_call *call;
};

static int read_behavior(const struct reader *r, const struct tn_value *v, const char *otherwise,
	enum tok_behavior *out)
{
	static const char *const names[] = {
		"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous",
	};
	const char *name = tn_string(tn_get(v, "behavior"), otherwise);

	for (int i = 0; i < 5; i++) {
		if (strcmp(name, names[i]))
			continue;
		*out = (enum tok_behavior)i;
		return 0;
	}
	return tn_fail(r->call, TN_EDATA, "%s: behavior %s is not known; known are Removed, "
		"Isolated, MergedWithPrevious, MergedWithNext and Contiguous", r->what,
		tn_quote(r->call, name, strlen(name)));
}

static int read_byte_level(struct tok_pretok_step *step, const struct tn_value *v)
{
	step->kind = TOK_PRETOK_BYTE_LEVEL;
	step->prefix = tn_bool(tn_get(v, "add_prefix_space"), true);
	step->split = tn_bool(tn_get(v, "use_regex"), true);
	step->pattern.kind = TOK_PATTERN_GPT2;
	return 0;
}

static int read_metaspace(const struct reader *r, struct tok_pretok_step *step,
	const struct tn_value *v)
{
	const struct tn_value *mark = tn_get(v, "replacement");
	const char *scheme = tn_string(tn_get(v, "prepend_scheme"), "always");

	step->kind = TOK_PRETOK_METASPACE;
	step->behavior = TOK_MERGED_WITH_NEXT;
	step->split = tn_bool(tn_get(v, "split"), true);
	step->mark = (struct tn_text){ tn_string(mark, "\xe2\x96\x81"),
		tn_string(mark, NULL) ? tn_string_length(mark) : 3 };
	step->pattern = (struct tok_pattern){ .kind = TOK_PATTERN_TEXT, .text = step->mark };
	if (strcmp(scheme, "always") && strcmp(scheme, "first") && strcmp(scheme, "never"))
		return tn_fail(r->call, TN_EDATA, "%s: prepend_scheme %s is not known; known are "
			"always, first and never", r->what,
			tn_quote(r->call, scheme, strlen(scheme)));
	step->prepend = *scheme == 'a' ? TOK_PREPEND_ALWAYS : *scheme == 'f' ?
		TOK_PREPEND_FIRST : TOK_PREPEND_NEVER;
	if (!tn_bool(tn_get(v, "add_prefix_space"), true))
		step->prepend = TOK_PREPEND_NEVER;
	return step->mark.len ? 0 : tn_fail(r->call, TN_EDATA, "%s: replacement is empty", r->what);
}

static int read_split(const struct reader *r, struct tok_pretok_step *step,
	const struct tn_value *v)
{
	int rc = tok_pattern_read(&step->pattern, tn_get(v, "pattern"), r->what, r->call);

	step->kind = TOK_PRETOK_SPLIT;
	step->invert = tn_bool(tn_get(v, "invert"), false);
	return rc ? rc : read_behavior(r, v, "", &step->behavior);
}

static int read_delimiter(const struct reader *r, struct tok_pretok_step *step,
	const struct tn_value *v)
{
	const struct tn_value *text = tn_get(v, "delimiter");
	size_t len = tn_string_length(text);
	uint32_t c;

	step->kind = TOK_PRETOK_SPLIT;
	step->behavior = TOK_REMOVED;
	step->pattern = (struct tok_pattern){ .kind = TOK_PATTERN_TEXT,
		.text = { tn_string(text, ""), len } };
	return len && tok_decode(step->pattern.text.text, len, &c) == len ? 0 :
		tn_fail(r->call, TN_EDATA, "%s: delimiter is %s, expected one character", r->what,
		tn_quote(r->call, step->pattern.text.text, len));
}

static int read_length(const struct reader *r, struct tok_pretok_step *step,
	const struct tn_value *v)
{
	int64_t length = tn_int(tn_get(v, "length"), tn_get(v, "length") ? 0 : 5);

	step->kind = TOK_PRETOK_FIXED_LENGTH;
	step->length = (size_t)length;
	return length > 0 ? 0 : tn_fail(r->call, TN_EDATA, "%s: length of a FixedLength is no "
		"number of characters above 0", r->what);
}

static int read_step(const struct reader *r, struct tok_pretok_step *step,
	const struct tn_value *v, const char *type)
{
	if (!strcmp(type, "ByteLevel"))
		return read_byte_level(step, v);
	if (!strcmp(type, "Metaspace"))
		return read_metaspace(r, step, v);
	if (!strcmp(type, "Split"))
		return read_split(r, step, v);
	if (!strcmp(type, "CharDelimiterSplit"))
		return read_delimiter(r, step, v);
	if (!strcmp(type, "FixedLength"))
		return read_length(r, step, v);
	if (!strcmp(type, "Punctuation")) {
		step->kind = TOK_PRETOK_PUNCTUATION;
		return read_behavior(r, v, "Isolated", &step->behavior);
	}
	if (!strcmp(type, "Digits")) {
		step->kind = TOK_PRETOK_DIGITS;
		step->behavior = tn_bool(tn_get(v, "individual_digits"), false) ? TOK_ISOLATED :
			TOK_CONTIGUOUS;
	} else if (!strcmp(type, "Whitespace")) {
		step->kind = TOK_PRETOK_WHITESPACE;
		step->invert = true;
		step->behavior = TOK_REMOVED;
	} else if (!strcmp(type, "WhitespaceSplit")) {
		step->kind = TOK_PRETOK_WHITESPACE_SPLIT;
		step->behavior = TOK_REMOVED;
	} else if (!strcmp(type, "BertPreTokenizer")) {
		step->kind = TOK_PRETOK_BERT;
	} else if (!strcmp(type, "UnicodeScripts")) {
		step->kind = TOK_PRETOK_SCRIPTS;
	} else {
		return tn_fail(r->call, TN_EDATA, "%s: type %s is not known; known are "
			"BertPreTokenizer, ByteLevel, CharDelimiterSplit, Digits, FixedLength, "
			"Metaspace, Punctuation, Sequence, Split, UnicodeScripts, Whitespace and "
			"WhitespaceSplit", r->what,
			*type ? tn_quote(r->call, type, strlen(type)) : "(none)");
	}
	return 0;
}

static int read_steps(const struct reader *r, const struct tn_value *v, int depth)
{
	const char *type = tn_string(tn_get(v, "type"), "");
	const struct tn_value *items = tn_get(v, "pretokenizers");
	struct tok_pretok *t = r->t;
	int rc = 0;

	if (depth > MAX_DEPTH || t->n == MAX_STEPS)
		return tn_fail(r->call, TN_EDATA, "%s: more than %d steps, or Sequences in one "
			"another %d deep", r->what, MAX_STEPS, MAX_DEPTH);
	if (strcmp(type, "Sequence"))
		return read_step(r, &t->steps[t->n++], v, type);
	for (size_t i = 0; i < tn_size(items) && !rc; i++)
		rc = read_steps(r, tn_at(items, i), depth + 1);
	return rc;
}

int tok_pretok_read(struct tok_pretok *t, const struct tn_value *v, const char *path,
	struct tn_arena *arena, struct tn_call *call)
{
	struct reader r = { t, tn_printf(call, "%s: pre_tokenizer", path), call };

	t->n = 0;
	if (tn_value_kind(v) == TN_VALUE_NULL)
		return 0;
	t->steps = tn_arena_alloc(arena, MAX_STEPS * sizeof(*t->steps));
	if (!t->steps || !r.what)
		return tn_fail(call, TN_ENOMEM, "memory ran out for pre-tokenizers");
	return read_steps(&r, v, 0);
}
