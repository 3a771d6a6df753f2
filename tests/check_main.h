/* SPDX-License-Identifier: Apache-2.0
 * tests/check_main.h - the main function of a unit test program: runs a suite of
 * the Check library and prints TAP (CK_TAP_LOG_FILE_NAME=-).
 */
#ifndef TN_CHECK_MAIN_H
#define TN_CHECK_MAIN_H

#include <check.h>
#include <stdlib.h>

static inline int tn_check_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	if (!getenv("CK_TAP_LOG_FILE_NAME"))
		srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/** How often a test repeats itself: a tenth with the address sanitizer, which is slow. */
#ifdef __SANITIZE_ADDRESS__
#define TN_MANY(n) ((n) / 10)
#else
#define TN_MANY(n) (n)
#endif

/** Adds a test under its own name. */
#define TN_ADD(suite, test)						\
	do {								\
		TCase *case_ = tcase_create(#test);			\
		tcase_set_timeout(case_, 120);				\
		tcase_add_test(case_, test);				\
		suite_add_tcase(suite, case_);				\
	} while (0)

#endif
