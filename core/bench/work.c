/* SPDX-License-Identifier: Apache-2.0
 * core/bench/work.c - the texts that a measurement answers.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/sentences.h"
#include "bench/work.h"

static const struct tn_text question = { "Where?", 6 };

static int no_memory(struct tn_call *call)
{
	return tn_fail(call, TN_ENOMEM, "out of memory");
}

static int make_inputs(struct bench_work *w, size_t n, struct tn_arena *arena,
	struct tn_call *call)
{
	w->n = n;
	w->inputs = n <= SIZE_MAX / sizeof(*w->inputs) ?
		tn_arena_alloc(arena, n * sizeof(*w->inputs)) : NULL;
	return w->inputs ? 0 : no_memory(call);
}

/* What a text has to hold for a head of masked places to answer it: their token; else "". */
static const char *mask_of(const struct tn_pipeline *p)
{
	for (size_t i = 0; i < p->n_heads; i++)
		if (p->heads[i].plugin->impl.head->task == TN_TASK_TOKENS)
			return p->tokenizer->plugin->impl.tokenizer->piece(p->tokenizer,
				p->tokenizer_info->mask);
	return "";
}

int bench_work_sentences(struct bench_work *w, struct tn_pipeline *p, size_t n,
	struct tn_arena *arena, struct tn_call *call)
{
	const char *mask = mask_of(p);

	w->source = "sentences";
	w->length = 0;
	if (make_inputs(w, n, arena, call))
		return tn_status(call);
	for (size_t i = 0; i < n; i++) {
		const char *s = bench_sentences[i % BENCH_N_SENTENCES];

		if (*mask) {
			s = tn_printf(call, "%s %s", mask, s);
			s = s ? tn_arena_dup(arena, s, strlen(s)) : NULL;
			if (!s)
				return no_memory(call);
		}
		w->inputs[i].text = p->pair_is_long ? question : (struct tn_text){ s, strlen(s) };
		if (p->pair_is_long)
			w->inputs[i].pair = (struct tn_text){ s, strlen(s) };
	}
	return 0;
}

/* Reads what is left of r into w, which holds `room` inputs. */
static int read_inputs(struct bench_work *w, struct tn_reader *r, struct tn_arena *arena,
	struct tn_call *call)
{
	struct tn_input *inputs = NULL;
	size_t n = 0, room = 0;
	struct tn_item item;
	int status;

	while ((status = tn_reader_next(r, &item, arena, call)) > 0) {
		if (item.error) {
			status = tn_fail(call, TN_EDATA, "%s", item.error);
			break;
		}
		if (n == room) {
			struct tn_input *grown;

			room = room ? room * 2 : 256;
			grown = realloc(inputs, room * sizeof(*grown));
			if (!grown) {
				status = no_memory(call);
				break;
			}
			inputs = grown;
		}
		inputs[n++] = (struct tn_input){ .text = item.text, .pair = item.pair,
			.words = item.words, .n_words = item.n_words };
	}
	if (!status && !n)
		status = tn_fail(call, TN_EDATA, "%s holds no text", tn_reader_name(r));
	if (!status && !make_inputs(w, n, arena, call))
		memcpy(w->inputs, inputs, n * sizeof(*inputs));
	free(inputs);
	return tn_status(call);
}

int bench_work_read(struct bench_work *w, const char *path, enum tn_input_format format,
	struct tn_arena *arena, struct tn_call *call)
{
	struct tn_reader_options options = { .format = format };
	struct tn_reader *r = tn_reader_open(path, &options, call);

	if (!r)
		return tn_status(call);
	w->length = 0;
	w->source = tn_arena_dup(arena, tn_reader_name(r), strlen(tn_reader_name(r)));
	if (!w->source)
		no_memory(call);
	else
		read_inputs(w, r, arena, call);
	tn_reader_close(r);
	return tn_status(call);
}

/* Tokens of an input, before any cut and without special ones. */
static int count_tokens(struct tn_pipeline *p, const struct tn_input *input, size_t *n,
	size_t *special, struct tn_call *call)
{
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
	struct tn_job job;

	if (tn_job_prepare(p, input, &job, call))
		return tn_status(call);
	if (job.error)
		return tn_fail(call, TN_EDATA, "%s", job.error);
	*n = job.n_tokens;
	if (special)
		*special = job.windows.items[0].n_tokens - job.n_tokens;
	tn_arena_rewind(tn_call_arena(call), mark);
	return 0;
}

/* The words of all sentences as one text, and where each ends. */
struct stream {
	char *text;
	size_t *end;		/* [n_words] */
	size_t n_words, len;
};

static int make_stream(struct stream *s, struct tn_call *call)
{
	size_t len = 0;

	for (size_t i = 0; i < BENCH_N_SENTENCES; i++)
		len += strlen(bench_sentences[i]) + 1;
	s->text = tn_alloc(call, len + 1);
	s->end = tn_alloc_n(call, len, sizeof(*s->end));
	if (!s->text || !s->end)
		return tn_status(call);
	for (size_t i = 0; i < BENCH_N_SENTENCES; i++) {
		size_t n = strlen(bench_sentences[i]);

		memcpy(s->text + s->len, bench_sentences[i], n);
		s->text[s->len + n] = ' ';
		s->len += n + 1;
	}
	for (size_t i = 0; i < s->len; i++)
		if (s->text[i] == ' ')
			s->end[s->n_words++] = i;
	return 0;
}

/* One text of a given length: words of the stream from `first` on, going round. */
struct draft {
	struct tn_pipeline *p;
	const struct stream *stream;
	const char *mask;	/* stands before the words, if it is not empty */
	size_t first;
	char *text;		/* room for all */
	struct tn_input input;
};

static struct tn_text *growing(struct draft *d)
{
	return d->p->pair_is_long ? &d->input.pair : &d->input.text;
}

static void write_words(struct draft *d, size_t n)
{
	const struct stream *s = d->stream;
	size_t at = strlen(d->mask);

	memcpy(d->text, d->mask, at);
	if (at)
		d->text[at++] = ' ';
	for (size_t i = 0; i < n; i++) {
		size_t w = (d->first + i) % s->n_words, from = w ? s->end[w - 1] + 1 : 0;

		memcpy(d->text + at, s->text + from, s->end[w] - from);
		at += s->end[w] - from;
		d->text[at++] = ' ';
	}
	*growing(d) = (struct tn_text){ d->text, at ? at - 1 : 0 };
}

/* Short words until the text has `wanted` tokens; false when they do not lead there. */
static bool fill_up(struct draft *d, size_t tokens, size_t wanted, struct tn_call *call)
{
	static const char *const short_words[] = { " a", " .", " the", " 0" };
	size_t len = growing(d)->len;

	for (size_t k = 0; k < 4 && !tn_status(call); k++) {
		size_t at = len, n = tokens;

		for (size_t i = tokens; i < wanted; i++) {
			memcpy(d->text + at, short_words[k], strlen(short_words[k]));
			at += strlen(short_words[k]);
		}
		growing(d)->len = at;
		if (!count_tokens(d->p, &d->input, &n, NULL, call) && n == wanted)
			return true;
	}
	return false;
}

/* The most words that have no more tokens than wanted, then short ones. */
static int write_text(struct draft *d, size_t wanted, struct tn_call *call)
{
	size_t low = 0, high = wanted, n = 0;

	while (low < high) {
		size_t middle = (low + high + 1) / 2;

		write_words(d, middle);
		if (count_tokens(d->p, &d->input, &n, NULL, call))
			return tn_status(call);
		if (n <= wanted)
			low = middle;
		else
			high = middle - 1;
	}
	for (;; low--) {
		write_words(d, low);
		if (count_tokens(d->p, &d->input, &n, NULL, call))
			return tn_status(call);
		if (n == wanted || (n < wanted && fill_up(d, n, wanted, call)))
			return tn_status(call);
		if (!low || tn_status(call))
			return tn_fail(call, TN_EDATA, "no text of %zu tokens can be made for this "
				"tokenizer", wanted);
	}
}

/* What texts of one pipeline begin with, and how many special tokens they get. */
static int begin_draft(struct draft *d, struct tn_pipeline *p, const struct stream *s,
	size_t *special, struct tn_call *call)
{
	size_t n;

	*d = (struct draft){ .p = p, .stream = s, .mask = mask_of(p) };
	d->input.text = question;
	if (p->pair_is_long)
		d->input.pair = (struct tn_text){ "a", 1 };
	return count_tokens(p, &d->input, &n, special, call);
}

static int write_fixed(struct bench_work *w, size_t i, struct draft *d, size_t length,
	size_t special, struct tn_arena *arena, struct tn_call *call)
{
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
	char *copy;

	/* The longest word of the stream and a space, for each token; the mask and a space. */
	d->text = tn_alloc_n(call, length + 2 + strlen(d->mask) / 16, 16);
	d->first = i * 37;
	if (!d->text || write_text(d, length - special, call))
		return tn_status(call);
	copy = tn_arena_dup(arena, growing(d)->text, growing(d)->len);
	if (!copy)
		return no_memory(call);
	growing(d)->text = copy;
	w->inputs[i] = d->input;
	tn_arena_rewind(tn_call_arena(call), mark);
	return 0;
}

static int check_length(struct tn_pipeline *p, size_t length, size_t special,
	struct tn_call *call)
{
	if (p->max_tokens && length > p->max_tokens)
		return tn_fail(call, TN_EUSAGE, "length %zu: a window of this pipeline takes at most "
			"%zu tokens", length, p->max_tokens);
	if (length < special + (p->pair_is_long ? 8 : 1))
		return tn_fail(call, TN_EUSAGE, "length %zu: special tokens alone are %zu", length,
			special);
	return 0;
}

int bench_work_fixed(struct bench_work *w, struct tn_pipeline *p, size_t length, size_t n,
	struct tn_arena *arena, struct tn_call *call)
{
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
	struct stream s = { 0 };
	struct draft d;
	size_t special;

	w->source = "lengths";
	w->length = length;
	if (make_stream(&s, call) || begin_draft(&d, p, &s, &special, call) ||
			check_length(p, length, special, call) || make_inputs(w, n, arena, call))
		return tn_status(call);
	for (size_t i = 0; i < n; i++)
		if (write_fixed(w, i, &d, length, special, arena, call))
			return tn_status(call);
	tn_arena_rewind(tn_call_arena(call), mark);
	return 0;
}

/* Source: Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA
 * 2014, figure 17. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

int bench_work_drawn(struct bench_work *w, struct tn_pipeline *p, const char *path,
	enum tn_input_format format, size_t n, struct tn_arena *arena, struct tn_call *call)
{
	struct bench_work texts = { 0 };
	struct stream s = { 0 };
	struct draft d;
	uint64_t seed = 42;
	size_t special, least;

	if (bench_work_read(&texts, path, format, arena, call) || make_stream(&s, call) ||
			begin_draft(&d, p, &s, &special, call) || make_inputs(w, n, arena, call))
		return tn_status(call);
	w->source = texts.source;
	w->length = 0;
	least = special + (p->pair_is_long ? 8 : 1);
	for (size_t i = 0; i < n; i++) {
		size_t length;

		if (count_tokens(p, &texts.inputs[next_random(&seed) % texts.n], &length, NULL, call))
			return tn_status(call);
		length += special;
		if (p->max_tokens && length > p->max_tokens)
			length = p->max_tokens;
		if (write_fixed(w, i, &d, length < least ? least : length, special, arena, call))
			return tn_status(call);
	}
	return 0;
}
