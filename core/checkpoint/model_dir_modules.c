/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/model_dir_modules.c - modules.json of sentence-transformers: the model,
 * how its tokens become one vector, the layer behind that, and whether it is scaled to
 * length 1.
 */
#include <string.h>

#include "checkpoint/model_dir_impl.h"

#define MOST_TOKENS (1 << 24)
#define WIDEST 1000000

static int no_memory(struct opening *o)
{
	return tn_fail(o->call, TN_ENOMEM, "%s: out of memory", o->dir->path);
}

/* Copies the mode out of a pooling module's flag, as in pooling_mode_mean_tokens; NULL: not
 * one that is known.  A name alone ("mean", from version 5.2) stands for itself.
 * Source: sentence-transformers, models/Pooling.py. */
static const char *known_mode(struct opening *o, const char *name)
{
	static const char *const flags[] = {
		"pooling_mode_cls_token", "pooling_mode_mean_tokens", "pooling_mode_max_tokens"
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		const char *mode = flags[i] + strlen("pooling_mode_");
		size_t len = strcspn(mode, "_");

		if (!strcmp(name, flags[i]) || (strlen(name) == len && !strncmp(name, mode, len)))
			return tn_arena_dup(o->arena, mode, len);
	}
	return NULL;
}

/* The one mode of a pooling module, "cls", "mean" or "max"; NULL after an error. */
static const char *pooling_mode(struct opening *o, const struct tn_value *config, const char *path)
{
	const char *name = tn_string(tn_get(config, "pooling_mode"), NULL);
	const char *mode = name ? known_mode(o, name) : NULL, *wrong = mode ? NULL : name;

	for (size_t i = 0; i < tn_size(config) && !name; i++) {
		const char *key = tn_key(config, i);

		if (strncmp(key, "pooling_mode_", 13) || !tn_bool(tn_at(config, i), false))
			continue;
		wrong = mode ? key : wrong;
		mode = known_mode(o, key);
		wrong = mode ? wrong : key;
	}
	if (mode && !wrong)
		return mode;
	wrong = wrong ? wrong : "none";
	tn_fail(o->call, TN_EDATA, "%s: the pooling mode %s is not known, expected one of: cls, "
		"mean, max", path, tn_quote(o->call, wrong, strlen(wrong)));
	return NULL;
}

/* config.json of the module in `path`. */
static int read_config(struct opening *o, const char *path, const struct tn_value **config)
{
	if (!path || dir_json(o, path, "config.json", SMALL_JSON, config))
		return tn_status(o->call);
	return *config ? 0 : tn_fail(o->call, TN_ENOINPUT, "%s: there is no config.json, which "
		"modules.json leads to; download the model again", path);
}

static int read_pooling(struct opening *o, const char *folder, struct tn_value *options)
{
	const char *path = dir_join(o, o->dir->path, folder), *mode;
	const struct tn_value *config;

	if (read_config(o, path, &config))
		return tn_status(o->call);
	mode = pooling_mode(o, config, dir_join(o, path, "config.json"));
	if (!mode)
		return tn_status(o->call);
	return tn_set(o->arena, options, "pooling", tn_new_text(o->arena, mode)) ? 0 : no_memory(o);
}

/* The head's name of a PyTorch class of activations; NULL: not one that is known. */
static const char *known_activation(const char *class)
{
	static const char *const known[][2] = {
		{ "Tanh", "tanh" }, { "Identity", "none" }, { "ReLU", "relu" }, { "GELU", "gelu" },
		{ "SiLU", "silu" }, { "Sigmoid", "sigmoid" }
	};
	const char *dot = strrchr(class, '.');

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(dot ? dot + 1 : class, known[i][0]))
			return known[i][1];
	return NULL;
}

/* Source: sentence-transformers, models/Dense.py. */
static int read_dense(struct opening *o, const char *folder, struct tn_value *options)
{
	const char *path = dir_join(o, o->dir->path, folder), *class, *activation;
	const struct tn_value *config;
	long long width;

	if (!tn_get(options, "pooling") || o->dir->head_weights ||
			tn_bool(tn_get(options, "normalize"), false))
		return tn_fail(o->call, TN_EDATA, "%s/modules.json: a Dense module stands where "
			"none is known, expected one at most, between Pooling and Normalize",
			o->dir->path);
	if (read_config(o, path, &config) || dir_file(o, path, "model.safetensors",
			&o->dir->head_weights))
		return tn_status(o->call);
	if (!o->dir->head_weights)
		return tn_fail(o->call, TN_ENOINPUT, "%s: there is no model.safetensors, which "
			"modules.json leads to (pytorch_model.bin is not read)", path);
	width = tn_int(tn_get(config, "out_features"), 0);
	if (width < 1 || width > WIDEST)
		return tn_fail(o->call, TN_EDATA, "%s/config.json: \"out_features\" is missing or "
			"out of range, expected a whole number of 1 to %d", path, WIDEST);
	class = tn_string(tn_get(config, "activation_function"), "Tanh");
	activation = known_activation(class);
	if (!activation)
		return tn_fail(o->call, TN_EDATA, "%s/config.json: the activation function %s is not "
			"known, expected Tanh, Identity, ReLU, GELU, SiLU or Sigmoid", path,
			tn_quote(o->call, class, strlen(class)));
	return tn_set(o->arena, options, "dense", tn_new_int(o->arena, width)) &&
		tn_set(o->arena, options, "activation", tn_new_text(o->arena, activation)) ? 0 :
		no_memory(o);
}

/* The limit that sentence-transformers sets on a text. */
static int read_limit(struct opening *o)
{
	const struct tn_value *config, *limit;

	if (dir_json(o, o->root, "sentence_bert_config.json", SMALL_JSON, &config))
		return tn_status(o->call);
	limit = tn_get(config, "max_seq_length");
	if (limit && tn_value_kind(limit) != TN_VALUE_NULL &&
			(tn_int(limit, 0) < 1 || tn_int(limit, 0) > MOST_TOKENS))
		return tn_fail(o->call, TN_EDATA, "%s: \"max_seq_length\" is out of range, "
			"expected a whole number of 1 to %d",
			dir_join(o, o->root, "sentence_bert_config.json"), MOST_TOKENS);
	o->dir->max_tokens = (size_t)tn_int(limit, 0);
	if (tn_bool(tn_get(config, "do_lower_case"), false))
		tn_note(o->call, "%s: do_lower_case of sentence_bert_config.json is left to the "
			"tokenizer", o->dir->path);
	return 0;
}

/* One module; `i` is its place. */
static int read_module(struct opening *o, const struct tn_value *module, size_t i,
	struct tn_value *options)
{
	const struct tn_value *type = tn_get(module, "type"), *path = tn_get(module, "path");
	const char *name = tn_string(type, ""), *folder = tn_string(path, "");
	const char *where = dir_join(o, o->dir->path, "modules.json");

	if (!where)
		return TN_ENOMEM;
	if (strrchr(name, '.'))
		name = strrchr(name, '.') + 1;
	if (*folder && !dir_plain_name(folder))
		return tn_fail(o->call, TN_EDATA, "%s: the path %s of module %zu is no plain name",
			where, tn_quote(o->call, folder, strlen(folder)), i);
	if (!strcmp(name, "Transformer") != (i == 0))
		return tn_fail(o->call, TN_EDATA, "%s: module %zu is %s, expected Transformer "
			"first, then Pooling, Dense and Normalize", where, i, tn_quote(o->call, name,
			strlen(name)));
	if (i == 0) {
		if (*folder)
			o->root = dir_join(o, o->dir->path, folder);
		return o->root ? read_limit(o) : TN_ENOMEM;
	}
	if (!strcmp(name, "Pooling"))
		return read_pooling(o, folder, options);
	if (!strcmp(name, "Dense"))
		return read_dense(o, folder, options);
	if (!strcmp(name, "Normalize"))
		return tn_set(o->arena, options, "normalize", tn_new_bool(o->arena, true)) ? 0 :
			no_memory(o);
	return tn_fail(o->call, TN_EDATA, "%s: module %zu is %s; Transformer, Pooling, Dense and "
		"Normalize are known", where, i, tn_quote(o->call, name, strlen(name)));
}

int dir_read_modules(struct opening *o)
{
	struct tn_value *options = tn_new_object(o->arena);
	const struct tn_value *modules;

	if (dir_json(o, o->dir->path, "modules.json", SMALL_JSON, &modules))
		return tn_status(o->call);
	if (!modules)
		return 0;
	if (tn_value_kind(modules) != TN_VALUE_LIST || !tn_size(modules))
		return tn_fail(o->call, TN_EDATA, "%s/modules.json: expected a list of modules",
			o->dir->path);
	if (!tn_set(o->arena, options, "normalize", tn_new_bool(o->arena, false)))
		return no_memory(o);
	for (size_t i = 0; i < tn_size(modules); i++)
		if (read_module(o, tn_at(modules, i), i, options))
			return tn_status(o->call);
	if (!tn_get(options, "pooling"))
		return tn_fail(o->call, TN_EDATA, "%s/modules.json: there is no Pooling module, "
			"which makes a vector of the tokens", o->dir->path);
	o->dir->class = "SentenceTransformer";
	o->dir->head_options = options;
	return 0;
}
