/* SPDX-License-Identifier: Apache-2.0
 * core/cli/model.c - tenon model: what a model directory holds, and whether it is complete.
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "pipeline/pipeline_impl.h"

#define MOST_NAMES 4		/* of tensors in a line of text, unless all are asked for */

struct arguments {
	const char *path;
	bool json, verbose;
};

enum { KEY_FORMAT = 256 };

static const struct argp_option options[] = {
	{ "format", KEY_FORMAT, "FORMAT", 0, "text or json", 0 },
	{ "verbose", 'v', NULL, 0, "name all unused tensors", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case KEY_FORMAT:
		if (strcmp(arg, "text") && strcmp(arg, "json"))
			argp_error(state, "--format: found %s, expected text or json", arg);
		a->json = !strcmp(arg, "json");
		return 0;
	case 'v':
		a->verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->path)
			return ARGP_ERR_UNKNOWN;
		a->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "the model directory is missing");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* What the functions below share. */
struct view {
	struct tn_pipeline *p;
	struct tn_arena *arena;
	struct tn_value *all, *missing;
	struct tn_call *call;
};

static void put(const struct view *v, const char *key, const char *text)
{
	tn_set(v->arena, v->all, key, tn_new_text(v->arena, text));
}

static void put_number(const struct view *v, struct tn_value *to, const char *key, uint64_t number)
{
	tn_set(v->arena, to, key, tn_new_int(v->arena, (int64_t)number));
}

/* A tensor that the model or a head needs and no file has. */
static void add_missing(void *user, const char *name, const size_t *dims, uint32_t n_dims)
{
	struct view *v = user;
	const char *text = n_dims == 2 ? tn_printf(v->call, "%s [%zu,%zu]", name, dims[0], dims[1]) :
		tn_printf(v->call, "%s [%zu]", name, dims[0]);

	if (text)
		tn_append(v->arena, v->missing, tn_new_text(v->arena, text));
}

static bool is_real(const struct tn_st_tensor *t)
{
	return t->dtype == TN_F32 || t->dtype == TN_F16 || t->dtype == TN_BF16 ||
		t->dtype == TN_F64;
}

/* Parameters, bytes and types of what the files have; what nothing asks for. */
static void describe_tensors(const struct view *v)
{
	struct tn_value *unused = tn_new_list(v->arena), *types = tn_new_object(v->arena);
	struct tn_weights *w = v->p->weights;
	uint64_t parameters = 0, bytes = 0;

	for (size_t i = 0; i < tn_weights_count(w); i++) {
		const struct tn_st_tensor *t = tn_weights_at(w, i);
		const char *type = tn_dtype_name(t->dtype);
		uint64_t n = (uint64_t)tn_int(tn_get(types, type), 0);

		bytes += t->end - t->begin;
		put_number(v, types, type, n + tn_st_elements(t));
		if (tn_weights_used(w, i))
			parameters += is_real(t) ? tn_st_elements(t) : 0;
		else
			tn_append(v->arena, unused, tn_new_text(v->arena, t->name));
	}
	put_number(v, v->all, "parameters", parameters);
	put_number(v, v->all, "tensors", tn_weights_count(w));
	put_number(v, v->all, "files", v->p->dir->n_weight_files);
	put_number(v, v->all, "bytes", bytes);
	tn_set(v->arena, v->all, "types", types);
	tn_set(v->arena, v->all, "unused", unused);
}

static void describe_model(const struct view *v)
{
	static const char *const kinds[] = { [TN_BIDIRECTIONAL] = "bidirectional encoder",
		[TN_CAUSAL] = "causal decoder", [TN_ENCODER_DECODER] = "encoder and decoder" };
	const struct tn_pipeline *p = v->p;
	const struct tn_tokenizer_files *files = &p->dir->files;
	const char *from = files->tokenizer_json ? files->tokenizer_json : files->vocab_txt ?
		files->vocab_txt : files->vocab_json;
	const char *name = from ? strrchr(from, '/') : NULL;

	put(v, "path", p->dir->path);
	put(v, "model_type", p->dir->model_type);
	put(v, "plugin", p->model->plugin->names[0]);
	put(v, "about", p->model->plugin->about);
	tn_set(v->arena, v->all, "class", p->dir->class ? tn_new_text(v->arena, p->dir->class) :
		tn_new_null(v->arena));
	put(v, "kind", kinds[p->info.kind]);
	put_number(v, v->all, "layers", p->info.layers);
	put_number(v, v->all, "width", p->info.width);
	put_number(v, v->all, "max_positions", p->info.max_positions);
	put_number(v, v->all, "window", p->max_tokens);
	put(v, "tokenizer", p->tokenizer->plugin->names[0]);
	if (name)
		put(v, "tokenizer_file", name + 1);
	put_number(v, v->all, "vocabulary", p->tokenizer_info->vocab_size);
}

/* The heads that the directory leads to, and the classes that the family has. */
static void describe_heads(const struct view *v)
{
	struct tn_value *heads = tn_new_list(v->arena), *classes = tn_new_list(v->arena);
	const struct tn_model_class *c = v->p->model->plugin->impl.model->classes;

	for (size_t i = 0; i < v->p->n_heads; i++) {
		const struct tn_pipeline_head *h = &v->p->heads[i];
		struct tn_value *one = tn_append(v->arena, heads, tn_new_object(v->arena));
		struct tn_value *labels = tn_new_list(v->arena);

		tn_set(v->arena, one, "use", tn_new_text(v->arena, h->plugin->names[0]));
		for (size_t k = 0; k < h->env.n_labels; k++)
			tn_append(v->arena, labels, tn_new_text(v->arena, h->env.labels[k]));
		tn_set(v->arena, one, "labels", labels);
	}
	for (; c && c->name; c++)
		tn_append(v->arena, classes, tn_new_text(v->arena, c->name));
	tn_set(v->arena, v->all, "heads", heads);
	tn_set(v->arena, v->all, "classes", classes);
}

static void ignore(void *user, const char *name, const size_t *dims, uint32_t n_dims)
{
	(void)user;
	(void)name;
	(void)dims;
	(void)n_dims;
}

/* What the weights take once the pipeline runs at a precision. */
static size_t memory_at(const char *path, const char *precision, struct tn_call *call)
{
	const char *setting = tn_printf(call, "precision=%s", precision);
	const char *settings[] = { setting, NULL };
	const struct tn_training training = { .missing = ignore };
	struct tn_pipeline *p = setting ?
		tn_pipeline_open_training(path, settings, &training, call) : NULL;
	size_t packed = 0, held = 0;

	if (p && !tn_pipeline_plan(p, call))
		tn_plan_memory(p->plan, &packed, &held);
	tn_pipeline_close(p);
	return packed + held;
}

static int describe(struct view *v, const char *path)
{
	static const char *const precisions[] = { "fp32", "bf16", "int8" };
	const struct tn_training training = { .missing = add_missing, .user = v };
	struct tn_value *memory = tn_new_object(v->arena);

	v->all = tn_new_object(v->arena);
	v->missing = tn_new_list(v->arena);
	v->p = tn_pipeline_open_training(path, NULL, &training, v->call);
	if (!v->p || tn_pipeline_plan(v->p, v->call))
		return tn_status(v->call);
	describe_model(v);
	describe_heads(v);
	describe_tensors(v);
	tn_set(v->arena, v->all, "missing", v->missing);
	tn_pipeline_close(v->p);
	v->p = NULL;
	for (size_t i = 0; i < 3 && !tn_status(v->call); i++)
		put_number(v, memory, precisions[i], memory_at(path, precisions[i], v->call));
	tn_set(v->arena, v->all, "memory", memory);
	tn_set(v->arena, v->all, "complete", tn_new_bool(v->arena, !tn_size(v->missing)));
	return tn_status(v->call);
}

/* --- text --- */

static int64_t number_of(const struct view *v, const char *key)
{
	return tn_int(tn_get(v->all, key), 0);
}

static const char *text_of(const struct view *v, const char *key)
{
	return tn_string(tn_get(v->all, key), "");
}

static void print_names(const char *title, const struct tn_value *list, size_t most)
{
	printf("%-12s%s", title, tn_size(list) ? "" : "none");
	for (size_t i = 0; i < tn_size(list) && i < most; i++)
		printf("%s%s", i ? ", " : "", tn_string(tn_at(list, i), ""));
	if (tn_size(list) > most)
		printf(" and %zu more", tn_size(list) - most);
	puts("");
}

static void print_heads(const struct view *v)
{
	const struct tn_value *heads = tn_get(v->all, "heads");

	for (size_t i = 0; i < tn_size(heads); i++) {
		const struct tn_value *labels = tn_get(tn_at(heads, i), "labels");

		printf("%-12s%s", "head", tn_string(tn_get(tn_at(heads, i), "use"), ""));
		for (size_t k = 0; k < tn_size(labels) && k < 8; k++)
			printf("%s%s", k ? ", " : ": ", tn_string(tn_at(labels, k), ""));
		if (tn_size(labels) > 8)
			printf(" and %zu more", tn_size(labels) - 8);
		puts("");
	}
}

static void print_text(const struct view *v, bool verbose)
{
	const struct tn_value *types = tn_get(v->all, "types"), *memory = tn_get(v->all, "memory");
	int64_t longest = number_of(v, "max_positions");

	printf("%-12s%s\n", "model", text_of(v, "path"));
	printf("%-12s%s%s%s, %s\n", "family", text_of(v, "model_type"), *text_of(v, "class") ? ", " :
		"", text_of(v, "class"), text_of(v, "kind"));
	printf("%-12s%lld layers, width %lld, ", "shape", (long long)number_of(v, "layers"),
		(long long)number_of(v, "width"));
	if (longest)
		printf("at most %lld tokens, windows of %lld\n", (long long)longest,
			(long long)number_of(v, "window"));
	else
		puts("texts of any length");
	printf("%-12s%.2f million\n", "parameters", (double)number_of(v, "parameters") / 1e6);
	printf("%-12s%lld tensors, %.1f MB in %lld file%s,", "weights",
		(long long)number_of(v, "tensors"), (double)number_of(v, "bytes") / 1e6,
		(long long)number_of(v, "files"), number_of(v, "files") == 1 ? "" : "s");
	for (size_t i = 0; i < tn_size(types); i++)
		printf("%s%s", i ? ", " : " ", tn_key(types, i));
	printf("\n%-12s", "memory");
	for (size_t i = 0; i < tn_size(memory); i++)
		printf("%s%s %.1f MB", i ? ", " : "", tn_key(memory, i),
			(double)tn_int(tn_at(memory, i), 0) / 1e6);
	printf("\n%-12s%s, %lld tokens, %s\n", "tokenizer", text_of(v, "tokenizer"),
		(long long)number_of(v, "vocabulary"), text_of(v, "tokenizer_file"));
	print_heads(v);
	print_names("classes", tn_get(v->all, "classes"), SIZE_MAX);
	print_names("unused", tn_get(v->all, "unused"), verbose ? SIZE_MAX : MOST_NAMES);
	print_names("missing", v->missing, SIZE_MAX);
	printf("%-12s%s\n", "complete", tn_size(v->missing) ? "no" : "yes");
}

static int show(const struct arguments *a, struct tn_call *call)
{
	struct view v = { .arena = tn_call_arena(call), .call = call };
	char *text;

	if (!describe(&v, a->path)) {
		text = a->json ? tn_json_print(v.all, NULL, call) : NULL;
		if (text)
			puts(text);
		else if (!a->json)
			print_text(&v, a->verbose);
		if (!tn_status(call) && tn_size(v.missing))
			tn_fail(call, TN_EDATA, "%s: %zu tensors are missing", a->path,
				tn_size(v.missing));
	}
	tn_pipeline_close(v.p);
	return tn_cli_report(call);
}

int tn_cli_model(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "DIR",
		"Says what a model directory holds: the model, its size in memory at each precision, "
		"its tokenizer and heads, tensors that nothing uses and those that are missing.",
		NULL, NULL, NULL };
	struct arguments a = { 0 };
	struct tn_call *call;
	int code;

	if (argp_parse(&argp, argc, argv, 0, NULL, &a))
		return -TN_EUSAGE;
	call = tn_call_create();
	if (!call)
		return -TN_ENOMEM;
	code = show(&a, call);
	tn_call_destroy(call);
	return code;
}
