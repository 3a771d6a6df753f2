/* SPDX-License-Identifier: Apache-2.0
 * core/text/windows.c - special tokens, pairs, truncation and overlapping windows.
 */
#include <string.h>

#include "text/text.h"

/* The parts of the two sequences that one window holds: [begin, end). */
struct part {
	size_t begin, end;
};

struct frame {
	const struct tn_template_item *items;	/* the template */
	size_t n_items;
	size_t n_special;
	const struct tn_tokens *tokens[2];
	size_t n[2];			/* tokens of each sequence that may be used */
	size_t room;			/* tokens of the long sequence in one window */
	size_t n_windows;
};

static int frame_init(struct frame *f, const struct tn_tokenizer_info *info,
	const struct tn_tokens *text, const struct tn_tokens *pair, struct tn_call *call)
{
	*f = (struct frame){ .items = pair ? info->pair : info->single,
		.n_items = pair ? info->n_pair : info->n_single,
		.tokens = { text, pair }, .n = { text->n, pair ? pair->n : 0 } };
	if (pair && !f->n_items)
		return tn_fail(call, TN_EDATA, "this tokenizer has no template for pairs of texts");
	for (size_t i = 0; i < f->n_items; i++)
		f->n_special += f->items[i].id >= 0;
	return 0;
}

/* Source: Hugging Face tokenizers 0.22, utils/truncation.rs, LongestFirst. */
static void cut_longest_first(size_t n[2], size_t max)
{
	int shorter = n[0] > n[1];
	size_t least = n[shorter], most;

	most = least > max ? least : max - least;
	if (most < least)
		most = least;
	if (least + most > max) {
		least = max / 2;
		most = least + max % 2;
	}
	if (n[shorter] > least)
		n[shorter] = least;
	if (n[!shorter] > most)
		n[!shorter] = most;
}

static int too_long(const struct frame *f, size_t total, const struct tn_window_options *o,
	struct tn_call *call)
{
	return tn_fail(call, TN_EDATA, "the %s %zu tokens, %zu of them special, at most %zu are "
		"possible", f->tokens[1] ? "two texts have" : "text has", total, f->n_special,
		o->max_tokens);
}

static int truncate_to(struct frame *f, size_t total, const struct tn_window_options *o,
	int long_sequence, struct tn_call *call)
{
	size_t remove = total - o->max_tokens;

	if (o->cut == TN_CUT_LONGEST && f->tokens[1]) {
		cut_longest_first(f->n, o->max_tokens - f->n_special);
		return 0;
	}
	if (f->n[long_sequence] < remove)
		return tn_fail(call, TN_EDATA, "the %s text has %zu tokens, %zu must go for %zu "
			"to stay", long_sequence ? "second" : "first", f->n[long_sequence],
			remove, o->max_tokens);
	f->n[long_sequence] -= remove;
	return 0;
}

/* Windows over one sequence: the other stays whole in each. */
static int plan_windows(struct frame *f, const struct tn_window_options *o, int long_sequence,
	struct tn_call *call)
{
	size_t fixed = f->n_special + f->n[!long_sequence];

	f->room = o->max_tokens > fixed ? o->max_tokens - fixed : 0;
	if (!f->room && f->n[!long_sequence])
		return tn_fail(call, TN_EDATA, "the %s text has %zu tokens, in a window of %zu they "
			"leave no room for the %s", long_sequence ? "first" : "second",
			f->n[!long_sequence], o->max_tokens, long_sequence ? "second" : "first");
	if (o->overlap >= f->room)
		return tn_fail(call, TN_ECONFIG, "windows that overlap by %zu tokens need more than "
			"the %zu that a window of %zu leaves", o->overlap, f->room, o->max_tokens);
	f->n_windows = 1 + (f->n[long_sequence] - f->room + f->room - o->overlap - 1) /
		(f->room - o->overlap);
	return 0;
}

/* Writes one window by the template. */
static int fill_window(const struct frame *f, const struct part parts[2], struct tn_window *w,
	int long_sequence, struct tn_call *call)
{
	size_t begin = parts[long_sequence].begin, kept = w->keep_end - w->keep_begin;
	struct tn_window_token *out;

	out = tn_alloc_n(call, f->n_special + (parts[0].end - parts[0].begin) +
		(parts[1].end - parts[1].begin), sizeof(*out));
	if (!out)
		return TN_ENOMEM;
	w->tokens = out;
	for (size_t i = 0; i < f->n_items; i++) {
		const struct tn_template_item *item = &f->items[i];

		if (item->id >= 0) {
			*out++ = (struct tn_window_token){ .id = item->id, .word = -1,
				.sequence = -1, .type = item->type };
			continue;
		}
		if (item->sequence == long_sequence) {
			w->keep_begin += (size_t)(out - w->tokens) - begin;
			w->keep_end = w->keep_begin + kept;
		}
		for (size_t t = parts[item->sequence].begin; t < parts[item->sequence].end; t++) {
			const struct tn_token *token = &f->tokens[item->sequence]->items[t];

			*out++ = (struct tn_window_token){ token->id, token->word, token->begin,
				token->end, item->sequence, item->type };
		}
	}
	w->n_tokens = (size_t)(out - w->tokens);
	if (parts[long_sequence].end > begin)
		w->first_word = (size_t)f->tokens[long_sequence]->items[begin].word;
	return 0;
}

static int fill_windows(const struct frame *f, size_t overlap, struct tn_windows *out,
	struct tn_call *call)
{
	int l = out->long_sequence, rc;
	size_t step = f->n_windows > 1 ? f->room - overlap : f->n[l], kept = 0;

	for (size_t i = 0; i < f->n_windows; i++) {
		struct tn_window *w = &out->items[i];
		struct part parts[2] = { { 0, f->n[0] }, { 0, f->n[1] } };

		parts[l].begin = i * step;
		w->keep_begin = kept;
		if (i + 1 < f->n_windows) {
			parts[l].end = parts[l].begin + f->room;
			/* Context in this window falls and in the next one rises by one for each
			 * token: they meet half way between the next one's begin and this one's
			 * end. */
			kept = (parts[l].end - 1 + parts[l].begin + step) / 2 + 1;
		} else {
			kept = f->n[l];
		}
		w->keep_end = kept;
		rc = fill_window(f, parts, w, l, call);
		if (rc)
			return rc;
	}
	return 0;
}

int tn_make_windows(const struct tn_tokenizer_info *info, const struct tn_tokens *text,
	const struct tn_tokens *pair, const struct tn_window_options *o,
	struct tn_windows *out, struct tn_call *call)
{
	struct frame f;
	size_t total;
	int rc = frame_init(&f, info, text, pair, call);

	*out = (struct tn_windows){ 0 };
	if (rc)
		return rc;
	out->long_sequence = pair && (o->cut == TN_CUT_SECOND ||
		(o->cut == TN_CUT_LONGEST && o->on_overflow == TN_OVERFLOW_WINDOW &&
		 pair->n >= text->n));
	total = f.n[0] + f.n[1] + f.n_special;
	f.n_windows = 1;
	if (o->max_tokens && total > o->max_tokens) {
		if (o->max_tokens <= f.n_special)
			return tn_fail(call, TN_ECONFIG, "a window of %zu tokens leaves no room "
				"beside %zu special ones", o->max_tokens, f.n_special);
		if (o->on_overflow == TN_OVERFLOW_ERROR)
			return too_long(&f, total, o, call);
		if (o->on_overflow == TN_OVERFLOW_WINDOW)
			rc = plan_windows(&f, o, out->long_sequence, call);
		else
			rc = truncate_to(&f, total, o, out->long_sequence, call);
		if (rc)
			return rc;
		out->truncated = o->on_overflow == TN_OVERFLOW_TRUNCATE;
	}
	out->n = f.n_windows;
	out->items = tn_alloc_n(call, out->n, sizeof(*out->items));
	return out->items ? fill_windows(&f, o->overlap, out, call) : TN_ENOMEM;
}
