/* SPDX-License-Identifier: Apache-2.0
 * core/cli/quantize_model.c - tenon quantize --model: a model whose rounded weights take two
 * bytes each.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "checkpoint/float16.h"
#include "checkpoint/weights.h"
#include "cli/quantize.h"

#define WEIGHTS "model.safetensors"
#define POOLING "1_Pooling"

/* What may stand beside the weights. */
static const char *const files[] = { "config.json", "added_tokens.json", "merges.txt",
	"modules.json", "sentence_bert_config.json", "sentencepiece.bpe.model",
	"special_tokens_map.json", "spiece.model", "spm.model", "tokenizer.json",
	"tokenizer.model", "tokenizer_config.json", "vocab.json", "vocab.txt",
	POOLING "/config.json" };
#define N_FILES (sizeof(files) / sizeof(files[0]))

/* The numbers as they were, or in bf16 where the pipeline knows nothing else of them; in place. */
static void shorten(struct tn_st_item *item, const struct tn_st_tensor *t, void *numbers)
{
	uint64_t n = tn_st_elements(t);
	char *at = numbers;

	for (uint64_t i = 0; i < n; i++) {
		uint16_t half;
		float f;

		memcpy(&f, at + 4 * i, sizeof(f));
		half = bf16_of_float(f);
		memcpy(at + 2 * i, &half, sizeof(half));
	}
	item->dtype = TN_BF16;
}

static int add_tensor(struct quantize *q, struct tn_st_item *item, size_t i)
{
	const struct tn_pipeline *p = q->p[QUANTIZE_LOW];
	const struct tn_st_tensor *t = tn_weights_at(p->weights, i);
	void *numbers = tn_alloc(q->call, (size_t)(t->end - t->begin) + 1);
	uint64_t version;

	if (!numbers || tn_st_read(tn_weights_file(p->weights, i), t, numbers, q->call))
		return tn_status(q->call);
	*item = (struct tn_st_item){ .name = t->name, .dtype = t->dtype, .n_dims = t->n_dims,
		.data = numbers };
	memcpy(item->dims, t->dims, sizeof(item->dims));
	if (t->dtype == TN_F32 &&
			tn_plan_rounds(p->plan, tn_weight_identity(p->weights, t->name, &version)))
		shorten(item, t, numbers);
	return 0;
}

static int write_weights(struct quantize *q)
{
	const struct tn_weights *w = q->p[QUANTIZE_LOW]->weights;
	size_t n = tn_weights_count(w);
	struct tn_st_item *items = tn_alloc_n(q->call, n + 1, sizeof(*items));
	const char *path = tn_printf(q->call, "%s/" WEIGHTS, q->a->model);

	for (size_t i = 0; items && i < n; i++)
		if (add_tensor(q, &items[i], i))
			return tn_status(q->call);
	return items && path ? tn_st_write(path, items, n, tn_weights_metadata(w), q->call) :
		tn_status(q->call);
}

static int make_directory(const char *path, struct tn_call *call)
{
	return mkdir(path, 0777) ? tn_fail(call, TN_EIO, "%s: %s", path, strerror(errno)) : 0;
}

static int copy_file(struct quantize *q, const char *root, const char *name)
{
	const char *from = tn_printf(q->call, "%s/%s", root, name);
	const char *to = tn_printf(q->call, "%s/%s", q->a->model, name), *text;
	struct tn_file_writer w = { 0 };
	size_t len;

	if (!from || !to || access(from, F_OK))
		return tn_status(q->call);
	if (!strncmp(name, POOLING, strlen(POOLING)) &&
			make_directory(tn_printf(q->call, "%s/" POOLING, q->a->model), q->call))
		return tn_status(q->call);
	text = tn_file_read(from, (size_t)1 << 30, &len, tn_call_arena(q->call), q->call);
	if (!text || tn_file_create(&w, to, q->call))
		return tn_status(q->call);
	if (!tn_file_write(&w, text, len, q->call))
		tn_file_commit(&w, q->call);
	tn_file_abandon(&w);
	return tn_status(q->call);
}

static int copy_files(struct quantize *q)
{
	const char *config = q->p[QUANTIZE_LOW]->dir->config_path, *slash = strrchr(config, '/');
	const char *root = slash ? tn_printf(q->call, "%.*s", (int)(slash - config), config) : ".";

	for (size_t i = 0; root && i < N_FILES; i++)
		if (copy_file(q, root, files[i]))
			break;
	return tn_status(q->call);
}

/* After an error: what was written. */
static void remove_all(struct quantize *q)
{
	const char *path;

	for (size_t i = 0; i < N_FILES; i++) {
		path = tn_printf(q->call, "%s/%s", q->a->model, files[i]);
		if (path)
			unlink(path);
	}
	path = tn_printf(q->call, "%s/" POOLING, q->a->model);
	if (path)
		rmdir(path);
	rmdir(q->a->model);
}

int quantize_write_model(struct quantize *q)
{
	if (make_directory(q->a->model, q->call))
		return tn_status(q->call);
	if (copy_files(q) || write_weights(q))
		remove_all(q);
	return tn_status(q->call);
}
