/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/session.c - what one running call holds; calls beyond the thread budget
 * wait for one to end.
 */
#include <stdlib.h>

#include "pipeline/pipeline_impl.h"

static struct tn_session *session_create(struct tn_pipeline *p, struct tn_call *call)
{
	struct tn_session *s = calloc(1, sizeof(*s));

	if (!s) {
		tn_fail(call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	s->tokens_axis = p->tokens_axis;
	s->words_axis = p->words_axis;
	s->texts_axis = p->texts_axis;
	s->exec = tn_exec_create(p->plan, call);
	if (!s->exec) {
		free(s);
		return NULL;
	}
	return s;
}

void session_destroy(struct tn_session *s)
{
	if (!s)
		return;
	tn_exec_destroy(s->exec);
	free(s->starts);
	free(s);
}

struct tn_session *session_take(struct tn_pipeline *p, struct tn_call *call)
{
	size_t most = p->threads / p->threads_per_call;
	struct tn_session *s;

	pthread_mutex_lock(&p->lock);
	while (p->running >= (most ? most : 1))
		pthread_cond_wait(&p->free_slot, &p->lock);
	p->running++;
	s = p->idle;
	if (s)
		p->idle = s->next;
	pthread_mutex_unlock(&p->lock);
	if (s)
		return s;
	s = session_create(p, call);
	if (!s) {
		pthread_mutex_lock(&p->lock);
		p->running--;
		pthread_cond_signal(&p->free_slot);
		pthread_mutex_unlock(&p->lock);
	}
	return s;
}

void session_give(struct tn_pipeline *p, struct tn_session *s)
{
	pthread_mutex_lock(&p->lock);
	s->next = p->idle;
	p->idle = s;
	p->running--;
	pthread_cond_signal(&p->free_slot);
	pthread_mutex_unlock(&p->lock);
}

int tn_pipeline_profile(struct tn_pipeline *p, struct tn_profile *profile, struct tn_call *call)
{
	struct tn_session *s = session_take(p, call);

	if (!s)
		return tn_status(call);
	tn_exec_profile(s->exec, profile);
	session_give(p, s);
	return 0;
}
