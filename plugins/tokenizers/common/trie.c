/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/trie.c - a double-array trie.
 */
#include "trie.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define FEW 16		/* so many keys are sorted by insertion */
#define PATIENCE 32	/* so many free cells are tried before some are given up */

/* --- sorting --- */

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

static uint64_t head_of(const struct tok_key *key)
{
	uint64_t head = 0;

	memcpy(&head, key->text, key->len < sizeof(head) ? key->len : sizeof(head));
	return be64toh(head);
}

static bool stands_behind(const struct tok_key *a, const struct tok_key *b)
{
	return a->head != b->head ? a->head > b->head : compare_keys(a, b) > 0;
}

static void sort_few(struct tok_key *keys, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct tok_key key = keys[i];
		size_t at = i;

		for (; at && stands_behind(&keys[at - 1], &key); at--)
			keys[at] = keys[at - 1];
		keys[at] = key;
	}
}

static inline unsigned byte_at(const struct tok_key *key, unsigned shift)
{
	return key->head >> shift & 255;
}

/* Brings each key to the place of its byte, in place: `from` and `to` bound what of each byte is
 * not there yet. */
static void permute(struct tok_key *keys, size_t from[256], const size_t to[256], unsigned shift)
{
	for (unsigned b = 0; b < 256; b++) {
		while (from[b] < to[b]) {
			struct tok_key key = keys[from[b]], other;

			for (unsigned at; (at = byte_at(&key, shift)) != b; key = other) {
				other = keys[from[at]];
				keys[from[at]++] = key;
			}
			keys[from[b]++] = key;
		}
	}
}

/* Orders keys whose heads differ in the byte at `shift` and lower ones.
 * Source: P. McIlroy et al., Engineering Radix Sort, Computing Systems 6(1), 1993. */
static void sort_from(struct tok_key *keys, size_t n, unsigned shift)
{
	size_t from[256], to[256], at = 0;

	if (n <= FEW) {
		sort_few(keys, n);
		return;
	}
	memset(to, 0, sizeof(to));
	for (size_t i = 0; i < n; i++)
		to[byte_at(&keys[i], shift)]++;
	for (unsigned b = 0; b < 256; b++) {
		from[b] = at;
		at = to[b] += at;
	}
	permute(keys, from, to, shift);
	for (unsigned b = 0; b < 256; b++) {
		size_t begin = b ? to[b - 1] : 0;

		if (shift)
			sort_from(keys + begin, to[b] - begin, shift - 8);
		else if (to[b] - begin > 1)
			qsort(keys + begin, to[b] - begin, sizeof(*keys), compare_keys);
	}
}

void tok_keys_sort(struct tok_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		keys[i].head = head_of(&keys[i]);
	sort_from(keys, n, 56);
}

/* --- building --- */

/* A node whose children are to be placed: they share `depth` bytes. */
struct job {
	int32_t node;
	uint32_t depth;
	size_t begin, end;	/* keys */
};

struct builder {
	struct tok_trie *trie;
	const struct tok_key *keys;
	uint32_t *shared;	/* bytes that a key has in common with the one before */
	uint64_t *taken;	/* bits of cells, and some more that are not */
	struct job *jobs;
	size_t n_jobs, max_jobs;
	size_t next;		/* free cells before this one are given up */
	unsigned char bytes[256];
	size_t starts[257];	/* first key for each of bytes */
};

/* Makes room for n cells at least. */
static int grow_cells(struct builder *b, size_t n)
{
	struct tok_trie *trie = b->trie;
	size_t words = n / 64 + 2, had = trie->n ? trie->n / 64 + 2 : 0;
	struct tok_cell *cells;
	uint64_t *taken;

	if (n > INT32_MAX / 2)
		return TN_ENOMEM;
	taken = realloc(b->taken, words * sizeof(*taken));
	if (!taken)
		return TN_ENOMEM;
	memset(taken + had, 0, (words - had) * sizeof(*taken));
	b->taken = taken;
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

static uint32_t shared_bytes(const struct tok_key *a, const struct tok_key *b)
{
	uint64_t differ = a->head ^ b->head;
	uint32_t least = a->len < b->len ? a->len : b->len;
	uint32_t n = differ ? (uint32_t)__builtin_clzll(differ) / 8 : 8;

	if (n >= least)
		return least;
	while (n >= 8 && n < least && a->text[n] == b->text[n])
		n++;
	return n;
}

/* Compares neighbours; returns how many nodes there will be: one for each byte that the key
 * before does not share. */
static size_t find_shared(struct builder *b, size_t n)
{
	size_t nodes = 1;

	for (size_t i = 0; i < n; i++) {
		b->shared[i] = i ? shared_bytes(&b->keys[i - 1], &b->keys[i]) : 0;
		nodes += b->keys[i].len - b->shared[i];
	}
	return nodes;
}

static inline unsigned char byte_of(const struct tok_key *key, uint32_t depth)
{
	return depth < 8 ? (unsigned char)(key->head >> (56 - 8 * depth)) :
		(unsigned char)key->text[depth];
}

/* Collects the next bytes of a job's keys; returns how many differ. */
static size_t collect(struct builder *b, const struct job *job)
{
	size_t n = 0, i = job->begin;

	if (i < job->end && b->keys[i].len == job->depth) {
		b->trie->cells[job->node].id = b->keys[i].id;
		i++;
	}
	while (i < job->end) {
		b->bytes[n] = byte_of(&b->keys[i], job->depth);
		b->starts[n++] = i++;
		while (i < job->end && b->shared[i] > job->depth)
			i++;
	}
	b->starts[n] = job->end;
	return n;
}

static inline bool is_taken(const struct builder *b, size_t i)
{
	return b->taken[i / 64] >> i % 64 & 1;
}

/* The first free cell from `at` on; it may be the one behind all. */
static inline size_t next_free(const struct builder *b, size_t at)
{
	size_t word = at / 64;
	uint64_t is_free = ~b->taken[word] & ~0ull << at % 64;

	while (!is_free)
		is_free = ~b->taken[++word];
	return word * 64 + (size_t)__builtin_ctzll(is_free);
}

/* Finds a base under which all of the n bytes are free: first fit.  Where that takes long, half
 * of what did not fit is given up, so that time stays linear. */
static int find_base(struct builder *b, size_t n, size_t *base)
{
	size_t at, half;

	b->next = next_free(b, b->next);
	half = at = b->next > b->bytes[0] ? b->next : next_free(b, b->bytes[0] + 1u);
	for (size_t tries = 0;; at = next_free(b, at + 1), tries++) {
		size_t i = 1;

		if (at + 512 > b->trie->n && grow_cells(b, at + at / 4 + 512))
			return TN_ENOMEM;
		*base = at - b->bytes[0];
		while (i < n && !is_taken(b, *base + b->bytes[i]))
			i++;
		if (i == n)
			break;
		if (tries > PATIENCE && tries & 1)
			b->next = half = next_free(b, half + 1);
	}
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
	for (size_t i = 0; i < n; i++) {
		size_t at = base + b->bytes[i];

		b->trie->cells[at].parent = job.node;
		b->taken[at / 64] |= 1ull << at % 64;
	}
	for (size_t i = 0; i < n; i++)
		if (push_job(b, (struct job){ (int32_t)(base + b->bytes[i]), job.depth + 1,
			b->starts[i], b->starts[i + 1] }))
			return TN_ENOMEM;
	return 0;
}

int tok_trie_build(struct tok_trie *trie, const struct tok_key *keys, size_t n,
	struct tn_call *call)
{
	struct builder b = { .trie = trie, .keys = keys, .next = 1,
		.shared = malloc((n + 1) * sizeof(*b.shared)) };
	size_t nodes;
	int rc = b.shared ? 0 : TN_ENOMEM;

	*trie = (struct tok_trie){ 0 };
	nodes = rc ? 0 : find_shared(&b, n);
	/* The gaps that first fit leaves are few. */
	if (!rc)
		rc = grow_cells(&b, nodes + nodes / 32 + 1024);
	if (!rc) {
		trie->cells[TOK_ROOT].parent = TOK_ROOT;
		b.taken[0] = 1;
		rc = push_job(&b, (struct job){ TOK_ROOT, 0, 0, n });
	}
	while (!rc && b.n_jobs)
		rc = place_children(&b, b.jobs[--b.n_jobs]);
	free(b.jobs);
	free(b.taken);
	free(b.shared);
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
