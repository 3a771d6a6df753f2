/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/single.c - one op run by itself.
 */
#include "tensor/single.h"

#include <omp.h>
#include <stdlib.h>

#include "tensor/backend.h"

int tn_single_open(struct tn_single *s, const struct tn_backend *const *chain, size_t n_chain,
	int threads, struct tn_call *call)
{
	struct tn_offer offer;

	s->threads = threads;
	s->node.name = tn_op_name(s->node.op);
	for (uint32_t i = 0; i < s->node.n_in; i++)
		s->node.in[i] = &s->in[i];
	for (uint32_t i = 0; i < s->node.n_out; i++)
		s->node.out[i] = &s->out[i];
	for (size_t i = 0; i < n_chain && !s->backend; i++) {
		const struct tn_backend_impl *impl = chain[i]->plugin->impl.backend;

		offer = (struct tn_offer){ 0 };
		if (!tn_backend_ready(chain[i]) && impl->ops &&
				impl->ops[s->node.op] >= s->node.version &&
				impl->supports(chain[i], &s->node, &offer) && !offer.pack)
			s->backend = chain[i];
	}
	if (!s->backend)
		return tn_fail(call, TN_EINTERNAL, "no backend of the chain runs %s", s->node.name);
	if (!offer.workspace)
		return 0;
	s->workspace = aligned_alloc(64, (offer.workspace * (size_t)threads + 63) / 64 * 64);
	return s->workspace ? 0 : tn_fail(call, TN_ENOMEM, "out of memory");
}

void tn_single_close(struct tn_single *s)
{
	free(s->workspace);
	s->workspace = NULL;
}

int tn_single_run(const struct tn_single *s, const struct tn_tensor *in,
	const struct tn_tensor *out, struct tn_call *call)
{
	const struct tn_step step = { .node = &s->node, .in = in, .out = out,
		.workspace = s->workspace };
	int status, team = omp_get_max_threads();

	omp_set_num_threads(s->threads);
	status = s->backend->plugin->impl.backend->run(s->backend, &step, 1, call);
	omp_set_num_threads(team);
	return status;
}
