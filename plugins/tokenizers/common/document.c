/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/document.c - tokenizer.json.
 */
#include "document.h"

static const char *const part_names[TOK_N_PARTS] = {
	"added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder",
};

static int read_type(const struct tok_document *d, struct tok_json *j)
{
	struct tn_text type;
	int rc = tok_json_string(j, &type);

	if (!rc && !tok_equal(type, d->type))
		rc = tok_json_fail(j, "model: type %s is not known to the tokenizer %s, which "
			"knows %s", tn_quote(j->call, type.text, type.len), d->plugin, d->type);
	return rc;
}

static int read_model(const struct tok_document *d, struct tok_json *j)
{
	struct tn_text key;
	int rc = tok_json_enter(j, '{');

	while (!rc && tok_json_member(j, &key, &rc))
		rc = tok_equal(key, "type") ? read_type(d, j) : d->member(d->user, j, key);
	return rc;
}

static int read_top(const struct tok_document *d, struct tok_json *j, struct tn_text *raw)
{
	struct tn_text key;
	int rc = tok_json_enter(j, '{');

	while (!rc && tok_json_member(j, &key, &rc)) {
		enum tok_part p = TOK_PART_ADDED;

		if (tok_equal(key, "model")) {
			rc = read_model(d, j);
			continue;
		}
		while (p < TOK_N_PARTS && !tok_equal(key, part_names[p]))
			p++;
		rc = tok_json_skip(j, p < TOK_N_PARTS ? &raw[p] : NULL);
	}
	return rc ? rc : tok_json_finish(j);
}

int tok_document_read(struct tok_document *d, char *text, size_t len, struct tn_arena *arena,
	struct tn_call *call)
{
	struct tn_text raw[TOK_N_PARTS] = { { NULL, 0 } };
	struct tok_json j;
	int rc = tok_json_open(&j, d->path, text, len, call);

	if (!rc)
		rc = read_top(d, &j, raw);
	for (enum tok_part p = TOK_PART_ADDED; p < TOK_N_PARTS && !rc; p++) {
		const char *name = tn_printf(call, "%s: %s", d->path, part_names[p]);

		if (!name)
			return TN_ENOMEM;
		if (!raw[p].text)
			continue;
		d->parts[p] = tn_json_parse(raw[p].text, raw[p].len, name, arena, call);
		if (!d->parts[p])
			rc = tn_status(call);
	}
	return rc;
}

int tok_document_bool(struct tok_json *j, bool *out)
{
	struct tn_text raw;
	int rc = tok_json_skip(j, &raw);

	*out = !rc && tok_equal(raw, "true");
	if (!rc && !*out && !tok_equal(raw, "false"))
		rc = tok_json_fail(j, "expected true or false");
	return rc;
}
