/* SPDX-License-Identifier: Apache-2.0
 * core/base/config_include.c - the files of a configuration.
 */
#include <string.h>
#include <sys/stat.h>

#include "base/config.h"
#include "base/config_scan.h"
#include "base/file.h"
#include "base/utf8.h"

/* The file `name` as the current source sees it, in the arena. */
static const char *resolve(struct tn_config_scan *s, const char *name)
{
	const char *directory = name[0] == '/' ? "" : s->source->directory;
	size_t n = strlen(directory), len = strlen(name);
	char *path = tn_arena_alloc(s->arena, n + len + 1);

	if (path) {
		memcpy(path, directory, n);
		memcpy(path + n, name, len);
	}
	return path;
}

/* The directory of a path with its slash, in the arena. */
static const char *directory_of(struct tn_config_scan *s, const char *path)
{
	const char *slash = strrchr(path, '/');

	return tn_arena_dup(s->arena, path, slash ? (size_t)(slash - path) + 1 : 0);
}

/* Bytes that may stand in no configuration. */
static void check_bytes(struct tn_config_scan *s)
{
	struct tn_config_source *f = s->source;
	size_t bad = tn_utf8_valid(f->text, f->len);
	const char *nul = memchr(f->text, '\0', bad);

	if (nul)
		bad = (size_t)(nul - f->text);
	if (bad == f->len)
		return;
	for (f->at = 0; f->at < bad; f->at++) {
		if (f->text[f->at] == '\n') {
			f->line++;
			f->line_start = f->at + 1;
		}
	}
	if (nul)
		TN_LOST(s, tn_config_here(s), "a NUL byte stands here");
	else
		TN_LOST(s, tn_config_here(s), "byte 0x%02x is not UTF-8",
			(unsigned)(unsigned char)f->text[bad]);
}

static void read_source(struct tn_config_scan *s, struct tn_config_source *f,
	struct tn_config_group *group)
{
	struct tn_config_source *includer = s->source;

	s->source = f;
	s->bytes += f->len;
	f->line = 1;
	if (f->len >= 3 && !memcmp(f->text, "\xef\xbb\xbf", 3))
		f->at = f->line_start = 3;	/* a byte order mark */
	check_bytes(s);
	tn_config_read_settings(s, group, NULL);
	s->source = includer;
}

/* Reads a file's bytes; the reason is in `reason` when there are none. */
static bool load(struct tn_config_scan *s, struct tn_config_source *f, struct tn_call *reason)
{
	struct stat st;

	f->text = tn_file_read(f->name, TN_CONFIG_MAX, &f->len, s->arena, reason);
	if (f->text && s->bytes + f->len > TN_CONFIG_MAX)
		tn_fail(reason, TN_ECONFIG, "%s: with this file the configuration has more "
			"%zu bytes", f->name, TN_CONFIG_MAX);
	if (!tn_status(reason) && !stat(f->name, &st)) {
		if (st.st_mode & S_IWOTH)
			tn_note(s->call, "%s: anybody may write to this file, which can name "
				"plugins to be loaded", f->name);
		f->device = (uint64_t)st.st_dev;
		f->inode = (uint64_t)st.st_ino;
	}
	f->directory = directory_of(s, f->name);
	if (!f->directory)
		tn_fail(reason, TN_ENOMEM, "out of memory");
	return !tn_status(reason);
}

static bool is_open(const struct tn_config_scan *s, const struct tn_config_source *file)
{
	for (const struct tn_config_source *f = s->source; f; f = f->includer)
		if (f->inode && f->inode == file->inode && f->device == file->device)
			return true;
	return false;
}

static void include(struct tn_config_scan *s, struct tn_config_group *group,
	struct tn_config_place at,
	const char *name)
{
	struct tn_config_source f = { .name = resolve(s, name), .includer = s->source,
		.depth = s->source->depth + 1 };
	struct tn_call *reason = tn_call_create();

	if (!f.name || !reason)
		tn_fail(s->call, TN_ENOMEM, "out of memory");
	else if (f.depth > TN_CONFIG_MAX_INCLUDES)
		tn_config_fault(s, at, "@include: more than %d files include each other",
			TN_CONFIG_MAX_INCLUDES);
	else if (++s->n_files > TN_CONFIG_MAX_FILES)
		TN_LOST(s, at, "@include: more than %d files are included", TN_CONFIG_MAX_FILES);
	else if (!load(s, &f, reason))
		tn_config_fault(s, at, "@include: %s", tn_error_text(reason));
	else if (is_open(s, &f))
		tn_config_fault(s, at, "@include: %s includes itself%s", f.name,
			f.depth > 1 ? " through other files" : "");
	else
		read_source(s, &f, group);
	tn_call_destroy(reason);
}

void tn_config_read_include(struct tn_config_scan *s, struct tn_config_group *group)
{
	struct tn_config_source *f = s->source;
	struct tn_config_place at = tn_config_here(s);
	size_t blank = f->line_start, len;
	const char *raw;

	while (f->text[blank] == ' ' || f->text[blank] == '\t')
		blank++;
	if (blank != f->at) {
		TN_LOST(s, at, "@include begins a line of its own");
		return;
	}
	if (f->len - f->at < 8 || memcmp(f->text + f->at, "@include", 8)) {
		TN_LOST(s, at, "expected a setting or @include \"FILE\", found %s",
			tn_config_found(s));
		return;
	}
	f->at += 8;
	while (f->at < f->len && (f->text[f->at] == ' ' || f->text[f->at] == '\t'))
		f->at++;
	if (f->at == f->len || f->text[f->at] != '"') {
		TN_LOST(s, tn_config_here(s), "expected a file in double quotes behind @include, "
			"found %s", tn_config_found(s));
		return;
	}
	raw = tn_config_read_string(s, &len);
	if (!raw)
		return;
	raw = tn_config_unescape(s, raw, len, &len);
	if (raw && !len)
		tn_config_fault(s, at, "@include names no file");
	else if (raw)
		include(s, group, at, raw);
	if (tn_config_peek(s) == ';') {
		tn_config_fault(s, tn_config_here(s), "no semicolon may stand behind @include");
		f->at++;
	}
}

void tn_config_check_file(struct tn_config_scan *s, const char *path)
{
	struct tn_config_source f = { .name = tn_arena_dup(s->arena, path, strlen(path)) };
	struct tn_call *reason = tn_call_create();
	struct tn_config_group group = { 0 };

	if (!f.name || !reason)
		tn_fail(s->call, TN_ENOMEM, "out of memory");
	else if (load(s, &f, reason))
		read_source(s, &f, &group);
	else
		tn_fault(s->call, tn_status(reason) == TN_EDATA ? TN_ECONFIG :
			(enum tn_error)tn_status(reason), "%s", tn_error_text(reason));
	tn_call_destroy(reason);
}

void tn_config_check_text(struct tn_config_scan *s, const char *text, size_t len,
	const char *name, const char *directory)
{
	size_t n = directory ? strlen(directory) : 0;
	struct tn_config_source f = { .text = text, .len = len,
		.name = tn_arena_dup(s->arena, name, strlen(name)) };
	char *begin = tn_arena_alloc(s->arena, n + 2);
	struct tn_config_group group = { 0 };

	if (!f.name || !begin) {
		tn_fail(s->call, TN_ENOMEM, "out of memory");
		return;
	}
	if (n) {
		memcpy(begin, directory, n);
		begin[n] = begin[n - 1] == '/' ? '\0' : '/';
	}
	f.directory = begin;
	if (len > TN_CONFIG_MAX)
		tn_fault(s->call, TN_ECONFIG, "%s: the text has %zu bytes, at most %zu are read",
			name, len, TN_CONFIG_MAX);
	else
		read_source(s, &f, &group);
}

