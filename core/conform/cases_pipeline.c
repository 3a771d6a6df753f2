/* SPDX-License-Identifier: Apache-2.0
 * core/conform/cases_pipeline.c - the cases of models and heads, in pipelines that are made up:
 * what weights they ask for is written down with random numbers.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "checkpoint/safetensors.h"
#include "conform/cases.h"
#include "pipeline/pipeline_impl.h"
#include "train/objective.h"

#define MOST_WEIGHTS 256
#define LONGEST 5000		/* bytes of a text */
#define N_TEXTS 19

static const struct tn_plugin *tested(const struct conform_subject *s)
{
	return tn_plugin_load(s->plan->kind, s->plan->name, NULL, s->call);
}

static const char *path_of(const struct conform_subject *s)
{
	return s->plan->pipeline ? s->plan->pipeline : s->model;
}

/* The head with labels that fit its task, then what the user sets. */
static const char *const *settings_of(const struct conform_subject *s, bool labels)
{
	const struct tn_plugin *plugin = tested(s);
	const char **all = tn_alloc_n(s->call, 70, sizeof(*all));
	size_t n = 0;

	if (!plugin || !all)
		return NULL;
	if (!s->plan->pipeline && s->plan->kind == TN_HEAD)
		all[n++] = tn_printf(s->call, "heads.head={use=\"%s\";%s}", s->plan->name, !labels ? "" :
			plugin->impl.head->task == TN_TASK_SPANS ? "labels=(\"O\",\"B-X\",\"I-X\");" :
			plugin->impl.head->task == TN_TASK_LABEL ? "labels=(\"no\",\"yes\");" : "");
	for (size_t i = 0; s->plan->settings && s->plan->settings[i] && n < 68; i++)
		all[n++] = s->plan->settings[i];
	return all;
}

/* --- weights --- */

struct wanted {
	struct conform_subject *s;
	struct tn_st_item items[MOST_WEIGHTS];
	size_t n;
	uint64_t seed;
};

static void want(void *user, const char *name, const size_t dims[4], uint32_t n_dims)
{
	struct wanted *w = user;
	struct tn_st_item *item = &w->items[w->n];
	size_t size = 1;
	float *data;

	for (size_t i = 0; i < w->n; i++)
		if (!strcmp(w->items[i].name, name))
			return;
	if (w->n == MOST_WEIGHTS)
		return;
	*item = (struct tn_st_item){ .dtype = TN_F32, .n_dims = n_dims,
		.name = tn_arena_dup(tn_call_arena(w->s->call), name, strlen(name)) };
	for (uint32_t d = 0; d < n_dims; d++) {
		item->dims[d] = dims[d];
		size *= dims[d];
	}
	item->data = data = tn_alloc_n(w->s->call, size, sizeof(*data));
	for (size_t i = 0; data && i < size; i++)
		data[i] = (float)(tn_random(&w->seed) >> 40) / (float)(1 << 24) - 0.5f;
	w->n += item->name && data;
}

static int write_weights(struct conform_subject *s, const struct wanted *w)
{
	static const float one[1];
	const struct tn_st_item nothing = { .name = "nothing", .dtype = TN_F32, .n_dims = 1,
		.dims = { 1 }, .data = one };
	const char *path = tn_printf(s->call, "%s/model.safetensors", s->model);

	return !path ? TN_ENOMEM : w->n ? tn_st_write(path, w->items, w->n, NULL, s->call) :
		tn_st_write(path, &nothing, 1, NULL, s->call);
}

/* Builds the plugin's graph once over no weights, and writes those that it asked for. */
static int make_weights(struct conform_subject *s)
{
	struct wanted w = { .s = s, .seed = 1 };
	const struct tn_training training = { .missing = want, .user = &w };
	const char *ready = tn_printf(s->call, "%s/ready", s->folder);
	struct tn_pipeline *p;
	FILE *f;

	if (s->plan->pipeline || !ready || !access(ready, F_OK))
		return tn_status(s->call);
	if (write_weights(s, &w))
		return tn_status(s->call);
	p = tn_pipeline_open_training(s->model, settings_of(s, true), &training, s->call);
	if (p) {
		conform_now(s->plan->kind == TN_HEAD ? "forward" : "feature", "the graph");
		tn_pipeline_plan(p, s->call);
	}
	tn_pipeline_close(p);
	if (tn_status(s->call) || write_weights(s, &w))
		return tn_status(s->call);
	f = fopen(ready, "w");
	return f && !fclose(f) ? 0 : tn_fail(s->call, TN_EIO, "%s cannot be written", ready);
}

/* --- the pipeline --- */

/* So that what happens in decode is named. */
static int decode_named(const struct tn_head *self, const struct tn_scores *scores,
	struct tn_value **answer, struct tn_call *call)
{
	const struct tn_example *e = scores->example;
	int error;

	conform_now("decode", "of \"%.*s\"", (int)(e->text.len < 40 ? e->text.len : 40), e->text.text);
	error = self->plugin->impl.head->decode(self, scores, answer, call);
	conform_now("forward", "a batch");
	return error;
}

/* NULL after the error. */
static struct tn_pipeline *open_it(struct conform_subject *s)
{
	static struct tn_head_impl named[8];
	struct tn_pipeline *p;

	conform_now("open", "%s", s->plan->pipeline ? s->plan->pipeline : "a model that is made up");
	p = make_weights(s) ? NULL : tn_pipeline_open(path_of(s), settings_of(s, true), s->call);
	if (!p && !s->plan->pipeline && s->plan->kind == TN_MODEL &&
	    (tn_status(s->call) == TN_EDATA || tn_status(s->call) == TN_ENOINPUT))
		conform_skip(tn_printf(s->call, "it needs a directory of its own, give --with DIR: %s",
			tn_error_text(s->call)));
	for (size_t i = 0; p && i < p->n_heads && i < N_OF(named); i++) {
		named[i] = *p->heads[i].impl;
		named[i].decode = decode_named;
		p->heads[i].impl = &named[i];
	}
	return p;
}

static bool uses(const struct conform_subject *s, const struct tn_pipeline *p)
{
	const struct tn_plugin *plugin = tested(s);
	bool found = p->model->plugin == plugin;

	for (size_t i = 0; i < p->n_heads; i++)
		found |= p->heads[i].plugin == plugin;
	return found;
}

static void open_and_close(struct conform_subject *s)
{
	struct tn_pipeline *p = open_it(s);

	if (!p)
		return;
	conform_check(s, uses(s, p), "%s uses the plugin nowhere", path_of(s));
	conform_now("close", "after open");
	tn_pipeline_close(p);
}

/* Some heads need labels: then that is an error with a text. */
static void open_without_labels(struct conform_subject *s)
{
	struct tn_pipeline *p;

	if (s->plan->pipeline)
		conform_skip("the pipeline is given");
	if (make_weights(s))
		return;
	conform_now("open", "without labels");
	p = tn_pipeline_open(s->model, settings_of(s, false), s->call);
	conform_check(s, p || (tn_status(s->call) && tn_error_text(s->call)[0]),
		"it failed without an error");
	conform_check(s, p || tn_status(s->call) != TN_EINTERNAL || s->plan->kind != TN_HEAD, "%s",
		tn_error_text(s->call));
	tn_clear(s->call);
	tn_pipeline_close(p);
}

/* Input i of a sort: a question and its text where that is asked. */
static bool input_of(const struct tn_pipeline *p, size_t i, struct conform_text *text,
	struct tn_input *input, struct tn_call *call)
{
	if (!conform_text(i, text, call))
		return false;
	if (text->text.len > LONGEST)
		text->text.len = LONGEST;
	*input = (struct tn_input){ .text = text->text };
	for (size_t h = 0; h < p->n_heads; h++)
		if (p->heads[h].impl->task == TN_TASK_ANSWER)
			*input = (struct tn_input){ .text = { "Who is it?", 10 }, .pair = text->text };
	return true;
}

/* An answer as one line, NULL after an error. */
static const char *answer_of(struct tn_pipeline *p, const struct tn_input *input,
	struct tn_call *call)
{
	const struct tn_value *answer;

	return tn_pipeline_run(p, input, 1, &answer, call) ? NULL : tn_json_print(answer, NULL, call);
}

static void texts_of_all_sorts(struct conform_subject *s)
{
	struct tn_pipeline *p = open_it(s);
	struct conform_text text;
	struct tn_input input;
	size_t answered = 0;

	for (size_t i = 0; p && input_of(p, i, &text, &input, s->call) && !s->n_failed; i++) {
		const struct tn_value *answer;

		conform_now("forward", "%s", text.what);
		if (tn_pipeline_run(p, &input, 1, &answer, s->call))
			break;
		answered += !tn_get(answer, "error");
		if (text.valid)
			conform_check(s, tn_get(answer, p->heads[0].name) || tn_get(answer, "error"),
				"%s: there is neither an answer nor an error", text.what);
		else
			conform_check(s, tn_get(answer, "error") != NULL, "%s is answered", text.what);
	}
	conform_check(s, !p || answered, "it answers no text at all");
	tn_pipeline_close(p);
}

/* The same bits alone, again, and in a batch with all others. */
static void batches(struct conform_subject *s)
{
	struct tn_pipeline *p = open_it(s);
	const struct tn_value *answers[N_TEXTS];
	struct tn_input inputs[N_TEXTS];
	struct conform_text text[N_TEXTS];
	size_t n = 0;

	conform_now("forward", "a batch of all texts");
	while (p && n < N_TEXTS && input_of(p, n, &text[n], &inputs[n], s->call))
		n++;
	if (!p || tn_pipeline_run(p, inputs, n, answers, s->call))
		return;
	for (size_t i = 0; i < n && !s->n_failed; i++) {
		const char *many = tn_json_print(answers[i], NULL, s->call);
		const char *one = answer_of(p, &inputs[i], s->call);
		const char *again = answer_of(p, &inputs[i], s->call);

		if (!one || !again || !many)
			break;
		conform_check(s, !strcmp(one, again), "%s: the second time another answer",
			text[i].what);
		conform_check(s, !strcmp(one, many), "%s: in a batch another answer than alone",
			text[i].what);
	}
	tn_pipeline_close(p);
}

/* --- threads --- */

struct worker {
	pthread_t thread;
	struct tn_pipeline *p;
	const char *const *expected;
	bool different;
};

static void *work(void *data)
{
	struct worker *w = data;
	struct tn_call *call = tn_call_create();
	struct conform_text text;
	struct tn_input input;

	for (size_t i = 0; i < 13 && call && input_of(w->p, i, &text, &input, call); i++) {
		const char *answer = answer_of(w->p, &input, call);

		w->different |= !answer || strcmp(answer, w->expected[i]);
		tn_call_reset(call);
	}
	tn_call_destroy(call);
	return NULL;
}

/* The state of the plugin in a pipeline. */
static const void *state_of(const struct conform_subject *s, const struct tn_pipeline *p)
{
	const struct tn_plugin *plugin = tested(s);

	for (size_t i = 0; i < p->n_heads; i++)
		if (p->heads[i].plugin == plugin)
			return p->heads[i].state;
	return p->model;
}

static void threads(struct conform_subject *s)
{
	struct tn_pipeline *p = open_it(s);
	const char *expected[13] = { 0 };
	struct conform_text text;
	struct tn_input input;
	struct worker w[4];
	void *before;
	const size_t size = p ? tested(s)->state : 0;

	if (!p || !(before = tn_alloc(s->call, size)))
		return;
	memcpy(before, state_of(s, p), size);
	for (size_t i = 0; i < N_OF(expected) && input_of(p, i, &text, &input, s->call); i++)
		if (!(expected[i] = answer_of(p, &input, s->call)))
			return;
	conform_check(s, !memcmp(before, state_of(s, p), size),
		"its state has changed, and after open it is shared by threads");
	conform_now("forward", "four threads at once");
	for (size_t i = 0; i < N_OF(w); i++) {
		w[i] = (struct worker){ .p = p, .expected = expected };
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			return;
	}
	for (size_t i = 0; i < N_OF(w); i++) {
		pthread_join(w[i].thread, NULL);
		conform_check(s, !w[i].different, "four threads at once give other answers than one");
	}
	tn_pipeline_close(p);
}

static void use_once(struct conform_subject *s)
{
	struct tn_pipeline *p = open_it(s);

	if (p) {
		conform_now("forward", "a text");
		tn_run_text(p, "Ada lives in Oslo.", s->call);
		tn_clear(s->call);
	}
	tn_pipeline_close(p);
}

static void leaks(struct conform_subject *s)
{
	conform_leaks(s, use_once);
}

/* --- training --- */

static void gradients(struct conform_subject *s)
{
	if (s->plan->kind == TN_HEAD && !tested(s)->impl.head->loss)
		conform_skip("it has no loss: it cannot be trained");
	if (make_weights(s))
		return;
	conform_now(NULL, "gradients against differences");
	conform_check(s, s->plan->gradients(path_of(s), settings_of(s, true)) == 0,
		"gradients and differences of the loss are not the same (`tenon gradcheck`)");
}

/* What is right for an example may be wrong: an error, or it counts nothing. */
static void strange_targets(struct conform_subject *s)
{
	static const struct tn_training training = { NULL, NULL, NULL };
	const struct tn_objective_options as = { .real = TN_F32, .forward = true };
	struct tn_arena *arena = tn_call_arena(s->call);
	struct tn_text tags[] = { { "\xff", 1 }, { "", 0 }, { "I-nothing", 9 }, { NULL, 0 } };
	struct tn_word answers[] = { { 9, 3 }, { 0, 4000000000u } };
	struct tn_gold golds[] = { { .label = NULL }, { .label = tn_new_int(arena, 1000000000) },
		{ .label = tn_new_int(arena, -7) }, { .label = tn_new_text(arena, "nobody") },
		{ .label = tn_new_object(arena) }, { .labels = tn_new_object(arena) },
		{ .tags = tags }, { .has_answers = true, .answers = answers, .n_answers = 2 } };
	struct tn_input input = { .text = { "one two three", 13 }, .pair = { "four", 4 } };
	struct tn_pipeline *p;
	struct tn_objective o;
	struct tn_job job = { 0 };

	if (!tested(s)->impl.head->loss)
		conform_skip("it has no loss: it cannot be trained");
	if (make_weights(s))
		return;
	p = tn_pipeline_open_training(path_of(s), settings_of(s, true), &training, s->call);
	if (!p)
		return;
	if (p->heads[0].impl->task != TN_TASK_ANSWER)
		input.pair = (struct tn_text){ 0 };
	conform_now("loss", "its graph");
	if (!tn_objective_open(&o, p, &as, s->call) && !tn_job_prepare(p, &input, &job, s->call))
		for (size_t i = 0; i < N_OF(golds) && !s->n_failed; i++) {
			const struct tn_batch_item item = { &job, 0 };
			int error;

			conform_now("target", "strange gold, number %zu", i);
			if (!golds[i].tags && p->heads[0].impl->task == TN_TASK_SPANS)
				continue;
			error = tn_objective_check(&o, &item, &golds[i], s->call);
			conform_check(s, (error != 0) == (tn_status(s->call) != 0), "gold %zu: returned "
				"%d, and the call holds %d: an error is both", i, error,
				tn_status(s->call));
			tn_clear(s->call);
		}
	tn_objective_close(&o);
	tn_pipeline_close(p);
}

/* --- models --- */

/* config.json of the made-up model. */
static struct tn_value *read_config(struct conform_subject *s)
{
	const char *path = tn_printf(s->call, "%s/config.json", s->model);
	char *text = tn_alloc(s->call, 65536);
	FILE *f = path && text ? fopen(path, "r") : NULL;
	size_t len = f ? fread(text, 1, 65535, f) : 0;

	if (f)
		fclose(f);
	return len ? tn_json_parse(text, len, path, tn_call_arena(s->call), s->call) : NULL;
}

/* Each key of config.json in turn is what it must not be: an error with a text, or it is not
 * looked at. */
static void broken_configs(struct conform_subject *s)
{
	static const char *const values[] = { "null", "0", "-1", "1", "7", "2147483648",
		"9223372036854775807", "1e30", "1.5", "\"x\"", "[]", "{}", "true" };
	const struct tn_plugin *plugin = tested(s);
	struct tn_arena *arena = tn_call_arena(s->call);
	size_t n = tn_size(read_config(s));

	for (size_t k = 0; plugin && k < n; k++)
		for (size_t v = 0; v <= N_OF(values) && !s->n_failed; v++) {
			struct tn_model *m = tn_plugin_new(plugin, s->call);
			struct tn_value *config = read_config(s);
			const char *key = tn_key(config, k);
			struct tn_model_info info = { 0 };
			int error;

			if (!m || !config)
				return;
			conform_now("open", "config.json with %s %s", key, v < N_OF(values) ?
				values[v] : "missing");
			if (v < N_OF(values))
				tn_set(arena, config, key, tn_json_parse(values[v], strlen(values[v]),
					"value", arena, s->call));
			else
				tn_unset(config, key);
			tn_options_store(plugin, m, NULL, NULL, "model", s->call);
			error = plugin->impl.model->open(m, config, "config.json", &info, s->call);
			conform_check(s, (error != 0) == (tn_status(s->call) != 0), "%s %s: returned %d, "
				"and the call holds %d: an error is both", key, v < N_OF(values) ?
				values[v] : "missing", error, tn_status(s->call));
			conform_check(s, error || info.width, "%s: a width of 0", key);
			if (plugin->impl.model->close)
				plugin->impl.model->close(m);
			tn_plugin_free(m);
			tn_clear(s->call);
		}
}

static int write_class(struct conform_subject *s, const char *class)
{
	struct tn_arena *arena = tn_call_arena(s->call);
	struct tn_value *config = read_config(s), *list = tn_new_list(arena);
	struct tn_value *labels = tn_new_object(arena);
	const char *text, *path = tn_printf(s->call, "%s/config.json", s->model);
	FILE *f;

	tn_append(arena, list, tn_new_text(arena, class));
	tn_set(arena, labels, "0", tn_new_text(arena, "O"));
	tn_set(arena, labels, "1", tn_new_text(arena, "B-X"));
	tn_set(arena, labels, "2", tn_new_text(arena, "I-X"));
	tn_set(arena, config, "architectures", list);
	tn_set(arena, config, "id2label", labels);
	text = tn_json_print(config, NULL, s->call);
	f = text && path ? fopen(path, "w") : NULL;
	if (!f || fputs(text, f) < 0 || fclose(f))
		return tn_fail(s->call, TN_EIO, "%s cannot be written", path);
	unlink(tn_printf(s->call, "%s/ready", s->folder));
	return 0;
}

/* Each class of the family with the head that it names. */
static void classes(struct conform_subject *s)
{
	const struct tn_plugin *plugin = tested(s);

	if (s->plan->pipeline)
		conform_skip("the pipeline is given");
	for (const struct tn_model_class *c = plugin ? plugin->impl.model->classes : NULL;
			c && c->name && !s->n_failed; c++) {
		struct tn_pipeline *p;

		if (write_class(s, c->name) || !(p = open_it(s))) {
			conform_check(s, false, "%s: %s", c->name, tn_error_text(s->call));
			return;
		}
		conform_now("feature", "a text with %s", c->name);
		tn_run_text(p, "a word or two", s->call);
		conform_check(s, tn_status(s->call) == 0 || tn_status(s->call) == TN_EDATA, "%s: %s",
			c->name, tn_error_text(s->call));
		tn_clear(s->call);
		tn_pipeline_close(p);
	}
	if (!s->n_failed && plugin->impl.model->classes[0].name)
		write_class(s, plugin->impl.model->classes[0].name);
}

/* With the first head that can be trained. */
static void model_gradients(struct conform_subject *s)
{
	const struct tn_plugin *plugin = tested(s), *head = NULL;
	const struct tn_model_class *c = plugin ? plugin->impl.model->classes : NULL;

	for (; c && c->name; c++) {
		head = tn_plugin_load(TN_HEAD, c->head, NULL, s->call);
		tn_clear(s->call);
		if (head && head->impl.head->loss)
			break;
	}
	if (!c || !c->name)
		conform_skip("no class has a head that can be trained");
	if (!s->plan->pipeline && write_class(s, c->name))
		return;
	gradients(s);
	if (!s->plan->pipeline)
		write_class(s, plugin->impl.model->classes[0].name);
}

const struct conform_case *conform_cases_model(void)
{
	static const struct conform_case cases[] = {
		{ "open", "config.json with each key wrong", broken_configs },
		{ "feature", "each class with its head", classes },
		{ "open", "a pipeline", open_and_close },
		{ "feature", "texts of all sorts", texts_of_all_sorts },
		{ "feature", "alone, again and in a batch the same bits", batches },
		{ "feature", "threads", threads },
		{ "feature", "gradients", model_gradients },
		{ "close", "leaks", leaks },
		{ NULL, NULL, NULL }
	};

	return cases;
}

const struct conform_case *conform_cases_head(void)
{
	static const struct conform_case cases[] = {
		{ "open", "without labels", open_without_labels },
		{ "open", "a pipeline", open_and_close },
		{ "decode", "texts of all sorts", texts_of_all_sorts },
		{ "decode", "alone, again and in a batch the same bits", batches },
		{ "decode", "threads", threads },
		{ "loss", "gradients", gradients },
		{ "target", "strange gold", strange_targets },
		{ "close", "leaks", leaks },
		{ NULL, NULL, NULL }
	};

	return cases;
}
