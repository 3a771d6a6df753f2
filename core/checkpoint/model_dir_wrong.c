/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/model_dir_wrong.c - what a directory without config.json or without
 * weights is instead, and what to do about it.
 */
#include <ctype.h>
#include <dirent.h>
#include <string.h>

#include "checkpoint/model_dir_impl.h"

/* The first file in the order of names that begins and ends so, in the arena; NULL. */
static const char *find_like(struct opening *o, const char *directory, const char *begin,
	const char *end)
{
	DIR *d = opendir(directory);
	const char *best = NULL;
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, begin, strlen(begin)) && dir_ends_with(e->d_name, end) &&
				(!best || strcmp(e->d_name, best) < 0))
			best = tn_arena_dup(o->arena, e->d_name, strlen(e->d_name));
	if (d)
		closedir(d);
	return best;
}

/* The class to load in the advice; a name from a file gets into it only when it is an
 * identifier. */
static const char *class_for_advice(const struct opening *o)
{
	const struct tn_value *v = tn_at(tn_get(o->dir->config, "architectures"), 0);
	const char *name = tn_string(v, "");

	if (!isalpha((unsigned char)*name) || strlen(name) > 80)
		return "AutoModel";
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_')
			return "AutoModel";
	return name;
}

/* Directories of other programs, with or without config.json. */
static int other_kind(struct opening *o)
{
	const char *name;

	if (dir_has(o, o->root, "adapter_config.json"))
		return tn_fail(o->call, TN_EDATA, "%s: an adapter without its model; merge the two "
			"with peft (merge_and_unload, then save_pretrained) and name that "
			"directory", o->root);
	name = find_like(o, o->root, "", ".gguf");
	if (name)
		return tn_fail(o->call, TN_EDATA, "%s: %s is a GGUF file, which is not read; get "
			"the model's Hugging Face directory with model.safetensors", o->root, name);
	name = find_like(o, o->root, "", ".onnx");
	if (!name && dir_has(o, o->root, "onnx"))
		name = find_like(o, dir_join(o, o->root, "onnx"), "", ".onnx");
	if (name)
		return tn_fail(o->call, TN_EDATA, "%s: %s is an ONNX file, which is not read; get "
			"the model's Hugging Face directory with model.safetensors", o->root, name);
	return 0;
}

int dir_no_config(struct opening *o)
{
	if (other_kind(o))
		return tn_status(o->call);
	if (dir_has(o, o->root, "snapshots"))
		return tn_fail(o->call, TN_ENOINPUT, "%s: a folder of the Hub's cache; name one of "
			"the directories under its snapshots", o->root);
	if (find_like(o, o->root, "", ".cfg"))
		return tn_fail(o->call, TN_ENOINPUT, "%s: there is no config.json; for a pipeline "
			"name its file, %s", o->root, find_like(o, o->root, "", ".cfg"));
	return tn_fail(o->call, TN_ENOINPUT, "%s: there is no config.json; expected a Hugging Face "
		"model directory", o->root);
}

int dir_no_weights(struct opening *o)
{
	static const char *const others[][2] = {
		{ "tf_model.h5", "from_tf" }, { "flax_model.msgpack", "from_flax" }
	};
	const char *class = class_for_advice(o);
	const char *name = find_like(o, o->root, "pytorch_model", ".bin");

	if (name)
		return tn_fail(o->call, TN_EDATA, "%s: the weights are only there as %s, a pickle, "
			"which is never read; write model.safetensors with: python3 -c 'from "
			"transformers import %s as M; "
			"M.from_pretrained(\"%s\").save_pretrained(\"%s\")'",
			o->root, name, class, o->root, o->root);
	for (size_t i = 0; i < 2; i++)
		if (dir_has(o, o->root, others[i][0]))
			return tn_fail(o->call, TN_EDATA, "%s: the weights are only there as %s; "
				"write model.safetensors with: python3 -c 'from transformers "
				"import %s as M; M.from_pretrained(\"%s\", "
				"%s=True).save_pretrained(\"%s\")'",
				o->root, others[i][0], class, o->root, others[i][1], o->root);
	if (other_kind(o))
		return tn_status(o->call);
	name = find_like(o, o->root, "", ".safetensors");
	if (name)
		return tn_fail(o->call, TN_ENOINPUT, "%s: there is no model.safetensors; if %s "
			"holds the model, link it to that name", o->root, name);
	return tn_fail(o->call, TN_ENOINPUT, "%s: there is no model.safetensors; download it to "
		"where config.json lies", o->root);
}
