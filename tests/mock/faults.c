/* SPDX-License-Identifier: Apache-2.0
 * tests/mock/faults.c - a library to be preloaded: the k-th allocation, read or write fails.
 *
 * FAULTS is "WHAT:K" or "WHAT:K+" (that one and all behind it).  WHAT is alloc, or a call and what
 * happens to it: read-EIO, read-EINTR, read-short (a byte comes), write-EIO, write-ENOSPC,
 * write-EINTR, write-short (a byte goes).  The C library writes standard output by calls of its own,
 * so flush-EIO and flush-ENOSPC are an fflush that fails.  Counted is what happens in main.
 * FAULTS_COUNT names a file that gets how often, and how many blocks that main asked for it left;
 * FAULTS_IN one that comes to be when libconfig or jansson was under way as an allocation failed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);
void __libc_free(void *p);

static const char *what;	/* NULL before main */
static unsigned long calls, at;
static void *held[1 << 16];	/* blocks that main asked for */
static size_t n_held;
static int busy;
static bool sticky;

/* Counts a call of this kind; true when it is to fail. */
static bool strikes(const char *kind)
{
	unsigned long k;

	if (!what || strncmp(what, kind, strlen(kind)))
		return false;
	k = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
	return k == at || (sticky && k > at);
}

/* In the list of what is held one block takes the place of another; NULL is none. */
static void swap(void *from, void *to)
{
	size_t i;

	while (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
		;
	for (i = n_held; i && held[i - 1] != from; i--)
		;
	if (i)
		held[i - 1] = to;
	else if (!from && n_held < sizeof(held) / sizeof(held[0]))
		held[n_held++] = to;
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

static void *counted(void *p)
{
	if (p && what)
		swap(NULL, p);
	return p;
}

static void look_for_parsers(void)
{
	const char *path = getenv("FAULTS_IN");
	void *frames[32];
	int n = backtrace(frames, 32), fd = -1;
	Dl_info info;

	for (int i = 0; path && i < n && fd < 0; i++)
		if (dladdr(frames[i], &info) && (strstr(info.dli_fname, "libconfig.so") ||
			strstr(info.dli_fname, "libjansson.so")))
			fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd >= 0)
		close(fd);
}

static bool no_memory(void)
{
	if (!strikes("alloc"))
		return false;
	look_for_parsers();
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return no_memory() ? NULL : counted(__libc_malloc(n));
}

void *calloc(size_t n, size_t size)
{
	return no_memory() ? NULL : counted(__libc_calloc(n, size));
}

void *realloc(void *p, size_t n)
{
	void *q;

	if (no_memory())
		return NULL;
	if (p && what)
		swap(p, NULL);
	q = __libc_realloc(p, n);
	if (!q && p && what)
		swap(NULL, p);
	return counted(q);
}

void *aligned_alloc(size_t align, size_t n)
{
	return no_memory() ? NULL : counted(__libc_memalign(align, n));
}

int posix_memalign(void **p, size_t align, size_t n)
{
	void *q = no_memory() ? NULL : counted(__libc_memalign(align, n));

	if (q)
		*p = q;
	return q ? 0 : ENOMEM;
}

void free(void *p)
{
	if (p && what)
		swap(p, NULL);
	__libc_free(p);
}

/* What a call returns that fails: the bytes it may still do, or -1. */
static long instead(void)
{
	const char *how = strchr(what, '-') + 1;

	if (!strncmp(how, "short", 5))
		return 1;
	errno = !strncmp(how, "EIO", 3) ? EIO : !strncmp(how, "EINTR", 5) ? EINTR : ENOSPC;
	return -1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t read(int fd, void *bytes, size_t n)
{
	long left = n && strikes("read") ? instead() : (long)n;

	return left < 0 ? -1 : REAL(read)(fd, bytes, (size_t)left);
}

ssize_t pread(int fd, void *bytes, size_t n, off_t offset)
{
	long left = n && strikes("read") ? instead() : (long)n;

	return left < 0 ? -1 : REAL(pread)(fd, bytes, (size_t)left, offset);
}

ssize_t pread64(int fd, void *bytes, size_t n, off64_t offset)
{
	long left = n && strikes("read") ? instead() : (long)n;

	return left < 0 ? -1 : REAL(pread64)(fd, bytes, (size_t)left, offset);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	long left = n && fd != 2 && strikes("write") ? instead() : (long)n;

	return left < 0 ? -1 : REAL(write)(fd, bytes, (size_t)left);
}

int fflush(FILE *file)
{
	if (file && file != stderr && strikes("flush")) {
		instead();
		return EOF;
	}
	return REAL(fflush)(file);
}

static void report(const char *path)
{
	FILE *f = path ? fopen(path, "w") : NULL;
	size_t blocks = 0;

	for (size_t i = 0; i < n_held; i++)
		blocks += held[i] != NULL;
	if (!f)
		return;
	fprintf(f, "%lu %zu\n", calls, blocks);
	fclose(f);
}

static int (*real_main)(int argc, char **argv, char **env);

static int between(int argc, char **argv, char **env)
{
	const char *fault = getenv("FAULTS"), *number = fault ? strchr(fault, ':') : NULL;
	char *end = NULL;
	int code;

	/* A script that starts the command is not meant. */
	if (strcmp(program_invocation_short_name, "tenon"))
		return real_main(argc, argv, env);

	at = number ? strtoul(number + 1, &end, 10) : 0;
	sticky = end && *end == '+';
	backtrace(&(void *){ NULL }, 1);	/* loads what it needs */
	what = fault;
	code = real_main(argc, argv, env);
	what = NULL;
	report(getenv("FAULTS_COUNT"));
	return code;
}

int __libc_start_main(int (*begin)(int, char **, char **), int argc, char **argv,
	void (*init)(void), void (*finish)(void), void (*linker)(void), void *stack);

int __libc_start_main(int (*begin)(int, char **, char **), int argc, char **argv,
	void (*init)(void), void (*finish)(void), void (*linker)(void), void *stack)
{
	int (*start)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
		void (*)(void), void *);

	*(void **)&start = dlsym(RTLD_NEXT, "__libc_start_main");
	real_main = begin;
	return start(between, argc, argv, init, finish, linker, stack);
}
