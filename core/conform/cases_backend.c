/* SPDX-License-Identifier: Apache-2.0
 * core/conform/cases_backend.c - the cases of backends; what they compute is compared by backend.c.
 */
#include <stdio.h>
#include <string.h>

#include "conform/backend.h"
#include "conform/cases.h"

#define MOST_OPS 96

static struct tn_backend *open_backend(const struct tn_plugin *plugin, struct tn_call *call)
{
	const struct tn_backend_impl *impl = plugin ? plugin->impl.backend : NULL;
	struct tn_backend *b = plugin ? tn_plugin_new(plugin, call) : NULL;

	if (!b)
		return NULL;
	if (!tn_options_store(plugin, b, NULL, NULL, plugin->names[0], call) &&
	    (!impl->open || !impl->open(b, 2, call)))
		return b;
	if (impl->close)
		impl->close(b);
	tn_plugin_free(b);
	return NULL;
}

static void close_backend(struct tn_backend *b)
{
	if (b && b->plugin->impl.backend->close)
		b->plugin->impl.backend->close(b);
	tn_plugin_free(b);
}

static const struct tn_plugin *tested(struct conform_subject *s)
{
	return tn_plugin_load(TN_BACKEND, s->plan->name, NULL, s->call);
}

static void open_and_close(struct conform_subject *s)
{
	struct tn_backend *b = open_backend(tested(s), s->call);

	conform_now("close", "after open");
	close_backend(b);
}

/* The backend of the lowest rank that is used by itself computes everything, plainly. */
struct lookup {
	struct conform_subject *s;
	const struct tn_plugin *found;
};

static int look(void *user, enum tn_plugin_kind kind, const char *name)
{
	struct lookup *l = user;
	const struct tn_plugin *p;

	if (kind != TN_BACKEND || !strcmp(name, l->s->plan->name))
		return 0;
	p = tn_plugin_load(kind, name, NULL, l->s->call);
	tn_clear(l->s->call);
	if (p && p->rank >= 0 && (!l->found || p->rank < l->found->rank))
		l->found = p;
	return 0;
}

/* --- results, summed up by op --- */

struct sums {
	struct {
		char op[40], first[400];	/* what was wrong first */
		size_t passed, failed;
	} of[MOST_OPS];
	size_t n;
};

static void add(void *user, int ok, const char *line)
{
	struct sums *sums = user;
	int len = (int)strcspn(line, " :");
	size_t i = 0;

	while (i < sums->n && (strncmp(sums->of[i].op, line, (size_t)len) || sums->of[i].op[len]))
		i++;
	if (i == MOST_OPS)
		return;
	if (i == sums->n)
		snprintf(sums->of[sums->n++].op, sizeof(sums->of[i].op), "%.*s", len, line);
	if (!ok && !sums->of[i].failed)
		snprintf(sums->of[i].first, sizeof(sums->of[i].first), "%s", line);
	sums->of[i].passed += ok != 0;
	sums->of[i].failed += ok == 0;
}

static void doing(void *user, const char *op, const char *what)
{
	conform_now("run", "%s %s", op, what);
}

static void compare(struct conform_subject *s)
{
	static struct sums sums;
	struct tn_conform to = { .receive = add, .doing = doing, .user = &sums };
	struct lookup l = { .s = s };
	struct tn_backend *b, *reference;

	tn_plugin_names(NULL, look, &l, s->call);
	if (!conform_check(s, l.found != NULL, "no backend is installed to compare with"))
		return;
	b = open_backend(tested(s), s->call);
	reference = open_backend(l.found, s->call);
	if (!b || !reference)
		return;
	tn_conform_backend(b, reference, &to, s->call);
	for (size_t i = 0; i < sums.n; i++)
		if (sums.of[i].failed)
			conform_result(false, "run", "%s: %zu of %zu results are wrong, the first: %s",
				sums.of[i].op, sums.of[i].failed, sums.of[i].passed +
				sums.of[i].failed, sums.of[i].first);
		else
			conform_result(true, "run", "%s: %zu results", sums.of[i].op,
				sums.of[i].passed);
	conform_check(s, sums.n > 0, "it takes no node of any op");
	close_backend(b);
	close_backend(reference);
}

static void use_once(struct conform_subject *s)
{
	close_backend(open_backend(tested(s), s->call));
}

static void leaks(struct conform_subject *s)
{
	conform_leaks(s, use_once);
}

const struct conform_case *conform_cases_backend(void)
{
	static const struct conform_case cases[] = {
		{ "open", "once", open_and_close },
		{ "run", "each op as the reference, one row as many, threads", compare },
		{ "close", "leaks", leaks },
		{ NULL, NULL, NULL }
	};

	return cases;
}
