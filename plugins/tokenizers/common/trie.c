/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/trie.c - a double-array trie.
 */
#include "trie.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define AHEAD 16		/* sorted keys lie all over their file: they are fetched ahead */

static int compare_keys(const void *a, const void *b)
{
	const struct tok_key *x = a, *y = b;
	int c = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

	if (c)
		return c;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

/* A key with its first eight bytes as a number: what most keys differ in. */
struct headed {
	uint64_t head;
	struct tok_key key;
};

static uint64_t head_of(const struct tok_key *key)
{
	uint64_t head = 0;

	memcpy(&head, key->text, key->len < sizeof(head) ? key->len : sizeof(head));
	return be64toh(head);
}

/* Orders by heads, a byte at a time from the last to the first; equal ones keep their order.
 * The eight turns end where they began. */
static void sort_heads(struct headed *from, struct headed *to, size_t n)
{
	for (unsigned shift = 0; shift < 64; shift += 8) {
		size_t places[257] = { 0 };
		struct headed *other = to;

		for (size_t i = 0; i < n; i++)
			places[(from[i].head >> shift & 255) + 1]++;
		for (unsigned b = 1; b < 256; b++)
			places[b] += places[b - 1];
		for (size_t i = 0; i < n; i++)
			to[places[from[i].head >> shift & 255]++] = from[i];
		to = from;
		from = other;
	}
}

void tok_keys_sort(struct tok_key *keys, size_t n)
{
	struct headed *items = n > 1 ? tok_table_alloc(2 * n, sizeof(*items)) : NULL;

	if (!items) {
		if (n > 1)
			qsort(keys, n, sizeof(*keys), compare_keys);
		return;
	}
	for (size_t i = 0; i < n; i++)
		items[i] = (struct headed){ head_of(&keys[i]), keys[i] };
	sort_heads(items, items + n, n);
	for (size_t i = 0; i < n; i++)
		keys[i] = items[i].key;
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && items[end].head == items[i].head; end++)
			;
		if (end - i > 1)
			qsort(keys + i, end - i, sizeof(*keys), compare_keys);
	}
	free(items);
}

/* A node whose children are to be placed: they share `depth` bytes. */
struct job {
	int32_t node;
	uint32_t depth;
	size_t begin, end;	/* keys */
};

struct builder {
	struct tok_trie *trie;
	const struct tok_key *keys;
	struct job *jobs;
	size_t n_jobs, max_jobs;
	size_t next;		/* cells before this one are nearly all taken */
	unsigned char bytes[256];
	size_t starts[257];	/* first key for each of bytes */
};

/* Makes room for n cells at least. */
static int grow_cells(struct tok_trie *trie, size_t n)
{
	struct tok_cell *cells;

	if (n > INT32_MAX / 2)
		return TN_ENOMEM;
	cells = tok_table_alloc(n, sizeof(*cells));
	if (!cells)
		return TN_ENOMEM;
	if (trie->n)
		memcpy(cells, trie->cells, trie->n * sizeof(*cells));
	for (size_t i = trie->n; i < n; i++)
		cells[i] = (struct tok_cell){ 0, TOK_NOWHERE, -1 };
	free(trie->cells);
	trie->cells = cells;
	trie->n = n;
	return 0;
}

/* How many nodes sorted keys have: one for each byte that the key before does not share. */
static size_t count_nodes(const struct tok_key *keys, size_t n)
{
	size_t nodes = 1;

	for (size_t i = 0; i < n; i++) {
		uint32_t shared = 0;

		__builtin_prefetch(keys[i + AHEAD < n ? i + AHEAD : i].text);
		while (i && shared < keys[i].len && shared < keys[i - 1].len &&
			keys[i].text[shared] == keys[i - 1].text[shared])
			shared++;
		nodes += keys[i].len - shared;
	}
	return nodes;
}

static inline unsigned char byte_of(const struct tok_key *key, uint32_t depth)
{
	return (unsigned char)key->text[depth];
}

/* Where the sorted keys from `at` on get another byte at a depth: in leaps that grow, then
 * shrink, for not all of many keys need be read. */
static size_t next_byte(const struct tok_key *keys, size_t at, size_t end, uint32_t depth)
{
	unsigned char byte = byte_of(&keys[at], depth);
	size_t leap = 1;

	while (leap < end - at && byte_of(&keys[at + leap], depth) == byte) {
		at += leap;
		leap *= 2;
	}
	for (; leap; leap /= 2)
		if (leap < end - at && byte_of(&keys[at + leap], depth) == byte)
			at += leap;
	return at + 1;
}

/* Collects the next bytes of a job's keys; returns how many differ. */
static size_t collect(struct builder *b, const struct job *job)
{
	size_t n = 0, i = job->begin;

	/* Jobs are done from the last key to the first. */
	__builtin_prefetch(b->keys[i > AHEAD ? i - AHEAD : i].text);
	if (i < job->end && b->keys[i].len == job->depth) {
		b->trie->cells[job->node].id = b->keys[i].id;
		i++;
	}
	for (; i < job->end; i = next_byte(b->keys, i, job->end, job->depth)) {
		b->bytes[n] = byte_of(&b->keys[i], job->depth);
		b->starts[n++] = i;
	}
	b->starts[n] = job->end;
	return n;
}

/* Finds a base under which all of the n bytes are free: first fit, passing over
 * stretches that are nearly full. */
static int find_base(struct builder *b, size_t n, size_t *base)
{
	size_t at = b->next > b->bytes[0] ? b->next : b->bytes[0] + 1u, taken = 0, from = at;

	for (;; at++) {
		size_t i = 1;

		if (at + 512 > b->trie->n && grow_cells(b->trie, at + at / 4 + 512))
			return TN_ENOMEM;
		if (b->trie->cells[at].parent != TOK_NOWHERE) {
			taken++;
			continue;
		}
		*base = at - b->bytes[0];
		while (i < n && b->trie->cells[*base + b->bytes[i]].parent == TOK_NOWHERE)
			i++;
		if (i == n)
			break;
	}
	if (taken * 20 >= (at - from + 1) * 19)
		b->next = at;
	return 0;
}

static int push_job(struct builder *b, struct job job)
{
	if (b->n_jobs == b->max_jobs) {
		size_t max = b->max_jobs ? b->max_jobs * 2 : 256;
		struct job *jobs = realloc(b->jobs, max * sizeof(*jobs));

		if (!jobs)
			return TN_ENOMEM;
		b->jobs = jobs;
		b->max_jobs = max;
	}
	b->jobs[b->n_jobs++] = job;
	return 0;
}

static int place_children(struct builder *b, struct job job)
{
	size_t n = collect(b, &job), base;

	if (!n)
		return 0;
	if (find_base(b, n, &base))
		return TN_ENOMEM;
	b->trie->cells[job.node].base = (int32_t)base;
	for (size_t i = 0; i < n; i++)
		b->trie->cells[base + b->bytes[i]].parent = job.node;
	for (size_t i = 0; i < n; i++)
		if (push_job(b, (struct job){ (int32_t)(base + b->bytes[i]), job.depth + 1,
			b->starts[i], b->starts[i + 1] }))
			return TN_ENOMEM;
	return 0;
}

int tok_trie_build(struct tok_trie *trie, const struct tok_key *keys, size_t n,
	struct tn_call *call)
{
	struct builder b = { .trie = trie, .keys = keys, .next = 1 };
	size_t nodes;
	int rc;

	*trie = (struct tok_trie){ 0 };
	/* The gaps that first fit leaves are few. */
	nodes = count_nodes(keys, n);
	rc = grow_cells(trie, nodes + nodes / 32 + 1024);
	if (!rc) {
		trie->cells[TOK_ROOT].parent = TOK_ROOT;
		rc = push_job(&b, (struct job){ TOK_ROOT, 0, 0, n });
	}
	while (!rc && b.n_jobs)
		rc = place_children(&b, b.jobs[--b.n_jobs]);
	free(b.jobs);
	return rc ? tn_fail(call, TN_ENOMEM, "memory ran out for a trie of %zu keys", n) : 0;
}

void tok_trie_free(struct tok_trie *trie)
{
	free(trie->cells);
	*trie = (struct tok_trie){ 0 };
}

int32_t tok_trie_walk(const struct tok_trie *trie, int32_t node, const char *text, size_t len)
{
	for (size_t i = 0; i < len && node != TOK_NOWHERE; i++)
		node = tok_trie_step(trie, node, (unsigned char)text[i]);
	return node;
}

int32_t tok_trie_find(const struct tok_trie *trie, const char *text, size_t len)
{
	int32_t node = tok_trie_walk(trie, TOK_ROOT, text, len);

	return node == TOK_NOWHERE ? -1 : trie->cells[node].id;
}
