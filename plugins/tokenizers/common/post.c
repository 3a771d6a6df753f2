/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/post.c - the post-processors of tokenizer.json.
 * Source: Hugging Face tokenizers 0.22.2, processors/.
 */
#include "post.h"

#include <stdlib.h>

#include "unicode/unicode.h"

/* What is read, and where to put an item of it. */
struct reader {
	const char *path;
	const struct tn_value *specials;	/* of TemplateProcessing */
	size_t n_ids;
	struct tn_call *call;
	struct tn_template_item *items;
	size_t n;
};

static void put(struct tn_template_item *items, size_t *n, int32_t id, int32_t sequence,
	int32_t type)
{
	items[(*n)++] = (struct tn_template_item){ id, sequence, type };
}

void tok_post_bert(struct tok_post *post, int32_t cls, int32_t sep)
{
	post->n_single = post->n_pair = 0;
	put(post->single, &post->n_single, cls, 0, 0);
	put(post->single, &post->n_single, -1, 0, 0);
	put(post->single, &post->n_single, sep, 0, 0);
	put(post->pair, &post->n_pair, cls, 0, 0);
	put(post->pair, &post->n_pair, -1, 0, 0);
	put(post->pair, &post->n_pair, sep, 0, 0);
	put(post->pair, &post->n_pair, -1, 1, 1);
	put(post->pair, &post->n_pair, sep, 0, 1);
}

void tok_post_roberta(struct tok_post *post, int32_t cls, int32_t sep)
{
	tok_post_bert(post, cls, sep);
	post->n_pair = 3;
	put(post->pair, &post->n_pair, sep, 0, 0);
	put(post->pair, &post->n_pair, -1, 1, 0);
	put(post->pair, &post->n_pair, sep, 0, 0);
}

static int add(struct reader *r, int64_t id, int32_t sequence, int64_t type)
{
	if (r->n == TOK_MAX_TEMPLATE)
		return tn_fail(r->call, TN_EDATA, "%s: post_processor: a template of more than %d "
			"items", r->path, TOK_MAX_TEMPLATE);
	if (id >= 0 && (uint64_t)id >= r->n_ids)
		return tn_fail(r->call, TN_EDATA, "%s: post_processor: id %lld, but the highest is "
			"%zu", r->path, (long long)id, r->n_ids - 1);
	if (type < 0 || type > INT32_MAX)
		return tn_fail(r->call, TN_EDATA, "%s: post_processor: type_id %lld", r->path,
			(long long)type);
	put(r->items, &r->n, (int32_t)id, sequence, (int32_t)type);
	return 0;
}

static int add_special(struct reader *r, const struct tn_value *item)
{
	const char *name = tn_string(tn_get(item, "id"), "");
	const struct tn_value *ids = tn_get(tn_get(r->specials, name), "ids");
	int rc = 0;

	if (!tn_size(ids))
		return tn_fail(r->call, TN_EDATA, "%s: post_processor: the template has %s, which is "
			"not among the special tokens", r->path,
			tn_quote(r->call, name, strlen(name)));
	for (size_t i = 0; i < tn_size(ids) && !rc; i++) {
		int64_t id = tn_int(tn_at(ids, i), -1);

		rc = id < 0 ? tn_fail(r->call, TN_EDATA, "%s: post_processor: %s has no id",
			r->path, tn_quote(r->call, name, strlen(name))) :
			add(r, id, 0, tn_int(tn_get(item, "type_id"), 0));
	}
	return rc;
}

static int add_sequence(struct reader *r, const struct tn_value *item, size_t seen[2])
{
	const char *name = tn_string(tn_get(item, "id"), "");
	int b = !strcmp(name, "B");

	if (!b && strcmp(name, "A"))
		return tn_fail(r->call, TN_EDATA, "%s: post_processor: sequence %s, expected \"A\" "
			"or \"B\"", r->path, tn_quote(r->call, name, strlen(name)));
	seen[b]++;
	return add(r, -1, b, tn_int(tn_get(item, "type_id"), 0));
}

static int read_template(struct reader *r, const struct tn_value *list, const char *which,
	size_t n_sequences)
{
	size_t seen[2] = { 0, 0 };
	int rc = 0;

	r->n = 0;
	for (size_t i = 0; i < tn_size(list) && !rc; i++) {
		const struct tn_value *special = tn_get(tn_at(list, i), "SpecialToken");
		const struct tn_value *sequence = tn_get(tn_at(list, i), "Sequence");

		rc = special ? add_special(r, special) : sequence ? add_sequence(r, sequence, seen) :
			tn_fail(r->call, TN_EDATA, "%s: post_processor: item %zu of \"%s\" is neither "
				"a SpecialToken nor a Sequence", r->path, i, which);
	}
	if (!rc && (seen[0] != 1 || seen[1] != n_sequences - 1))
		rc = tn_fail(r->call, TN_EDATA, "%s: post_processor: \"%s\" has sequence A %zu times "
			"and B %zu times, expected 1 and %zu", r->path, which, seen[0], seen[1],
			n_sequences - 1);
	return rc;
}

static int read_templates(struct tok_post *post, struct reader *r, const struct tn_value *v)
{
	int rc;

	r->specials = tn_get(v, "special_tokens");
	r->items = post->single;
	rc = read_template(r, tn_get(v, "single"), "single", 1);
	post->n_single = r->n;
	if (rc)
		return rc;
	r->items = post->pair;
	rc = read_template(r, tn_get(v, "pair"), "pair", 2);
	post->n_pair = r->n;
	return rc;
}

/* "sep": ["[SEP]", 102] */
static int read_pair(const struct reader *r, const struct tn_value *v, const char *name,
	int32_t *id)
{
	int64_t n = tn_int(tn_at(tn_get(v, name), 1), -1);

	if (n < 0 || (uint64_t)n >= r->n_ids)
		return tn_fail(r->call, TN_EDATA, "%s: post_processor: \"%s\" names no token by text "
			"and id", r->path, name);
	*id = (int32_t)n;
	return 0;
}

static int read_ends(struct tok_post *post, const struct reader *r, const struct tn_value *v,
	void (*fill)(struct tok_post *post, int32_t cls, int32_t sep))
{
	int32_t cls, sep;

	if (read_pair(r, v, "cls", &cls) || read_pair(r, v, "sep", &sep))
		return TN_EDATA;
	fill(post, cls, sep);
	return 0;
}

static void read_trim(struct tok_post *post, const struct tn_value *v)
{
	if (!tn_bool(tn_get(v, "trim_offsets"), true))
		return;
	post->trim = true;
	post->keep_first = tn_bool(tn_get(v, "add_prefix_space"), true);
}

static int read_processor(struct tok_post *post, struct reader *r, const struct tn_value *v,
	int depth)
{
	const char *type = tn_string(tn_get(v, "type"), "");
	const struct tn_value *items = tn_get(v, "processors");
	int rc = 0;

	if (!strcmp(type, "TemplateProcessing"))
		return read_templates(post, r, v);
	if (!strcmp(type, "BertProcessing"))
		return read_ends(post, r, v, tok_post_bert);
	if (!strcmp(type, "RobertaProcessing")) {
		read_trim(post, v);
		return read_ends(post, r, v, tok_post_roberta);
	}
	if (!strcmp(type, "ByteLevel")) {
		read_trim(post, v);
		return 0;
	}
	if (strcmp(type, "Sequence") || depth)
		return tn_fail(r->call, TN_EDATA, "%s: post_processor: type %s is not known%s; known "
			"are BertProcessing, ByteLevel, RobertaProcessing, Sequence and "
			"TemplateProcessing", r->path,
			*type ? tn_quote(r->call, type, strlen(type)) : "(none)",
			depth ? " in a Sequence" : "");
	for (size_t i = 0; i < tn_size(items) && !rc; i++)
		rc = read_processor(post, r, tn_at(items, i), 1);
	return rc;
}

int tok_post_read(struct tok_post *post, const struct tn_value *v, size_t n_ids,
	const char *path, struct tn_call *call)
{
	struct reader r = { .path = path, .n_ids = n_ids, .call = call };

	post->n_single = post->n_pair = 0;
	put(post->single, &post->n_single, -1, 0, 0);
	put(post->pair, &post->n_pair, -1, 0, 0);
	put(post->pair, &post->n_pair, -1, 1, 1);
	return tn_value_kind(v) == TN_VALUE_NULL ? 0 : read_processor(post, &r, v, 0);
}

/* --- offsets without spaces --- */

static bool is_blank(uint32_t c)
{
	return c == 0x120 || tok_flags(c) & TOK_SPACE;
}

struct tok_blank tok_blank_of(struct tn_text token)
{
	struct tok_blank b = { 0, 0 };
	bool begins = true;

	for (size_t i = 0; i < token.len;) {
		uint32_t c;
		bool blank;

		i += tok_decode(token.text + i, token.len - i, &c);
		blank = is_blank(c);
		begins &= blank;
		b.before += begins;
		b.behind = blank ? b.behind + 1 : 0;
	}
	return b;
}

struct tok_blank *tok_blanks_of(const struct tok_vocab *v, struct tn_call *call)
{
	struct tok_blank *blanks = malloc((v->n_ids + 1) * sizeof(*blanks));

	if (!blanks)
		tn_fail(call, TN_ENOMEM, "memory ran out for a vocabulary");
	for (size_t i = 0; i < v->n_ids && blanks; i++)
		blanks[i] = tok_blank_of(v->pieces[i]);
	return blanks;
}

static uint32_t step_forward(struct tn_text text, uint32_t at)
{
	uint32_t c;

	return at + tok_decode(text.text + at, text.len - at, &c);
}

static uint32_t step_back(struct tn_text text, uint32_t at)
{
	uint32_t c;

	for (uint32_t back = 4; back > 1; back--)
		if (at >= back && tok_decode(text.text + at - back, back, &c) == back)
			return at - back;
	return at - 1;
}

/* Source: tokenizers 0.22.2, pre_tokenizers/byte_level.rs, process_offsets(). */
struct tok_span tok_trim(const struct tok_post *post, struct tn_text text, bool first,
	struct tok_span span, struct tok_blank b)
{
	uint32_t end = span.end;

	if ((first || !span.begin) && post->keep_first && b.before == 1)
		b.before = 0;
	for (; b.before && span.begin < span.end; b.before--)
		span.begin = step_forward(text, span.begin);
	for (; b.behind && end; b.behind--)
		end = step_back(text, end);
	if (!b.behind)
		span.end = end > span.begin ? end : span.begin;
	return span;
}
