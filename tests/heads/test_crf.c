/* SPDX-License-Identifier: Apache-2.0
 * tests/heads/test_crf.c - the CRF against all paths, one by one: sums, marginals, best
 * paths, spans, gradient; and which paths the schemes allow.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../heads/bio-crf/crf.h"
#include "../../heads/bio-crf/tags.h"
#include "check_main.h"

#define MOST_TAGS 6
#define MOST_WORDS 6
#define MOST_PATHS 46656
#define K 7

/* A random problem. */
struct problem {
	struct crf crf;
	double start[MOST_TAGS], end[MOST_TAGS], transition[MOST_TAGS * MOST_TAGS];
	double e[MOST_WORDS * MOST_TAGS];
	size_t n;
};

static double number(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (double)(int64_t)(*state >> 11) / 4503599627370496.0 * 3 - 3;
}

/* Every `forbid`-th edge is not allowed; 0: all are. */
static void fill(struct problem *p, size_t tags, size_t n, uint64_t seed, unsigned forbid)
{
	p->crf = (struct crf){ tags, p->start, p->end, p->transition };
	p->n = n;
	for (size_t i = 0; i < tags; i++) {
		p->start[i] = number(&seed);
		p->end[i] = number(&seed);
	}
	for (size_t i = 0; i < tags * tags; i++)
		p->transition[i] = forbid && (i + seed) % forbid == 0 ? -INFINITY : number(&seed);
	for (size_t i = 0; i < n * tags; i++)
		p->e[i] = number(&seed);
}

/* The next path in the order of counting; 0 behind the last. */
static int next_path(uint32_t *path, size_t tags, size_t n)
{
	for (size_t t = n; t-- > 0; path[t] = 0)
		if (++path[t] < tags)
			return 1;
	return 0;
}

/* The definition, written out. */
static double score_of(const struct problem *p, const uint32_t *y)
{
	size_t L = p->crf.tags;
	double s = 0;

	for (size_t t = 0; t < p->n; t++) {
		s += p->e[t * L + y[t]];
		s += t == 0 ? p->start[y[t]] : p->transition[y[t - 1] * L + y[t]];
		s += t + 1 == p->n ? p->end[y[t]] : 0;
	}
	return s;
}

/* All that the tests ask of a problem, by enumeration. */
struct truth {
	double log_z, marginal[MOST_WORDS * MOST_TAGS];
	double best[K];
	size_t n_best;
};

static void add_best(struct truth *truth, double s)
{
	size_t i = truth->n_best < K ? truth->n_best++ : K;

	for (; i > 0 && s > truth->best[i - 1]; i--)
		if (i < K)
			truth->best[i] = truth->best[i - 1];
	if (i < K)
		truth->best[i] = s;
}

static void enumerate(const struct problem *p, struct truth *truth)
{
	uint32_t y[MOST_WORDS] = { 0 };
	double z = 0;

	memset(truth, 0, sizeof(*truth));
	do {
		double s = score_of(p, y);

		if (s == -INFINITY)
			continue;
		z += exp(s);
		add_best(truth, s);
		for (size_t t = 0; t < p->n; t++)
			truth->marginal[t * p->crf.tags + y[t]] += exp(s);
	} while (next_path(y, p->crf.tags, p->n));
	truth->log_z = log(z);
	for (size_t i = 0; i < MOST_WORDS * MOST_TAGS; i++)
		truth->marginal[i] = z > 0 ? truth->marginal[i] / z : 0;
}

static void expect_near(double found, double expected, double tolerance)
{
	if (found != expected)
		ck_assert_double_eq_tol(found, expected, tolerance * fmax(1, fabs(expected)));
}

static void check_sums(const struct problem *p, const struct truth *truth)
{
	double alpha[MOST_WORDS * MOST_TAGS], beta[MOST_WORDS * MOST_TAGS];
	double marginal[MOST_WORDS * MOST_TAGS];
	double log_z = crf_forward(&p->crf, p->e, p->n, alpha);

	expect_near(log_z, truth->log_z, 1e-12);
	if (log_z == -INFINITY)
		return;
	crf_backward(&p->crf, p->e, p->n, beta);
	crf_marginals(&p->crf, alpha, beta, p->n, log_z, marginal);
	for (size_t i = 0; i < p->n * p->crf.tags; i++)
		expect_near(marginal[i], truth->marginal[i], 1e-12);
}

static size_t best(const struct problem *p, size_t k, uint32_t *paths, double *scores)
{
	static double doubles[(2 * MOST_TAGS + 1) * K];
	static uint32_t links[MOST_WORDS * MOST_TAGS * K];

	ck_assert_uint_le(crf_best_doubles(&p->crf, k), sizeof(doubles) / sizeof(doubles[0]));
	ck_assert_uint_le(crf_best_links(&p->crf, p->n, k), sizeof(links) / sizeof(links[0]));
	return crf_best(&p->crf, p->e, p->n, k, paths, scores, doubles, links);
}

static void check_best(const struct problem *p, const struct truth *truth)
{
	uint32_t paths[K * MOST_WORDS];
	double scores[K];

	for (size_t k = 1; k <= K; k += 3) {
		size_t n = best(p, k, paths, scores);

		ck_assert_uint_eq(n, truth->n_best < k ? truth->n_best : k);
		for (size_t i = 0; i < n; i++) {
			expect_near(scores[i], truth->best[i], 1e-12);
			expect_near(score_of(p, paths + i * p->n), truth->best[i], 1e-12);
			expect_near(crf_score(&p->crf, p->e, p->n, paths + i * p->n),
				truth->best[i], 1e-12);
			for (size_t m = 0; m < i; m++)
				ck_assert(memcmp(paths + i * p->n, paths + m * p->n,
					p->n * sizeof(*paths)));
		}
	}
}

START_TEST(test_sums_marginals_and_best_paths_equal_enumeration)
{
	struct truth truth;
	struct problem p;

	for (size_t tags = 1; tags <= MOST_TAGS; tags++)
		for (size_t n = 1; n <= MOST_WORDS; n++)
			for (unsigned forbid = 0; forbid < 5; forbid++) {
				fill(&p, tags, n, tags * 100 + n * 10 + forbid, forbid == 1 ? 5 : forbid);
				enumerate(&p, &truth);
				check_sums(&p, &truth);
				check_best(&p, &truth);
			}
}
END_TEST

START_TEST(test_no_words_and_no_path)
{
	struct problem p;
	uint32_t paths[K * MOST_WORDS];
	double scores[K], alpha[MOST_WORDS * MOST_TAGS];

	fill(&p, 3, 0, 1, 0);
	ck_assert_double_eq(crf_forward(&p.crf, p.e, 0, alpha), 0);
	ck_assert_uint_eq(best(&p, 3, paths, scores), 1);
	ck_assert_double_eq(scores[0], 0);
	fill(&p, 3, 4, 1, 1);
	ck_assert_double_eq(crf_forward(&p.crf, p.e, 4, alpha), -INFINITY);
	ck_assert_uint_eq(best(&p, 3, paths, scores), 0);
}
END_TEST

/* Of equals the path whose last difference has the lower tag is first. */
START_TEST(test_equal_paths_come_in_order)
{
	static const uint32_t expected[4][2] = { { 0, 0 }, { 1, 0 }, { 0, 1 }, { 1, 1 } };
	struct problem p = { .crf = { 2, p.start, p.end, p.transition }, .n = 2 };
	uint32_t paths[K * MOST_WORDS];
	double scores[K];

	ck_assert_uint_eq(best(&p, 5, paths, scores), 4);
	ck_assert_mem_eq(paths, expected, sizeof(expected));
}
END_TEST

/* The share of the paths that agree with a clamp. */
static double clamped(const struct problem *p, const struct crf_clamp *clamp)
{
	uint32_t y[MOST_WORDS] = { 0 };
	size_t after = clamp->begin + clamp->len;
	double z = 0, in = 0;

	do {
		double mass = exp(score_of(p, y));

		z += mass;
		if (memcmp(y + clamp->begin, clamp->tags, clamp->len * sizeof(*y)))
			continue;
		if (clamp->begin && clamp->not_before && clamp->not_before[y[clamp->begin - 1]])
			continue;
		if (after < p->n && clamp->not_after && clamp->not_after[y[after]])
			continue;
		in += mass;
	} while (next_path(y, p->crf.tags, p->n));
	return in / z;
}

START_TEST(test_span_probability_equals_enumeration)
{
	static const uint8_t mask[MOST_TAGS] = { 0, 1, 0, 1, 1, 0 };
	double alpha[MOST_WORDS * MOST_TAGS], beta[MOST_WORDS * MOST_TAGS];
	uint32_t tags[MOST_WORDS] = { 2, 3, 0, 1, 3, 2 };
	struct problem p;

	for (size_t n = 1; n <= 5; n++)
		for (size_t begin = 0; begin < n; begin++)
			for (size_t len = 1; begin + len <= n; len++)
				for (int masks = 0; masks < 4; masks++) {
					struct crf_clamp clamp = { tags, begin, len,
						masks & 1 ? mask : NULL, masks & 2 ? mask : NULL };
					double log_z;

					fill(&p, 4, n, n * 7 + begin, masks ? 5 : 0);
					log_z = crf_forward(&p.crf, p.e, n, alpha);
					crf_backward(&p.crf, p.e, n, beta);
					expect_near(exp(crf_span(&p.crf, alpha, beta, p.e, n, log_z,
						&clamp)), clamped(&p, &clamp), 1e-12);
				}
}
END_TEST

/* An emission of -INFINITY bans a tag: the sum of what is left, by the same routine. */
START_TEST(test_banned_tags_leave_the_sum_of_the_others)
{
	double alpha[MOST_WORDS * MOST_TAGS];
	struct truth truth;
	struct problem p;

	fill(&p, 4, 5, 3, 0);
	p.e[0 * 4 + 1] = p.e[2 * 4 + 0] = p.e[2 * 4 + 3] = p.e[4 * 4 + 2] = -INFINITY;
	enumerate(&p, &truth);
	expect_near(crf_forward(&p.crf, p.e, 5, alpha), truth.log_z, 1e-12);
	check_best(&p, &truth);
}
END_TEST

START_TEST(test_scores_of_ten_thousand)
{
	double alpha[MOST_WORDS * MOST_TAGS], beta[MOST_WORDS * MOST_TAGS];
	double marginal[MOST_WORDS * MOST_TAGS], scores[K], log_z;
	uint32_t paths[K * MOST_WORDS];
	struct problem p;

	for (int sign = -1; sign <= 1; sign += 2) {
		fill(&p, 5, 6, 11, 0);
		for (size_t i = 0; i < 30; i++)
			p.e[i] = sign * (1e4 + (double)((i * 7) % 11));
		log_z = crf_forward(&p.crf, p.e, 6, alpha);
		crf_backward(&p.crf, p.e, 6, beta);
		crf_marginals(&p.crf, alpha, beta, 6, log_z, marginal);
		best(&p, 1, paths, scores);
		ck_assert(isfinite(log_z) && log_z >= scores[0] &&
			log_z <= scores[0] + 6 * log(5));
		for (size_t t = 0; t < 6; t++) {
			double sum = 0;

			for (size_t i = 0; i < 5; i++)
				sum += marginal[t * 5 + i];
			ck_assert_double_eq_tol(sum, 1, 1e-9);
		}
	}
}
END_TEST

/* -log p(path), by the sums that are tested above. */
static double loss_of(const struct problem *p, const uint32_t *path)
{
	double alpha[MOST_WORDS * MOST_TAGS];

	return crf_forward(&p->crf, p->e, p->n, alpha) - score_of(p, path);
}

static void check_slopes(struct problem *p, const uint32_t *path, double *x, const double *slope,
	size_t n)
{
	const double h = 1e-5;

	for (size_t i = 0; i < n; i++) {
		double kept = x[i], up, down;

		if (kept == -INFINITY) {
			ck_assert_double_eq(slope[i], 0);
			continue;
		}
		x[i] = kept + h;
		up = loss_of(p, path);
		x[i] = kept - h;
		down = loss_of(p, path);
		x[i] = kept;
		ck_assert_double_eq_tol(slope[i], (up - down) / (2 * h), 1e-8);
	}
}

START_TEST(test_gradient_equals_central_differences)
{
	for (unsigned forbid = 0; forbid < 8; forbid += 7) {
		double alpha[MOST_WORDS * MOST_TAGS], beta[MOST_WORDS * MOST_TAGS];
		double e[MOST_WORDS * MOST_TAGS] = { 0 }, start[MOST_TAGS] = { 0 };
		double end[MOST_TAGS] = { 0 }, transition[MOST_TAGS * MOST_TAGS] = { 0 };
		struct crf_gradient gradient = { e, start, end, transition };
		uint32_t path[MOST_WORDS] = { 0 };
		double scores[1];
		struct problem p;

		fill(&p, 4, 5, 17, forbid);
		best(&p, 1, path, scores);
		expect_near(crf_loss(&p.crf, p.e, p.n, path, alpha, beta, &gradient),
			loss_of(&p, path), 1e-12);
		check_slopes(&p, path, p.e, e, 20);
		check_slopes(&p, path, p.start, start, 4);
		check_slopes(&p, path, p.end, end, 4);
		check_slopes(&p, path, p.transition, transition, 16);
	}
}
END_TEST

/* Both ways to the loss and its gradients. */
START_TEST(test_scaled_equals_logarithms)
{
	for (unsigned i = 0; i < 24; i++) {
		const size_t L = 1 + i % 4, n = 1 + i % 5;
		double alpha[MOST_WORDS * MOST_TAGS], beta[MOST_WORDS * MOST_TAGS];
		double g[2][3 * MOST_WORDS * MOST_TAGS + MOST_TAGS * MOST_TAGS] = { { 0 } };
		double edges[MOST_TAGS * MOST_TAGS], loss[2];
		double work[2 * MOST_WORDS * MOST_TAGS + MOST_WORDS + 3 * MOST_TAGS];
		struct crf_gradient to[2];
		uint32_t path[MOST_WORDS] = { 0 };
		double scores[1];
		struct problem p;

		for (int k = 0; k < 2; k++)
			to[k] = (struct crf_gradient){ g[k], g[k] + n * L, g[k] + n * L + L,
				g[k] + n * L + 2 * L };
		fill(&p, L, n, 100 + i, i % 3 ? 0 : 7);
		if (!best(&p, 1, path, scores))
			continue;
		loss[0] = crf_loss(&p.crf, p.e, n, path, alpha, beta, &to[0]);
		loss[1] = crf_loss_scaled(&p.crf, edges, crf_scale(&p.crf, edges), p.e, n, path,
			work, &to[1]);
		ck_assert_double_eq_tol(loss[1], loss[0], 1e-12);
		for (size_t k = 0; k < n * L + 2 * L + L * L; k++)
			ck_assert_double_eq_tol(g[1][k], g[0][k], 1e-12);
	}
}
END_TEST

/* Where numbers could be lost, and for a forbidden path, logarithms are to be used. */
START_TEST(test_scaled_gives_up)
{
	double work[64], edges[4];
	uint32_t path[3] = { 0, 1, 1 };
	struct problem p;

	fill(&p, 2, 3, 5, 0);
	ck_assert(!isnan(crf_loss_scaled(&p.crf, edges, crf_scale(&p.crf, edges), p.e, 3, path, work,
		NULL)));
	p.e[1] = p.e[0] - 300;
	ck_assert(isnan(crf_loss_scaled(&p.crf, edges, crf_scale(&p.crf, edges), p.e, 3, path, work,
		NULL)));
	fill(&p, 2, 3, 5, 0);
	p.transition[1] = p.transition[2] - 250;
	ck_assert(isnan(crf_scale(&p.crf, edges)));
	fill(&p, 2, 3, 5, 0);
	p.transition[1] = -INFINITY;
	ck_assert(isnan(crf_loss_scaled(&p.crf, edges, crf_scale(&p.crf, edges), p.e, 3, path, work,
		NULL)));
	/* Less likely at each word, but never impossible. */
	fill(&p, 2, 3, 5, 0);
	p.transition[1] = p.transition[2] = -INFINITY;
	p.e[0] = p.e[1] = p.e[2] = p.e[3] = 0;
	p.e[0] -= 150;
	p.e[2] -= 150;
	path[1] = path[2] = 0;
	ck_assert(isnan(crf_loss_scaled(&p.crf, edges, crf_scale(&p.crf, edges), p.e, 3, path, work,
		NULL)));
}
END_TEST

START_TEST(test_a_forbidden_gold_path_has_infinite_loss)
{
	double alpha[MOST_WORDS * MOST_TAGS], beta[MOST_WORDS * MOST_TAGS], e[8] = { 0 };
	uint32_t path[2] = { 0, 1 };
	struct problem p;

	fill(&p, 2, 2, 5, 0);
	p.transition[0 * 2 + 1] = -INFINITY;
	ck_assert_double_eq(crf_loss(&p.crf, p.e, 2, path, alpha, beta,
		&(struct crf_gradient){ .e = e }), INFINITY);
	ck_assert_double_eq(e[0], 0);
}
END_TEST

/* A right answer of p = 0.70 costs 0.357 nats, one of p = 0.01 4.605: one word and no
 * edges are a softmax. */
START_TEST(test_one_word_costs_its_surprise)
{
	static const struct {
		double p, nats;
	} cases[] = { { 0.70, 0.357 }, { 0.01, 4.605 } };

	for (size_t i = 0; i < 2; i++) {
		double zero[4] = { 0 }, e[2] = { log(cases[i].p) + 5, log(1 - cases[i].p) + 5 };
		struct crf crf = { 2, zero, zero, zero };
		double alpha[2], beta[2];

		ck_assert_double_eq_tol(crf_loss(&crf, e, 1, (uint32_t[]){ 0 }, alpha, beta,
			&(struct crf_gradient){ 0 }), cases[i].nats, 5e-4);
	}
}
END_TEST

static const char *const bio[] = { "O", "B-x", "I-x", "B-y-z", "I-y-z" };
static const char *const bioes[] = { "O", "B-x", "I-x", "E-x", "S-x", "B-y", "E-y" };
static const char *const bilou[] = { "O", "B-x", "I-x", "L-x", "U-x", "B-y", "L-y" };
static const char *const io[] = { "O", "I-x", "I-y" };
static const char *const words[] = { "NOUN", "VERB", "O" };

/* Each row: the tag before ("<": the beginning) and all that may follow (">": the end),
 * as indexes.  The rules: Ratinov and Roth 2009; Ramshaw and Marcus 1995. */
static const struct {
	const char *const *labels;
	size_t n;
	enum scheme scheme;
	const char *rows[8];
} tables[] = {
	{ bio, 5, SCHEME_BIO, { "<013", "0013>", "10123>", "20123>", "30134>", "40134>" } },
	{ bioes, 7, SCHEME_BIOES, { "<0145", "00145>", "123", "223", "30145>", "40145>", "56",
		"60145>" } },
	{ bilou, 7, SCHEME_BIOES, { "<0145", "00145>", "123", "223", "30145>", "40145>", "56",
		"60145>" } },
	{ io, 3, SCHEME_IO, { "<012", "0012>", "1012>", "2012>" } },
	{ words, 3, SCHEME_IO, { "<012", "0012>", "1012>", "2012>" } },
};

START_TEST(test_schemes_allow_what_their_tables_say)
{
	for (size_t s = 0; s < sizeof(tables) / sizeof(tables[0]); s++) {
		struct tag tags[8];
		size_t n = tables[s].n, wrong;
		enum scheme scheme = tags_read(tables[s].labels, n, SCHEME_AUTO, tags, &wrong);

		ck_assert_int_eq(scheme, tables[s].scheme);
		for (size_t i = 0; i < n; i++) {
			ck_assert_int_eq(tag_may_begin(scheme, &tags[i]),
				strchr(tables[s].rows[0], '0' + (int)i) != NULL);
			ck_assert_int_eq(tag_may_end(scheme, &tags[i]),
				strchr(tables[s].rows[i + 1], '>') != NULL);
			for (size_t j = 0; j < n; j++)
				ck_assert_int_eq(tag_may_follow(scheme, &tags[i], &tags[j]),
					strchr(tables[s].rows[i + 1] + 1, '0' + (int)j) != NULL);
		}
	}
}
END_TEST

START_TEST(test_types_keep_their_hyphens)
{
	struct tag tags[8];
	size_t wrong;

	tags_read(bio, 5, SCHEME_AUTO, tags, &wrong);
	ck_assert_str_eq(tags[4].name, "y-z");
	ck_assert_uint_eq(tags[4].type, tags[3].type);
	ck_assert(tag_continues(&tags[3], &tags[4]) && !tag_continues(&tags[1], &tags[4]));
	ck_assert(!tag_continues(&tags[2], &tags[1]) && !tag_continues(&tags[0], &tags[0]));
	tags_read(words, 3, SCHEME_AUTO, tags, &wrong);
	ck_assert_str_eq(tags[0].name, "NOUN");
	ck_assert_int_eq(tags[2].place, 'O');
	ck_assert(tag_continues(&tags[0], &tags[0]) && !tag_continues(&tags[0], &tags[1]));
}
END_TEST

START_TEST(test_a_label_outside_the_scheme_is_named)
{
	struct tag tags[8];
	size_t wrong = 9;

	ck_assert_int_eq(tags_read(bioes, 7, SCHEME_BIO, tags, &wrong), SCHEME_AUTO);
	ck_assert_uint_eq(wrong, 3);
	ck_assert_int_eq(tags_read(words, 3, SCHEME_BIO, tags, &wrong), SCHEME_AUTO);
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crf");

	TN_ADD(suite, test_sums_marginals_and_best_paths_equal_enumeration);
	TN_ADD(suite, test_no_words_and_no_path);
	TN_ADD(suite, test_equal_paths_come_in_order);
	TN_ADD(suite, test_span_probability_equals_enumeration);
	TN_ADD(suite, test_banned_tags_leave_the_sum_of_the_others);
	TN_ADD(suite, test_scores_of_ten_thousand);
	TN_ADD(suite, test_gradient_equals_central_differences);
	TN_ADD(suite, test_scaled_equals_logarithms);
	TN_ADD(suite, test_scaled_gives_up);
	TN_ADD(suite, test_a_forbidden_gold_path_has_infinite_loss);
	TN_ADD(suite, test_one_word_costs_its_surprise);
	TN_ADD(suite, test_schemes_allow_what_their_tables_say);
	TN_ADD(suite, test_types_keep_their_hyphens);
	TN_ADD(suite, test_a_label_outside_the_scheme_is_named);
	return tn_check_main(suite);
}
