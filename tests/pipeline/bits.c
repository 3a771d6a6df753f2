/* SPDX-License-Identifier: Apache-2.0
 * tests/pipeline/bits.c - an answer does not depend on what else is in the batch, nor on
 * which thread asks.
 *
 *	bits MODEL TEXTS BACKEND[:PRECISION] ...
 *
 * answers each line of TEXTS (at most 1000; 128 where SANITIZED is set) alone, all in
 * batches of 32 as they come, shuffled, and from four threads at once, and compares the
 * answers to the last bit.
 * Prints TAP.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/pipeline.h>

#define MOST 1000
#define BATCH 32
#define THREADS 4

static struct tn_input inputs[MOST];
static size_t n_inputs;
static char *alone[MOST];

static int read_texts(const char *path)
{
	const size_t most = getenv("SANITIZED") ? 128 : MOST;
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	if (!f)
		return -1;
	while (n_inputs < most && (len = getline(&line, &room, f)) > 0) {
		if (line[len - 1] == '\n')
			len--;
		inputs[n_inputs++].text = (struct tn_text){ strndup(line, (size_t)len), (size_t)len };
	}
	free(line);
	fclose(f);
	return 0;
}

/* The answers of inputs[order[first..]] as JSON texts compared with those alone; the
 * number that differ. */
static size_t compare(struct tn_pipeline *p, const size_t *order, size_t first, size_t n,
	struct tn_call *call)
{
	struct tn_input batch[BATCH];
	const struct tn_value *answers[BATCH];
	size_t bad = 0;

	tn_call_reset(call);
	for (size_t i = 0; i < n; i++)
		batch[i] = inputs[order[first + i]];
	if (tn_pipeline_run(p, batch, n, answers, call))
		return n;
	for (size_t i = 0; i < n; i++) {
		const char *text = tn_json_print(answers[i], NULL, call);

		bad += !text || strcmp(text, alone[order[first + i]]) != 0;
	}
	return bad;
}

static size_t compare_all(struct tn_pipeline *p, const size_t *order, size_t from, size_t step)
{
	struct tn_call *call = tn_call_create();
	size_t bad = 0;

	for (size_t i = from * BATCH; i < n_inputs; i += step * BATCH)
		bad += compare(p, order, i, n_inputs - i < BATCH ? n_inputs - i : BATCH, call);
	tn_call_destroy(call);
	return bad;
}

struct thread {
	pthread_t id;
	struct tn_pipeline *p;
	const size_t *order;
	size_t from, bad;
};

static void *run_thread(void *user)
{
	struct thread *t = user;

	t->bad = compare_all(t->p, t->order, t->from, THREADS);
	return NULL;
}

static void check(const char *model, const char *backend, int *test, size_t *failed)
{
	char chain[128], precision[128];
	const char *const settings[] = { chain, precision, "threads=2", NULL };
	const size_t name = strcspn(backend, ":");
	struct tn_call *call = tn_call_create();
	struct thread threads[THREADS];
	struct tn_pipeline *p;
	size_t order[MOST], bad[3] = { 0 };
	unsigned seed = 1;
	static const char *const names[] = { "in 32s as they come", "in 32s shuffled",
		"from four threads" };

	snprintf(chain, sizeof(chain), "backends=%.*s", (int)name, backend);
	snprintf(precision, sizeof(precision), "precision=%s", backend[name] ? backend + name + 1 :
		"fp32");
	p = tn_pipeline_open(model, settings, call);
	if (!p) {
		printf("not ok %d - %s: %s\n", ++*test, backend, tn_error_text(call));
		++*failed;
		tn_call_destroy(call);
		return;
	}
	for (size_t i = 0; i < n_inputs; i++) {
		const struct tn_value *answer = NULL;

		tn_call_reset(call);
		order[i] = i;
		free(alone[i]);
		alone[i] = tn_pipeline_run(p, &inputs[i], 1, &answer, call) ? strdup("") :
			strdup(tn_json_print(answer, NULL, call));
	}
	bad[0] = compare_all(p, order, 0, 1);
	for (size_t i = n_inputs; i-- > 1;) {
		size_t k = (seed = seed * 1664525u + 1013904223u) % (i + 1), t = order[i];

		order[i] = order[k];
		order[k] = t;
	}
	bad[1] = compare_all(p, order, 0, 1);
	for (size_t i = 0; i < THREADS; i++) {
		threads[i] = (struct thread){ .p = p, .order = order, .from = i };
		pthread_create(&threads[i].id, NULL, run_thread, &threads[i]);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i].id, NULL);
		bad[2] += threads[i].bad;
	}
	for (int i = 0; i < 3; i++) {
		printf("%sok %d - %s: %zu texts alone and %s, %zu differ\n", bad[i] ? "not " : "",
			++*test, backend, n_inputs, names[i], bad[i]);
		*failed += bad[i] > 0;
	}
	tn_pipeline_close(p);
	tn_call_destroy(call);
}

int main(int argc, char **argv)
{
	int test = 0;
	size_t failed = 0;

	if (argc < 4 || read_texts(argv[2]) || !n_inputs) {
		puts("Bail out! usage: bits MODEL TEXTS BACKEND[:PRECISION] ...");
		return 1;
	}
	for (int i = 3; i < argc; i++)
		check(argv[1], argv[i], &test, &failed);
	printf("1..%d\n", test);
	for (size_t i = 0; i < n_inputs; i++) {
		free(alone[i]);
		free((char *)inputs[i].text.text);
	}
	return failed ? 1 : 0;
}
