/* SPDX-License-Identifier: Apache-2.0
 * tests/backends/ways.h - the four ways in which the reference's tests run: in F32
 * and in F64, on dense and on strided rows.
 */
#ifndef TN_TESTS_WAYS_H
#define TN_TESTS_WAYS_H

#include <string.h>

#include "check_main.h"
#include "rig.h"

#define N_WAYS 4

/* The rig of the test; one test runs in a process at a time. */
static inline struct rig *open_way(int way)
{
	static struct rig rig;

	memset(&rig, 0, sizeof(rig));
	rig.dtype = way & 1 ? TN_F64 : TN_F32;
	rig.pad = way & 2 ? 5 : 0;
	rig_open(&rig, "reference");
	return &rig;
}

/** Adds a test that runs n times, told by _i. */
#define ADD_TIMES(suite, test, n)						\
	do {									\
		TCase *case_ = tcase_create(#test);				\
		tcase_set_timeout(case_, 120);					\
		tcase_add_loop_test(case_, test, 0, n);				\
		suite_add_tcase(suite, case_);					\
	} while (0)
/** Adds a test that opens way _i. */
#define ADD_WAYS(suite, test) ADD_TIMES(suite, test, N_WAYS)

#define EXPECT(rig, o, ...)							\
	do {									\
		const double values_[] = { __VA_ARGS__ };			\
		rig_expect(rig, o, values_, sizeof(values_) / sizeof(double));	\
	} while (0)
#define IN(rig, d0, d1, d2, ...) rig_in(rig, (const double[]){ __VA_ARGS__ }, d0, d1, d2)
#define INDEX(rig, n, ...) rig_index(rig, (const int32_t[]){ __VA_ARGS__ }, n)

#endif
