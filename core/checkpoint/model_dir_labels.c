/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/model_dir_labels.c - id2label of config.json as a list.
 */
#include <stdio.h>
#include <string.h>

#include "checkpoint/model_dir_impl.h"

#define MOST_LABELS 1000000

/* "0" to n - 1 without leading zeros; n for anything else. */
static size_t id_of(const char *key, size_t n)
{
	size_t id = 0;

	if (!*key || (*key == '0' && key[1]))
		return n;
	for (; *key; key++) {
		if (*key < '0' || *key > '9' || id >= n)
			return n;
		id = id * 10 + (size_t)(*key - '0');
	}
	return id < n ? id : n;
}

static const char **make_list(struct opening *o, size_t n)
{
	const char **labels = tn_arena_alloc(o->arena, (n + 1) * sizeof(*labels));

	if (!labels)
		tn_fail(o->call, TN_ENOMEM, "%s: out of memory", o->dir->path);
	o->dir->labels = labels;
	o->dir->n_labels = labels ? n : 0;
	return labels;
}

/* As transformers names labels that config.json does not list. */
static int default_labels(struct opening *o, size_t n)
{
	const char **labels = make_list(o, n);

	for (size_t i = 0; labels && i < n; i++) {
		char name[32];
		int len = snprintf(name, sizeof(name), "LABEL_%zu", i);

		labels[i] = tn_arena_dup(o->arena, name, (size_t)len);
		if (!labels[i])
			return tn_fail(o->call, TN_ENOMEM, "%s: out of memory", o->dir->path);
	}
	return labels ? 0 : TN_ENOMEM;
}

int dir_read_labels(struct opening *o)
{
	const struct tn_value *map = tn_get(o->dir->config, "id2label");
	const struct tn_value *architecture = tn_at(tn_get(o->dir->config, "architectures"), 0);
	const char *class = tn_string(architecture, NULL), *path = o->dir->config_path;
	int64_t count = tn_int(tn_get(o->dir->config, "num_labels"), 0);
	size_t n = tn_size(map);
	const char **labels;

	if (!map && count > 0 && count <= MOST_LABELS)
		return default_labels(o, (size_t)count);
	if (!map && (dir_ends_with(class, "ForSequenceClassification") ||
			dir_ends_with(class, "ForTokenClassification")))
		return default_labels(o, 2);
	if (!map)
		return 0;
	if (tn_value_kind(map) != TN_VALUE_OBJECT)
		return tn_fail(o->call, TN_EDATA, "%s: \"id2label\" is %s, expected an object of "
			"ids and labels", path, tn_value_kind_name(tn_value_kind(map)));
	labels = make_list(o, n);
	if (!labels)
		return TN_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const char *key = tn_key(map, i);
		size_t id = id_of(key, n);

		if (id == n)
			return tn_fail(o->call, TN_EDATA, "%s: \"id2label\" has the id %s, "
				"expected the ids 0 to %zu for its %zu labels", path,
				tn_quote(o->call, key, strlen(key)), n - 1, n);
		labels[id] = tn_string(tn_at(map, i), NULL);
		if (!labels[id])
			return tn_fail(o->call, TN_EDATA, "%s: label %zu of \"id2label\" is %s, "
				"expected a string", path, id,
				tn_value_kind_name(tn_value_kind(tn_at(map, i))));
	}
	return 0;
}
