/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/weights.c - the weight store: its files and their tensors by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "checkpoint/weights_impl.h"

#define LONGEST_NAME 1024

static int no_memory(struct tn_call *call)
{
	return tn_fail(call, TN_ENOMEM, "out of memory while weights were opened");
}

static int compare_name(const void *a, const void *b)
{
	return strcmp((*(struct weight *const *)a)->t->name, (*(struct weight *const *)b)->t->name);
}

static int open_files(struct tn_weights *w, const char *const *paths, size_t n,
	struct tn_call *call)
{
	w->files = calloc(n ? n : 1, sizeof(*w->files));
	if (!w->files)
		return no_memory(call);
	for (; w->n_files < n; w->n_files++) {
		w->files[w->n_files] = tn_st_open(paths[w->n_files], call);
		if (!w->files[w->n_files])
			return tn_status(call);
		w->n += tn_st_count(w->files[w->n_files]);
	}
	return 0;
}

static int list_tensors(struct tn_weights *w, struct tn_call *call)
{
	size_t n = 0;

	w->items = calloc(w->n + 1, sizeof(*w->items));
	w->by_name = calloc(w->n + 1, sizeof(struct weight *));
	if (!w->items || !w->by_name)
		return no_memory(call);
	for (size_t f = 0; f < w->n_files; f++)
		for (size_t i = 0; i < tn_st_count(w->files[f]); i++, n++) {
			struct weight *item = &w->items[n];

			item->t = tn_st_at(w->files[f], i);
			item->file = w->files[f];
			item->version = 1;
			item->as_f32.weight = item->as_f64.weight = item;
			w->by_name[n] = item;
		}
	if (n)
		qsort(w->by_name, n, sizeof(*w->by_name), compare_name);
	for (size_t i = 1; i < n; i++)
		if (!compare_name(&w->by_name[i - 1], &w->by_name[i]))
			return tn_fail(call, TN_EDATA, "%s: tensor %s is also in %s",
				tn_st_path(w->by_name[i]->file), tn_quote(call,
				w->by_name[i]->t->name, strlen(w->by_name[i]->t->name)),
				tn_st_path(w->by_name[i - 1]->file));
	return 0;
}

static pthread_mutex_t stores_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tn_weights *stores;

/* What tells a state of the files from any other; malloc'd. */
static char *make_key(const char *const *paths, size_t n, const char *where, const char *prefix)
{
	size_t size = 0;
	char *key = NULL;
	FILE *f = open_memstream(&key, &size);

	if (!f)
		return NULL;
	fprintf(f, "%s|%s", prefix, where);
	for (size_t i = 0; i < n; i++) {
		struct stat st = { 0 };

		stat(paths[i], &st);
		fprintf(f, "|%ju:%ju:%jd:%jd.%09ld", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
			(intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	}
	return fclose(f) ? NULL : key;
}

static void free_store(struct tn_weights *w)
{
	for (size_t i = 0; w->items && i < w->n; i++) {
		weights_free_copy(&w->items[i].as_f32);
		weights_free_copy(&w->items[i].as_f64);
	}
	while (w->made) {
		struct weight *made = w->made;

		w->made = made->next;
		weights_free_copy(&made->as_f32);
		weights_free_copy(&made->as_f64);
		free((void *)made->t->name);
		free((void *)made->t);
		free(made);
	}
	for (size_t i = 0; i < w->n_files; i++)
		tn_st_close(w->files[i]);
	free(w->files);
	free(w->items);
	free(w->by_name);
	free(w->where);
	free(w->prefix);
	free(w->key);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static struct tn_weights *open_new(const char *const *paths, size_t n, const char *where,
	const char *prefix, struct tn_call *call)
{
	struct tn_weights *w = calloc(1, sizeof(*w));

	if (!w) {
		no_memory(call);
		return NULL;
	}
	pthread_mutex_init(&w->lock, NULL);
	w->where = strdup(where);
	w->prefix = strdup(prefix);
	if (!w->where || !w->prefix)
		no_memory(call);
	else if (!open_files(w, paths, n, call) && !list_tensors(w, call))
		return w;
	free_store(w);
	return NULL;
}

static struct tn_weights *open_all(const char *const *paths, size_t n, const char *where,
	const char *prefix, struct tn_call *call)
{
	char *key = make_key(paths, n, where, prefix);
	struct tn_weights *w;

	if (!key) {
		no_memory(call);
		return NULL;
	}
	pthread_mutex_lock(&stores_lock);
	for (w = stores; w && strcmp(w->key, key); w = w->next)
		;
	if (!w) {
		w = open_new(paths, n, where, prefix, call);
		if (w) {
			w->key = key;
			w->next = stores;
			stores = w;
			key = NULL;
		}
	}
	if (w)
		w->users++;
	pthread_mutex_unlock(&stores_lock);
	free(key);
	return w;
}

void tn_weights_close(struct tn_weights *w)
{
	struct tn_weights **at = &stores;

	if (!w)
		return;
	if (!w->key) {
		free_store(w);
		return;
	}
	pthread_mutex_lock(&stores_lock);
	if (!--w->users) {
		while (*at != w)
			at = &(*at)->next;
		*at = w->next;
		free_store(w);
	}
	pthread_mutex_unlock(&stores_lock);
}

static const struct tn_safetensors *file_named(const struct tn_weights *w, const char *name)
{
	for (size_t i = 0; i < w->n_files; i++) {
		const char *path = tn_st_path(w->files[i]), *slash = strrchr(path, '/');

		if (!strcmp(slash ? slash + 1 : path, name))
			return w->files[i];
	}
	return NULL;
}

static int check_index(const struct tn_weights *w, const struct tn_value *shard_of,
	struct tn_call *call)
{
	for (size_t i = 0; i < tn_size(shard_of); i++) {
		const char *name = tn_key(shard_of, i);
		const char *shard = tn_string(tn_at(shard_of, i), "");
		const struct tn_safetensors *f = file_named(w, shard);

		if (!f || !tn_st_find(f, name))
			return tn_fail(call, TN_EDATA, "%s: tensor %s should be in %s, which does "
				"not have it", w->where, tn_quote(call, name, strlen(name)), shard);
	}
	return 0;
}

struct tn_weights *tn_weights_open(const struct tn_model_dir *dir, const char *prefix, bool own,
	struct tn_call *call)
{
	struct tn_weights *w = (own ? open_new : open_all)(dir->weight_files, dir->n_weight_files,
		dir->weights_path, prefix ? prefix : "", call);

	if (w && check_index(w, dir->shard_of, call)) {
		tn_weights_close(w);
		return NULL;
	}
	return w;
}

struct tn_weights *tn_weights_open_file(const char *path, bool own, struct tn_call *call)
{
	return (own ? open_new : open_all)(&path, 1, path, "", call);
}

struct tn_weights *tn_weights_create(const char *where, struct tn_call *call)
{
	return open_new(NULL, 0, where, "", call);
}

const char *tn_weights_where(const struct tn_weights *w)
{
	return w->where;
}

const struct tn_value *tn_weights_metadata(const struct tn_weights *w)
{
	return w->n_files ? tn_st_metadata(w->files[0]) : NULL;
}

static struct weight *find_exactly(const struct tn_weights *w, const char *name)
{
	size_t low = 0, high = w->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, w->by_name[middle]->t->name);

		if (!order)
			return w->by_name[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* A name as it is, with the prefix, without it. */
static struct weight *find_around_prefix(const struct tn_weights *w, const char *name)
{
	size_t n = strlen(w->prefix);
	struct weight *found = find_exactly(w, name);
	char longer[LONGEST_NAME];

	if (found || !n)
		return found;
	if ((size_t)snprintf(longer, sizeof(longer), "%s%s", w->prefix, name) < sizeof(longer))
		found = find_exactly(w, longer);
	if (!found && !strncmp(name, w->prefix, n))
		found = find_exactly(w, name + n);
	return found;
}

struct weight *weights_find(const struct tn_weights *w, const char *name)
{
	static const char *const renamed[][2] = {
		{ "LayerNorm.weight", "LayerNorm.gamma" }, { "LayerNorm.bias", "LayerNorm.beta" }
	};
	struct weight *found = find_around_prefix(w, name);
	size_t len = strlen(name);

	for (size_t i = 0; i < 2 && !found; i++) {
		size_t n = strlen(renamed[i][0]);
		char old[LONGEST_NAME];

		if (len < n || len >= sizeof(old) || strcmp(name + len - n, renamed[i][0]))
			continue;
		memcpy(old, name, len - n);
		strcpy(old + len - n, renamed[i][1]);
		found = find_around_prefix(w, old);
	}
	for (struct weight *made = w->made; made && !found; made = made->next)
		if (!strcmp(made->t->name, name))
			found = made;
	return found && found->t->n_dims <= 4 ? found : NULL;
}

bool tn_weights_shape(const struct tn_weights *w, const char *name, size_t dims[4],
	uint32_t *n_dims)
{
	const struct weight *item = weights_find(w, name);

	if (!item)
		return false;
	*n_dims = item->t->n_dims;
	for (int i = 0; i < 4; i++)
		dims[i] = (size_t)item->t->dims[i];
	return true;
}

size_t tn_weights_count(const struct tn_weights *w)
{
	return w->n;
}

const struct tn_st_tensor *tn_weights_at(const struct tn_weights *w, size_t i)
{
	return i < w->n ? w->items[i].t : NULL;
}

const struct tn_safetensors *tn_weights_file(const struct tn_weights *w, size_t i)
{
	return i < w->n ? w->items[i].file : NULL;
}

bool tn_weights_used(struct tn_weights *w, size_t i)
{
	bool used;

	pthread_mutex_lock(&w->lock);
	used = i < w->n && w->items[i].used;
	pthread_mutex_unlock(&w->lock);
	return used;
}

size_t tn_weights_bytes(struct tn_weights *w)
{
	size_t bytes;

	pthread_mutex_lock(&w->lock);
	bytes = w->bytes;
	pthread_mutex_unlock(&w->lock);
	return bytes;
}
