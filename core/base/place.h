/* SPDX-License-Identifier: Apache-2.0
 * base/place.h - where a call last counted code points, so that spans of one text that rise
 * are counted in linear time.
 */
#ifndef BASE_PLACE_H
#define BASE_PLACE_H

#include <tenon/call.h>

/* The first `byte` bytes of `text` hold `chars` code points, and `byte` begins one.  All zero:
 * nothing is known. */
struct tn_place {
	const char *text;
	size_t byte, chars;
};

/* The place of this call.  Whoever changes what a text's address holds zeroes it; a reset of
 * the call does. */
struct tn_place *tn_call_place(struct tn_call *call);

#endif
