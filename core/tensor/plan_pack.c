/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/plan_pack.c - packed weights, shared by all plans of the process that want
 * the same of the same backend, and remade when a weight has changed.
 */
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/plan_impl.h"

/* One weight of a packing: which, and which of its elements. */
struct part {
	const void *weight;		/* NULL: it cannot be shared */
	size_t first;
	size_t dims[4];
};

/* What a packing was made of. */
struct recipe {
	const struct tn_backend *backend;
	uint32_t op, op_version, mask;
	union tn_attr attr;
	struct part parts[TN_MAX_IN];
	uint64_t version;		/* of the weights, summed: they only rise */
};

struct plan_packing {
	struct plan_packing *next;
	struct recipe recipe;
	void *packed;
	size_t bytes, users;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct plan_packing *packings;

/* Padding is zero, so recipes compare by their bytes. */
static void write_recipe(const struct tn_plan *p, const struct plan_step *s, struct recipe *r)
{
	memset(r, 0, sizeof(*r));
	r->backend = p->chain[s->backend];
	r->op = s->n.node.op;
	r->op_version = s->n.node.version;
	r->mask = s->offer.pack;
	memcpy(&r->attr, &s->n.node.attr, sizeof(r->attr));
	for (uint32_t i = 0; i < s->n.node.n_in; i++) {
		const struct tn_graph_value *v = &p->g->values[s->n.in[i]];
		struct part *part = &r->parts[i];
		uint64_t version = 0;

		if (!(s->offer.pack & 1u << i))
			continue;
		if (v->source->identity)
			part->weight = v->source->identity(v->source->user,
				p->g->values[v->root].name, &version);
		part->first = v->first;
		memcpy(part->dims, v->spec.dims, sizeof(part->dims));
		r->version += version;
	}
}

static bool can_share(const struct recipe *r)
{
	for (uint32_t i = 0; i < TN_MAX_IN; i++)
		if (r->mask & 1u << i && !r->parts[i].weight)
			return false;
	return true;
}

static struct plan_packing *find(const struct recipe *r)
{
	struct plan_packing *k = can_share(r) ? packings : NULL;

	while (k && memcmp(&k->recipe, r, sizeof(*r)))
		k = k->next;
	return k;
}

/* Reads the one weight of a step some rows at a time, so that it is never whole in memory. */
static int pack_by_rows(const struct tn_plan *p, const struct plan_step *s, tn_ref weight,
	struct plan_packing *k, struct tn_call *call)
{
	const struct tn_graph_value *v = &p->g->values[weight];
	struct tn_tensor slab = { .dtype = TN_F32, .n_dims = v->spec.n_dims };
	struct tn_buffer buffer = { 0 };
	size_t row, rows = s->offer.by_rows;

	memcpy(slab.dims, v->spec.dims, sizeof(slab.dims));
	slab.buffer = &buffer;
	slab.row_stride = row = tn_row_size(&slab);
	rows = rows < v->spec.dims[0] ? rows : v->spec.dims[0];
	buffer.bytes = rows * row * sizeof(float);
	buffer.data = aligned_alloc(64, ALIGN_UP(buffer.bytes + 1));
	if (!buffer.data)
		return tn_fail(call, TN_ENOMEM, "out of memory for the weights of %s",
			s->n.node.name);
	for (size_t r = 0; r < v->spec.dims[0] && !tn_status(call); r += rows) {
		slab.dims[0] = v->spec.dims[0] - r < rows ? v->spec.dims[0] - r : rows;
		if (!v->source->read(v->source->user, p->g->values[v->root].name,
				v->first + r * row, slab.dims[0] * row, buffer.data, call))
			plan_backend(p, s->backend)->pack(p->chain[s->backend], &s->n.node, &slab,
				1, &k->packed, &k->bytes, call);
	}
	free(buffer.data);
	if (tn_status(call) && k->packed)
		plan_backend(p, s->backend)->unpack(p->chain[s->backend], k->packed);
	return tn_status(call);
}

/* Loads the weights, packs them and lets them go. */
static int pack(const struct tn_plan *p, const struct plan_step *s, struct plan_packing *k,
	struct tn_call *call)
{
	const struct tn_graph_value *values = p->g->values;
	const struct tn_tensor *held[TN_MAX_IN];
	tn_ref from[TN_MAX_IN];
	struct tn_tensor weights[TN_MAX_IN];
	size_t n = 0;

	for (uint32_t i = 0; i < s->n.node.n_in; i++) {
		const struct tn_graph_value *v = &values[s->n.in[i]];

		if (!(s->offer.pack & 1u << i))
			continue;
		if (s->offer.by_rows && v->spec.dims[0] && v->source->read)
			return pack_by_rows(p, s, s->n.in[i], k, call);
		if (plan_load(p, s->n.in[i], &held[n], call))
			break;
		from[n] = s->n.in[i];
		weights[n] = *held[n];
		weights[n].n_dims = v->spec.n_dims;
		memcpy(weights[n].dims, v->spec.dims, sizeof(v->spec.dims));
		weights[n++].offset += v->first * tn_dtype_size(v->spec.dtype);
	}
	if (!tn_status(call))
		plan_backend(p, s->backend)->pack(p->chain[s->backend], &s->n.node, weights, n,
			&k->packed, &k->bytes, call);
	for (size_t i = 0; i < n; i++)
		values[from[i]].source->release(values[from[i]].source->user, held[i]);
	return tn_status(call);
}

static struct plan_packing *make(const struct tn_plan *p, const struct plan_step *s,
	const struct recipe *r, struct tn_call *call)
{
	struct plan_packing *k = calloc(1, sizeof(*k));

	if (!k) {
		tn_fail(call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	memcpy(&k->recipe, r, sizeof(*r));
	if (pack(p, s, k, call)) {
		free(k);
		return NULL;
	}
	return k;
}

static void drop(struct plan_packing *k)
{
	k->recipe.backend->plugin->impl.backend->unpack(k->recipe.backend, k->packed);
	free(k);
}

/* The packing that is there, or else `made`, which is added; NULL: there is none. */
static struct plan_packing *use(const struct recipe *r, struct plan_packing *made)
{
	struct plan_packing *k;

	pthread_mutex_lock(&lock);
	k = find(r);
	if (!k && made) {
		k = made;
		k->next = packings;
		packings = k;
	}
	if (k)
		k->users++;
	pthread_mutex_unlock(&lock);
	return k;
}

/* Weights are packed without the lock; of two plans that pack the same at once, one finds
 * that the other was sooner. */
static struct plan_packing *take(const struct tn_plan *p, const struct plan_step *s,
	const struct recipe *r, struct tn_call *call)
{
	struct plan_packing *k = use(r, NULL), *made;

	if (k)
		return k;
	made = make(p, s, r, call);
	k = made ? use(r, made) : NULL;
	if (k != made)
		drop(made);
	return k;
}

int plan_pack(const struct tn_plan *p, struct plan_step *s, struct tn_call *call)
{
	struct recipe r;

	write_recipe(p, s, &r);
	s->packing = take(p, s, &r, call);
	if (!s->packing)
		return tn_status(call);
	s->packed = s->packing->packed;
	return 0;
}

void plan_unpack(struct plan_step *s)
{
	struct plan_packing *k = s->packing, **at = &packings;

	s->packing = NULL;
	s->packed = NULL;
	if (!k)
		return;
	pthread_mutex_lock(&lock);
	if (!--k->users) {
		while (*at != k)
			at = &(*at)->next;
		*at = k->next;
		drop(k);
	}
	pthread_mutex_unlock(&lock);
}

size_t plan_packed_bytes(const struct plan_step *s)
{
	return s->packing ? s->packing->bytes : 0;
}

int plan_each_step(struct tn_plan *p, int (*run)(const struct tn_plan *p, struct plan_step *s,
	struct tn_call *call), struct tn_call *call)
{
	const int team = omp_get_max_threads();

	omp_set_num_threads(p->threads);
#pragma omp parallel if (p->threads > 1)
	{
		struct tn_call *mine = tn_call_create();

		omp_set_num_threads(1);
#pragma omp for schedule(dynamic)
		for (size_t i = 0; i < p->n_steps; i++)
			if (mine && !tn_status(mine))
				run(p, &p->steps[i], mine);
		if (!mine || tn_status(mine)) {
#pragma omp critical (plan_pack_failed)
			tn_fail(call, mine ? (enum tn_error)tn_status(mine) : TN_ENOMEM, "%s",
				mine ? tn_error_text(mine) : "out of memory");
		}
		tn_call_destroy(mine);
	}
	omp_set_num_threads(team);
	return tn_status(call);
}

static int refresh(const struct tn_plan *p, struct plan_step *s, struct tn_call *call)
{
	struct plan_step fresh = *s;
	struct recipe r;

	if (!s->packing)
		return 0;
	write_recipe(p, s, &r);
	if (r.version == s->packing->recipe.version)
		return 0;
	if (plan_pack(p, &fresh, call))
		return tn_status(call);
	plan_unpack(s);
	s->packing = fresh.packing;
	s->packed = fresh.packed;
	return 0;
}

int tn_plan_refresh(struct tn_plan *p, struct tn_call *call)
{
	return plan_each_step(p, refresh, call);
}
