/* SPDX-License-Identifier: Apache-2.0
 * core/data/input.c - texts, one at a time: opening, and the format "text".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "data/reader.h"

#define LONGEST ((size_t)64 << 20)

int tn_input_format(const char *name)
{
	static const char *const names[] = {
		[TN_INPUT_TEXT] = "text", [TN_INPUT_JSONL] = "jsonl", [TN_INPUT_CONLL] = "conll",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -1;
}

static int open_input(struct tn_reader *r, const char *path, struct tn_call *call)
{
	struct stat st;

	if (strcmp(path, "-")) {
		r->opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (r->opened < 0 && (errno == ENOENT || errno == ENOTDIR))
			return tn_fail(call, TN_ENOINPUT, "%s: there is no such file", path);
		if (r->opened < 0)
			return tn_fail(call, TN_EIO, "%s: %s", path, strerror(errno));
		r->lines.fd = r->opened;
	}
	if (!fstat(r->lines.fd, &st) && S_ISDIR(st.st_mode))
		return tn_fail(call, TN_EDATA, "%s: a directory, expected a file of texts",
			r->lines.name);
	return 0;
}

struct tn_reader *tn_reader_open(const char *path, const struct tn_reader_options *options,
	struct tn_call *call)
{
	struct tn_reader *r = calloc(1, sizeof(*r));

	if (r) {
		r->opened = -1;
		r->options = *options;
		r->lines.longest = options->longest ? options->longest : LONGEST;
		r->name = strdup(strcmp(path, "-") ? path : "standard input");
		r->lines.name = r->name;
		r->attempt = tn_call_create();
	}
	if (!r || !r->name || !r->attempt) {
		tn_fail(call, TN_ENOMEM, "%s: out of memory", path);
	} else if (!open_input(r, path, call)) {
		return r;
	}
	tn_reader_close(r);
	return NULL;
}

int tn_item_fail(const struct tn_reader *r, struct tn_item *item, struct tn_arena *arena,
	struct tn_call *call, const char *format, ...)
{
	const char *text;
	va_list args;

	if (item->error)
		return 1;
	va_start(args, format);
	tn_vfail(r->attempt, TN_EDATA, format, args);
	va_end(args);
	text = tn_error_text(r->attempt);
	item->error = tn_arena_dup(arena, text, strlen(text));
	tn_call_reset(r->attempt);
	return item->error ? 1 : tn_fail(call, TN_ENOMEM, "%s: out of memory", r->name);
}

static int check_line(struct tn_reader *r, struct tn_item *item, int got, const char *text,
	size_t len, struct tn_arena *arena, struct tn_call *call)
{
	size_t good = got == TN_LINE ? tn_utf8_valid(text, len) : 0;

	if (got == TN_LINE_TOO_LONG)
		got = tn_item_fail(r, item, arena, call, "%s:%zu: the line has more than %zu bytes",
			r->name, r->lines.line, r->lines.longest);
	else if (good < len)
		got = tn_item_fail(r, item, arena, call, "%s:%zu: byte %zu: 0x%02x is not UTF-8",
			r->name, r->lines.line, good, (unsigned)(unsigned char)text[good]);
	else
		return TN_LINE;
	return got < 0 ? got : TN_LINE_BAD;
}

int tn_reader_line(struct tn_reader *r, struct tn_item *item, const char **text, size_t *len,
	struct tn_arena *arena, struct tn_call *call)
{
	int got = tn_lines_next(&r->lines, text, len, call);

	if (got <= 0)
		return got;
	if (r->lines.line == 1 && *len >= 3 && !memcmp(*text, "\xef\xbb\xbf", 3)) {
		*text += 3;	/* a byte order mark */
		*len -= 3;
	}
	return check_line(r, item, got, *text, *len, arena, call);
}

static int next_text(struct tn_reader *r, struct tn_item *item, struct tn_arena *arena,
	struct tn_call *call)
{
	const char *text;
	size_t len;
	int got = tn_reader_line(r, item, &text, &len, arena, call);

	if (got <= 0)
		return got;
	item->line = r->lines.line;
	if (got == TN_LINE_BAD)
		return 1;
	item->text = (struct tn_text){ tn_arena_dup(arena, text, len), len };
	return item->text.text ? 1 : tn_fail(call, TN_ENOMEM, "%s: out of memory", r->name);
}

int tn_reader_next(struct tn_reader *r, struct tn_item *item, struct tn_arena *arena,
	struct tn_call *call)
{
	memset(item, 0, sizeof(*item));
	switch (r->options.format) {
	case TN_INPUT_JSONL:
		return tn_next_jsonl(r, item, arena, call);
	case TN_INPUT_CONLL:
	case TN_INPUT_CONLLU:
		return tn_next_conll(r, item, arena, call);
	case TN_INPUT_CSV:
		return tn_next_csv(r, item, arena, call);
	default:
		return next_text(r, item, arena, call);
	}
}

bool tn_is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r", text[i]) || !text[i])
			return false;
	return true;
}

bool tn_reader_ready(struct tn_reader *r)
{
	bool begun = r->options.format == TN_INPUT_TEXT;
	const char *text;
	size_t at = 0, width, len;

	if (r->lines.at_end)
		return true;
	if (r->options.format > TN_INPUT_CONLL)
		return false;
	while ((width = tn_lines_peek(&r->lines, at, &text, &len))) {
		bool gap = r->options.format == TN_INPUT_CONLL ? tn_is_conll_gap(text, len) :
			tn_is_blank(text, len);

		if (r->options.format == TN_INPUT_CONLL ? begun && gap : begun || !gap)
			return true;
		begun |= !gap;
		at += width;
	}
	return false;
}

double tn_reader_share(const struct tn_reader *r)
{
	const size_t ahead = r->lines.end - r->lines.begin;
	struct stat st;
	off_t at;

	if (fstat(r->lines.fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0)
		return -1;
	at = lseek(r->lines.fd, 0, SEEK_CUR);
	return at < 0 || at > st.st_size ? -1 : ((double)at - (double)ahead) / (double)st.st_size;
}

const char *tn_reader_name(const struct tn_reader *r)
{
	return r->name;
}

void tn_reader_close(struct tn_reader *r)
{
	if (!r)
		return;
	if (r->opened >= 0)
		close(r->opened);
	tn_lines_finish(&r->lines);
	tn_call_destroy(r->attempt);
	free(r->cells);
	free(r->word_lines);
	free(r->record);
	free(r->name);
	free(r);
}
