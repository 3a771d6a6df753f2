/* SPDX-License-Identifier: Apache-2.0
 * core/conform/run.c - runs the cases of a plugin, each in a child process: one that crashes,
 * hangs or leaves is a failure with its name, and the next one runs.
 */
#define _GNU_SOURCE
#include "conform/run.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "conform/cases.h"
#include "kit/kit.h"

/* What the child says of itself, in memory that both processes see. */
struct report {
	char slot[40], now[160];
	bool done, skipped;
	char line[600];			/* what is wrong; why it is skipped */
};

/* Of the case that runs, in the child. */
static struct report *report;
static const struct conform_case *running;
static int results = -1;		/* a pipe: lines of conform_result */

void conform_now(const char *slot, const char *format, ...)
{
	va_list args;

	snprintf(report->slot, sizeof(report->slot), "%s", slot ? slot : running->slot);
	va_start(args, format);
	vsnprintf(report->now, sizeof(report->now), format, args);
	va_end(args);
}

bool conform_check(struct conform_subject *s, bool ok, const char *format, ...)
{
	va_list args;

	s->n_checks++;
	if (ok || s->n_failed++)
		return ok;
	va_start(args, format);
	vsnprintf(report->line, sizeof(report->line), format, args);
	va_end(args);
	return false;
}

void conform_result(bool ok, const char *slot, const char *format, ...)
{
	char text[500];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	dprintf(results, "%c%s: %s\n", ok ? '+' : '-', slot, text);
}

void conform_skip(const char *why)
{
	snprintf(report->line, sizeof(report->line), "%s", why);
	report->skipped = report->done = true;
	_exit(0);
}

/* --- leaks --- */

static size_t open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static size_t memory_in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

enum { TIMES = 8, ROUNDS = 3 };

struct round {
	struct conform_subject *s;
	void (*once)(struct conform_subject *s);
};

static void *run_round(void *data)
{
	struct round *r = data;
	struct conform_subject *s = r->s;

	for (int i = 0; i < TIMES && !s->n_failed && (s->call = tn_call_create()); i++) {
		r->once(s);
		if (!s->n_failed && tn_status(s->call))
			conform_check(s, false, "%s", tn_error_text(s->call));
		tn_call_destroy(s->call);
	}
	return NULL;
}

/* A round runs in a thread of its own: what malloc keeps of freed memory for a thread is given
 * back with it.  The first rounds fill what is kept for the process; a leak grows in each. */
void conform_leaks(struct conform_subject *s, void (*once)(struct conform_subject *s))
{
	size_t files = 0, bytes = 0, least = SIZE_MAX;
	struct round r = { s, once };
	struct tn_call *outer = s->call;

	for (int round = 0; round < ROUNDS && !s->n_failed; round++) {
		pthread_t thread;
		size_t more;

		if (pthread_create(&thread, NULL, run_round, &r))
			break;
		pthread_join(thread, NULL);
		more = memory_in_use() > bytes ? memory_in_use() - bytes : 0;
		bytes = memory_in_use();
		least = round && more < least ? more : least;
		if (!round)
			files = open_files();
	}
	s->call = outer;
	if (s->n_failed)
		return;
	conform_check(s, least < 16 * TIMES, "leaves about %zu bytes of memory each time",
		least / TIMES);
	conform_check(s, open_files() <= files, "leaves %zu files open after %d times",
		open_files() - files, TIMES * (ROUNDS - 1));
}

/* --- texts --- */

#define T(what, text, valid) { what, { text, sizeof(text) - 1 }, valid }
static const struct conform_text texts[] = {
	T("an empty text", "", true),
	T("one letter", "a", true),
	T("a sentence", "Ada lives in Oslo, doesn't she?", true),
	T("spaces alone", " \t\n  ", true),
	T("ends of lines", "one\r\ntwo\rthree\n\xe2\x80\xa8" "four", true),
	T("accents, composed and not", "caf\xc3\xa9 cafe\xcc\x81 \xef\xac\x81n", true),
	T("several scripts", "\xe6\x97\xa5\xe6\x9c\xac \xd0\x9c\xd0\xb8\xd1\x80 \xd8\xb3\xd9\x84\xd8\xa7\xd9\x85 "
		"\xe0\xa4\xb9\xe0\xa4\xbf", true),
	T("emoji with joiners", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", true),
	T("a NUL inside", "one\0two", true),
	T("control characters", "a\x01\x02\x1b[31mb\x7f", true),
	T("a byte order mark", "\xef\xbb\xbf" "text", true),
	T("the last code points", "\xef\xbf\xbf\xef\xbf\xbd\xf4\x8f\xbf\xbf", true),
	T("special tokens as text", "[CLS] <s> [MASK] </s> [SEP]", true),
	T("a cut character", "abc\xe2\x82", false),
	T("lone continuation bytes", "\x80\xbf x", false),
	T("overlong and surrogates", "\xc0\x80 \xed\xa0\x80 \xf5\x80\x80\x80", false),
	T("the byte 0xff", "\xff\xfe\xff", false),
};

static struct tn_text repeated(const char *part, size_t bytes, struct tn_call *call)
{
	size_t len = strlen(part);
	char *text = tn_alloc(call, bytes);

	for (size_t i = 0; text && i < bytes; i++)
		text[i] = part[i % len];
	return (struct tn_text){ text, text ? bytes : 0 };
}

bool conform_text(size_t i, struct conform_text *text, struct tn_call *call)
{
	if (i < N_OF(texts)) {
		*text = texts[i];
		return true;
	}
	text->valid = true;
	text->what = i == N_OF(texts) ? "a word of 200,000 letters" : "50,000 words";
	text->text = i == N_OF(texts) ? repeated("a", 200000, call) :
		repeated("ab cde, ", 200000, call);
	return i < N_OF(texts) + 2;
}

struct tn_text conform_guarded(struct tn_text text)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (text.len + page - 1) / page * page;
	char *memory = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);

	if (memory == MAP_FAILED || mprotect(memory + room, page, PROT_NONE))
		return text;
	if (text.len)
		memcpy(memory + room - text.len, text.text, text.len);
	return (struct tn_text){ memory + room - text.len, text.len };
}

/* --- the processes --- */

/* In the child. */
static void run_case(struct conform_subject *s)
{
	static const int deadly[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	const struct rlimit no_core = { 0, 0 };

	/* A sanitizer would turn them into an exit code. */
	for (size_t i = 0; i < N_OF(deadly); i++)
		signal(deadly[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &no_core);
	conform_now(NULL, "%s", running->name);
	s->call = tn_call_create();
	if (s->call)
		running->run(s);
	if (!s->n_failed && tn_status(s->call))
		conform_check(s, false, "%s", tn_error_text(s->call));
	report->done = true;
	_exit(s->n_failed != 0);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

static void tell(struct conform_plan *plan, bool ok, const char *line, const char *skipped)
{
	plan->passed += ok;
	plan->failed += !ok;
	plan->result(plan->user, ok, line, skipped);
}

/* Passes on lines of conform_result until the child has closed its end; false when it took too
 * long. */
static bool read_results(struct conform_plan *plan, int in)
{
	long until = now_ms() + plan->patience * 1000L;
	char text[2048];
	size_t n = 0;

	for (;;) {
		struct pollfd p = { .fd = in, .events = POLLIN };
		long left = until - now_ms();
		char *end;
		ssize_t got;

		if (left <= 0)
			return false;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		got = read(in, text + n, sizeof(text) - 1 - n);
		if (got == 0 || (got < 0 && errno != EINTR))
			return true;
		n += got > 0 ? (size_t)got : 0;
		while ((end = memchr(text, '\n', n))) {
			*end = '\0';
			tell(plan, text[0] == '+', text + 1, NULL);
			n -= (size_t)(end + 1 - text);
			memmove(text, end + 1, n);
		}
		if (n == sizeof(text) - 1)
			n = 0;
	}
}

/* What became of the child, as a result of the case. */
static void judge(struct conform_plan *plan, const struct conform_case *c, bool in_time, int status,
	struct tn_call *call)
{
	const char *where = tn_printf(call, "%s: %s", report->slot, report->now);
	const char *name = tn_printf(call, "%s: %s", c->slot, c->name);

	if (!in_time)
		tell(plan, false, tn_printf(call, "%s: took more than %d seconds", where,
			plan->patience), NULL);
	else if (WIFSIGNALED(status))
		tell(plan, false, tn_printf(call, "%s: ended the process by signal %d (%s)", where,
			WTERMSIG(status), strsignal(WTERMSIG(status))), NULL);
	else if (!report->done)
		tell(plan, false, tn_printf(call, "%s: ended the process with exit code %d", where,
			WEXITSTATUS(status)), NULL);
	else if (report->skipped)
		tell(plan, true, name, report->line);
	else if (report->line[0])
		tell(plan, false, tn_printf(call, "%s: %s", name, report->line), NULL);
	else
		tell(plan, true, name, NULL);
}

static int fork_case(struct conform_plan *plan, struct conform_subject *s,
	const struct conform_case *c)
{
	int ends[2], status = 0;
	bool in_time;
	pid_t child;

	memset(report, 0, sizeof(*report));
	running = c;
	if (pipe(ends))
		return tn_fail(s->call, TN_EINTERNAL, "no pipe: %s", strerror(errno));
	fflush(NULL);
	child = fork();
	if (!child) {
		close(ends[0]);
		results = ends[1];
		run_case(s);
	}
	close(ends[1]);
	in_time = child > 0 && read_results(plan, ends[0]);
	close(ends[0]);
	if (child < 0)
		return tn_fail(s->call, TN_EINTERNAL, "no process: %s", strerror(errno));
	if (!in_time)
		kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	judge(plan, c, in_time, status, s->call);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	return remove(path);
}

static const struct conform_case *cases_of(enum tn_plugin_kind kind)
{
	switch (kind) {
	case TN_TOKENIZER: return conform_cases_tokenizer();
	case TN_BACKEND: return conform_cases_backend();
	case TN_MODEL: return conform_cases_model();
	case TN_HEAD: return conform_cases_head();
	}
	return NULL;
}

static int run_all(struct conform_plan *plan, struct conform_subject *s)
{
	int error = 0;

	for (const struct conform_case *c = cases_of(plan->kind); c->name && !error; c++) {
		const char *name = tn_printf(s->call, "%s: %s", c->slot, c->name);

		if (name && (!plan->only || strstr(name, plan->only)))
			error = fork_case(plan, s, c);
	}
	return error;
}

int conform_run_plan(struct conform_plan *plan, struct tn_call *call)
{
	char folder[] = "/tmp/tenon-test-XXXXXX";
	struct conform_subject s = { .plan = plan, .call = call, .folder = folder };
	int error = 0;

	if (!mkdtemp(folder))
		return tn_fail(call, TN_EIO, "%s: %s", folder, strerror(errno));
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s.model = tn_printf(call, "%s/model", folder);
	if (report == MAP_FAILED)
		error = tn_fail(call, TN_ENOMEM, "out of memory");
	else if (!s.model || tn_kit_model(s.model, plan->kind, plan->name, call))
		error = tn_status(call);
	else
		error = run_all(plan, &s);
	if (report != MAP_FAILED)
		munmap(report, sizeof(*report));
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return error;
}
