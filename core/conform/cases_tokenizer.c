/* SPDX-License-Identifier: Apache-2.0
 * core/conform/cases_tokenizer.c - the cases of tokenizers.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "conform/cases.h"
#include "pipeline/pipeline_impl.h"

static const char *path_of(const struct conform_subject *s)
{
	return s->plan->pipeline ? s->plan->pipeline : s->model;
}

/* A pipeline whose tokenizer is the plugin; a made-up model may lack what it needs. */
static struct tn_pipeline *open_it(struct conform_subject *s)
{
	struct tn_pipeline *p;

	conform_now("open", "the model directory");
	p = tn_pipeline_open_tokens(path_of(s), s->plan->settings, s->call);
	if (!p && !s->plan->pipeline && tn_status(s->call) != TN_EPLUGIN)
		conform_skip(tn_printf(s->call, "it needs files of its own, give --with DIR: %s",
			tn_error_text(s->call)));
	if (p && strcmp(p->tokenizer->plugin->names[0], s->plan->name))
		conform_check(s, tn_plugin_load(TN_TOKENIZER, s->plan->name, NULL, s->call) ==
			p->tokenizer->plugin, "%s uses the tokenizer %s", path_of(s),
			p->tokenizer->plugin->names[0]);
	return p;
}

static const struct tn_tokenizer_impl *impl_of(const struct tn_pipeline *p)
{
	return p->tokenizer->plugin->impl.tokenizer;
}

static void open_and_close(struct conform_subject *s)
{
	struct tn_pipeline *p = open_it(s);

	conform_check(s, p != NULL, "%s", tn_error_text(s->call));
	conform_now("close", "after open");
	tn_pipeline_close(p);
}

/* A directory that has none of the files. */
static void open_nothing(struct conform_subject *s)
{
	const struct tn_plugin *plugin = tn_plugin_load(TN_TOKENIZER, s->plan->name, NULL, s->call);
	const struct tn_tokenizer_files files = { .directory = s->folder };
	struct tn_tokenizer *t = plugin ? tn_plugin_new(plugin, s->call) : NULL;
	int error;

	if (!t)
		return;
	tn_options_store(plugin, t, NULL, NULL, "tokenizer", s->call);
	error = plugin->impl.tokenizer->open(t, &files, s->call);
	conform_check(s, (error != 0) == (tn_status(s->call) != 0),
		"returned %d, and the call holds %d: an error is both", error, tn_status(s->call));
	conform_check(s, !error || tn_error_text(s->call)[0], "an error without a text");
	conform_now("close", "after an open that %s", error ? "failed" : "succeeded");
	if (plugin->impl.tokenizer->close)
		plugin->impl.tokenizer->close(t);
	tn_plugin_free(t);
	tn_clear(s->call);
}

static bool is_id(const struct tn_tokenizer_info *info, int64_t id)
{
	return id >= 0 && (uint64_t)id < info->vocab_size;
}

static void check_template(struct conform_subject *s, const struct tn_tokenizer_info *info,
	const struct tn_template_item *items, size_t n, const char *what, int most)
{
	size_t texts = 0;

	for (size_t i = 0; i < n; i++) {
		texts += items[i].id < 0;
		conform_check(s, items[i].id < 0 ? items[i].sequence >= 0 && items[i].sequence <= most :
			is_id(info, items[i].id), "item %zu of the template `%s` is token %d, sequence %d",
			i, what, items[i].id, items[i].sequence);
	}
	conform_check(s, !n || texts, "the template `%s` has no place for a text", what);
}

static void check_info(struct conform_subject *s)
{
	struct tn_pipeline *p = open_it(s);
	const struct tn_tokenizer_info *info = p ? p->tokenizer_info : NULL;

	if (!conform_check(s, info != NULL, "returned NULL"))
		return;
	const int32_t ids[] = { info->unk, info->cls, info->sep, info->pad, info->mask, info->bos,
		info->eos };

	conform_check(s, info->vocab_size > 0, "the vocabulary is empty");
	for (size_t i = 0; i < N_OF(ids); i++)
		conform_check(s, ids[i] == -1 || is_id(info, ids[i]),
			"special token %d, expected -1 or less than %zu", ids[i], info->vocab_size);
	check_template(s, info, info->single, info->n_single, "single", 0);
	check_template(s, info, info->pair, info->n_pair, "pair", 1);
	tn_pipeline_close(p);
}

/* Ids of the vocabulary, bytes of the text, in order. */
static void check_tokens(struct conform_subject *s, const struct tn_pipeline *p,
	const struct tn_tokens *tokens, size_t len, const char *what)
{
	uint32_t begin = 0;
	int32_t word = 0;

	for (size_t i = 0; i < tokens->n && !s->n_failed; i++) {
		const struct tn_token *t = &tokens->items[i];

		conform_check(s, is_id(p->tokenizer_info, t->id),
			"%s: token %zu has the id %d, the vocabulary has %zu", what, i, t->id,
			p->tokenizer_info->vocab_size);
		conform_check(s, t->begin <= t->end && t->end <= len,
			"%s: token %zu has the bytes %u to %u, the text has %zu", what, i, t->begin,
			t->end, len);
		conform_check(s, t->begin >= begin, "%s: token %zu begins at byte %u, the one before "
			"it at %u", what, i, t->begin, begin);
		conform_check(s, t->word >= word, "%s: token %zu belongs to word %d, the one before "
			"it to %d", what, i, t->word, word);
		begin = t->begin;
		word = t->word;
	}
}

/* All texts, those of good UTF-8 or the others. */
static void encode_texts(struct conform_subject *s, bool valid)
{
	struct tn_pipeline *p = open_it(s);
	struct conform_text text;

	for (size_t i = 0; p && conform_text(i, &text, s->call) && !s->n_failed; i++) {
		struct tn_tokens tokens = { 0 };
		struct tn_text guarded = conform_guarded(text.text);

		if (text.valid != valid)
			continue;
		conform_now("encode", "%s", text.what);
		if (impl_of(p)->encode(p->tokenizer, guarded, &tokens, s->call))
			break;
		check_tokens(s, p, &tokens, text.text.len, text.what);
		conform_check(s, text.text.len || !tokens.n, "an empty text has %zu tokens", tokens.n);
	}
	tn_pipeline_close(p);
}

static void encode_good(struct conform_subject *s)
{
	encode_texts(s, true);
}

static void encode_bad(struct conform_subject *s)
{
	encode_texts(s, false);
}

static bool same_tokens(const struct tn_tokens *a, const struct tn_tokens *b, size_t from)
{
	return a->n == b->n - from &&
		(!a->n || !memcmp(a->items, b->items + from, a->n * sizeof(*a->items)));
}

/* What is in the list stays, and the same text gives the same tokens. */
static void encode_appends(struct conform_subject *s)
{
	static const struct tn_text first = { "first", 5 }, second = { "the second text", 15 };
	struct tn_tokens both = { 0 }, one = { 0 }, two = { 0 };
	struct tn_pipeline *p = open_it(s);

	if (!p || impl_of(p)->encode(p->tokenizer, first, &one, s->call) ||
	    impl_of(p)->encode(p->tokenizer, second, &two, s->call) ||
	    impl_of(p)->encode(p->tokenizer, first, &both, s->call) ||
	    impl_of(p)->encode(p->tokenizer, second, &both, s->call))
		return;
	conform_check(s, both.n == one.n + two.n, "two texts give %zu tokens, one by one %zu and %zu",
		both.n, one.n, two.n);
	conform_check(s, both.n != one.n + two.n || (same_tokens(&two, &both, one.n) &&
		!memcmp(one.items, both.items, one.n * sizeof(*one.items))),
		"a second text gives other tokens behind a first than alone");
	tn_pipeline_close(p);
}

static void encode_words(struct conform_subject *s)
{
	static const struct tn_text words[] = { { "Ada", 3 }, { "", 0 }, { "a\0b", 3 }, { " ", 1 },
		{ "\xff", 1 }, { "caf\xc3\xa9s", 6 } };
	struct tn_pipeline *p = open_it(s);
	struct tn_tokens tokens = { 0 };

	if (!p)
		return;
	if (!impl_of(p)->encode_words)
		conform_skip("it has none: the core encodes each word alone");
	if (impl_of(p)->encode_words(p->tokenizer, words, N_OF(words), &tokens, s->call))
		return;
	for (size_t i = 0; i < tokens.n && !s->n_failed; i++) {
		const struct tn_token *t = &tokens.items[i];

		if (conform_check(s, t->word >= 0 && (size_t)t->word < N_OF(words),
				"token %zu belongs to word %d of %zu", i, t->word, N_OF(words)))
			conform_check(s, t->begin <= t->end && t->end <= words[t->word].len,
				"token %zu has the bytes %u to %u of word %d, which has %zu", i,
				t->begin, t->end, t->word, words[t->word].len);
		conform_check(s, is_id(p->tokenizer_info, t->id), "token %zu has the id %d", i, t->id);
	}
	tn_pipeline_close(p);
}

static void decode(struct conform_subject *s)
{
	static const int32_t strange[] = { -1, INT32_MIN, INT32_MAX };
	struct tn_pipeline *p = open_it(s);
	struct tn_tokens tokens = { 0 };
	struct tn_text text = { 0 };
	int32_t ids[64];

	if (!p)
		return;
	if (!impl_of(p)->decode)
		conform_skip("it has none");
	if (impl_of(p)->encode(p->tokenizer, (struct tn_text){ "Ada lives in Oslo.", 18 }, &tokens,
			s->call))
		return;
	for (size_t i = 0; i < tokens.n && i < N_OF(ids); i++)
		ids[i] = tokens.items[i].id;
	for (int skip = 0; skip < 2; skip++)
		if (impl_of(p)->decode(p->tokenizer, ids, tokens.n < 64 ? tokens.n : 64, skip, &text,
				s->call))
			return;
	if (impl_of(p)->decode(p->tokenizer, NULL, 0, 0, &text, s->call))
		return;
	conform_check(s, !text.len, "no ids give a text of %zu bytes", text.len);
	/* What no vocabulary has: an error or nothing, and the process goes on. */
	for (size_t i = 0; i < N_OF(strange); i++) {
		conform_now("decode", "the id %d", strange[i]);
		impl_of(p)->decode(p->tokenizer, &strange[i], 1, 0, &text, s->call);
		tn_clear(s->call);
	}
	tn_pipeline_close(p);
}

static void pieces(struct conform_subject *s)
{
	struct tn_pipeline *p = open_it(s);
	size_t named = 0;

	if (!p)
		return;
	for (size_t id = 0; id < p->tokenizer_info->vocab_size; id++) {
		const char *piece = impl_of(p)->piece(p->tokenizer, (int32_t)id);

		named += piece && strlen(piece) < 1000000;
	}
	conform_check(s, named > 0, "no id of the vocabulary has a text");
	const int32_t outside[] = { -1, INT32_MIN, INT32_MAX, (int32_t)p->tokenizer_info->vocab_size };

	for (size_t i = 0; i < N_OF(outside); i++) {
		conform_now("piece", "the id %d", outside[i]);
		conform_check(s, !impl_of(p)->piece(p->tokenizer, outside[i]),
			"the id %d has a text, the vocabulary has %zu", outside[i],
			p->tokenizer_info->vocab_size);
	}
	tn_pipeline_close(p);
}

/* --- threads --- */

struct worker {
	pthread_t thread;
	const struct tn_pipeline *p;
	const struct tn_tokens *expected;	/* of each text */
	size_t different;			/* number of a text + 1; 0: none */
};

static void *work(void *data)
{
	struct worker *w = data;
	struct tn_call *call = tn_call_create();
	struct conform_text text;

	for (int round = 0; round < 10; round++)
		for (size_t i = 0; i < 13 && conform_text(i, &text, call); i++) {
			struct tn_tokens tokens = { 0 };

			if (impl_of(w->p)->encode(w->p->tokenizer, text.text, &tokens, call) ||
			    !same_tokens(&w->expected[i], &tokens, 0))
				w->different = i + 1;
			tn_call_reset(call);
		}
	tn_call_destroy(call);
	return NULL;
}

/* An opened tokenizer is const; many threads use it. */
static void threads(struct conform_subject *s)
{
	struct tn_pipeline *p = open_it(s);
	size_t size = p ? p->tokenizer->plugin->state : 0;
	char *before = p ? malloc(size) : NULL;
	struct tn_tokens expected[13] = { 0 };
	struct conform_text text;
	struct worker w[4];

	if (!before)
		return;
	memcpy(before, p->tokenizer, size);
	for (size_t i = 0; i < N_OF(expected) && conform_text(i, &text, s->call); i++)
		impl_of(p)->encode(p->tokenizer, text.text, &expected[i], s->call);
	conform_check(s, !memcmp(before, p->tokenizer, size),
		"its state has changed, and after open it is shared by threads");
	for (size_t i = 0; i < N_OF(w); i++) {
		w[i] = (struct worker){ .p = p, .expected = expected };
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			return;
	}
	for (size_t i = 0; i < N_OF(w); i++) {
		pthread_join(w[i].thread, NULL);
		if (w[i].different && conform_text(w[i].different - 1, &text, s->call))
			conform_check(s, false, "%s: four threads at once give other tokens than one",
				text.what);
	}
	free(before);
	tn_pipeline_close(p);
}

static void use_once(struct conform_subject *s)
{
	struct tn_pipeline *p = open_it(s);
	struct tn_tokens tokens = { 0 };

	if (!conform_check(s, p != NULL, "%s", tn_error_text(s->call)))
		return;
	impl_of(p)->encode(p->tokenizer, (struct tn_text){ "Ada lives in Oslo.", 18 }, &tokens, s->call);
	tn_pipeline_close(p);
}

static void leaks(struct conform_subject *s)
{
	conform_leaks(s, use_once);
}

const struct conform_case *conform_cases_tokenizer(void)
{
	static const struct conform_case cases[] = {
		{ "open", "a directory without files", open_nothing },
		{ "open", "a model directory", open_and_close },
		{ "info", "ids and templates", check_info },
		{ "encode", "texts of all sorts", encode_good },
		{ "encode", "bad UTF-8", encode_bad },
		{ "encode", "appends, and gives the same again", encode_appends },
		{ "encode", "threads", threads },
		{ "encode_words", "words of all sorts", encode_words },
		{ "decode", "ids of a text, and strange ones", decode },
		{ "piece", "all ids, and strange ones", pieces },
		{ "close", "leaks", leaks },
		{ NULL, NULL, NULL }
	};

	return cases;
}
