/* SPDX-License-Identifier: Apache-2.0
 * core/train/export.c - writes a model directory.
 */
#include "train/export.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/file.h"
#include "checkpoint/float16.h"

/* What the functions below share. */
struct exporting {
	const char *directory;
	const struct tn_objective *o;
	const struct tn_pipeline *p;
	const struct tn_model_class *class;	/* of the one head that transformers has, or NULL */
	const struct tn_pipeline_head *head;	/* that head */
	enum tn_dtype dtype;		/* of model.safetensors */
	struct tn_value *config;	/* config.json */
	struct tn_value **options;	/* of each head */
	struct tn_call *call;
};

static const char *path_of(const struct exporting *e, const char *name)
{
	return tn_printf(e->call, "%s/%s", e->directory, name);
}

static const char *root_of(const struct exporting *e)
{
	const char *slash = strrchr(e->p->dir->config_path, '/');

	return slash ? tn_printf(e->call, "%.*s", (int)(slash - e->p->dir->config_path),
		e->p->dir->config_path) : ".";
}

/* --- which class of transformers --- */

static const struct tn_parameter *parameter_of(const struct tn_objective *o, const void *identity)
{
	for (size_t i = 0; identity && i < o->n; i++)
		if (o->items[i].identity == identity)
			return &o->items[i];
	return NULL;
}

/* Whether a head is nothing but the linear layer of that class over its feature. */
static bool is_of_class(const struct tn_pipeline_head *h, const struct tn_model_class *c)
{
	return !strcmp(c->head, h->config->use) && c->weights && h->plain_feature &&
		!strcmp(c->feature, h->plain_feature) && !strcmp(c->weights, h->plain_weights);
}

static void choose_class(struct exporting *e)
{
	const struct tn_model_class *c = e->p->model->plugin->impl.model->classes;

	if (e->p->n_heads != 1)
		return;
	for (; c && c->name && !e->class; c++)
		if (is_of_class(&e->p->heads[0], c)) {
			e->class = c;
			e->head = &e->p->heads[0];
		}
}

/* --- tensors --- */

struct tensors {
	struct tn_st_item *items;
	size_t n, room;
};

static int add_tensor(const struct exporting *e, struct tensors *list, const char *name,
	const struct tn_st_tensor *from, enum tn_dtype dtype, const void *data)
{
	struct tn_st_item *item;

	if (list->n == list->room) {
		size_t room = 2 * list->room + 256;
		struct tn_st_item *grown = tn_alloc_n(e->call, room, sizeof(*grown));

		if (!grown)
			return tn_status(e->call);
		if (list->n)
			memcpy(grown, list->items, list->n * sizeof(*grown));
		list->items = grown;
		list->room = room;
	}
	item = &list->items[list->n++];
	*item = (struct tn_st_item){ .name = name, .dtype = dtype, .n_dims = from->n_dims,
		.data = data };
	memcpy(item->dims, from->dims, sizeof(item->dims));
	return name ? 0 : tn_status(e->call);
}

static float number_at(const void *data, enum tn_dtype dtype, size_t i)
{
	uint16_t half;
	float f;

	if (dtype == TN_F32) {
		memcpy(&f, (const char *)data + 4 * i, sizeof(f));
		return f;
	}
	memcpy(&half, (const char *)data + 2 * i, sizeof(half));
	return dtype == TN_F16 ? float_of_f16(half) : float_of_bf16(half);
}

/* Adds a tensor of the model as the dtype that is wanted; integers stay. */
static int add_converted(const struct exporting *e, struct tensors *list, const char *name,
	const struct tn_st_tensor *from, enum tn_dtype dtype, const void *data)
{
	bool real = dtype == TN_F32 || dtype == TN_F16 || dtype == TN_BF16;
	size_t n = 1;
	uint16_t *halves;

	for (uint32_t d = 0; d < from->n_dims; d++)
		n *= from->dims[d];
	if (!real || dtype == e->dtype || e->dtype == TN_F32)
		return add_tensor(e, list, name, from, dtype, data);
	halves = tn_alloc_n(e->call, n + 1, sizeof(*halves));
	for (size_t i = 0; halves && i < n; i++) {
		float f = number_at(data, dtype, i);

		halves[i] = e->dtype == TN_F16 ? f16_of_float(f) : bf16_of_float(f);
		if (isfinite(f) && (halves[i] & 0x7fff) == (e->dtype == TN_F16 ? 0x7c00 : 0x7f80))
			return tn_fail(e->call, TN_EDATA, "dtype: %s has the number %g, which %s "
				"cannot hold", name, (double)f, tn_dtype_name(e->dtype));
	}
	return halves ? add_tensor(e, list, name, from, e->dtype, halves) : tn_status(e->call);
}

/* All tensors of a store's files, with the trained numbers where there are some.  `prefix`
 * stands before their names. */
static int add_store(const struct exporting *e, struct tensors *list, struct tn_weights *w,
	const char *prefix)
{
	for (size_t i = 0; w && i < tn_weights_count(w); i++) {
		const struct tn_st_tensor *t = tn_weights_at(w, i);
		const char *name = tn_printf(e->call, "%s%s", prefix, t->name);
		uint64_t version;
		const struct tn_parameter *p = parameter_of(e->o,
			tn_weight_identity(w, t->name, &version));
		void *bytes;

		if (p) {
			if (add_converted(e, list, name, t, TN_F32, tn_host_data(p->tensor)))
				return tn_status(e->call);
			continue;
		}
		bytes = tn_alloc(e->call, (size_t)(t->end - t->begin) + 1);
		if (!bytes || tn_st_read(tn_weights_file(w, i), t, bytes, e->call) ||
				add_converted(e, list, name, t, t->dtype, bytes))
			return tn_status(e->call);
	}
	return 0;
}

/* The tensors of a head that no file had. */
static int add_made(const struct exporting *e, struct tensors *list,
	const struct tn_pipeline_head *h)
{
	size_t skip = strlen("heads.") + strlen(h->name) + 1;

	for (size_t i = 0; i < e->o->n; i++) {
		const struct tn_parameter *p = &e->o->items[i];
		struct tn_st_tensor shape = { .n_dims = p->tensor->n_dims };

		if (p->store != h->weights.own || !tn_weight_made(p->tensor))
			continue;
		for (uint32_t d = 0; d < TN_ST_MAX_DIMS; d++)
			shape.dims[d] = d < shape.n_dims ? p->tensor->dims[d] : 1;
		if (add_converted(e, list, p->name + skip, &shape, TN_F32, tn_host_data(p->tensor)))
			return tn_status(e->call);
	}
	return 0;
}

/* What stands before the names of a bare trunk once it is in a class with a head. */
static const char *trunk_prefix(const struct exporting *e)
{
	const char *prefix = e->p->model->plugin->impl.model->prefix;

	if (!e->class || !prefix)
		return "";
	for (size_t i = 0; i < tn_weights_count(e->p->weights); i++)
		if (!strncmp(tn_weights_at(e->p->weights, i)->name, prefix, strlen(prefix)))
			return "";
	return prefix;
}

static int write_model(const struct exporting *e)
{
	struct tn_arena *arena = tn_call_arena(e->call);
	struct tn_value *metadata = tn_new_object(arena);
	struct tensors list = { NULL, 0, 0 };
	const char *path = path_of(e, "model.safetensors");

	tn_set(arena, metadata, "format", tn_new_text(arena, "pt"));
	if (!path || add_store(e, &list, e->p->weights, trunk_prefix(e)) ||
			(e->head && (add_store(e, &list, e->head->weights.own, "") ||
			add_made(e, &list, e->head))))
		return tn_status(e->call);
	return tn_st_write(path, list.items, list.n, metadata, e->call);
}

/* --- heads in files of their own --- */

static struct tn_value *labels_value(const struct tn_pipeline_head *h, struct tn_arena *arena)
{
	struct tn_value *list = tn_new_list(arena);

	for (size_t i = 0; i < h->env.n_labels; i++)
		if (!tn_append(arena, list, tn_new_text(arena, h->env.labels[i])))
			return NULL;
	return list;
}

/* The settings of a head that are its plugin's options, and what it has to add. */
static struct tn_value *options_value(const struct exporting *e, const struct tn_pipeline_head *h)
{
	struct tn_arena *arena = tn_call_arena(e->call);
	static const char *const others[] = { "labels", "on_overflow", "use", "weights" };
	struct tn_value *options = tn_new_object(arena);
	const struct tn_value *group = h->options;

	for (size_t i = 0; options && i < tn_size(group); i++) {
		bool option = true;

		for (size_t k = 0; k < 4; k++)
			option &= strcmp(tn_key(group, i), others[k]) != 0;
		if (option && !tn_set(arena, options, tn_key(group, i),
				(struct tn_value *)tn_at(group, i)))
			return NULL;
	}
	if (options && h->impl->save && h->impl->save(h->state, options,
			h == e->head ? e->config : tn_new_object(arena), e->call))
		return NULL;
	return options;
}

/* A file of its own, in fp32: a head is small. */
static int write_head(const struct exporting *all, const struct tn_pipeline_head *h)
{
	struct exporting own = *all, *e = &own;
	struct tn_arena *arena = tn_call_arena(e->call);
	struct tn_value *metadata = tn_new_object(arena), *notes = tn_new_object(arena);
	const char *path = tn_printf(e->call, "%s/%s.safetensors", e->directory, h->name), *text;
	struct tensors list = { NULL, 0, 0 };

	e->dtype = TN_F32;
	tn_set(arena, notes, "labels", labels_value(h, arena));
	text = tn_set(arena, notes, "options", e->options[h - e->p->heads]) ?
		tn_json_print(notes, NULL, e->call) : NULL;
	if (!path || !text || !tn_set(arena, metadata, "tenon", tn_new_text(arena, text)))
		return tn_fail(e->call, TN_ENOMEM, "out of memory");
	if (add_store(e, &list, h->weights.own, "") || add_made(e, &list, h))
		return tn_status(e->call);
	return tn_st_write(path, list.items, list.n, metadata, e->call);
}

static bool has_file(const struct exporting *e, const struct tn_pipeline_head *h)
{
	if (h == e->head || !h->weights.own)
		return false;
	if (tn_weights_count(h->weights.own))
		return true;
	for (size_t i = 0; i < e->o->n; i++)
		if (e->o->items[i].store == h->weights.own)
			return true;
	return false;
}

/* --- the small files --- */

static int write_text(const struct exporting *e, const char *name, const char *text, size_t len)
{
	struct tn_file_writer w = { 0 };
	const char *path = path_of(e, name);
	int status = path ? tn_file_create(&w, path, e->call) : tn_status(e->call);

	if (!status)
		status = tn_file_write(&w, text, len, e->call);
	if (!status)
		status = tn_file_commit(&w, e->call);
	tn_file_abandon(&w);
	return status;
}

/* A copy of an object, whose members are borrowed. */
static struct tn_value *copy_object(const struct tn_value *v, struct tn_arena *arena)
{
	struct tn_value *copy = tn_new_object(arena);

	for (size_t i = 0; copy && i < tn_size(v); i++)
		if (!tn_set(arena, copy, tn_key(v, i), (struct tn_value *)tn_at(v, i)))
			return NULL;
	return copy;
}

/* The class and its labels. */
static int set_class(const struct exporting *e, struct tn_value *config)
{
	struct tn_arena *arena = tn_call_arena(e->call);
	struct tn_value *list = tn_new_list(arena), *names = tn_new_object(arena);
	struct tn_value *numbers = tn_new_object(arena);

	tn_append(arena, list, tn_new_text(arena, e->class->name));
	tn_set(arena, config, "architectures", list);
	for (size_t i = 0; i < e->head->env.n_labels; i++) {
		const char *label = e->head->env.labels[i];
		const char *number = tn_printf(e->call, "%zu", i);

		if (!number || !tn_set(arena, names, number, tn_new_text(arena, label)) ||
				!tn_set(arena, numbers, label, tn_new_int(arena, (int64_t)i)))
			return tn_fail(e->call, TN_ENOMEM, "out of memory");
	}
	if (e->head->env.n_labels) {
		tn_set(arena, config, "id2label", names);
		tn_set(arena, config, "label2id", numbers);
	}
	return 0;
}

static int write_config_json(const struct exporting *e)
{
	static const char *const types[] = { "dtype", "torch_dtype" };
	static const char *const names[] = { [TN_F32] = "float32", [TN_F16] = "float16",
		[TN_BF16] = "bfloat16" };
	struct tn_arena *arena = tn_call_arena(e->call);
	const char *text;
	size_t len;

	if (e->class && set_class(e, e->config))
		return tn_status(e->call);
	for (size_t i = 0; i < 2; i++)
		if (tn_get(e->config, types[i]))
			tn_set(arena, e->config, types[i], tn_new_text(arena, names[e->dtype]));
	text = tn_json_print(e->config, &len, e->call);
	return text ? write_text(e, "config.json", text, len) :
		tn_fail(e->call, TN_ENOMEM, "out of memory");
}

static int copy_file(const struct exporting *e, const char *root, const char *name)
{
	const char *from = tn_printf(e->call, "%s/%s", root, name), *text;
	size_t len;

	if (!from || access(from, F_OK))
		return tn_status(e->call);
	text = tn_file_read(from, (size_t)1 << 30, &len, tn_call_arena(e->call), e->call);
	return text ? write_text(e, name, text, len) : tn_status(e->call);
}

static int copy_tokenizer(const struct exporting *e)
{
	static const char *const names[] = { "added_tokens.json", "merges.txt",
		"sentencepiece.bpe.model", "special_tokens_map.json", "spiece.model",
		"spm.model", "tokenizer.json", "tokenizer.model", "tokenizer_config.json",
		"vocab.json", "vocab.txt" };
	const char *root = root_of(e);

	for (size_t i = 0; root && i < sizeof(names) / sizeof(names[0]); i++)
		if (copy_file(e, root, names[i]))
			break;
	return tn_status(e->call);
}

static struct tn_value *head_group(const struct exporting *e, const struct tn_pipeline_head *h)
{
	struct tn_arena *arena = tn_call_arena(e->call);
	struct tn_value *group = tn_new_object(arena), *options = e->options[h - e->p->heads];
	const char *file = tn_printf(e->call, "%s.safetensors", h->name);

	if (!file)
		return NULL;
	tn_set(arena, group, "use", tn_new_text(arena, h->config->use));
	if (has_file(e, h))
		tn_set(arena, group, "weights", tn_new_text(arena, file));
	else if (h->env.n_labels && !(h == e->head && e->class))
		tn_set(arena, group, "labels", labels_value(h, arena));
	for (size_t i = 0; i < tn_size(options); i++)
		tn_set(arena, group, tn_key(options, i), (struct tn_value *)tn_at(options, i));
	return group;
}

static int write_pipeline(const struct exporting *e)
{
	struct tn_arena *arena = tn_call_arena(e->call);
	struct tn_value *tree = tn_new_object(arena), *heads = tn_new_object(arena), *window;
	const char *text;
	size_t len;

	tn_set(arena, tree, "model", tn_new_text(arena, "."));
	for (size_t h = 0; h < e->p->n_heads; h++)
		if (!tn_set(arena, heads, e->p->heads[h].name, head_group(e, &e->p->heads[h])))
			return tn_fail(e->call, TN_ENOMEM, "out of memory");
	tn_set(arena, tree, "heads", heads);
	if (e->p->max_tokens && e->p->max_tokens != e->p->info.max_positions) {
		window = tn_set(arena, tree, "window", tn_new_object(arena));
		tn_set(arena, window, "tokens", tn_new_int(arena, (int64_t)e->p->max_tokens));
		tn_set(arena, window, "overlap", tn_new_int(arena, (int64_t)e->p->overlap));
	}
	text = tn_config_print(tree, &len, e->call);
	return text ? write_text(e, "pipeline.cfg", text, len) : tn_status(e->call);
}

/* config.json as it was, and the options of all heads, which may change it. */
static int collect(struct exporting *e)
{
	e->config = copy_object(e->p->dir->config, tn_call_arena(e->call));
	e->options = tn_alloc_n(e->call, e->p->n_heads + 1, sizeof(struct tn_value *));
	if (!e->config || !e->options)
		return tn_fail(e->call, TN_ENOMEM, "out of memory");
	for (size_t h = 0; h < e->p->n_heads; h++) {
		e->options[h] = options_value(e, &e->p->heads[h]);
		if (!e->options[h])
			return tn_fail(e->call, TN_ENOMEM, "out of memory");
	}
	return 0;
}

int tn_export(const char *directory, const struct tn_objective *o, enum tn_dtype dtype,
	struct tn_call *call)
{
	struct exporting e = { .directory = directory, .o = o, .p = o->p, .dtype = dtype,
		.call = call };

	choose_class(&e);
	if (collect(&e))
		return tn_status(call);
	if (write_model(&e))
		return tn_status(call);
	for (size_t h = 0; h < e.p->n_heads; h++)
		if (has_file(&e, &e.p->heads[h]) && write_head(&e, &e.p->heads[h]))
			return tn_status(call);
	if (write_config_json(&e) || copy_tokenizer(&e))
		return tn_status(call);
	return write_pipeline(&e);
}
