/* SPDX-License-Identifier: Apache-2.0
 * core/base/pages.c - large memory in huge pages, and blocks for packed weights cut from
 * it one behind the other.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <tenon/impl/backend.h>

#include "base/pages.h"

#define LINE 64

static size_t round_up(size_t bytes, size_t to)
{
	return bytes > SIZE_MAX - to ? 0 : (bytes + to - 1) / to * to;
}

#ifdef __SANITIZE_ADDRESS__	/* it guards the ends of what malloc gives */
#define REGION 0

void *tn_pages_alloc(size_t bytes)
{
	size_t size = round_up(bytes, LINE);
	void *found = size ? aligned_alloc(LINE, size) : NULL;

	return found ? memset(found, 0, size) : NULL;
}

void tn_pages_free(void *pages, size_t bytes)
{
	free(pages);
}
#else
#define REGION ((size_t)64 << 20)	/* addresses; memory comes as it is touched */

void *tn_pages_alloc(size_t bytes)
{
	size_t size = round_up(bytes, TN_HUGE_PAGE), front;
	char *found, *start;

	if (!size || size > SIZE_MAX - TN_HUGE_PAGE)
		return NULL;
	found = mmap(NULL, size + TN_HUGE_PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (found == MAP_FAILED)
		return NULL;
	front = -(uintptr_t)found % TN_HUGE_PAGE;
	start = found + front;
	if (front)
		munmap(found, front);
	munmap(start + size, TN_HUGE_PAGE - front);
	madvise(start, size, MADV_HUGEPAGE);
	return start;
}

void tn_pages_free(void *pages, size_t bytes)
{
	if (pages)
		munmap(pages, round_up(bytes, TN_HUGE_PAGE));
}
#endif

/* Blocks are cut from regions.  A region goes when its last block does; until then a block
 * that is given back is for who asks for as many bytes: weights that change are packed anew
 * in memory that is there. */
struct region {
	size_t size, used, blocks;
	struct header *free;		/* blocks that were given back */
	struct region *next;
};

/* Stands LINE bytes before each block. */
struct header {
	struct region *region;
	size_t size;
	struct header *next;		/* of those that are free */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct region *regions;
static struct region *current;		/* that the next block is cut from */

static void give_back(struct header *h)
{
	struct region *r = h->region, **at = &regions;

	h->next = r->free;
	r->free = h;
	if (--r->blocks)
		return;
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	if (r == current)
		current = NULL;
	tn_pages_free(r, r->size);
}

/* A free block of just that size, taken; or NULL. */
static struct header *take_free(size_t size)
{
	for (struct region *r = regions; r; r = r->next)
		for (struct header **at = &r->free; *at; at = &(*at)->next)
			if ((*at)->size == size) {
				struct header *h = *at;

				*at = h->next;
				r->blocks++;
				return h;
			}
	return NULL;
}

static struct region *region_with(size_t bytes)
{
	size_t size = bytes + LINE > REGION ? bytes + LINE : REGION;
	struct region *r = current;

	if (r && r->size - r->used >= bytes)
		return r;
	r = tn_pages_alloc(size);
	if (!r)
		return NULL;
	*r = (struct region){ .size = size, .used = LINE, .next = regions };
	regions = r;
	current = r;
	return r;
}

static struct header *cut_block(size_t size)
{
	struct region *r = region_with(size);
	struct header *h = r ? (struct header *)((char *)r + r->used) : NULL;

	if (!h)
		return NULL;
	h->region = r;
	h->size = size;
	r->used += size;
	r->blocks++;
	return h;
}

void *tn_pack_alloc(size_t bytes)
{
	size_t size = round_up(bytes, LINE) + LINE;
	struct header *h;

	if (!bytes || size <= LINE || size > SIZE_MAX - REGION)
		return NULL;
	pthread_mutex_lock(&lock);
	h = take_free(size);
	if (!h)
		h = cut_block(size);
	pthread_mutex_unlock(&lock);
	return h ? (char *)h + LINE : NULL;
}

void tn_pack_free(void *block)
{
	if (!block)
		return;
	pthread_mutex_lock(&lock);
	give_back((struct header *)((char *)block - LINE));
	pthread_mutex_unlock(&lock);
}
