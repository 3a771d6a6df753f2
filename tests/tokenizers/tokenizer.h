/* SPDX-License-Identifier: Apache-2.0
 * tests/tokenizers/tokenizer.h - opens a tokenizer plugin without the loader.
 */
#ifndef TEST_TOKENIZER_H
#define TEST_TOKENIZER_H

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <tenon/impl/tokenizer.h>
#include <unistd.h>

struct tokenizer {
	const struct tn_plugin *plugin;
	const struct tn_tokenizer_impl *impl;
	struct tn_tokenizer *self;
	char json[PATH_MAX], vocab[PATH_MAX], model[PATH_MAX];
};

/** The descriptor in a plugin's file; NULL when it cannot be had. */
static inline const struct tn_plugin *tokenizer_plugin(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	tn_plugin_function *function;

	if (!handle)
		fprintf(stderr, "%s\n", dlerror());
	*(void **)&function = handle ? dlsym(handle, "tn_plugin_v1") : NULL;
	return function ? function() : NULL;
}

static inline const struct tn_value *tokenizer_tree(const char *dir, const char *name,
	struct tn_arena *arena, struct tn_call *call)
{
	static char text[1 << 20];
	const char *path = tn_printf(call, "%s/%s", dir, name);
	FILE *file = path ? fopen(path, "rb") : NULL;
	size_t n;

	if (!file)
		return NULL;
	n = fread(text, 1, sizeof(text), file);
	fclose(file);
	return tn_json_parse(text, n, path, arena, call);
}

/** Opens the tokenizer of a directory: 0 or the code of the error in `call`. */
static inline int tokenizer_open(struct tokenizer *t, const char *so, const char *dir,
	struct tn_call *call)
{
	struct tn_tokenizer_files files = { .directory = dir };

	t->plugin = tokenizer_plugin(so);
	if (!t->plugin)
		return tn_fail(call, TN_EPLUGIN, "%s: no plugin", so);
	t->impl = t->plugin->impl.tokenizer;
	snprintf(t->json, sizeof(t->json), "%s/tokenizer.json", dir);
	snprintf(t->vocab, sizeof(t->vocab), "%s/vocab.txt", dir);
	if (!access(t->json, R_OK))
		files.tokenizer_json = t->json;
	if (!access(t->vocab, R_OK))
		files.vocab_txt = t->vocab;
	snprintf(t->model, sizeof(t->model), "%s/spiece.model", dir);
	if (!access(t->model, R_OK))
		files.sentencepiece = t->model;
	files.tokenizer_config = tokenizer_tree(dir, "tokenizer_config.json",
		tn_call_arena(call), call);
	files.special_tokens = tokenizer_tree(dir, "special_tokens_map.json",
		tn_call_arena(call), call);
	files.config = tokenizer_tree(dir, "config.json", tn_call_arena(call), call);
	t->self = calloc(1, t->plugin->state);
	t->self->plugin = t->plugin;
	return t->impl->open(t->self, &files, call);
}

static inline void tokenizer_close(struct tokenizer *t)
{
	if (t->self)
		t->impl->close(t->self);
	free(t->self);
	t->self = NULL;
}

#endif
