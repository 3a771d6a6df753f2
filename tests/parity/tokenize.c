/* SPDX-License-Identifier: Apache-2.0
 * tests/parity/tokenize.c - a tokenizer plugin as a coprocess of compare_tokenizers.py.
 *
 * tokenize PLUGIN.so DIRECTORY <requests >answers; all numbers are 32-bit, of this
 * machine's byte order.
 * Request: is_words, n texts of A, n texts of B (0: no pair), max_tokens, overlap,
 * on_overflow, cut; then for each text its length and bytes.
 * Answer: the number of windows, and for each its number of tokens, keep_begin, keep_end,
 * first_word and the tokens as struct tn_window_token; or -1, a length and an error.
 * With 2 (all) or 3 (without special tokens) for is_words the request is of ids to be
 * decoded: in place of texts of A, n ids.  The answer is a length and the text, or -1 and an
 * error as above.
 *
 * tokenize PLUGIN.so DIRECTORY FILE...: the processor time to open it and to
 * encode the lines.
 */
#include <errno.h>
#include <time.h>

#include "text/text.h"
#include "tokenizers/tokenizer.h"

static bool get(void *to, size_t n)
{
	return fread(to, 1, n, stdin) == n;
}

static void put(const void *from, size_t n)
{
	fwrite(from, 1, n, stdout);
}

static bool get_texts(struct tn_text **texts, uint32_t n, struct tn_call *call)
{
	*texts = tn_alloc_n(call, n + 1, sizeof(**texts));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t len;
		char *text;

		if (!get(&len, 4) || !(text = tn_alloc(call, len)) || !get(text, len))
			return false;
		(*texts)[i] = (struct tn_text){ text, len };
	}
	return true;
}

static int encode(const struct tokenizer *t, bool words, const struct tn_text *texts, uint32_t n,
	struct tn_tokens *out, struct tn_call *call)
{
	return words ? t->impl->encode_words(t->self, texts, n, out, call) :
		t->impl->encode(t->self, texts[0], out, call);
}

static void answer_error(struct tn_call *call)
{
	int32_t n = -1, len = (int32_t)strlen(tn_error_text(call));

	put(&n, 4);
	put(&len, 4);
	put(tn_error_text(call), (size_t)len);
}

static bool decode(const struct tokenizer *t, uint32_t n, bool skip, struct tn_call *call)
{
	int32_t *ids = tn_alloc_n(call, n + 1, sizeof(*ids)), len;
	struct tn_text text;

	if (!ids || !get(ids, n * sizeof(*ids)))
		return false;
	if (t->impl->decode(t->self, ids, n, skip, &text, call)) {
		answer_error(call);
		return true;
	}
	len = (int32_t)text.len;
	put(&len, 4);
	put(text.text, text.len);
	return true;
}

static void answer(const struct tn_windows *windows, int rc, struct tn_call *call)
{
	int32_t n = (int32_t)windows->n;

	if (rc) {
		answer_error(call);
		return;
	}
	put(&n, 4);
	for (size_t i = 0; i < windows->n; i++) {
		const struct tn_window *w = &windows->items[i];
		int32_t head[4] = { (int32_t)w->n_tokens, (int32_t)w->keep_begin,
			(int32_t)w->keep_end, (int32_t)w->first_word };

		put(head, sizeof(head));
		put(w->tokens, w->n_tokens * sizeof(*w->tokens));
	}
}

static int serve(const struct tokenizer *t, struct tn_call *call)
{
	uint32_t head[7];

	while (get(head, sizeof(head))) {
		struct tn_tokens a = { 0 }, b = { 0 };
		struct tn_window_options o = { head[3], head[4], head[5], head[6] };
		struct tn_windows windows = { 0 };
		struct tn_text *texts[2];
		int rc;

		tn_call_reset(call);
		if (head[0] > 1) {
			if (!decode(t, head[1], head[0] == 3, call))
				return EXIT_FAILURE;
			fflush(stdout);
			continue;
		}
		if (!get_texts(&texts[0], head[1], call) || !get_texts(&texts[1], head[2], call))
			return EXIT_FAILURE;
		rc = encode(t, head[0], texts[0], head[1], &a, call);
		if (!rc && head[2])
			rc = encode(t, head[0], texts[1], head[2], &b, call);
		if (!rc)
			rc = tn_make_windows(t->impl->info(t->self), &a, head[2] ? &b : NULL, &o,
				&windows, call);
		answer(&windows, rc, call);
		fflush(stdout);
	}
	return EXIT_SUCCESS;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Encodes each line of a text; the number of tokens, or 0 after an error. */
static size_t encode_lines(const struct tokenizer *t, const char *text, size_t len,
	struct tn_call *call)
{
	size_t tokens = 0;

	for (size_t i = 0; i < len;) {
		const char *end = memchr(text + i, '\n', len - i);
		size_t n = end ? (size_t)(end - text) - i : len - i;
		struct tn_tokens out = { 0 };

		tn_call_reset(call);
		if (t->impl->encode(t->self, (struct tn_text){ text + i, n }, &out, call))
			return 0;
		tokens += out.n;
		i += n + 1;
	}
	return tokens;
}

static int time_file(const struct tokenizer *t, const char *path, struct tn_call *call)
{
	static char text[64 << 20];
	size_t len, tokens = 0;
	FILE *file = fopen(path, "r");
	double best = 1e9;

	if (!file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return EXIT_FAILURE;
	}
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	for (int i = 0; i < 10; i++) {
		double spent = now();

		tokens = encode_lines(t, text, len, call);
		spent = now() - spent;
		best = spent < best ? spent : best;
	}
	printf("%s: %zu bytes, %zu tokens, %.1f MB/s (best of 10)\n", path, len, tokens,
		(double)len / best * 1e-6);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct tn_call *call = tn_call_create();
	struct tokenizer t = { 0 };
	double from = now();
	int rc;

	if (argc < 3)
		return 64;
	rc = tokenizer_open(&t, argv[1], argv[2], call);
	if (rc)
		fprintf(stderr, "%s\n", tn_error_text(call));
	else if (argc > 3)
		printf("opened in %.1f ms\n", (now() - from) * 1e3);
	else
		rc = serve(&t, call);
	for (int i = 3; i < argc && !rc; i++)
		rc = time_file(&t, argv[i], call);
	tokenizer_close(&t);
	tn_call_destroy(call);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
