/* SPDX-License-Identifier: Apache-2.0
 * tests/tokenizers/recorded.h - a tokenizer against recorded tokens (tests/golden/).
 */
#ifndef TEST_RECORDED_H
#define TEST_RECORDED_H

#include "tokenizers/tokenizer.h"

#include "check_main.h"

static inline char *recorded_path(const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/tests/golden/%s", getenv("top_srcdir"), name);
	return path;
}

/** Opens a directory with a plugin ("unigram"); errors stay in `call`. */
static inline int recorded_open(struct tokenizer *t, const char *plugin, const char *dir,
	struct tn_call *call)
{
	char so[PATH_MAX];

	memset(t, 0, sizeof(*t));
	snprintf(so, sizeof(so), "%s/plugins/.libs/tokenizer-%s.so", getenv("top_builddir"),
		plugin);
	return tokenizer_open(t, so, dir, call);
}

/** Opens tests/golden/NAME, which must be without error. */
static inline void recorded_open_golden(struct tokenizer *t, const char *plugin, const char *name,
	struct tn_call *call)
{
	char path[PATH_MAX];

	recorded_open(t, plugin, recorded_path(name, path), call);
	ck_assert_str_eq(tn_error_text(call), "");
}

static inline uint32_t recorded_hash(const struct tn_tokens *tokens)
{
	uint32_t h = 0x811c9dc5;

	for (size_t i = 0; i < tokens->n; i++) {
		const struct tn_token *t = &tokens->items[i];
		uint32_t row[4] = { (uint32_t)t->id, (uint32_t)t->word, t->begin, t->end };

		for (int k = 0; k < 16; k++)
			h = (h ^ (row[k / 4] >> k % 4 * 8 & 255)) * 0x01000193;
	}
	return h;
}

/** Each line of a text against the hashes of its tokens; returns the number of lines. */
static inline size_t recorded_check_lines(const struct tokenizer *t, const char *text_name,
	const char *hash_name)
{
	struct tn_call *call = tn_call_create();
	char path[PATH_MAX], *line = NULL, recorded[16];
	FILE *text = fopen(recorded_path(text_name, path), "rb");
	FILE *hashes = fopen(recorded_path(hash_name, path), "r");
	size_t size = 0, n = 0;
	ssize_t len;

	ck_assert(text && hashes);
	for (; (len = getline(&line, &size, text)) > 0; n++) {
		struct tn_tokens out = { 0 };

		tn_call_reset(call);
		ck_assert_ptr_nonnull(fgets(recorded, sizeof(recorded), hashes));
		if (*recorded == '-')
			continue;
		ck_assert_int_eq(t->impl->encode(t->self, (struct tn_text){ line, (size_t)len - 1 },
			&out, call), 0);
		ck_assert_msg(strtoul(recorded, NULL, 16) == recorded_hash(&out),
			"%s: line %zu: %.60s", hash_name, n + 1, line);
	}
	ck_assert_ptr_null(fgets(recorded, sizeof(recorded), hashes));
	fclose(text);
	fclose(hashes);
	free(line);
	tn_call_destroy(call);
	return n;
}

static inline struct tn_text recorded_from_hex(const char *hex, struct tn_call *call)
{
	size_t n = strlen(hex) / 2;
	char *text = tn_alloc(call, n + 1);

	for (size_t i = 0; i < n; i++) {
		unsigned byte;

		sscanf(hex + 2 * i, "%2x", &byte);
		text[i] = (char)byte;
	}
	return (struct tn_text){ text, n };
}

static inline void recorded_check_tokens(const struct tn_tokens *out,
	const struct tn_value *want, const char *name)
{
	ck_assert_msg(out->n == tn_size(want), "%s: %zu tokens, expected %zu", name, out->n,
		tn_size(want));
	for (size_t i = 0; i < out->n; i++) {
		const struct tn_token *t = &out->items[i];
		int64_t row[4] = { t->id, t->word, t->begin, t->end };

		for (size_t k = 0; k < 4; k++)
			ck_assert_msg(row[k] == tn_int(tn_at(tn_at(want, i), k), -2),
				"%s: token %zu", name, i);
	}
}

/** Splits at ASCII space as Python's bytes.split() does; words has room for all. */
static inline size_t recorded_split(struct tn_text text, struct tn_text *words)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len;) {
		size_t begin = i;

		while (i < text.len && !strchr(" \t\n\r\v\f", text.text[i] ? text.text[i] : 'x'))
			i++;
		if (i > begin)
			words[n++] = (struct tn_text){ text.text + begin, i - begin };
		i += i == begin;
	}
	return n;
}

static inline void recorded_write(const char *dir, const char *name, const char *text, size_t len)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "wb");
	ck_assert_ptr_nonnull(file);
	fwrite(text, 1, len, file);
	fclose(file);
}

/** Opens a directory with that one file, which is gone when this returns; errors stay in
 *  `call`. */
static inline void recorded_open_file(struct tokenizer *t, const char *plugin, const char *name,
	const char *text, size_t len, struct tn_call *call)
{
	char dir[] = "/tmp/tenon-tokenizer-XXXXXX", path[PATH_MAX];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	recorded_write(dir, name, text, len);
	recorded_open(t, plugin, dir, call);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	rmdir(dir);
}

/** The error of opening such a directory must hold `message`, or be none if that is NULL. */
static inline void recorded_check_file(const char *plugin, const char *name, const char *text,
	size_t len, const char *message)
{
	struct tn_call *call = tn_call_create();
	struct tokenizer t;

	recorded_open_file(&t, plugin, name, text, len, call);
	if (message)
		ck_assert_msg(tn_status(call) == TN_EDATA &&
			strstr(tn_error_text(call), message), "%s: %s", message,
			tn_error_text(call));
	else
		ck_assert_str_eq(tn_error_text(call), "");
	tokenizer_close(&t);
	tn_call_destroy(call);
}

/** Such a tokenizer.json makes these tokens of a text; a row is id, word, begin and end (bytes). */
static inline void recorded_check_rows(const char *plugin, const char *file, const char *text,
	const int32_t (*rows)[4], size_t n)
{
	struct tn_call *call = tn_call_create();
	struct tn_tokens out = { 0 };
	struct tokenizer t;

	recorded_open_file(&t, plugin, "tokenizer.json", file, strlen(file), call);
	ck_assert_str_eq(tn_error_text(call), "");
	ck_assert_int_eq(t.impl->encode(t.self, (struct tn_text){ text, strlen(text) }, &out,
		call), 0);
	ck_assert_uint_eq(out.n, n);
	for (size_t i = 0; i < out.n; i++) {
		const struct tn_token *k = &out.items[i];
		int32_t row[4] = { k->id, k->word, (int32_t)k->begin, (int32_t)k->end };

		ck_assert_msg(!memcmp(row, rows[i], sizeof(row)), "token %zu: %d %d %d %d", i,
			row[0], row[1], row[2], row[3]);
	}
	tokenizer_close(&t);
	tn_call_destroy(call);
}

#endif
