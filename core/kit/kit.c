/* SPDX-License-Identifier: Apache-2.0
 * core/kit/kit.c - writes a plugin to begin with from the files of this folder, in which a few
 * words stand for what differs (see `words`).
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/random.h"
#include "checkpoint/safetensors.h"
#include "kit/files.h"
#include "kit/kit.h"

#define MOST_TENSORS 64
#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* What a kind has: its source, its configuration and the model that this one names. */
static const struct kit {
	const char *source, *config, *model, *weights, *own_weights, *vocabulary, *expected;
} kits[] = {
	[TN_TOKENIZER] = { kit_tokenizer_c, kit_tokenizer_cfg, kit_bert_json, kit_bert_weights, "",
		"260", "\"vector\":[" },
	[TN_BACKEND] = { kit_backend_c, kit_backend_cfg, kit_bert_json, kit_bert_weights, "",
		"57", "\"vector\":[" },
	[TN_MODEL] = { kit_model_c, kit_model_cfg, kit_model_json, kit_model_weights, "",
		"57", "\"vector\":[" },
	[TN_HEAD] = { kit_head_c, kit_head_cfg, kit_bert_json, kit_bert_weights, kit_head_weights,
		"57", "\"answer\":{\"label\":" },
};

/* A plugin that is being made. */
struct making {
	enum tn_plugin_kind kind;
	const char *name;
	const char *dir;
	char id[80], class[80];		/* my_head, MyHead */
	struct tn_call *call;
};

static void make_words(struct making *m)
{
	size_t n = 0;
	bool first = true;

	snprintf(m->id, sizeof(m->id), "%s%s", isdigit((unsigned char)m->name[0]) ? "_" : "", m->name);
	for (char *c = m->id; *c; c++)
		*c = isalnum((unsigned char)*c) ? *c : '_';
	for (const char *c = m->id; *c; c++) {
		if (*c == '_')
			first = true;
		else
			m->class[n++] = first ? (char)toupper((unsigned char)*c) : *c;
		first &= *c == '_';
	}
	m->class[n] = '\0';
}

/* The text with its words replaced. */
static char *fill(const struct making *m, const char *text)
{
	const struct kit *kit = &kits[m->kind];
	const struct { const char *word, *by; } words[] = {
		{ "EXPECTED", kit->expected }, { "VOCABULARY", kit->vocabulary },
		{ "KIND", tn_plugin_kind_name(m->kind) }, { "sample-name", m->name },
		{ "Sample", m->class }, { "sample", m->id },
	};
	char *out = NULL, *filled = NULL;
	size_t len, w;
	FILE *f = open_memstream(&out, &len);

	for (const char *c = text; f && *c;) {
		for (w = 0; w < N_OF(words); w++)
			if (!strncmp(c, words[w].word, strlen(words[w].word)))
				break;
		if (w == N_OF(words))
			fputc(*c++, f);
		else
			fputs(words[w].by, f);
		c += w == N_OF(words) ? 0 : strlen(words[w].word);
	}
	if (f && !fclose(f))
		filled = tn_printf(m->call, "%s", out);
	else
		tn_fail(m->call, TN_ENOMEM, "out of memory");
	free(out);
	return filled;
}

static const char *path_of(const struct making *m, const char *file)
{
	return tn_printf(m->call, "%s/%s", m->dir, file);
}

static int make_directory(const struct making *m, const char *path)
{
	if (path && mkdir(path, 0777))
		return tn_fail(m->call, errno == EEXIST ? TN_EUSAGE : TN_EIO, "%s: %s", path,
			errno == EEXIST ? "it exists already, and nothing is overwritten" :
			strerror(errno));
	return tn_status(m->call);
}

static int write_file(const struct making *m, const char *file, const char *text)
{
	const char *path = path_of(m, fill(m, file)), *filled = fill(m, text);
	FILE *f = path && filled ? fopen(path, "wx") : NULL;
	bool bad;

	if (!path || !filled)
		return TN_ENOMEM;
	bad = !f || fputs(filled, f) < 0;
	bad |= f && fclose(f);
	return bad ? tn_fail(m->call, TN_EIO, "%s: %s", path, strerror(errno)) : 0;
}

/* Numbers of -0.5 .. 0.5 for a line "NAME ROWS [COLS]". */
static int make_tensor(const struct making *m, const char *line, struct tn_st_item *item,
	uint64_t *seed)
{
	char *name = tn_alloc(m->call, 128);
	size_t rows = 0, cols = 1, n;
	float *data;

	if (!name)
		return TN_ENOMEM;
	n = (size_t)sscanf(line, "%127s %zu %zu", name, &rows, &cols);
	*item = (struct tn_st_item){ .name = name, .dtype = TN_F32, .n_dims = (uint32_t)n - 1,
		.dims = { rows, cols } };
	item->data = data = tn_alloc_n(m->call, rows * cols, sizeof(*data));
	for (size_t i = 0; data && i < rows * cols; i++)
		data[i] = (float)(tn_random(seed) >> 40) / (float)(1 << 24) - 0.5f;
	return tn_status(m->call);
}

/* Tensors of both lists. */
static int write_weights(const struct making *m, const char *list, const char *more)
{
	struct tn_st_item items[MOST_TENSORS];
	const char *path = path_of(m, "model.safetensors");
	char *lines = fill(m, tn_printf(m->call, "%s%s", list, more)), *rest = NULL;
	uint64_t seed = 1;
	size_t n = 0;

	if (!lines || !path)
		return TN_ENOMEM;
	for (char *line = strtok_r(lines, "\n", &rest); line && n < MOST_TENSORS;
			line = strtok_r(NULL, "\n", &rest))
		if (make_tensor(m, line, &items[n++], &seed))
			return tn_status(m->call);
	return tn_st_write(path, items, n, NULL, m->call);
}

/* The model directory m->dir. */
static int write_model(const struct making *m)
{
	const struct kit *kit = &kits[m->kind];

	if (make_directory(m, m->dir) || write_file(m, "config.json", kit->model) ||
	    (m->kind == TN_TOKENIZER ? write_file(m, "tokenizer.json", kit_tokenizer_json) :
		write_file(m, "vocab.txt", kit_vocab_txt)))
		return tn_status(m->call);
	return write_weights(m, kit->weights, kit->own_weights);
}

static struct making begin(const char *dir, enum tn_plugin_kind kind, const char *name,
	struct tn_call *call)
{
	struct making m = { .kind = kind, .name = name, .dir = dir, .call = call };

	make_words(&m);
	return m;
}

int tn_kit_model(const char *dir, enum tn_plugin_kind kind, const char *name, struct tn_call *call)
{
	const struct making m = begin(dir, kind, name, call);

	return write_model(&m);
}

int tn_kit_write(const char *dir, enum tn_plugin_kind kind, const char *name, struct tn_call *call)
{
	const struct making m = begin(dir, kind, name, call);
	const struct kit *kit = &kits[kind];

	if (make_directory(&m, dir) || write_file(&m, "sample-name.c", kit->source) ||
	    write_file(&m, "Makefile", kit_plugin_make) || write_file(&m, "test.sh", kit_test_sh) ||
	    write_file(&m, "sample-name.cfg", kit->config))
		return tn_status(call);
	return tn_kit_model(path_of(&m, "model"), kind, name, call);
}
