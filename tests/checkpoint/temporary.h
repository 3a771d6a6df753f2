/* SPDX-License-Identifier: Apache-2.0
 * tests/checkpoint/temporary.h - a directory of its own for each test.
 */
#ifndef TN_TEMPORARY_H
#define TN_TEMPORARY_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** The test's directory; each test runs in a process of its own. */
static char temporary_path[64];

static inline void temporary_make(void)
{
	strcpy(temporary_path, "/tmp/tenon-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(temporary_path));
}

static inline void temporary_remove(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", temporary_path);
	ck_assert_int_eq(system(command), 0);
}

/** A path in the directory, malloc'd. */
static inline char *temporary(const char *name)
{
	size_t room = strlen(temporary_path) + strlen(name) + 2;
	char *path = malloc(room);

	snprintf(path, room, "%s/%s", temporary_path, name);
	return path;
}

/** Writes a file of the directory; its folders are made. */
static inline void temporary_write(const char *name, const void *bytes, size_t n)
{
	char *path = temporary(name);
	FILE *f;

	for (char *p = path + strlen(temporary_path) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0777);
		*p = '/';
	}
	f = fopen(path, "wb");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
	free(path);
}

static inline void temporary_text(const char *name, const char *text)
{
	temporary_write(name, text, strlen(text));
}

/** Adds a test that has a directory of its own. */
#define TN_ADD_IN_TEMPORARY(suite, test)				\
	do {								\
		TCase *case_ = tcase_create(#test);			\
		tcase_set_timeout(case_, 120);				\
		tcase_add_checked_fixture(case_, temporary_make, temporary_remove); \
		tcase_add_test(case_, test);				\
		suite_add_tcase(suite, case_);				\
	} while (0)

#endif
