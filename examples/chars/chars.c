/* SPDX-License-Identifier: Apache-2.0
 * examples/chars/chars.c - a tokenizer: each character is a token, as for models of Chinese and
 * Japanese that read characters.  vocab.txt has one on each line, special tokens among them; one
 * that it lacks is [UNK].  A model directory names it in its tokenizer.json:
 * {"model": {"type": "chars"}}.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/impl/tokenizer.h>

#define MOST_BYTES (16 << 20)	/* of vocab.txt */
#define BAD 0xfffdu		/* what stands for a part that is no UTF-8 */

struct entry {
	uint32_t character;
	int32_t id;
};

struct chars {
	struct tn_tokenizer base;
	struct tn_arena *arena;
	const char **pieces;		/* by id */
	struct entry *entries;		/* those of one character, sorted */
	size_t n, n_entries;
	struct tn_template_item single[3], pair[5];
	struct tn_tokenizer_info info;
};

/* The character that begins the text, len of at least 1; *used: its bytes.  A maximal bad part
 * counts as one U+FFFD (The Unicode Standard 15, section 3.9, table 3-8). */
static uint32_t next(const char *text, size_t len, size_t *used)
{
	const unsigned char *t = (const unsigned char *)text;
	size_t need = t[0] < 0x80 ? 0 : t[0] >= 0xc2 && t[0] < 0xe0 ? 1 : (t[0] & 0xf0) == 0xe0 ? 2 :
		t[0] >= 0xf0 && t[0] <= 0xf4 ? 3 : SIZE_MAX;
	unsigned low = t[0] == 0xe0 ? 0xa0 : t[0] == 0xf0 ? 0x90 : 0x80;
	unsigned high = t[0] == 0xed ? 0x9f : t[0] == 0xf4 ? 0x8f : 0xbf;
	uint32_t c = need == 0 ? t[0] : t[0] & (0x3fu >> (need & 3));

	*used = 1;
	if (need == SIZE_MAX)
		return BAD;
	for (; *used <= need; ++*used, low = 0x80, high = 0xbf) {
		if (*used == len || t[*used] < low || t[*used] > high)
			return BAD;
		c = c << 6 | (t[*used] & 0x3fu);
	}
	return c;
}

static int by_character(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->character > y->character) - (x->character < y->character);
}

/* --- opening --- */

static char *read_file(const char *path, struct tn_arena *arena, size_t *len, struct tn_call *call)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	long size = -1;

	if (f && !fseek(f, 0, SEEK_END))
		size = ftell(f);
	if (!f || size < 0)
		tn_fail(call, TN_EIO, "%s: %s", path, strerror(errno));
	else if (size == 0 || size > MOST_BYTES)
		tn_fail(call, TN_EDATA, "%s: %ld bytes, 1 to %d expected", path, size, MOST_BYTES);
	else if (!(text = tn_arena_alloc(arena, (size_t)size + 1)))
		tn_fail(call, TN_ENOMEM, "out of memory");
	else if (fseek(f, 0, SEEK_SET) || fread(text, 1, (size_t)size, f) != (size_t)size)
		tn_fail(call, TN_EIO, "%s: it cannot be read to its end", path);
	if (f)
		fclose(f);
	*len = size > 0 ? (size_t)size : 0;
	return tn_status(call) ? NULL : text;
}

static int32_t id_of(const struct chars *t, const char *piece)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->pieces[i], piece))
			return (int32_t)i;
	return -1;
}

/* Cuts the file into lines. */
static int read_lines(struct chars *t, char *text, size_t len, struct tn_call *call)
{
	size_t lines = 1, used, id = 0;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	t->pieces = tn_arena_alloc(t->arena, lines * sizeof(*t->pieces));
	t->entries = tn_arena_alloc(t->arena, lines * sizeof(*t->entries));
	if (!t->pieces || !t->entries)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (char *line = text, *end; *line; line = end, id++) {
		size_t n = strcspn(line, "\n");

		end = line + n + (line[n] == '\n');
		line[n] = '\0';
		t->pieces[id] = line;
		if (n && (next(line, n, &used), used) == n)
			t->entries[t->n_entries++] = (struct entry){ next(line, n, &used), (int32_t)id };
	}
	t->n = id;
	if (t->n_entries)
		qsort(t->entries, t->n_entries, sizeof(*t->entries), by_character);
	return 0;
}

static int chars_open(struct tn_tokenizer *self, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	struct chars *t = (struct chars *)self;
	size_t len;
	char *text;

	if (!files->vocab_txt)
		return tn_fail(call, TN_EDATA, "%s: no vocab.txt", files->directory);
	t->arena = tn_arena_create();
	if (!t->arena)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	text = read_file(files->vocab_txt, t->arena, &len, call);
	if (!text || read_lines(t, text, len, call))
		return tn_status(call);
	const int32_t cls = id_of(t, "[CLS]"), sep = id_of(t, "[SEP]");

	if (cls < 0 || sep < 0 || id_of(t, "[UNK]") < 0)
		return tn_fail(call, TN_EDATA, "%s: [CLS], [SEP] and [UNK] are not all there",
			files->vocab_txt);
	memcpy(t->single, (struct tn_template_item[]){ { cls, 0, 0 }, { -1, 0, 0 }, { sep, 0, 0 } },
		sizeof(t->single));
	memcpy(t->pair, (struct tn_template_item[]){ { cls, 0, 0 }, { -1, 0, 0 }, { sep, 0, 0 },
		{ -1, 1, 1 }, { sep, 0, 1 } }, sizeof(t->pair));
	t->info = (struct tn_tokenizer_info){ .vocab_size = t->n, .unk = id_of(t, "[UNK]"), .cls = cls,
		.sep = sep, .pad = id_of(t, "[PAD]"), .mask = id_of(t, "[MASK]"), .bos = -1, .eos = -1,
		.single = t->single, .n_single = 3, .pair = t->pair, .n_pair = 5 };
	return 0;
}

static void chars_close(struct tn_tokenizer *self)
{
	tn_arena_destroy(((struct chars *)self)->arena);
}

/* --- use --- */

/* A word is what stands between spaces, which are no tokens. */
static int chars_encode(const struct tn_tokenizer *self, struct tn_text text, struct tn_tokens *out,
	struct tn_call *call)
{
	const struct chars *t = (const struct chars *)self;
	bool inside = false;
	int32_t word = -1;
	size_t used;

	for (size_t i = 0; i < text.len; i += used) {
		struct entry key = { next(text.text + i, text.len - i, &used), t->info.unk };
		const struct entry *found;

		if (key.character == ' ' || (key.character >= '\t' && key.character <= '\r')) {
			inside = false;
			continue;
		}
		word += !inside;
		inside = true;
		found = bsearch(&key, t->entries, t->n_entries, sizeof(key), by_character);
		if (tn_tokens_push(out, (struct tn_token){ found ? found->id : t->info.unk, word,
				(uint32_t)i, (uint32_t)(i + used) }, call))
			return TN_ENOMEM;
	}
	return 0;
}

static const char *chars_piece(const struct tn_tokenizer *self, int32_t id)
{
	const struct chars *t = (const struct chars *)self;

	return id >= 0 && (size_t)id < t->n ? t->pieces[id] : NULL;
}

static const struct tn_tokenizer_info *chars_info(const struct tn_tokenizer *self)
{
	return &((const struct chars *)self)->info;
}

static const struct tn_tokenizer_impl chars_impl = {
	.open = chars_open, .encode = chars_encode, .piece = chars_piece, .info = chars_info,
	.close = chars_close,
};

TN_PLUGIN(chars, TN_TOKENIZER, "chars",
	.version = "0.1.0", .licence = "Apache-2.0", .about = "each character is a token",
	.state = sizeof(struct chars), .impl.tokenizer = &chars_impl);
