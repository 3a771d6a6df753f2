/* SPDX-License-Identifier: Apache-2.0
 * tests/pipeline/test_host.c - what libtenon does to the process that it runs in: nothing that
 * is seen from outside; and the same answers to many threads as to one.
 */
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tenon/pipeline.h>

#include "check_main.h"

#define THREADS 8
#define CALLS 200		/* of each thread */

extern char **environ;

static const char *const texts[] = { "the cat sat on the mat", "Mary walked in London.", "",
	"John was not in New York", "a very good old film", "dog", "caf\303\251 \346\235\261\344\272\254" };
#define N_TEXTS (sizeof(texts) / sizeof(texts[0]))

static const char *golden(const char *model)
{
	static char path[4096];
	const char *top = getenv("top_srcdir");

	snprintf(path, sizeof(path), "%s/tests/golden/%s", top ? top : ".", model);
	return path;
}

/* What a library may change of its process and should not. */
struct process {
	struct sigaction actions[65];
	sigset_t blocked;
	mode_t mask;
	char locale[256], directory[4096];
	size_t environment;		/* a sum over its bytes */
};

static struct process look(void)
{
	struct process p;

	memset(&p, 0, sizeof(p));
	for (int s = 1; s < 65; s++)
		sigaction(s, NULL, &p.actions[s]);
	pthread_sigmask(SIG_SETMASK, NULL, &p.blocked);
	p.mask = umask(022);
	umask(p.mask);
	snprintf(p.locale, sizeof(p.locale), "%s", setlocale(LC_ALL, NULL));
	ck_assert_ptr_nonnull(getcwd(p.directory, sizeof(p.directory)));
	for (char **e = environ; *e; e++)
		for (const char *c = *e; *c; c++)
			p.environment = p.environment * 31 + (unsigned char)*c;
	return p;
}

/* Opens, runs and closes, well and badly. */
static void do_much(void)
{
	const char *const wrong[] = { "heads.x.use=nothing", NULL };
	const struct tn_value *answers[2];
	const struct tn_input inputs[2] = { { .text = { "the cat", 7 } }, { .text = { "\xff", 1 } } };
	struct tn_call *call = tn_call_create();
	struct tn_pipeline *p = tn_pipeline_open(golden("bert-seqcls-h100"), NULL, call);

	ck_assert_msg(p != NULL, "%s", tn_error_text(call));
	ck_assert_int_eq(tn_pipeline_run(p, inputs, 2, answers, call), 0);
	ck_assert_ptr_nonnull(tn_get(answers[1], "error"));
	tn_pipeline_close(p);
	ck_assert_ptr_null(tn_pipeline_open(golden("bert-seqcls-h100"), wrong, call));
	tn_call_reset(call);
	ck_assert_ptr_null(tn_pipeline_open("/nowhere", NULL, call));
	tn_call_reset(call);
	ck_assert_ptr_null(tn_pipeline_open(golden("make.py"), NULL, call));
	tn_call_destroy(call);
}

START_TEST(test_the_process_stays_as_it_is)
{
	char name[] = "host-XXXXXX";
	int file = mkstemp(name), out = dup(1), err = dup(2);
	struct process before, after;
	off_t written;

	ck_assert(file >= 0 && out >= 0 && err >= 0);
	unlink(name);
	fflush(NULL);
	before = look();
	dup2(file, 1);
	dup2(file, 2);
	do_much();
	fflush(NULL);
	dup2(out, 1);
	dup2(err, 2);
	after = look();
	written = lseek(file, 0, SEEK_END);
	ck_assert_msg(written == 0, "%ld bytes were written to stdout and stderr", (long)written);
	for (int s = 1; s < 65; s++)
		ck_assert_msg(before.actions[s].sa_handler == after.actions[s].sa_handler,
			"the handler of signal %d is another", s);
	ck_assert(!memcmp(&before.blocked, &after.blocked, sizeof(before.blocked)));
	ck_assert_uint_eq(before.mask, after.mask);
	ck_assert_str_eq(before.locale, after.locale);
	ck_assert_str_eq(before.directory, after.directory);
	ck_assert_uint_eq(before.environment, after.environment);
	close(file);
	close(out);
	close(err);
}
END_TEST

/* What the threads share. */
struct crowd {
	struct tn_pipeline *p;
	char *expected[N_TEXTS];
	int wrong[THREADS];
};

struct member {
	struct crowd *crowd;
	int number;
	pthread_t thread;
};

static void *run_many(void *user)
{
	const struct member *m = user;
	struct tn_call *call = tn_call_create();

	for (size_t i = 0; i < TN_MANY(CALLS); i++) {
		size_t text = (i * 3 + (size_t)m->number) % N_TEXTS;
		const struct tn_value *answer = tn_run_text(m->crowd->p, texts[text], call);
		const char *json = answer ? tn_json_print(answer, NULL, call) : NULL;

		m->crowd->wrong[m->number] += !json || strcmp(json, m->crowd->expected[text]);
		tn_call_reset(call);
	}
	tn_call_destroy(call);
	return NULL;
}

static void run_crowd(struct crowd *c)
{
	struct member members[THREADS];

	for (int i = 0; i < THREADS; i++) {
		members[i] = (struct member){ c, i, 0 };
		ck_assert_int_eq(pthread_create(&members[i].thread, NULL, run_many, &members[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(members[i].thread, NULL);
		ck_assert_msg(!c->wrong[i], "thread %d: %d answers are not those of one thread", i,
			c->wrong[i]);
	}
}

static void check_backend(const char *backend)
{
	struct tn_call *call = tn_call_create();
	char chain[64];
	const char *const settings[] = { chain, "threads=2", "threads_per_call=1", NULL };
	struct crowd c = { 0 };

	snprintf(chain, sizeof(chain), "backends=(\"%s\",\"reference\")", backend);
	c.p = tn_pipeline_open(golden("bert-tokcls-h40"), settings, call);
	if (!c.p && strstr(tn_error_text(call), "no backend")) {
		tn_call_destroy(call);		/* it was not built */
		return;
	}
	ck_assert_msg(c.p != NULL, "%s", tn_error_text(call));
	for (size_t i = 0; i < N_TEXTS; i++) {
		c.expected[i] = tn_json_print(tn_run_text(c.p, texts[i], call), NULL, call);
		ck_assert_msg(c.expected[i] != NULL, "%s", tn_error_text(call));
	}
	run_crowd(&c);
	tn_pipeline_close(c.p);
	tn_call_destroy(call);
}

START_TEST(test_threads_on_native)
{
	check_backend("native");
}
END_TEST

START_TEST(test_threads_on_onednn)
{
	check_backend("onednn");
}
END_TEST

START_TEST(test_threads_on_openblas)
{
	check_backend("openblas");
}
END_TEST

START_TEST(test_threads_on_the_reference)
{
	check_backend("reference");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("host");

	TN_ADD(s, test_the_process_stays_as_it_is);
	TN_ADD(s, test_threads_on_native);
	TN_ADD(s, test_threads_on_onednn);
	TN_ADD(s, test_threads_on_openblas);
	TN_ADD(s, test_threads_on_the_reference);
	return tn_check_main(s);
}
