/* SPDX-License-Identifier: Apache-2.0
 * core/data/lines.c - the lines of a file or a pipe, in bounded memory.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/lines.h"

#define PIECE ((size_t)64 << 10)	/* bytes asked for at once */

/* Makes room for one more piece behind what is not yet given. */
static int make_room(struct tn_lines *l, struct tn_call *call)
{
	size_t used = l->end - l->begin, capacity;
	char *grown;

	if (l->capacity - l->end >= PIECE)
		return 0;
	if (l->begin) {
		memmove(l->buffer, l->buffer + l->begin, used);
		l->begin = 0;
		l->end = used;
	}
	if (l->capacity - l->end >= PIECE)
		return 0;
	capacity = used * 2 + 2 * PIECE;
	grown = realloc(l->buffer, capacity);
	if (!grown)
		return tn_fail(call, TN_ENOMEM, "%s: out of memory", l->name);
	l->buffer = grown;
	l->capacity = capacity;
	return 0;
}

/* Reads what there is, waiting for the first byte of it. */
static int fill(struct tn_lines *l, struct tn_call *call)
{
	ssize_t got;
	int status = make_room(l, call);

	if (status)
		return status;
	for (;;) {
		got = read(l->fd, l->buffer + l->end, PIECE);
		if (got >= 0)
			break;
		if (errno == EAGAIN) {
			struct pollfd p = { .fd = l->fd, .events = POLLIN };

			poll(&p, 1, -1);
		} else if (errno != EINTR) {
			return tn_fail(call, TN_EIO, "%s: %s", l->name, strerror(errno));
		}
	}
	if (got == 0)
		l->at_end = true;
	l->end += (size_t)got;
	return 0;
}

/* The LF of the line at `begin`, or NULL; no byte is looked at twice. */
static char *find_end(struct tn_lines *l)
{
	char *from = l->buffer + l->begin + l->searched;
	char *lf = l->end > l->begin + l->searched ?
		memchr(from, '\n', (size_t)(l->buffer + l->end - from)) : NULL;

	l->searched = lf ? 0 : l->end - l->begin;
	return lf;
}

/* Gives the line of n bytes and goes behind it and its `width` bytes of end. */
static int give(struct tn_lines *l, size_t n, size_t width, const char **text, size_t *len)
{
	bool too_long = l->skipping || n > l->longest;

	*text = l->buffer + l->begin;
	*len = n && width && (*text)[n - 1] == '\r' ? n - 1 : n;
	l->end_bytes = n - *len + width;
	l->begin += n + width;
	l->searched = 0;
	l->skipping = false;
	l->line++;
	return too_long ? TN_LINE_TOO_LONG : TN_LINE;
}

int tn_lines_next(struct tn_lines *l, const char **text, size_t *len, struct tn_call *call)
{
	for (;;) {
		char *lf = find_end(l);
		size_t n = (size_t)((lf ? lf : l->buffer + l->end) - (l->buffer + l->begin));
		int status;

		if (lf)
			return give(l, n, 1, text, len);
		if (l->at_end)
			return n || l->skipping ? give(l, n, 0, text, len) : TN_LINE_END;
		if (n > l->longest) {
			l->skipping = true;
			l->begin = l->end;
			l->searched = 0;
		}
		status = fill(l, call);
		if (status)
			return status;
	}
}

size_t tn_lines_peek(const struct tn_lines *l, size_t at, const char **text, size_t *len)
{
	const char *from = l->buffer + l->begin + at, *lf;

	if (l->begin + at >= l->end)
		return 0;
	lf = memchr(from, '\n', (size_t)(l->buffer + l->end - from));
	if (!lf)
		return 0;
	*text = from;
	*len = (size_t)(lf - from);
	return *len + 1;
}

void tn_lines_finish(struct tn_lines *l)
{
	free(l->buffer);
	l->buffer = NULL;
}
