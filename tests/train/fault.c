/* SPDX-License-Identifier: Apache-2.0
 * tests/train/fault.c - a library to be preloaded: something happens at the k-th of the system
 * calls that change files of a directory.
 *
 * FAULT_IN is the directory, FAULT "kill:K" (SIGKILL before the call), "ENOSPC:K" or "EIO:K"
 * (the call fails).  FAULT_COUNT names a file that gets the number of calls at the end.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned long calls;
static bool ours[1024];		/* descriptors of files of the directory */

static bool is_inside(const char *path)
{
	const char *in = getenv("FAULT_IN");

	return in && strstr(path, in);
}

/* Counts a call; true when it is to fail. */
static bool strikes(void)
{
	const char *fault = getenv("FAULT"), *at = fault ? strchr(fault, ':') : NULL;

	if (!at || ++calls != strtoul(at + 1, NULL, 10))
		return false;
	if (!strncmp(fault, "kill", 4))
		kill(getpid(), SIGKILL);
	errno = strncmp(fault, "EIO", 3) ? ENOSPC : EIO;
	return true;
}

static bool is_ours(int fd)
{
	return fd >= 0 && fd < 1024 && ours[fd];
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int do_open(__typeof__(&open) real, const char *path, int flags, mode_t mode)
{
	bool changes = flags & O_CREAT && is_inside(path);
	int fd;

	if (changes && strikes())
		return -1;
	fd = real(path, flags, mode);
	if (fd >= 0 && fd < 1024)
		ours[fd] = changes;
	return fd;
}

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	return do_open(REAL(open), path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	return do_open(REAL(open64), path, flags, mode);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	return is_ours(fd) && strikes() ? -1 : REAL(write)(fd, bytes, n);
}

int fsync(int fd)
{
	return is_ours(fd) && strikes() ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
	return is_ours(fd) && strikes() ? -1 : REAL(fdatasync)(fd);
}

int ftruncate(int fd, off_t n)
{
	return is_ours(fd) && strikes() ? -1 : REAL(ftruncate)(fd, n);
}

int close(int fd)
{
	bool fails = is_ours(fd) && strikes();
	int status;

	if (is_ours(fd))
		ours[fd] = false;
	status = REAL(close)(fd);
	if (fails)
		errno = EIO;
	return fails ? -1 : status;
}

int rename(const char *from, const char *to)
{
	return is_inside(to) && strikes() ? -1 : REAL(rename)(from, to);
}

int unlink(const char *path)
{
	return is_inside(path) && strikes() ? -1 : REAL(unlink)(path);
}

__attribute__((destructor)) static void report(void)
{
	const char *path = getenv("FAULT_COUNT");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (!f)
		return;
	fprintf(f, "%lu\n", calls);
	fclose(f);
}
