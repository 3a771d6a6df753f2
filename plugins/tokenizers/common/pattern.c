/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/pattern.c - matchers for the patterns of known tokenizers.
 */
#define _GNU_SOURCE	/* memmem */
#include "pattern.h"

#include <string.h>

#include "unicode/unicode.h"

#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define CL100K(n) "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" n \
	"| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
#define O200K_CAPITAL "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define O200K_SMALL "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define O200K "[^\\r\\n\\p{L}\\p{N}]?" O200K_CAPITAL "*" O200K_SMALL "+" CONTRACTION \
	"|[^\\r\\n\\p{L}\\p{N}]?" O200K_CAPITAL "+" O200K_SMALL "*" CONTRACTION "|\\p{N}{1,3}" \
	"| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define CLIP "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|" \
	"[^\\s\\p{L}\\p{N}]+"
#define NO_LIMIT SIZE_MAX

static const struct known {
	const char *regex;
	struct tok_pattern pattern;
} known[] = {
	{ GPT2, { .kind = TOK_PATTERN_GPT2 } },
	{ CL100K("\\p{N}{1,3}"), { .kind = TOK_PATTERN_CL100K, .digits = 3 } },
	{ CL100K("\\p{N}"), { .kind = TOK_PATTERN_CL100K, .digits = 1 } },
	{ O200K, { .kind = TOK_PATTERN_O200K } },
	{ CLIP, { .kind = TOK_PATTERN_CLIP } },
	{ "\\s+", { .kind = TOK_PATTERN_RUN, .flags = TOK_SPACE, .least = 1, .most = NO_LIMIT } },
	{ "\\s", { .kind = TOK_PATTERN_RUN, .flags = TOK_SPACE, .least = 1, .most = 1 } },
	{ "\\s{2,}", { .kind = TOK_PATTERN_RUN, .flags = TOK_SPACE, .least = 2,
		.most = NO_LIMIT } },
	{ " {2,}", { .kind = TOK_PATTERN_RUN, .least = 2, .most = NO_LIMIT, .text = { " ", 1 } } },
	{ " +", { .kind = TOK_PATTERN_RUN, .least = 1, .most = NO_LIMIT, .text = { " ", 1 } } },
	{ "\\n+", { .kind = TOK_PATTERN_RUN, .least = 1, .most = NO_LIMIT, .text = { "\n", 1 } } },
	{ "[\\r\\n]", { .kind = TOK_PATTERN_RUN, .least = 1, .most = 1, .text = { "\r\n", 2 } } },
	{ "[0-9]", { .kind = TOK_PATTERN_RUN, .least = 1, .most = 1,
		.text = { "0123456789", 10 } } },
	{ "[0-9][0-9][0-9]", { .kind = TOK_PATTERN_RUN, .least = 3, .most = 3,
		.text = { "0123456789", 10 } } },
	{ "\\p{N}", { .kind = TOK_PATTERN_RUN, .flags = TOK_NUMBER, .least = 1, .most = 1 } },
	{ "\\p{N}{1,3}", { .kind = TOK_PATTERN_RUN, .flags = TOK_NUMBER, .least = 1, .most = 3 } },
};

int tok_pattern_read(struct tok_pattern *p, const struct tn_value *v, const char *what,
	struct tn_call *call)
{
	const struct tn_value *string = tn_get(v, "String"), *regex = tn_get(v, "Regex");
	const char *text = tn_string(regex, NULL);

	*p = (struct tok_pattern){ .kind = TOK_PATTERN_TEXT };
	if (tn_string(string, NULL)) {
		p->text = (struct tn_text){ tn_string(string, NULL), tn_string_length(string) };
		return p->text.len ? 0 : tn_fail(call, TN_EDATA, "%s: an empty pattern", what);
	}
	if (!text)
		return tn_fail(call, TN_EDATA, "%s: a pattern is neither {\"String\": ...} nor "
			"{\"Regex\": ...}", what);
	p->text = (struct tn_text){ text, tn_string_length(regex) };
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (p->text.len != strlen(known[i].regex) || strcmp(text, known[i].regex))
			continue;
		*p = known[i].pattern;
		return 0;
	}
	if (p->text.len && !strpbrk(text, "\\^$.|?*+()[]{}") && p->text.len == strlen(text))
		return 0;
	return tn_fail(call, TN_EDATA, "%s: the regular expression %s is not among those that are "
		"known", what, tn_quote(call, text, p->text.len));
}

/* --- classes --- */

enum class { LETTER, NUMBER, SPACE, REST };

#define S SPACE
#define N NUMBER
#define L LETTER
#define R REST
static const uint8_t ascii[128] = {
	R, R, R, R, R, R, R, R, R, S, S, S, S, S, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R,
	S, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, N, N, N, N, N, N, N, N, N, N, R, R, R, R, R, R,
	R, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, R, R, R, R, R,
	R, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, R, R, R, R, R,
};
#undef S
#undef N
#undef L
#undef R

static enum class wide_class(const char *text, size_t len, unsigned *width)
{
	uint32_t c;
	unsigned flags;

	*width = tok_decode(text, len, &c);
	flags = tok_flags(c);
	return flags & TOK_LETTER ? LETTER : flags & TOK_NUMBER ? NUMBER :
		flags & TOK_SPACE ? SPACE : REST;
}

static inline enum class class_at(const char *text, size_t len, size_t at, unsigned *width)
{
	unsigned char c = (unsigned char)text[at];

	if (c >= 0x80)
		return wide_class(text + at, len - at, width);
	*width = 1;
	return ascii[c];
}

/* The end of the characters of a class from `at` on, at most `most`. */
static inline size_t run(const char *text, size_t len, size_t at, enum class class, size_t most)
{
	unsigned width;

	for (; at < len && most && class_at(text, len, at, &width) == class; most--)
		at += width;
	return at;
}

static inline size_t letters(const char *text, size_t len, size_t at)
{
	for (;;) {
		unsigned width;

		while (at < len && (unsigned char)((text[at] | 0x20) - 'a') < 26)
			at++;
		if (at == len || (unsigned char)text[at] < 0x80 ||
			class_at(text, len, at, &width) != LETTER)
			return at;
		at += width;
	}
}

/* 's, 't, 're, 've, 'm, 'll, 'd behind a quote: how many bytes, 0: none. */
static size_t contraction(const char *text, size_t len, bool fold)
{
	char a = len ? text[0] : 0, b = len > 1 ? text[1] : 0;

	if (fold && a >= 'A' && a <= 'Z')
		a = (char)(a | 0x20);
	if (fold && b >= 'A' && b <= 'Z')
		b = (char)(b | 0x20);
	if (a == 's' || a == 't' || a == 'm' || a == 'd')
		return 1;
	if ((b == 'e' && (a == 'r' || a == 'v')) || (a == 'l' && b == 'l'))
		return 2;
	/* U+017F, whose other case is s. */
	return fold && len > 1 && !memcmp(text, "\xc5\xbf", 2) ? 2 : 0;
}

/* \s+(?!\S)|\s+, and before it \s*[\r\n]+ when lines count. */
static size_t spaces(const char *text, size_t len, size_t at, bool lines)
{
	size_t end = at, last = at, line = 0;
	unsigned width;

	while (end < len && class_at(text, len, end, &width) == SPACE) {
		last = end;
		end += width;
		if (text[last] == '\n' || text[last] == '\r')
			line = end;
	}
	if (lines && line)
		return line;
	return end == len || last == at ? end : last;
}

static size_t next_gpt2(const char *text, size_t len, size_t at)
{
	size_t from = at, n;
	unsigned width;
	enum class class;

	if (text[at] == '\'' && (n = contraction(text + at + 1, len - at - 1, false)))
		return at + 1 + n;
	if (text[at] == ' ' && at + 1 < len)
		from++;
	class = class_at(text, len, from, &width);
	if (class == LETTER)
		return letters(text, len, from + width);
	return class == SPACE ? spaces(text, len, at, false) :
		run(text, len, from + width, class, NO_LIMIT);
}

static size_t next_cl100k(const char *text, size_t len, size_t at, unsigned digits)
{
	unsigned width, next;
	size_t n, end;
	enum class class = class_at(text, len, at, &width), second;

	if (class == LETTER)
		return letters(text, len, at + width);
	if (class == NUMBER)
		return run(text, len, at, NUMBER, digits);
	if (text[at] == '\'' && (n = contraction(text + at + 1, len - at - 1, true)))
		return at + 1 + n;
	end = at + width;
	second = end < len ? class_at(text, len, end, &next) : SPACE;
	if (second == LETTER && text[at] != '\r' && text[at] != '\n')
		return letters(text, len, end + next);
	if (class == SPACE && (text[at] != ' ' || second != REST))
		return spaces(text, len, at, true);
	end = run(text, len, end, REST, NO_LIMIT);
	while (end < len && (text[end] == '\r' || text[end] == '\n'))
		end++;
	return end;
}

/* The bits TOK_CAPITAL and TOK_SMALL of the character at `at`, 0 at the end. */
static inline unsigned case_at(const char *text, size_t len, size_t at, unsigned *width)
{
	unsigned char c = at < len ? (unsigned char)text[at] : 0;
	uint32_t code;

	*width = 1;
	if (c < 0x80)
		return (unsigned char)((c | 0x20) - 'a') >= 26 ? 0 : c & 0x20 ? TOK_SMALL :
			TOK_CAPITAL;
	*width = tok_decode(text + at, len - at, &code);
	return tok_flags(code) & (TOK_CAPITAL | TOK_SMALL);
}

static size_t small_letters(const char *text, size_t len, size_t at)
{
	unsigned width;

	while (case_at(text, len, at, &width) & TOK_SMALL)
		at += width;
	return at;
}

/* Capitals, then one small letter or more, 0: none.  What may be both is taken as a capital, and
 * given back where no small letter follows. */
static size_t small_word(const char *text, size_t len, size_t at)
{
	size_t last_small = 0;
	unsigned width, bits;

	while ((bits = case_at(text, len, at, &width)) & TOK_CAPITAL) {
		at += width;
		last_small = bits & TOK_SMALL ? at : last_small;
	}
	return bits & TOK_SMALL ? small_letters(text, len, at) : last_small;
}

/* Capitals, one or more; 0: none. */
static size_t capital_word(const char *text, size_t len, size_t at)
{
	size_t from = at;
	unsigned width;

	while (case_at(text, len, at, &width) & TOK_CAPITAL)
		at += width;
	return at > from ? small_letters(text, len, at) : 0;
}

static size_t next_o200k(const char *text, size_t len, size_t at)
{
	unsigned width;
	enum class class = class_at(text, len, at, &width);
	/* Any character but a line end may stand before letters; a mark may be one of them. */
	size_t from = class == LETTER ? at : at + width, end = 0;

	if (class == NUMBER)
		return run(text, len, at, NUMBER, 3);
	if (text[at] != '\r' && text[at] != '\n') {
		end = small_word(text, len, from);
		if (!end && from != at)
			end = small_word(text, len, at);
		if (!end)
			end = capital_word(text, len, from);
	}
	if (end)
		return end < len && text[end] == '\'' && (from = contraction(text + end + 1,
			len - end - 1, true)) ? end + 1 + from : end;
	from = at + (text[at] == ' ');
	if (from == len || class_at(text, len, from, &width) != REST)
		return spaces(text, len, at, true);
	end = run(text, len, from, REST, NO_LIMIT);
	while (end < len && (text[end] == '\r' || text[end] == '\n' || text[end] == '/'))
		end++;
	return end;
}

size_t tok_pattern_next(const struct tok_pattern *p, const char *text, size_t len, size_t at)
{
	return p->kind == TOK_PATTERN_GPT2 ? next_gpt2(text, len, at) :
		p->kind == TOK_PATTERN_O200K ? next_o200k(text, len, at) :
		next_cl100k(text, len, at, p->digits);
}

/* --- patterns with gaps --- */

static bool find_text(const struct tok_pattern *p, const char *text, size_t len, size_t at,
	size_t *begin, size_t *end)
{
	const char *found = memmem(text + at, len - at, p->text.text, p->text.len);

	if (!found)
		return false;
	*begin = (size_t)(found - text);
	*end = *begin + p->text.len;
	return true;
}

static bool in_run(const struct tok_pattern *p, const char *text, size_t len, size_t at,
	unsigned *width)
{
	uint32_t c;

	*width = tok_decode(text + at, len - at, &c);
	return p->flags ? tok_flags(c) & p->flags :
		c < 0x80 && memchr(p->text.text, (int)c, p->text.len);
}

static bool find_run(const struct tok_pattern *p, const char *text, size_t len, size_t at,
	size_t *begin, size_t *end)
{
	unsigned width;

	while (at < len) {
		size_t n = 0;

		for (*begin = at; at < len && n < p->most && in_run(p, text, len, at, &width); n++)
			at += width;
		*end = at;
		if (n >= p->least)
			return true;
		if (at < len && !in_run(p, text, len, at, &width))
			at += width;
	}
	return false;
}

static bool find_clip(const char *text, size_t len, size_t at, size_t *begin, size_t *end)
{
	static const char *const specials[] = { "<|startoftext|>", "<|endoftext|>" };
	unsigned width;
	enum class class = SPACE;
	size_t n;

	while (at < len && (class = class_at(text, len, at, &width)) == SPACE)
		at += width;
	if (at == len)
		return false;
	*begin = at;
	for (int i = 0; i < 2; i++) {
		n = strlen(specials[i]);
		*end = at + n;
		if (len - at >= n && !memcmp(text + at, specials[i], n))
			return true;
	}
	n = text[at] == '\'' ? contraction(text + at + 1, len - at - 1, false) : 0;
	*end = n ? at + 1 + n : run(text, len, at, class, class == NUMBER ? 1 : NO_LIMIT);
	return true;
}

bool tok_pattern_find(const struct tok_pattern *p, const char *text, size_t len, size_t at,
	size_t *begin, size_t *end)
{
	if (at >= len)
		return false;
	switch (p->kind) {
	case TOK_PATTERN_TEXT:
		return find_text(p, text, len, at, begin, end);
	case TOK_PATTERN_RUN:
		return find_run(p, text, len, at, begin, end);
	case TOK_PATTERN_CLIP:
		return find_clip(text, len, at, begin, end);
	default:
		*begin = at;
		*end = tok_pattern_next(p, text, len, at);
		return true;
	}
}
