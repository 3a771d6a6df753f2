/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/model_dir_tokenizer.c - the tokenizer's files of a model directory.
 */
#include <string.h>

#include "base/file.h"
#include "checkpoint/model_dir_impl.h"

#define LARGEST_TOKENIZER ((size_t)256 << 20)
#define LARGEST_TOKENIZER_CONFIG ((size_t)32 << 20)

/* The bytes of a JSON string from its opening quote, both quotes counted. */
static size_t string_length(const char *text, size_t n)
{
	size_t i = 1;

	while (i < n && text[i] != '"')
		i += text[i] == '\\' ? 2 : 1;
	return i < n ? i + 1 : n;
}

static bool is_string(const char *text, size_t len, const char *expected)
{
	return len == strlen(expected) + 2 && !memcmp(text + 1, expected, len - 2);
}

/* Finds "type" of "model" at the top level without building a tree: such files reach
 * 17 MB.  Faults of the JSON are left to the tokenizer, which reads all of it.  Returns
 * the string with its quotes, or NULL. */
static const char *find_type(const char *text, size_t n, size_t *len)
{
	int depth = 0;
	bool in_model = false, is_type = false;

	for (size_t i = 0; i < n; i++) {
		size_t string;

		switch (text[i]) {
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			depth--;
			break;
		case ',':
			is_type = false;
			break;
		case '"':
			string = string_length(text + i, n - i);
			if (depth == 2 && is_type) {
				*len = string;
				return text + i;
			}
			if (depth == 1)
				in_model = is_string(text + i, string, "model");
			else if (depth == 2 && in_model)
				is_type = is_string(text + i, string, "type");
			i += string - 1;
			break;
		}
	}
	return NULL;
}

static int read_type(struct opening *o)
{
	struct tn_arena *arena = tn_arena_create();
	const char *path = o->dir->files.tokenizer_json, *text, *type;
	size_t n = 0, len = 0;
	char *name;

	if (!arena)
		return tn_fail(o->call, TN_ENOMEM, "%s: out of memory", path);
	text = tn_file_read(path, LARGEST_TOKENIZER, &n, arena, o->call);
	type = text ? find_type(text, n, &len) : NULL;
	name = type ? tn_arena_dup(o->arena, type + 1, len - 2) : NULL;
	tn_arena_destroy(arena);
	if (!text || (type && !name))
		return tn_fail(o->call, TN_ENOMEM, "%s: out of memory", path);
	for (char *p = name; p && *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	if (name && !dir_plain_name(name))
		return tn_fail(o->call, TN_EDATA, "%s: the type of its model is %s, expected the "
			"name of a tokenizer", path, tn_quote(o->call, name, strlen(name)));
	o->dir->tokenizer_type = name;
	return 0;
}

/* The names that a model of sentencepiece has in the directories of various families. */
static int find_sentencepiece(struct opening *o)
{
	static const char *const models[] = { "spiece.model", "sentencepiece.bpe.model",
		"spm.model", "tokenizer.model" };

	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]) &&
			!o->dir->files.sentencepiece; i++)
		if (dir_file(o, o->root, models[i], &o->dir->files.sentencepiece))
			return tn_status(o->call);
	return 0;
}

static int no_tokenizer(struct opening *o)
{
	if (o->dir->files.vocab_json)
		return tn_fail(o->call, TN_ENOINPUT, "%s: there is no merges.txt beside "
			"vocab.json; copy it, or tokenizer.json, from where the model comes from",
			o->root);
	return tn_fail(o->call, TN_ENOINPUT, "%s: there is no tokenizer; copy tokenizer.json or "
		"vocab.txt from where the model comes from", o->root);
}

int dir_read_tokenizer(struct opening *o)
{
	struct tn_tokenizer_files *files = &o->dir->files;

	files->directory = o->root;
	files->config = o->dir->config;
	if (dir_file(o, o->root, "tokenizer.json", &files->tokenizer_json) ||
			dir_file(o, o->root, "vocab.txt", &files->vocab_txt) ||
			dir_file(o, o->root, "vocab.json", &files->vocab_json) ||
			dir_file(o, o->root, "merges.txt", &files->merges_txt) ||
			find_sentencepiece(o) ||
			dir_json(o, o->root, "tokenizer_config.json", LARGEST_TOKENIZER_CONFIG,
				&files->tokenizer_config) ||
			dir_json(o, o->root, "special_tokens_map.json", LARGEST_TOKENIZER_CONFIG,
				&files->special_tokens))
		return tn_status(o->call);
	if (files->tokenizer_json)
		return read_type(o);
	if (!files->vocab_txt && !(files->vocab_json && files->merges_txt) &&
			!files->sentencepiece)
		return no_tokenizer(o);
	return 0;
}
