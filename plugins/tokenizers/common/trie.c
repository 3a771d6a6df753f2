/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/trie.c - a double-array trie.
 */
#include "trie.h"

#include <stdlib.h>
#include <string.h>

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

void tok_keys_sort(struct tok_key *keys, size_t n)
{
	if (n > 1)
		qsort(keys, n, sizeof(*keys), compare_keys);
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

static int grow_cells(struct tok_trie *trie, size_t n)
{
	size_t to = trie->n ? trie->n : 512;
	struct tok_cell *cells;

	while (to < n)
		to *= 2;
	if (to > INT32_MAX / 2)
		return TN_ENOMEM;
	if (to == trie->n)
		return 0;
	cells = realloc(trie->cells, to * sizeof(*cells));
	if (!cells)
		return TN_ENOMEM;
	for (size_t i = trie->n; i < to; i++)
		cells[i] = (struct tok_cell){ 0, TOK_NOWHERE, -1 };
	trie->cells = cells;
	trie->n = to;
	return 0;
}

/* Collects the next bytes of a job's keys; returns how many differ. */
static size_t collect(struct builder *b, const struct job *job)
{
	size_t n = 0, i = job->begin;

	if (i < job->end && b->keys[i].len == job->depth) {
		b->trie->cells[job->node].id = b->keys[i].id;
		i++;
	}
	for (; i < job->end; i++) {
		unsigned char byte = (unsigned char)b->keys[i].text[job->depth];

		if (!n || b->bytes[n - 1] != byte) {
			b->bytes[n] = byte;
			b->starts[n++] = i;
		}
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

		if (grow_cells(b->trie, at + 512))
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
	int rc;

	*trie = (struct tok_trie){ 0 };
	rc = grow_cells(trie, 512);
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
