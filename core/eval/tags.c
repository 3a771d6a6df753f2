/* SPDX-License-Identifier: Apache-2.0
 * core/eval/tags.c - tags of words.
 */
#include <string.h>

#include "eval/tags.h"

struct eval_tag eval_tag_of(struct tn_text t)
{
	static const char letters[] = "BIESLU", places[] = "BIESES";
	const char *letter = t.len ? memchr(letters, t.text[0], sizeof(letters) - 1) : NULL;

	if (t.len == 1 && t.text[0] == 'O')
		return (struct eval_tag){ 'O', true, { "", 0 } };
	if (!letter || (t.len > 1 && t.text[1] != '-'))
		return (struct eval_tag){ 'I', false, t };
	return (struct eval_tag){ places[letter - letters], true, t.len == 1 ?
		(struct tn_text){ "_", 1 } : (struct tn_text){ t.text + 2, t.len - 2 } };
}

bool eval_same_label(struct tn_text a, struct tn_text b)
{
	return a.len == b.len && !memcmp(a.text, b.text, a.len);
}

const char *eval_scheme_name(enum eval_scheme scheme)
{
	static const char *const names[] = {
		[EVAL_LABELS] = "labels", [EVAL_IO] = "IO", [EVAL_BIO] = "BIO",
		[EVAL_BIOES] = "BIOES",
	};

	return names[scheme];
}

bool eval_tag_may_follow(enum eval_scheme scheme, const struct eval_tag *before,
	const struct eval_tag *now)
{
	bool open = before && (before->place == 'B' || before->place == 'I');
	bool inside = now && (now->place == 'I' || now->place == 'E');

	if (scheme == EVAL_LABELS || scheme == EVAL_IO)
		return true;
	if (inside)
		return open && eval_same_label(before->label, now->label);
	return scheme == EVAL_BIO || !open;
}

/* The tag with B for its I. */
static struct tn_text with_b(struct tn_text tag, struct tn_arena *arena)
{
	char *copy = tn_arena_dup(arena, tag.text, tag.len);

	if (copy)
		copy[0] = 'B';
	return (struct tn_text){ copy, tag.len };
}

int eval_tags_from_iob1(struct tn_text *tags, size_t n, size_t *wrong, struct tn_arena *arena,
	struct tn_call *call)
{
	struct eval_tag before = { 'O', true, { "", 0 } };

	for (size_t i = 0; i < n; i++) {
		struct eval_tag now = eval_tag_of(tags[i]);
		bool behind = before.place != 'O' && eval_same_label(before.label, now.label);

		*wrong = i;
		if (!now.marked || now.place == 'E' || now.place == 'S')
			return tn_fail(call, TN_EDATA, "the tag %s, expected O, or I or B with a "
				"label (IOB1)", tn_quote(call, tags[i].text, tags[i].len));
		if (now.place == 'B' && !behind)
			return tn_fail(call, TN_EDATA, "the tag %s is not behind one of its label, "
				"as IOB1 has it: the tags may be BIO already",
				tn_quote(call, tags[i].text, tags[i].len));
		if (now.place == 'I' && !behind)
			tags[i] = with_b(tags[i], arena);
		if (!tags[i].text)
			return tn_fail(call, TN_ENOMEM, "out of memory");
		before = now;
	}
	return 0;
}
