/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/decoder.c - the steps of decoders.
 * Source: Hugging Face tokenizers 0.22.2, decoders/.
 */
#include "decoder.h"

#include <string.h>

#include "normalizer.h"
#include "unicode/unicode.h"

#define MAX_STEPS 32
#define MAX_DEPTH 8

struct pieces {
	struct tn_text *items;
	size_t n;
	struct tn_call *call;
};

static size_t total(const struct pieces *p)
{
	size_t len = 0;

	for (size_t i = 0; i < p->n; i++)
		len += p->items[i].len;
	return len;
}

static void append(char *to, size_t *len, const char *from, size_t n)
{
	if (n)
		memcpy(to + *len, from, n);
	*len += n;
}

/* Becomes one piece. */
static int fuse(struct pieces *p)
{
	char *text = tn_alloc(p->call, total(p) + 1);
	size_t len = 0;

	if (!text)
		return TN_ENOMEM;
	for (size_t i = 0; i < p->n; i++)
		append(text, &len, p->items[i].text, p->items[i].len);
	p->items[0] = (struct tn_text){ text, len };
	p->n = 1;
	return 0;
}

/* The bytes that a piece spells, or (a character stands for none) the piece itself. */
static size_t unspell(struct tn_text piece, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < piece.len;) {
		uint32_t c;
		int byte;

		i += tok_decode(piece.text + i, piece.len - i, &c);
		byte = tok_char_byte(c);
		if (byte < 0) {
			memcpy(to, piece.text, piece.len);
			return piece.len;
		}
		to[n++] = (char)byte;
	}
	return n;
}

/* U+FFFD for each maximal bad part. */
static int byte_level(struct pieces *p)
{
	size_t bytes = total(p), n = 0, len = 0;
	char *raw = tn_alloc(p->call, bytes + 1), *text = tn_alloc_n(p->call, bytes + 1, 3);

	if (!raw || !text)
		return TN_ENOMEM;
	for (size_t i = 0; i < p->n; i++)
		n += unspell(p->items[i], raw + n);
	for (size_t i = 0; i < n;) {
		uint32_t c;

		i += tok_decode(raw + i, n - i, &c);
		len += tok_encode(c, text + len);
	}
	p->items[0] = (struct tn_text){ text, len };
	p->n = 1;
	return 0;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
		c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte of <0xXX>, or -1.  Rust's from_str_radix takes a plus sign. */
static int fallback_byte(struct tn_text piece)
{
	int high, low;

	if (piece.len != 6 || memcmp(piece.text, "<0x", 3) || piece.text[5] != '>')
		return -1;
	high = piece.text[3] == '+' ? 0 : hex(piece.text[3]);
	low = hex(piece.text[4]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool is_utf8(const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t c;
		unsigned width = tok_decode(text + i, len - i, &c);

		if (c == TOK_REPLACEMENT && (width < 3 || memcmp(text + i, "\xef\xbf\xbd", 3)))
			return false;
		i += width;
	}
	return true;
}

/* Bytes in a row become their characters, or one U+FFFD for each. */
static int byte_fallback(struct pieces *p)
{
	char *text = tn_alloc_n(p->call, p->n + 1, 3);
	size_t kept = 0;

	if (!text)
		return TN_ENOMEM;
	for (size_t i = 0; i < p->n;) {
		size_t n = 0, len = 0;

		for (; i + n < p->n && fallback_byte(p->items[i + n]) >= 0; n++)
			text[n] = (char)fallback_byte(p->items[i + n]);
		if (!n) {
			p->items[kept++] = p->items[i++];
			continue;
		}
		i += n;
		if (is_utf8(text, n)) {
			p->items[kept++] = (struct tn_text){ text, n };
			text += n;
			continue;
		}
		for (; n; n--, len += 3)
			p->items[kept++] = (struct tn_text){ memcpy(text + len, "\xef\xbf\xbd", 3),
				3 };
		text += len;
	}
	p->n = kept;
	return 0;
}

/* Replaces all that a pattern finds in one piece. */
static int replace_in(struct tn_text *piece, const struct tok_pattern *pattern, struct tn_text by,
	struct tn_call *call)
{
	size_t n = 0, kept = 0, len = 0, begin, end;
	char *text;

	for (size_t at = 0; tok_pattern_find(pattern, piece->text, piece->len, at, &begin, &end);
		at = end)
		n++;
	if (!n)
		return 0;
	text = tn_alloc(call, piece->len + n * by.len + 1);
	if (!text)
		return TN_ENOMEM;
	while (tok_pattern_find(pattern, piece->text, piece->len, kept, &begin, &end)) {
		append(text, &len, piece->text + kept, begin - kept);
		append(text, &len, by.text, by.len);
		kept = end;
	}
	append(text, &len, piece->text + kept, piece->len - kept);
	*piece = (struct tn_text){ text, len };
	return 0;
}

static int replace(const struct tok_decoder_step *step, struct pieces *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->n && !rc; i++)
		rc = replace_in(&p->items[i], &step->pattern, step->text, p->call);
	return rc;
}

static int metaspace(const struct tok_decoder_step *step, struct pieces *p)
{
	const struct tok_pattern mark = { .kind = TOK_PATTERN_TEXT, .text = step->text };
	int rc = 0;

	for (size_t i = 0; i < p->n && !rc; i++)
		rc = replace_in(&p->items[i], &mark,
			(struct tn_text){ " ", i || !step->drops }, p->call);
	return rc;
}

/* The suffix becomes a space, at the end nothing. */
static int join_words(const struct tok_decoder_step *step, struct pieces *p)
{
	const struct tok_pattern suffix = { .kind = TOK_PATTERN_TEXT, .text = step->text };
	int rc = 0;

	for (size_t i = 0; i < p->n && step->text.len && !rc; i++)
		rc = replace_in(&p->items[i], &suffix,
			(struct tn_text){ " ", i + 1 < p->n }, p->call);
	return rc;
}

static void strip(const struct tok_decoder_step *step, struct pieces *p)
{
	struct tn_text c = step->text;

	for (size_t i = 0; i < p->n; i++) {
		struct tn_text *piece = &p->items[i];

		for (size_t n = 0; n < step->start && piece->len >= c.len &&
			!memcmp(piece->text, c.text, c.len); n++) {
			piece->text += c.len;
			piece->len -= c.len;
		}
		for (size_t n = 0; n < step->stop && piece->len >= c.len &&
			!memcmp(piece->text + piece->len - c.len, c.text, c.len); n++)
			piece->len -= c.len;
	}
}

/* Pieces begin with a space, but for the first and those with the prefix, which goes. */
static int word_piece(const struct tok_decoder_step *step, struct pieces *p)
{
	char *text = tn_alloc(p->call, total(p) + p->n + 1);
	struct tn_text prefix = step->text;

	if (!text)
		return TN_ENOMEM;
	for (size_t i = 0; i < p->n; i++) {
		struct tn_text piece = p->items[i];
		bool joins = piece.len >= prefix.len &&
			(!prefix.len || !memcmp(piece.text, prefix.text, prefix.len));
		size_t len = 0, from = i && joins ? prefix.len : 0;

		if (i && !joins)
			text[len++] = ' ';
		append(text, &len, piece.text + from, piece.len - from);
		if (step->cleanup)
			len = tok_cleanup(text, len);
		p->items[i] = (struct tn_text){ text, len };
		text += len;
	}
	return 0;
}

/* Equal pieces in a row are one. */
static void drop_repeated(struct pieces *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++)
		if (!kept || p->items[kept - 1].len != p->items[i].len ||
			memcmp(p->items[kept - 1].text, p->items[i].text, p->items[i].len))
			p->items[kept++] = p->items[i];
	p->n = kept;
}

static int ctc(const struct tok_decoder_step *step, struct pieces *p)
{
	const struct tok_pattern pad = { .kind = TOK_PATTERN_TEXT, .text = step->text };
	const struct tok_pattern space = { .kind = TOK_PATTERN_TEXT, .text = step->space };
	size_t kept = 0;

	drop_repeated(p);
	for (size_t i = 0; i < p->n; i++) {
		struct tn_text piece = p->items[i];
		char *text;

		if (replace_in(&piece, &pad, (struct tn_text){ NULL, 0 }, p->call))
			return TN_ENOMEM;
		if (step->cleanup) {
			text = tn_alloc(p->call, piece.len + 1);
			if (!text)
				return TN_ENOMEM;
			memcpy(text, piece.text, piece.len);
			piece = (struct tn_text){ text, tok_cleanup(text, piece.len) };
			if (replace_in(&piece, &space, (struct tn_text){ " ", 1 }, p->call))
				return TN_ENOMEM;
		}
		if (piece.len)
			p->items[kept++] = piece;
	}
	p->n = kept;
	return 0;
}

static int run_step(const struct tok_decoder_step *step, struct pieces *p)
{
	switch (step->kind) {
	case TOK_DECODE_BYTE_LEVEL:
		return byte_level(p);
	case TOK_DECODE_BYTE_FALLBACK:
		return byte_fallback(p);
	case TOK_DECODE_METASPACE:
		return metaspace(step, p);
	case TOK_DECODE_FUSE:
		return fuse(p);
	case TOK_DECODE_STRIP:
		strip(step, p);
		return 0;
	case TOK_DECODE_REPLACE:
		return replace(step, p);
	case TOK_DECODE_BPE:
		return join_words(step, p);
	case TOK_DECODE_WORD_PIECE:
		return word_piece(step, p);
	case TOK_DECODE_CTC:
		return ctc(step, p);
	}
	return 0;
}

static int join(struct pieces *p, const char *between, struct tn_text *out)
{
	size_t len = 0;
	char *text = tn_alloc(p->call, total(p) + p->n + 1);

	if (!text)
		return TN_ENOMEM;
	for (size_t i = 0; i < p->n; i++) {
		if (i)
			append(text, &len, between, strlen(between));
		append(text, &len, p->items[i].text, p->items[i].len);
	}
	text[len] = '\0';
	*out = (struct tn_text){ text, len };
	return 0;
}

int tok_decoder_run(const struct tok_decoder *d, struct tn_text *items, size_t n,
	struct tn_text *out, struct tn_call *call)
{
	struct pieces p = { items, n, call };

	for (size_t i = 0; i < d->n && p.n; i++)
		if (run_step(&d->steps[i], &p))
			return TN_ENOMEM;
	return join(&p, d->any ? "" : " ", out);
}

int tok_decoder_ids(const struct tok_decoder *d, const struct tok_vocab *vocab,
	const struct tok_added *added, const int32_t *ids, size_t n, bool skip,
	struct tn_text *out, struct tn_call *call)
{
	struct tn_text *pieces = tn_alloc_n(call, n + 1, sizeof(*pieces));
	size_t kept = 0;

	if (!pieces)
		return TN_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct tn_text piece = tok_vocab_piece(vocab, ids[i]);

		if (piece.text && !(skip && tok_added_special(added, ids[i])))
			pieces[kept++] = piece;
	}
	return tok_decoder_run(d, pieces, kept, out, call);
}

/* --- reading --- */

static int unknown(const char *path, const char *type, struct tn_call *call)
{
	return tn_fail(call, TN_EDATA, "%s: decoder: type %s is not known; known are BPEDecoder, "
		"ByteFallback, ByteLevel, CTC, Fuse, Metaspace, Replace, Sequence, Strip and "
		"WordPiece", path,
		*type ? tn_quote(call, type, strlen(type)) : "(none)");
}

static struct tn_text text_of(const struct tn_value *v, const char *key, const char *otherwise)
{
	const struct tn_value *text = tn_get(v, key);

	if (!tn_string(text, NULL))
		return (struct tn_text){ otherwise, strlen(otherwise) };
	return (struct tn_text){ tn_string(text, NULL), tn_string_length(text) };
}

static size_t count_of(const struct tn_value *v, const char *key)
{
	int64_t n = tn_int(tn_get(v, key), 0);

	return n > 0 ? (size_t)n : 0;
}

static int read_step(struct tok_decoder_step *step, const struct tn_value *v, const char *type,
	const char *path, struct tn_call *call)
{
	const char *what = tn_printf(call, "%s: decoder", path);

	if (!what)
		return TN_ENOMEM;
	if (!strcmp(type, "ByteLevel")) {
		step->kind = TOK_DECODE_BYTE_LEVEL;
	} else if (!strcmp(type, "ByteFallback")) {
		step->kind = TOK_DECODE_BYTE_FALLBACK;
	} else if (!strcmp(type, "Metaspace")) {
		step->kind = TOK_DECODE_METASPACE;
		step->text = text_of(v, "replacement", "\xe2\x96\x81");
		step->drops = tn_bool(tn_get(v, "add_prefix_space"), true) &&
			strcmp(tn_string(tn_get(v, "prepend_scheme"), "always"), "never");
	} else if (!strcmp(type, "Fuse")) {
		step->kind = TOK_DECODE_FUSE;
	} else if (!strcmp(type, "Strip")) {
		step->kind = TOK_DECODE_STRIP;
		step->text = text_of(v, "content", " ");
		step->start = count_of(v, "start");
		step->stop = count_of(v, "stop");
	} else if (!strcmp(type, "Replace")) {
		step->kind = TOK_DECODE_REPLACE;
		step->text = text_of(v, "content", "");
		return tok_pattern_read(&step->pattern, tn_get(v, "pattern"), what, call);
	} else if (!strcmp(type, "BPEDecoder")) {
		step->kind = TOK_DECODE_BPE;
		step->text = text_of(v, "suffix", "</w>");
	} else if (!strcmp(type, "WordPiece")) {
		step->kind = TOK_DECODE_WORD_PIECE;
		step->text = text_of(v, "prefix", "##");
		step->cleanup = tn_bool(tn_get(v, "cleanup"), true);
	} else if (!strcmp(type, "CTC")) {
		step->kind = TOK_DECODE_CTC;
		step->text = text_of(v, "pad_token", "<pad>");
		step->space = text_of(v, "word_delimiter_token", "|");
		step->cleanup = tn_bool(tn_get(v, "cleanup"), true);
	} else {
		return unknown(path, type, call);
	}
	if ((step->kind == TOK_DECODE_METASPACE || step->kind == TOK_DECODE_STRIP ||
		step->kind == TOK_DECODE_CTC) && (!step->text.len ||
		(step->kind == TOK_DECODE_CTC && !step->space.len)))
		return tn_fail(call, TN_EDATA, "%s: a %s of no character", what, type);
	return 0;
}

static int read_steps(struct tok_decoder *d, const struct tn_value *v, const char *path,
	int depth, struct tn_call *call)
{
	const char *type = tn_string(tn_get(v, "type"), "");
	const struct tn_value *items = tn_get(v, "decoders");
	int rc = 0;

	if (depth > MAX_DEPTH || d->n == MAX_STEPS)
		return tn_fail(call, TN_EDATA, "%s: decoder: more than %d steps, or Sequences in one "
			"another %d deep", path, MAX_STEPS, MAX_DEPTH);
	if (strcmp(type, "Sequence"))
		return read_step(&d->steps[d->n++], v, type, path, call);
	for (size_t i = 0; i < tn_size(items) && !rc; i++)
		rc = read_steps(d, tn_at(items, i), path, depth + 1, call);
	return rc;
}

int tok_decoder_word_piece(struct tok_decoder *d, struct tn_text prefix, struct tn_arena *arena,
	struct tn_call *call)
{
	struct tok_decoder_step *step = tn_arena_alloc(arena, sizeof(*step));

	if (!step)
		return tn_fail(call, TN_ENOMEM, "memory ran out for decoders");
	*step = (struct tok_decoder_step){ .kind = TOK_DECODE_WORD_PIECE, .text = prefix,
		.cleanup = true };
	*d = (struct tok_decoder){ step, 1, true };
	return 0;
}

int tok_decoder_read(struct tok_decoder *d, const struct tn_value *v, const char *path,
	struct tn_arena *arena, struct tn_call *call)
{
	*d = (struct tok_decoder){ .any = tn_value_kind(v) != TN_VALUE_NULL };
	if (!d->any)
		return 0;
	d->steps = tn_arena_alloc(arena, MAX_STEPS * sizeof(*d->steps));
	if (!d->steps)
		return tn_fail(call, TN_ENOMEM, "memory ran out for decoders");
	return read_steps(d, v, path, 0, call);
}
