/* SPDX-License-Identifier: Apache-2.0
 * core/base/file.c - regular files: opened with a check, read whole, replaced whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define LARGEST_PIECE ((size_t)1 << 30)	/* one read or write never takes more than 2 GiB */

int tn_file_open(const char *path, uint64_t *size, struct tn_call *call)
{
	struct stat st;
	int fd;

	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return tn_fail(call, TN_ENOINPUT, "%s: there is no such file", path);
	if (fd < 0 && errno == ENXIO)
		return tn_fail(call, TN_EDATA, "%s: not a regular file", path);
	if (fd < 0)
		return tn_fail(call, TN_EIO, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st)) {
		int status = tn_fail(call, TN_EIO, "%s: %s", path, strerror(errno));

		close(fd);
		return status;
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return tn_fail(call, TN_EDATA, "%s: %s, expected a regular file", path,
			S_ISDIR(st.st_mode) ? "a directory" : "not a regular file");
	}
	*size = (uint64_t)st.st_size;
	return fd;
}

int tn_file_pread(int fd, const char *path, void *to, size_t n, uint64_t at,
	struct tn_call *call)
{
	char *p = to;

	while (n) {
		ssize_t got = pread(fd, p, n < LARGEST_PIECE ? n : LARGEST_PIECE, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return tn_fail(call, TN_EIO, "%s: byte %llu: %s", path,
				(unsigned long long)at, strerror(errno));
		if (got == 0)
			return tn_fail(call, TN_EIO, "%s: byte %llu: the file ends here, %zu more "
				"bytes were there when it was opened", path,
				(unsigned long long)at, n);
		p += got;
		n -= (size_t)got;
		at += (uint64_t)got;
	}
	return 0;
}

char *tn_file_read(const char *path, size_t max, size_t *len, struct tn_arena *arena,
	struct tn_call *call)
{
	uint64_t size = 0;
	char *text = NULL;
	int fd = tn_file_open(path, &size, call);

	if (fd < 0)
		return NULL;
	if (size > max) {
		tn_fail(call, TN_EDATA, "%s: the file has %llu bytes, at most %zu are read", path,
			(unsigned long long)size, max);
		goto done;
	}
	text = tn_arena_alloc(arena, (size_t)size + 1);
	if (!text)
		tn_fail(call, TN_ENOMEM, "%s: out of memory", path);
	else if (tn_file_pread(fd, path, text, (size_t)size, 0, call))
		text = NULL;
	*len = (size_t)size;
done:
	close(fd);
	return text;
}

static int write_error(const char *path, struct tn_call *call)
{
	return tn_fail(call, TN_EIO, "%s: %s", path, strerror(errno));
}

int tn_file_create(struct tn_file_writer *w, const char *path, struct tn_call *call)
{
	size_t room = strlen(path) + 40;
	struct stat st;

	w->path = path;
	w->beside = NULL;
	w->fd = -1;
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return tn_fail(call, TN_EIO, "%s: %s, only a regular file can be replaced", path,
			S_ISDIR(st.st_mode) ? "a directory" : "not a regular file");
	w->beside = malloc(room);
	if (!w->beside)
		return tn_fail(call, TN_ENOMEM, "%s: out of memory", path);
	/* Other threads and what an earlier process left may hold the first names. */
	for (unsigned i = 0; i < 1000 && w->fd < 0; i++) {
		snprintf(w->beside, room, "%s.%ld-%u.tmp", path, (long)getpid(), i);
		w->fd = open(w->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (w->fd < 0 && errno != EEXIST)
			break;
	}
	if (w->fd < 0) {
		int status = write_error(path, call);

		free(w->beside);
		w->beside = NULL;
		return status;
	}
	return 0;
}

int tn_file_write(struct tn_file_writer *w, const void *bytes, size_t n, struct tn_call *call)
{
	const char *p = bytes;

	while (n) {
		ssize_t put = write(w->fd, p, n < LARGEST_PIECE ? n : LARGEST_PIECE);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return write_error(w->path, call);
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

/* A rename is safe against a loss of power once its directory is synced. */
static int sync_directory(const char *path, struct tn_call *call)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) + 1 : 2;
	char *directory = malloc(n + 1);
	int fd, status = 0;

	if (!directory)
		return tn_fail(call, TN_ENOMEM, "%s: out of memory", path);
	memcpy(directory, slash ? path : "./", n);
	directory[n] = '\0';
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Some file systems know no sync of directories (EINVAL). */
	if (fd < 0 || (fsync(fd) && errno != EINVAL))
		status = write_error(path, call);
	if (fd >= 0)
		close(fd);
	free(directory);
	return status;
}

int tn_file_commit(struct tn_file_writer *w, struct tn_call *call)
{
	int status = 0;

	if (fsync(w->fd) && errno != EINVAL)
		status = write_error(w->path, call);
	if (close(w->fd) && !status)
		status = write_error(w->path, call);
	w->fd = -1;
	if (!status && rename(w->beside, w->path))
		status = write_error(w->path, call);
	if (status) {
		tn_file_abandon(w);
		return status;
	}
	free(w->beside);
	w->beside = NULL;
	return sync_directory(w->path, call);
}

void tn_file_abandon(struct tn_file_writer *w)
{
	if (!w->beside)
		return;
	if (w->fd >= 0)
		close(w->fd);
	unlink(w->beside);
	free(w->beside);
	w->beside = NULL;
	w->fd = -1;
}
