/* SPDX-License-Identifier: Apache-2.0
 * tests/base/test_pages.c - large memory: aligned, apart from each other, given back.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <tenon/impl/backend.h>

#include "base/pages.h"
#include "check_main.h"

#define BLOCKS 200

static size_t block_bytes(size_t i)
{
	return i % 50 == 7 ? ((size_t)65 << 20) + i : 1 + i * i * 37;
}

/* Blocks of many sizes, each filled with its own byte, freed in another order. */
static void *fill_blocks(void *user)
{
	unsigned char *blocks[BLOCKS];
	const unsigned char first = *(const unsigned char *)user;
	intptr_t wrong = 0;

	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = tn_pack_alloc(block_bytes(i));
		wrong += !blocks[i] || (uintptr_t)blocks[i] % 64 != 0;
		memset(blocks[i], (int)(first + i), i % 50 == 7 ? 4096 : block_bytes(i));
	}
	for (size_t k = 0; k < BLOCKS; k++) {
		size_t i = k * 77 % BLOCKS, end = i % 50 == 7 ? 4095 : block_bytes(i) - 1;

		wrong += blocks[i][0] != (unsigned char)(first + i) ||
			blocks[i][end] != (unsigned char)(first + i);
		tn_pack_free(blocks[i]);
	}
	return (void *)wrong;
}

/* Address space of the process, in pages; and what of it is in memory. */
static size_t address_pages(size_t *resident)
{
	FILE *f = fopen("/proc/self/statm", "re");
	size_t pages = 0;

	ck_assert(f && fscanf(f, "%zu %zu", &pages, resident) == 2);
	fclose(f);
	return pages;
}

START_TEST(test_blocks)
{
	pthread_t threads[4];
	unsigned char first[4] = { 0, 50, 100, 150 };
	size_t before = 0, resident;

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 4; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, fill_blocks,
				&first[i]), 0);
		for (int i = 0; i < 4; i++) {
			void *wrong;

			pthread_join(threads[i], &wrong);
			ck_assert_ptr_null(wrong);
		}
		if (!round)	/* malloc's arenas of the threads stay */
			before = address_pages(&resident);
	}
#ifndef __SANITIZE_ADDRESS__
	ck_assert_uint_lt(address_pages(&resident), before + 8192);
#endif
	tn_pack_free(NULL);
}
END_TEST

/* Packing anew, time and again, beside a block that stays takes no more memory. */
START_TEST(test_blocks_are_used_again)
{
	const size_t bytes = 3 << 20;
	void *stays = tn_pack_alloc(100), *old = tn_pack_alloc(bytes);
	size_t before = 0, after;

	for (int i = 0; i < 15; i++) {
		void *fresh = tn_pack_alloc(bytes);

		ck_assert(stays && fresh && fresh != old);
		memset(fresh, 1, bytes);
		tn_pack_free(old);
		old = fresh;
		if (i == 2)
			address_pages(&before);
	}
	address_pages(&after);
#ifndef __SANITIZE_ADDRESS__
	ck_assert_uint_lt(after, before + 1024);
#endif
	tn_pack_free(old);
	tn_pack_free(stays);
}
END_TEST

START_TEST(test_pages)
{
	const size_t bytes = 5 * TN_HUGE_PAGE + 1;
	char *p = tn_pages_alloc(bytes);
	size_t set = 0;

	ck_assert_ptr_nonnull(p);
#ifndef __SANITIZE_ADDRESS__
	ck_assert_uint_eq((uintptr_t)p % TN_HUGE_PAGE, 0);
#endif
	for (size_t i = 0; i < bytes; i++)
		set += p[i] != 0;
	ck_assert_uint_eq(set, 0);
	memset(p, 1, bytes);
	tn_pages_free(p, bytes);
	tn_pages_free(NULL, 0);
}
END_TEST

START_TEST(test_too_much)
{
	ck_assert_ptr_null(tn_pack_alloc(0));
	ck_assert_ptr_null(tn_pack_alloc(SIZE_MAX));
	ck_assert_ptr_null(tn_pack_alloc(SIZE_MAX - 64));
	ck_assert_ptr_null(tn_pack_alloc(SIZE_MAX / 2));
	ck_assert_ptr_null(tn_pages_alloc(SIZE_MAX));
	ck_assert_ptr_null(tn_pages_alloc(SIZE_MAX - TN_HUGE_PAGE));
	ck_assert_ptr_null(tn_pages_alloc(0));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pages");

	setenv("CK_FORK", "no", 1);
	TN_ADD(s, test_blocks);
	TN_ADD(s, test_blocks_are_used_again);
	TN_ADD(s, test_pages);
	TN_ADD(s, test_too_much);
	return tn_check_main(s);
}
