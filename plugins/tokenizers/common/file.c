/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/file.c - reading a tokenizer's files.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "table.h"

/* Reads at most `len` bytes; a file that shrank gives fewer. */
static int read_all(int fd, const char *path, char *to, size_t *len, struct tn_call *call)
{
	size_t got = 0;

	while (got < *len) {
		ssize_t n = read(fd, to + got, *len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return tn_fail(call, TN_EIO, "%s: %s", path, strerror(errno));
		if (!n)
			break;
		got += (size_t)n;
	}
	to[got] = '\0';
	*len = got;
	return 0;
}

static char *read_open(int fd, const char *path, size_t *len, struct tn_call *call)
{
	struct stat st;
	char *text;

	if (fstat(fd, &st)) {
		tn_fail(call, TN_EIO, "%s: %s", path, strerror(errno));
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		tn_fail(call, TN_EDATA, "%s: not a regular file", path);
		return NULL;
	}
	if ((uintmax_t)st.st_size > TOK_MAX_FILE) {
		tn_fail(call, TN_EDATA, "%s: %ju bytes, at most %zu are read", path,
			(uintmax_t)st.st_size, TOK_MAX_FILE);
		return NULL;
	}
	*len = (size_t)st.st_size;
	text = tok_table_alloc(*len + 1, 1);
	if (!text) {
		tn_fail(call, TN_ENOMEM, "%s: memory ran out for %zu bytes", path, *len);
		return NULL;
	}
	if (read_all(fd, path, text, len, call)) {
		free(text);
		return NULL;
	}
	return text;
}

char *tok_read_file(const char *path, size_t *len, struct tn_call *call)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text;

	if (fd < 0) {
		tn_fail(call, errno == ENOENT ? TN_ENOINPUT : TN_EIO, "%s: %s", path,
			strerror(errno));
		return NULL;
	}
	text = read_open(fd, path, len, call);
	close(fd);
	return text;
}

static const char *special_in(const struct tn_value *tree, const char *name)
{
	const struct tn_value *v = tn_get(tree, name);

	return tn_string(tn_value_kind(v) == TN_VALUE_OBJECT ? tn_get(v, "content") : v, NULL);
}

const char *tok_special_text(const struct tn_value *map, const struct tn_value *config,
	const char *name, const char *otherwise)
{
	const char *text = special_in(map, name);

	if (!text)
		text = special_in(config, name);
	return text ? text : otherwise;
}
