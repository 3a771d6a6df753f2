/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/writer_text.c - answers for people to read.
 */
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "pipeline/writer_impl.h"

/* Where the text goes and how it is marked. */
struct print {
	FILE *out;
	const char *strong, *label, *faint, *plain;	/* "" without colours */
};

/* Controls, and characters that change the direction of what follows. */
static bool is_harmful(uint32_t c)
{
	return c == TN_UTF8_BAD || c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 ||
		c == 0x2029 || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Text of unknown origin on a terminal. */
static void put_safe(const struct print *p, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t width = tn_utf8_decode(text + i, len - i, &c);

		if (c == '\n')
			fputs("\\n", p->out);
		else if (c == '\t')
			putc('\t', p->out);
		else if (is_harmful(c))
			for (size_t k = 0; k < width; k++)
				fprintf(p->out, "\\x%02x", (unsigned)(unsigned char)text[i + k]);
		else
			fwrite(text + i, 1, width, p->out);
		i += width;
	}
}

static void put_string(const struct print *p, const char *text)
{
	put_safe(p, text, strlen(text));
}

/* Two digits, with a point in any locale. */
static void put_score(const struct print *p, double score)
{
	char text[40];

	if (isnan(score))
		return;
	snprintf(text, sizeof(text), " %.2f", score);
	for (char *c = text; *c; c++)
		if (*c == ',')
			*c = '.';
	fputs(text, p->out);
}

static void put_span(const struct print *p, const char *text, size_t len,
	const struct tn_answer_row *span)
{
	fprintf(p->out, "[%s", p->strong);
	put_safe(p, text, len);
	fprintf(p->out, "%s %s", p->plain, p->label);
	put_string(p, span->label);
	fputs(p->plain, p->out);
	put_score(p, span->score);
	if (span->rank > 1)
		fprintf(p->out, " #%lld", (long long)span->rank);
	putc(']', p->out);
}

/* The text with its spans in brackets; those that overlap one, or are on another than the
 * best path, follow the text. */
static int put_marked(const struct print *p, const char *text, size_t len,
	const struct tn_value *answer, struct tn_call *call)
{
	size_t n, at = 0, n_late = 0;
	struct tn_answer_row *spans = tn_sorted_spans(answer, &n, call);

	if (!spans)
		return tn_status(call);
	for (size_t i = 0; i < n; i++) {
		struct tn_answer_row *s = &spans[i];

		if (s->begin > s->end || s->end > len)
			continue;
		if (s->begin < at || s->rank > 1) {
			spans[n_late++] = *s;
			continue;
		}
		put_safe(p, text + at, s->begin - at);
		put_span(p, text + s->begin, s->end - s->begin, s);
		at = s->end;
	}
	put_safe(p, text + at, len - at);
	for (size_t i = 0; i < n_late; i++) {
		putc(' ', p->out);
		put_span(p, text + spans[i].begin, spans[i].end - spans[i].begin, &spans[i]);
	}
	putc('\n', p->out);
	return 0;
}

static int put_rows(const struct print *p, const struct tn_value *answer, struct tn_call *call)
{
	size_t n;
	const struct tn_answer_row *rows = tn_answer_rows(answer, &n, call);

	if (!rows)
		return tn_status(call);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ", " : "", p->out);
		fputs(rows[i].text ? p->strong : p->label, p->out);
		put_string(p, rows[i].text ? rows[i].text : rows[i].label);
		fputs(p->plain, p->out);
		put_score(p, rows[i].score);
	}
	putc('\n', p->out);
	return 0;
}

/* The heads of an answer: how many, the longest name, whether it is one that marks. */
struct shape {
	size_t n, width;
	bool one_marked;
};

static struct shape shape_of(const struct tn_value *answer)
{
	struct shape s = { 0 };

	for (size_t i = 0; i < tn_size(answer); i++) {
		const char *key = tn_key(answer, i);

		if (!tn_is_head_answer(key))
			continue;
		s.n++;
		if (strlen(key) > s.width)
			s.width = strlen(key);
		s.one_marked = s.n == 1 && tn_is_span_list(tn_at(answer, i));
	}
	return s;
}

int tn_put_text(FILE *out, const struct tn_writer *w, const struct tn_value *answer,
	struct tn_call *call)
{
	static const struct print colours = { NULL, "\033[1m", "\033[36m", "\033[2m", "\033[0m" };
	struct print p = { NULL, "", "", "", "" };
	const char *text = tn_string(tn_get(answer, "text"), "");
	size_t len = tn_string_length(tn_get(answer, "text"));
	struct shape shape = shape_of(answer);
	int status = 0;

	if (w->colour)
		p = colours;
	p.out = out;
	if (w->started && !shape.one_marked)
		putc('\n', out);
	if (tn_bool(tn_get(answer, "truncated"), false))
		fprintf(out, "%s(truncated)%s ", p.faint, p.plain);
	if (!shape.one_marked) {
		put_safe(&p, text, len);
		putc('\n', out);
	}
	for (size_t i = 0; i < tn_size(answer) && !status; i++) {
		const char *key = tn_key(answer, i);
		const struct tn_value *v = tn_at(answer, i);

		if (!tn_is_head_answer(key))
			continue;
		if (!shape.one_marked)
			fprintf(out, "  %s%-*s%s  ", p.faint, (int)shape.width, key, p.plain);
		status = tn_is_span_list(v) ? put_marked(&p, text, len, v, call) :
			put_rows(&p, v, call);
	}
	return status;
}
