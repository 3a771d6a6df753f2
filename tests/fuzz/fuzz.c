/* SPDX-License-Identifier: Apache-2.0
 * tests/fuzz/fuzz.c - what strangers write, given to what reads it: no crash, no leak, and where
 * it is taken, what comes out keeps its promises.
 *
 * Linked with libFuzzer the environment names the target: TARGET=safetensors fuzz CORPUS.  With
 * FUZZ_REPLAY the program has a main of its own that runs files: replay TARGET FILE ...
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tenon/impl/tokenizer.h>
#include <tenon/pipeline.h>

#include "../heads/foreign/signature.h"
#include "base/config.h"
#include "checkpoint/model_dir.h"
#include "checkpoint/safetensors.h"
#include "data/input.h"
#include "plugin/plugin.h"

static struct tn_call *call;
static char model[64];			/* a directory whose config.json is replaced */

/* A promise that was broken: what libFuzzer and the replay take for a crash. */
static void broken(const char *what)
{
	fprintf(stderr, "promise broken: %s (%s)\n", what, tn_error_text(call));
	abort();
}

static int file_with(const uint8_t *data, size_t size, char *path, size_t room)
{
	int fd = memfd_create("fuzz", 0);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, room, "/proc/self/fd/%d", fd);
	return fd;
}

/* A text that is wrong is an error with a text; what is read is printed, and read again it is
 * printed the same. */
static void run_config(const uint8_t *data, size_t size)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *root = tn_config_parse((const char *)data, size, "fuzz.cfg", "/nowhere", arena,
		call);
	char *once, *again;
	size_t len;

	if (!root) {
		if (!tn_status(call) || !*tn_error_text(call))
			broken("no tree and no error");
		return;
	}
	once = tn_config_print(root, &len, call);
	if (!once)
		return;			/* what JSON can say and libconfig cannot */
	root = tn_config_parse(once, len, "again.cfg", "/nowhere", arena, call);
	again = root ? tn_config_print(root, NULL, call) : NULL;
	if (!again || strcmp(once, again))
		broken("a configuration reads back as another");
}

static void run_safetensors(const uint8_t *data, size_t size)
{
	char path[64];
	int fd = file_with(data, size, path, sizeof(path));
	struct tn_safetensors *f = tn_st_open(path, call);
	static char bytes[4096];

	for (size_t i = 0; f && i < tn_st_count(f); i++) {
		const struct tn_st_tensor *t = tn_st_at(f, i);

		if (tn_st_find(f, t->name) != t || t->begin > t->end || t->end > size)
			broken("a tensor outside the file, or not found by its name");
		if (t->end - t->begin <= sizeof(bytes) && tn_st_read(f, t, bytes, call))
			broken("a tensor that cannot be read");
	}
	if (!f && !*tn_error_text(call))
		broken("no file and no error");
	tn_st_close(f);
	close(fd);
}

/* config.json, of a model with other weights. */
static void run_model(const uint8_t *data, size_t size)
{
	static const char *const settings[] = { "backends=reference", "threads=1", NULL };
	char path[sizeof(model) + 16];
	struct tn_pipeline *p;
	FILE *f;

	snprintf(path, sizeof(path), "%s/config.json", model);
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, size, f) != size || fclose(f))
		abort();
	p = tn_pipeline_open(model, settings, call);
	if (!p && !*tn_error_text(call))
		broken("no pipeline and no error");
	if (p && !tn_run_text(p, "the cat sat", call))
		broken("a pipeline that does not answer");
	tn_pipeline_close(p);
}

/* Tokens of an opened tokenizer lie in the text, and their ids in the vocabulary. */
static void encode(const struct tn_tokenizer_impl *impl, const struct tn_tokenizer *t,
	const char *text, size_t len)
{
	const struct tn_tokenizer_info *info = impl->info(t);
	const struct tn_text words[] = { { "ab", 2 }, { "", 0 }, { "Don't", 5 } };
	struct tn_tokens tokens = { 0 };
	struct tn_text decoded;
	int32_t *ids;

	if (impl->encode(t, (struct tn_text){ text, len }, &tokens, call))
		return;
	for (size_t i = 0; i < tokens.n; i++) {
		const struct tn_token *k = &tokens.items[i];

		if (k->begin <= k->end && k->end <= len && k->id >= 0 &&
		    (size_t)k->id < info->vocab_size)
			continue;
		fprintf(stderr, "token %zu: id %d of %zu, bytes %u to %u of %zu\n", i, (int)k->id,
			info->vocab_size, k->begin, k->end, len);
		broken("a token outside the text or the vocabulary");
	}
	ids = tn_alloc_n(call, tokens.n + 1, sizeof(*ids));
	for (size_t i = 0; ids && i < tokens.n; i++)
		ids[i] = tokens.items[i].id;
	if (ids && impl->decode)
		impl->decode(t, ids, tokens.n, 1, &decoded, call);
	tokens.n = 0;
	if (impl->encode_words)
		impl->encode_words(t, words, 3, &tokens, call);
}

static void open_and_encode(const char *plugin, const struct tn_tokenizer_files *files,
	const uint8_t *data, size_t size)
{
	static const char text[] = "Ab c\303\251 12,  don't \346\227\245\346\234\254 a\314\201\n<s> ";
	const struct tn_plugin *p = tn_plugin_load(TN_TOKENIZER, plugin, NULL, call);
	struct tn_tokenizer *t = p ? tn_plugin_new(p, call) : NULL;

	if (!t || tn_options_store(p, t, NULL, NULL, "tokenizer", call))
		broken("no plugin");
	if (!p->impl.tokenizer->open(t, files, call)) {
		encode(p->impl.tokenizer, t, text, sizeof(text) - 1);
		encode(p->impl.tokenizer, t, (const char *)data, size < 200 ? size : 200);
	} else if (!*tn_error_text(call)) {
		broken("no tokenizer and no error");
	}
	if (p->impl.tokenizer->close)
		p->impl.tokenizer->close(t);
	tn_plugin_free(t);
	tn_call_reset(call);
}

static void run_tokenizer(const uint8_t *data, size_t size)
{
	static const char *const plugins[] = { "wordpiece", "bpe", "unigram", "wordlevel" };
	char path[64];
	int fd = file_with(data, size, path, sizeof(path));
	const struct tn_tokenizer_files files = { .directory = "fuzz", .tokenizer_json = path };

	for (size_t i = 0; i < 4; i++)
		open_and_encode(plugins[i], &files, data, size);
	close(fd);
}

static void run_vocab(const uint8_t *data, size_t size)
{
	char path[64];
	int fd = file_with(data, size, path, sizeof(path));
	const struct tn_tokenizer_files files = { .directory = "fuzz", .vocab_txt = path };

	open_and_encode("wordpiece", &files, data, size);
	close(fd);
}

/* vocab.json up to a line "---", then merges.txt. */
static void run_merges(const uint8_t *data, size_t size)
{
	const uint8_t *cut = memmem(data, size, "\n---\n", 5);
	const size_t first = cut ? (size_t)(cut - data) : size;
	char vocab[64], merges[64];
	int a = file_with(data, first, vocab, sizeof(vocab));
	int b = file_with(cut ? cut + 5 : data, cut ? size - first - 5 : 0, merges, sizeof(merges));
	const struct tn_tokenizer_files files = { .directory = "fuzz", .vocab_json = vocab,
		.merges_txt = merges };

	open_and_encode("bpe", &files, data, size);
	close(a);
	close(b);
}

static void run_sentencepiece(const uint8_t *data, size_t size)
{
	char path[64];
	int fd = file_with(data, size, path, sizeof(path));
	const struct tn_tokenizer_files files = { .directory = "fuzz", .sentencepiece = path };

	open_and_encode("unigram", &files, data, size);
	open_and_encode("bpe", &files, data, size);
	close(fd);
}

/* Each item is a text, words, cells, or an error; the reader goes on behind it. */
static void read_all(const uint8_t *data, size_t size, enum tn_input_format format)
{
	const struct tn_reader_options options = { .format = format, .longest = 1 << 16 };
	char path[64];
	int fd = file_with(data, size, path, sizeof(path)), got;
	struct tn_reader *r = tn_reader_open(path, &options, call);
	struct tn_item item;
	size_t line = 0;

	if (!r)
		broken("no reader");
	while ((got = tn_reader_next(r, &item, tn_call_arena(call), call)) > 0) {
		if (!item.error && !item.text.text && !item.words && !item.columns)
			broken("an item of nothing");
		if (item.line <= line)
			broken("lines go backwards");
		line = item.line;
	}
	if (got < 0)
		broken("an error of the whole file");
	tn_reader_close(r);
	close(fd);
}

static void run_jsonl(const uint8_t *data, size_t size)
{
	read_all(data, size, TN_INPUT_JSONL);
}

static void run_conll(const uint8_t *data, size_t size)
{
	read_all(data, size, TN_INPUT_CONLL);
}

static void run_conllu(const uint8_t *data, size_t size)
{
	read_all(data, size, TN_INPUT_CONLLU);
}

static void run_csv(const uint8_t *data, size_t size)
{
	read_all(data, size, TN_INPUT_CSV);
}

/* JSON that is read is printed, and read again is printed the same. */
static void run_json(const uint8_t *data, size_t size)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *v = tn_json_parse((const char *)data, size, "fuzz", arena, call);
	char *once = v ? tn_json_print(v, NULL, call) : NULL, *again;

	if (!once)
		return;
	v = tn_json_parse(once, strlen(once), "again", arena, call);
	again = v ? tn_json_print(v, NULL, call) : NULL;
	if (!again || strcmp(once, again))
		broken("JSON reads back as other JSON");
}

static void run_signature(const uint8_t *data, size_t size)
{
	char *text = tn_arena_dup(tn_call_arena(call), (const char *)data, size);
	struct foreign_signature s;

	if (!foreign_parse("fuzz", text, &s, call) && s.n > FOREIGN_MOST)
		broken("more parameters than there may be");
}

static const struct {
	const char *name;
	void (*run)(const uint8_t *data, size_t size);
} targets[] = {
	{ "config", run_config }, { "conll", run_conll }, { "conllu", run_conllu }, { "csv", run_csv },
	{ "json", run_json }, { "jsonl", run_jsonl }, { "merges", run_merges }, { "model", run_model },
	{ "safetensors", run_safetensors }, { "sentencepiece", run_sentencepiece },
	{ "signature", run_signature }, { "tokenizer", run_tokenizer }, { "vocab", run_vocab },
};
static void (*run)(const uint8_t *data, size_t size);

static void remove_model(void)
{
	static const char *const files[] = { "config.json", "tokenizer.json", "model.safetensors" };
	char path[sizeof(model) + 32];

	for (size_t i = 0; *model && i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", model, files[i]);
		unlink(path);
	}
	if (*model)
		rmdir(model);
}

/* The rest of the model, beside config.json. */
static void make_model(void)
{
	static const char *const files[] = { "tokenizer.json", "model.safetensors" };
	const char *top = getenv("top_srcdir");
	char from[4096], to[sizeof(model) + 32];

	strcpy(model, "/tmp/tenon-fuzz-XXXXXX");
	if (!mkdtemp(model))
		abort();
	atexit(remove_model);
	for (size_t i = 0; i < 2; i++) {
		snprintf(from, sizeof(from), "%s/tests/golden/bert-seqcls-h100/%s", top ? top : ".",
			files[i]);
		snprintf(to, sizeof(to), "%s/%s", model, files[i]);
		if (symlink(from, to))
			abort();
	}
}

static void choose(const char *name)
{
	for (size_t i = 0; name && i < sizeof(targets) / sizeof(targets[0]); i++)
		if (!strcmp(targets[i].name, name))
			run = targets[i].run;
	if (!run) {
		fprintf(stderr, "no target \"%s\"; there are", name ? name : "");
		for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
			fprintf(stderr, " %s", targets[i].name);
		fputs("\n", stderr);
		exit(64);
	}
	if (run == run_model && !*model)
		make_model();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!run)
		choose(getenv("TARGET"));
	call = tn_call_create();
	run(data, size);
	tn_call_destroy(call);
	return 0;
}

#ifdef FUZZ_REPLAY
int main(int argc, char **argv)
{
	static uint8_t data[1 << 20];

	choose(argv[1]);
	for (int i = 2; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		size_t size = f ? fread(data, 1, sizeof(data), f) : 0;

		if (!f)
			return 66;
		fclose(f);
		fprintf(stderr, "%s\n", argv[i]);
		LLVMFuzzerTestOneInput(data, size);
	}
	return 0;
}
#endif
