/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/model_dir.c - a Hugging Face model directory: its files, config.json
 * and the list of its weights.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "checkpoint/model_dir_impl.h"

#define LARGEST_INDEX ((size_t)64 << 20)

static int no_memory(struct opening *o)
{
	return tn_fail(o->call, TN_ENOMEM, "%s: out of memory", o->dir->path);
}

const char *dir_join(struct opening *o, const char *directory, const char *name)
{
	size_t n = strlen(directory), len = strlen(name);
	char *path = tn_arena_alloc(o->arena, n + len + 2);

	if (!path) {
		no_memory(o);
		return NULL;
	}
	memcpy(path, directory, n);
	if (n && path[n - 1] != '/')
		path[n++] = '/';
	memcpy(path + n, name, len);
	return path;
}

bool dir_has(struct opening *o, const char *directory, const char *name)
{
	const char *path = dir_join(o, directory, name);
	struct stat st;

	return path && !lstat(path, &st);
}

static int check_pointer(struct opening *o, const char *path)
{
	static const char lfs[] = "version https://git-lfs";
	char start[sizeof(lfs)] = "";
	uint64_t size = 0;
	int fd = tn_file_open(path, &size, o->call), status;

	if (fd < 0)
		return fd;
	status = tn_file_pread(fd, path, start, size < sizeof(lfs) ? (size_t)size : sizeof(lfs),
		0, o->call);
	close(fd);
	if (!status && !memcmp(start, lfs, sizeof(lfs) - 1))
		return tn_fail(o->call, TN_EDATA, "%s: a Git LFS pointer instead of the file "
			"itself; run `git lfs pull` in %s", path, o->dir->path);
	return status;
}

int dir_file(struct opening *o, const char *directory, const char *name, const char **path)
{
	const char *joined = dir_join(o, directory, name);
	struct stat st;

	*path = NULL;
	if (!joined)
		return TN_ENOMEM;
	if (stat(joined, &st)) {
		if (lstat(joined, &st))
			return 0;
		return tn_fail(o->call, TN_ENOINPUT, "%s: a link to a file that is not there; "
			"download the model again", joined);
	}
	*path = joined;
	return check_pointer(o, joined);
}

int dir_json(struct opening *o, const char *directory, const char *name, size_t max,
	const struct tn_value **tree)
{
	const char *path, *text;
	size_t len = 0;

	*tree = NULL;
	if (dir_file(o, directory, name, &path))
		return tn_status(o->call);
	if (!path)
		return 0;
	text = tn_file_read(path, max, &len, o->arena, o->call);
	if (text)
		*tree = tn_json_parse(text, len, path, o->arena, o->call);
	return *tree ? 0 : tn_status(o->call);
}

bool dir_plain_name(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

bool dir_ends_with(const char *text, const char *end)
{
	size_t n = text ? strlen(text) : 0, len = strlen(end);

	return n >= len && !strcmp(text + n - len, end);
}

static int check_directory(const char *path, struct tn_call *call)
{
	struct stat st;

	if (stat(path, &st)) {
		if (errno != ENOENT && errno != ENOTDIR)
			return tn_fail(call, TN_EIO, "%s: %s", path, strerror(errno));
		return tn_fail(call, TN_ENOINPUT, "%s: there is no such model directory; models "
			"are read from the disk, `hf download NAME --local-dir DIR` fetches one",
			path);
	}
	if (S_ISDIR(st.st_mode))
		return 0;
	if (dir_ends_with(path, ".cfg"))
		return tn_fail(call, TN_EDATA, "%s: a configuration file, expected a model "
			"directory", path);
	return tn_fail(call, TN_EDATA, "%s: a file, expected a model directory; name the one that "
		"holds config.json and model.safetensors", path);
}

static int read_config(struct opening *o)
{
	struct tn_model_dir *dir = o->dir;
	const struct tn_value *first, *type;

	dir->config_path = dir_join(o, o->root, "config.json");
	if (!dir->config_path || dir_json(o, o->root, "config.json", SMALL_JSON, &dir->config))
		return tn_status(o->call);
	if (!dir->config)
		return dir_no_config(o);
	if (tn_value_kind(dir->config) != TN_VALUE_OBJECT)
		return tn_fail(o->call, TN_EDATA, "%s: %s, expected an object", dir->config_path,
			tn_value_kind_name(tn_value_kind(dir->config)));
	type = tn_get(dir->config, "model_type");
	dir->model_type = tn_string(type, NULL);
	if (!type)
		return tn_fail(o->call, TN_EDATA, "%s: the key \"model_type\" is missing; it names "
			"the model's family, as in \"model_type\": \"bert\"", dir->config_path);
	if (!dir->model_type || !dir_plain_name(dir->model_type))
		return tn_fail(o->call, TN_EDATA, "%s: \"model_type\" is %s, expected the name "
			"of a model family", dir->config_path, dir->model_type ? tn_quote(o->call,
			dir->model_type, tn_string_length(type)) :
			tn_value_kind_name(tn_value_kind(type)));
	first = tn_at(tn_get(dir->config, "architectures"), 0);
	if (!dir->class)
		dir->class = tn_string(first, NULL);
	if (tn_get(dir->config, "auto_map"))
		tn_note(o->call, "%s: auto_map names code, which is never run", dir->config_path);
	return dir_read_labels(o);
}

/* One file of the index. */
static int add_shard(struct opening *o, struct tn_value *known, const char *name,
	const char **files)
{
	struct tn_model_dir *dir = o->dir;
	const char *path;

	if (tn_get(known, name))
		return 0;
	if (!dir_plain_name(name))
		return tn_fail(o->call, TN_EDATA, "%s: the shard %s is no plain file name",
			dir->weights_path, tn_quote(o->call, name, strlen(name)));
	if (dir_file(o, o->root, name, &path))
		return tn_status(o->call);
	if (!path)
		return tn_fail(o->call, TN_ENOINPUT, "%s: the shard %s is not there; download the "
			"model again", dir->weights_path, tn_quote(o->call, name, strlen(name)));
	if (!tn_set(o->arena, known, name, tn_new_bool(o->arena, true)))
		return no_memory(o);
	files[dir->n_weight_files++] = path;
	return 0;
}

static int read_index(struct opening *o, const struct tn_value *index)
{
	struct tn_model_dir *dir = o->dir;
	struct tn_value *known = tn_new_object(o->arena);
	const char **files;

	dir->shard_of = tn_get(index, "weight_map");
	if (!tn_size(dir->shard_of) || tn_value_kind(dir->shard_of) != TN_VALUE_OBJECT)
		return tn_fail(o->call, TN_EDATA, "%s: \"weight_map\" is missing or empty, "
			"expected an object of tensors and their files", dir->weights_path);
	files = tn_arena_alloc(o->arena, tn_size(dir->shard_of) * sizeof(*files));
	if (!known || !files)
		return no_memory(o);
	for (size_t i = 0; i < tn_size(dir->shard_of); i++) {
		const struct tn_value *shard = tn_at(dir->shard_of, i);

		if (tn_value_kind(shard) != TN_VALUE_STRING)
			return tn_fail(o->call, TN_EDATA, "%s: the shard of %s is %s, expected a "
				"file name", dir->weights_path, tn_quote(o->call,
				tn_key(dir->shard_of, i), strlen(tn_key(dir->shard_of, i))),
				tn_value_kind_name(tn_value_kind(shard)));
		if (add_shard(o, known, tn_string(shard, ""), files))
			return tn_status(o->call);
	}
	dir->weight_files = files;
	return 0;
}

/* One file, or the shards of an index; the file comes first, as in transformers. */
static int find_weights(struct opening *o)
{
	struct tn_model_dir *dir = o->dir;
	const struct tn_value *index;
	const char **one;

	if (dir_file(o, o->root, "model.safetensors", &dir->weights_path))
		return tn_status(o->call);
	if (dir->weights_path) {
		one = tn_arena_alloc(o->arena, sizeof(*one));
		if (!one)
			return no_memory(o);
		*one = dir->weights_path;
		dir->weight_files = one;
		dir->n_weight_files = 1;
		return 0;
	}
	if (dir_json(o, o->root, "model.safetensors.index.json", LARGEST_INDEX, &index))
		return tn_status(o->call);
	if (!index)
		return dir_no_weights(o);
	dir->weights_path = dir_join(o, o->root, "model.safetensors.index.json");
	return dir->weights_path ? read_index(o, index) : TN_ENOMEM;
}

struct tn_model_dir *tn_model_dir_open(const char *path, struct tn_arena *arena,
	struct tn_call *call)
{
	struct opening o = { .arena = arena, .call = call };

	if (check_directory(path, call))
		return NULL;
	o.dir = tn_arena_alloc(arena, sizeof(*o.dir));
	if (o.dir)
		o.dir->path = o.root = tn_arena_dup(arena, path, strlen(path));
	if (!o.root) {
		tn_fail(call, TN_ENOMEM, "%s: out of memory", path);
		return NULL;
	}
	if (dir_read_modules(&o) || read_config(&o) || find_weights(&o) || dir_read_tokenizer(&o))
		return NULL;
	return o.dir;
}
