/* SPDX-License-Identifier: Apache-2.0
 * core/base/config_scan.h - the check of a configuration before libconfig reads it:
 * what config_include.c (files), config_check.c (grammar), config_scan.c (words) and
 * config.c (tree) share.
 *
 * The check makes two things: a text without comments and includes, in which every
 * literal is one that all versions of libconfig read the same way, and the place and
 * literal of each value in the order of the text.
 */
#ifndef TN_BASE_CONFIG_SCAN_H
#define TN_BASE_CONFIG_SCAN_H

#include <tenon/value.h>

#define TN_CONFIG_MAX_DEPTH 64		/* groups and lists in each other */
#define TN_CONFIG_MAX_INCLUDES 10	/* files in each other */
#define TN_CONFIG_MAX_FILES 256
#define TN_CONFIG_MAX_MEMBERS 4096	/* of one group: libconfig's search is quadratic */
#define TN_CONFIG_MAX_SETTINGS 32768
#define TN_CONFIG_MAX_ITEMS 65536	/* of one list: it grows by 16 */
#define TN_CONFIG_MAX_FAULTS 50

/** A value as the check found it. */
struct tn_config_item {
	enum tn_value_kind kind;
	const char *file;		/* in the arena */
	int line;
	int64_t number;			/* of an integer */
};

/** A place in a source.  The column is counted when a fault needs it: a file may be one
 *  line of a megabyte. */
struct tn_config_place {
	int line;
	size_t line_start, at;
};

/** One file, or one text. */
struct tn_config_source {
	const char *name;		/* in the arena */
	const char *directory;		/* where its includes begin, "" or ending in / */
	const char *text;
	size_t len, at;
	int line;			/* of `at` */
	size_t line_start;
	bool lost;			/* a fault after which nothing here can be trusted */
	int depth;			/* 0: not included */
	const struct tn_config_source *includer;
	uint64_t device, inode;		/* 0 for a text */
};

struct tn_config_scan {
	struct tn_arena *arena;
	struct tn_call *call;
	struct tn_config_source *source;	/* the one being read */
	const char *setting;		/* "--set a.b=VALUE": the place of all; else NULL */
	char *text;			/* what libconfig will read */
	size_t len, capacity;
	struct tn_config_item *items;
	size_t n_items, items_capacity;
	size_t bytes;			/* of all files so far */
	size_t n_files, n_settings, n_faults;
	bool out_of_range;		/* a number does not fit */
	int depth;
};

/** The settings of one group so far. */
struct tn_config_group {
	struct tn_config_name *names;
	size_t n;
};

/** What a word outside quotes is. */
enum tn_config_word {
	TN_WORD_NAME,			/* no value: quotes are missing */
	TN_WORD_BOOL,
	TN_WORD_INT,
	TN_WORD_REAL,
	TN_WORD_BAD_NUMBER		/* begins like a number */
};

/** A fault behind which the rest of a file makes no sense. */
#define TN_LOST(s, at, ...)						\
	do {								\
		tn_config_fault((s), (at), __VA_ARGS__);		\
		(s)->source->lost = true;				\
	} while (0)

/* --- config.c --- */

/** The value that a text is; NULL after an error, as it is when the text is not exactly
 *  one value.  *out_of_range: the error is that a number does not fit. */
struct tn_value *tn_config_parse_value(const char *text, const char *setting,
	struct tn_arena *arena, bool *out_of_range, struct tn_call *call);

/* --- config_include.c --- */

/** Checks a file and all that it includes.  Faults are recorded in the call. */
void tn_config_check_file(struct tn_config_scan *s, const char *path);
/** Checks a text: settings. */
void tn_config_check_text(struct tn_config_scan *s, const char *text, size_t len,
	const char *name, const char *directory);
/** Reads an @include line, the next byte being its @, and the settings of that file. */
void tn_config_read_include(struct tn_config_scan *s, struct tn_config_group *group);

/* --- config_check.c --- */

/** Reads the settings of a group up to its } (open: where its { stands) or of a file up to
 *  its end (open NULL). */
void tn_config_read_settings(struct tn_config_scan *s, struct tn_config_group *group,
	const struct tn_config_place *open);
/** What comes next, for a message; in the call's arena. */
const char *tn_config_found(struct tn_config_scan *s);
/** Checks a text that may be one value; false when it is not exactly one. */
bool tn_config_check_value(struct tn_config_scan *s, const char *value, size_t len);

/* --- config_scan.c --- */

/** The place of the next byte. */
struct tn_config_place tn_config_here(const struct tn_config_scan *s);
/** A fault at a place of the current source. */
void tn_config_fault(struct tn_config_scan *s, struct tn_config_place at, const char *format, ...)
	TN_PRINTF(3, 4);
/** Goes over white space and comments; the next byte, or -1 at the end. */
int tn_config_peek(struct tn_config_scan *s);
/** Reads a name: letters, digits, - _ *, beginning with a letter or *.  NULL when there
 *  is none. */
const char *tn_config_read_name(struct tn_config_scan *s);
/** Reads up to the next white space, comment or one of , ; = ( ) [ ] { } and a quote. */
enum tn_config_word tn_config_read_word(struct tn_config_scan *s, const char **word, size_t *len);
/** Reads a string in double quotes, which the next byte opens, and checks it; the raw
 *  text with its quotes, or NULL after a fault. */
const char *tn_config_read_string(struct tn_config_scan *s, size_t *len);
/** The bytes that a raw string stands for, in the arena; NULL when memory ran out. */
char *tn_config_unescape(struct tn_config_scan *s, const char *raw, size_t len, size_t *n);
/** Reads an integer literal; false when it does not fit 64 bits. */
bool tn_config_parse_int(const char *word, size_t len, int64_t *number);
/** Appends to the text for libconfig. */
void tn_config_put(struct tn_config_scan *s, const char *text, size_t len);
/** Appends a value's place; NULL when memory ran out. */
struct tn_config_item *tn_config_add_item(struct tn_config_scan *s, enum tn_value_kind kind,
	int line);
/** Frees what the scan holds outside of its arena. */
void tn_config_scan_finish(struct tn_config_scan *s);

#endif
