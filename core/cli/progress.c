/* SPDX-License-Identifier: Apache-2.0
 * core/cli/progress.c - one line on the terminal that says how far a long work is.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench/clock.h"
#include "cli/progress.h"

#define PATIENCE 2.0		/* seconds */
#define PAUSE 0.1
#define LONGEST 160		/* bytes */

void progress_begin(struct progress *p)
{
	const char *term = getenv("TERM");

	*p = (struct progress){ .begin = bench_now(),
		.on = isatty(STDERR_FILENO) && !(term && !strcmp(term, "dumb")) };
}

/* A line that wrapped could not be written over: bytes of text that fit into one. */
static size_t fitting(const char *text)
{
	struct winsize size = { 0 };
	size_t n = strlen(text), most = 79;

	if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col > 1)
		most = size.ws_col - 1u;
	if (n <= most)
		return n;
	while (most && ((unsigned char)text[most] & 0xc0) == 0x80)
		most--;
	return most;
}

void progress_say(struct progress *p, const char *format, ...)
{
	double now = bench_now();
	char text[LONGEST];
	va_list args;
	size_t n;

	if (!p->on || now - p->begin < PATIENCE || now - p->last < PAUSE)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	n = fitting(text);
	fprintf(stderr, "\r%.*s%*s", (int)n, text, p->width > n ? (int)(p->width - n) : 0, "");
	p->width = n > p->width ? n : p->width;
	p->last = now;
}

void progress_count(struct progress *p, size_t done, double share)
{
	double seconds = bench_now() - p->begin;

	if (share > 0 && seconds > 0)
		progress_say(p, "%.0f %%, %zu texts, %.*f/s, %.0f s left", 100 * share, done,
			(double)done < 10 * seconds, (double)done / seconds,
			seconds * (1 - share) / share);
}

void progress_clear(struct progress *p)
{
	if (!p || !p->width)
		return;
	fprintf(stderr, "\r%*s\r", (int)p->width, "");
	p->width = 0;
	p->last = 0;
}
