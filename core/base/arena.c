/* SPDX-License-Identifier: Apache-2.0
 * core/base/arena.c - memory that is given back in one piece.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/call.h>

#define ALIGN 64
#define FIRST_BLOCK 4096

/* A block; its memory follows, aligned.  Newest first. */
struct block {
	struct block *older;
	size_t size, used;
	char *memory;
};

struct tn_arena {
	struct block *newest;
};

static struct block *block_create(size_t size)
{
	struct block *b;

	if (size > SIZE_MAX - sizeof(*b) - ALIGN)
		return NULL;
	b = malloc(sizeof(*b) + size + ALIGN);
	if (!b)
		return NULL;
	b->older = NULL;
	b->size = size;
	b->used = 0;
	b->memory = (char *)(((uintptr_t)(b + 1) + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1));
	return b;
}

struct tn_arena *tn_arena_create(void)
{
	return calloc(1, sizeof(struct tn_arena));
}

static void free_from(struct block *b)
{
	while (b) {
		struct block *older = b->older;

		free(b);
		b = older;
	}
}

void tn_arena_destroy(struct tn_arena *arena)
{
	if (!arena)
		return;
	free_from(arena->newest);
	free(arena);
}

void tn_arena_reset(struct tn_arena *arena)
{
	struct block *largest = arena->newest, *b, *older;

	for (b = arena->newest; b; b = b->older)
		if (b->size > largest->size)
			largest = b;
	for (b = arena->newest; b; b = older) {
		older = b->older;
		if (b != largest)
			free(b);
	}
	arena->newest = largest;
	if (largest) {
		largest->older = NULL;
		largest->used = 0;
	}
}

void *tn_arena_alloc(struct tn_arena *arena, size_t bytes)
{
	struct block *b = arena->newest;
	void *memory;

	if (bytes > SIZE_MAX / 2)
		return NULL;
	bytes = bytes ? (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1) : ALIGN;
	if (!b || b->size - b->used < bytes) {
		size_t size = b ? b->size * 2 : FIRST_BLOCK;

		b = block_create(size > bytes ? size : bytes);
		if (!b && size > bytes)
			b = block_create(bytes);
		if (!b)
			return NULL;
		b->older = arena->newest;
		arena->newest = b;
	}
	memory = b->memory + b->used;
	b->used += bytes;
	return memset(memory, 0, bytes);
}

char *tn_arena_dup(struct tn_arena *arena, const char *text, size_t len)
{
	char *copy = len < SIZE_MAX ? tn_arena_alloc(arena, len + 1) : NULL;

	if (copy && len)
		memcpy(copy, text, len);
	return copy;
}

size_t tn_arena_bytes(const struct tn_arena *arena)
{
	size_t bytes = 0;

	for (const struct block *b = arena->newest; b; b = b->older)
		bytes += b->size;
	return bytes;
}

struct tn_mark tn_arena_mark(const struct tn_arena *arena)
{
	struct block *b = arena->newest;

	return (struct tn_mark){ .block = b, .used = b ? b->used : 0 };
}

void tn_arena_rewind(struct tn_arena *arena, struct tn_mark mark)
{
	struct block *keep = NULL;

	/* The newest block is the largest: keep it for what comes next. */
	if (arena->newest != mark.block && !mark.block) {
		keep = arena->newest;
		free_from(keep->older);
		keep->older = NULL;
		keep->used = 0;
		return;
	}
	while (arena->newest != mark.block) {
		struct block *b = arena->newest;

		arena->newest = b->older;
		free(b);
	}
	if (mark.block)
		((struct block *)mark.block)->used = mark.used;
}
