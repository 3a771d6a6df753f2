/* SPDX-License-Identifier: Apache-2.0
 * core/data/lines.h - the lines of a file or a pipe, in bounded memory.
 */
#ifndef TN_DATA_LINES_H
#define TN_DATA_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <tenon/call.h>

struct tn_lines {
	int fd;
	const char *name;	/* for messages */
	size_t longest;		/* bytes of a line without its end */
	char *buffer;
	size_t begin, end;	/* what is read and not yet given */
	size_t searched;	/* bytes from begin on that hold no LF */
	size_t capacity;
	size_t line;		/* number of the line given last */
	size_t end_bytes;	/* of the end of that line: 0 (the file's), 1 or 2 */
	bool at_end;		/* the file has no more */
	bool skipping;		/* in the middle of a line that was too long */
};

enum { TN_LINE_END = 0, TN_LINE = 1, TN_LINE_TOO_LONG = 2 };

/** The next line without LF or CR LF, borrowed until the next call.  Returns TN_LINE_END,
 *  TN_LINE, TN_LINE_TOO_LONG (nothing is given, the next call goes on behind it), or
 *  TN_EIO, TN_ENOMEM. */
int tn_lines_next(struct tn_lines *l, const char **text, size_t *len, struct tn_call *call);
/** The line that begins `at` bytes behind the last one given, when all of it is in memory;
 *  returns the bytes up to the begin of the next, 0 when it is not complete. */
size_t tn_lines_peek(const struct tn_lines *l, size_t at, const char **text, size_t *len);
/** Frees the buffer; the descriptor stays open. */
void tn_lines_finish(struct tn_lines *l);

#endif
