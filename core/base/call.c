/* SPDX-License-Identifier: Apache-2.0
 * core/base/call.c - errors, notes and memory of one piece of work.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/call.h>

#include "base/place.h"
#include "base/utf8.h"

#define LONGEST_MESSAGE 2048
#define LONGEST_QUOTE 120

struct fault {
	struct fault *next;
	char *text;
};

struct tn_call {
	struct tn_arena *arena;
	int status;
	char first[LONGEST_MESSAGE];	/* kept here: an error needs no memory */
	size_t n_faults;
	struct fault *more;	/* the second fault and on */
	void (*receive)(void *user, const char *text);
	void *user;
	struct tn_place place;
};

struct tn_call *tn_call_create(void)
{
	struct tn_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->arena = tn_arena_create();
	if (!call->arena) {
		free(call);
		return NULL;
	}
	return call;
}

void tn_clear(struct tn_call *call)
{
	struct fault *f, *next;

	for (f = call->more; f; f = next) {
		next = f->next;
		free(f->text);
		free(f);
	}
	call->more = NULL;
	call->n_faults = 0;
	call->status = 0;
	call->first[0] = '\0';
}

void tn_call_destroy(struct tn_call *call)
{
	if (!call)
		return;
	tn_clear(call);
	tn_arena_destroy(call->arena);
	free(call);
}

void tn_call_reset(struct tn_call *call)
{
	tn_clear(call);
	tn_arena_reset(call->arena);
	call->place = (struct tn_place){ 0 };
}

struct tn_place *tn_call_place(struct tn_call *call)
{
	return &call->place;
}

struct tn_arena *tn_call_arena(struct tn_call *call)
{
	return call->arena;
}

void *tn_alloc(struct tn_call *call, size_t bytes)
{
	void *memory = tn_arena_alloc(call->arena, bytes);

	if (!memory)
		tn_fail(call, TN_ENOMEM, "out of memory: %zu bytes were asked for", bytes);
	return memory;
}

void *tn_alloc_n(struct tn_call *call, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		bytes = SIZE_MAX;
	return tn_alloc(call, bytes);
}

char *tn_printf(struct tn_call *call, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = tn_alloc(call, n < 0 ? 1 : (size_t)n + 1);
	if (text && n > 0) {
		va_start(args, format);
		vsnprintf(text, (size_t)n + 1, format, args);
		va_end(args);
	}
	return text;
}

/* Writes one escaped byte; returns its width. */
static size_t put_escaped(char *out, size_t room, unsigned char c)
{
	return (size_t)snprintf(out, room, "\\x%02x", c);
}

/* Formats into out and escapes control bytes, so that a message stays one line. */
static void format_message(char out[LONGEST_MESSAGE], const char *format, va_list args)
{
	char raw[LONGEST_MESSAGE];
	size_t n = 0;

	vsnprintf(raw, sizeof(raw), format, args);
	for (const char *p = raw; *p && n + 5 < LONGEST_MESSAGE; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c == 0x7f)
			n += put_escaped(out + n, 5, c);
		else
			out[n++] = (char)c;
	}
	out[n] = '\0';
}

/* The length of FILE in a text that begins with "FILE:LINE:"; 0 when it has no place. */
static size_t place_of(const char *text, long *line)
{
	for (const char *p = strchr(text, ':'); p && p[1] != ' '; p = strchr(p + 1, ':')) {
		char *end;

		if (p[1] < '0' || p[1] > '9')
			continue;
		*line = strtol(p + 1, &end, 10);
		if (*end == ':')
			return (size_t)(p - text);
	}
	return 0;
}

/* Whether fault a stands before fault b, which was recorded earlier. */
static bool stands_before(const char *a, const char *b)
{
	long line_a = 0, line_b = 0;
	size_t n_a = place_of(a, &line_a), n_b = place_of(b, &line_b);
	int order = memcmp(a, b, n_a < n_b ? n_a : n_b);

	if (!n_a || !n_b)
		return n_a > n_b;
	if (order || n_a != n_b)
		return order ? order < 0 : n_a < n_b;
	return line_a < line_b;
}

/* Keeps the faults in the order of their places.  Memory for another fault that cannot be
 * had is no new fault: those before it stand. */
static void add_fault(struct tn_call *call, char text[LONGEST_MESSAGE])
{
	struct fault *f = calloc(1, sizeof(*f)), **at = &call->more;
	bool leads = stands_before(text, call->first);

	if (f)
		f->text = strdup(leads ? call->first : text);
	if (!f || !f->text) {
		free(f);
		return;
	}
	if (leads)
		memcpy(call->first, text, LONGEST_MESSAGE);
	while (!leads && *at && !stands_before(text, (*at)->text))
		at = &(*at)->next;
	f->next = *at;
	*at = f;
	call->n_faults++;
}

static int record(struct tn_call *call, int code, bool keep, const char *format, va_list args)
{
	char text[LONGEST_MESSAGE];

	if (call->status && !keep)
		return call->status;
	format_message(text, format, args);
	if (call->status) {
		add_fault(call, text);
		if (call->status != code && call->status != TN_ENOMEM)
			call->status = code == TN_ENOMEM ? TN_ENOMEM : TN_ECONFIG;
		return code;
	}
	call->status = code;
	memcpy(call->first, text, sizeof(text));
	call->n_faults = 1;
	return code;
}

int tn_vfail(struct tn_call *call, enum tn_error code, const char *format, va_list args)
{
	return record(call, code, false, format, args);
}

int tn_fail(struct tn_call *call, enum tn_error code, const char *format, ...)
{
	va_list args;
	int status;

	va_start(args, format);
	status = record(call, code, false, format, args);
	va_end(args);
	return status;
}

int tn_fault(struct tn_call *call, enum tn_error code, const char *format, ...)
{
	va_list args;
	int status;

	va_start(args, format);
	status = record(call, code, true, format, args);
	va_end(args);
	return status;
}

int tn_status(const struct tn_call *call)
{
	return call->status;
}

const char *tn_error_text(const struct tn_call *call)
{
	return call->first;
}

size_t tn_n_faults(const struct tn_call *call)
{
	return call->n_faults;
}

const char *tn_fault_text(const struct tn_call *call, size_t i)
{
	const struct fault *f = call->more;

	if (i == 0)
		return call->first;
	while (f && --i)
		f = f->next;
	return f ? f->text : "";
}

const char *tn_quote(struct tn_call *call, const char *text, size_t len)
{
	char out[LONGEST_QUOTE * 4 + 8];
	size_t n = 0, i = 0;

	out[n++] = '"';
	while (i < len && i < LONGEST_QUOTE) {
		uint32_t c;
		size_t width = tn_utf8_decode(text + i, len - i, &c);

		if (c == TN_UTF8_BAD || c < 0x20 || c == 0x7f) {
			for (size_t k = 0; k < width; k++)
				n += put_escaped(out + n, 5, (unsigned char)text[i + k]);
		} else {
			memcpy(out + n, text + i, width);
			n += width;
		}
		i += width;
	}
	memcpy(out + n, i < len ? "\"..." : "\"", i < len ? 4 : 1);
	n += i < len ? 4 : 1;
	return tn_arena_dup(call->arena, out, n);
}

void tn_on_note(struct tn_call *call, void (*receive)(void *user, const char *text), void *user)
{
	call->receive = receive;
	call->user = user;
}

void tn_note(struct tn_call *call, const char *format, ...)
{
	char text[LONGEST_MESSAGE];
	va_list args;

	if (!call->receive)
		return;
	va_start(args, format);
	format_message(text, format, args);
	va_end(args);
	call->receive(call->user, text);
}
