/* SPDX-License-Identifier: Apache-2.0
 * tests/bench/kernels.c - speed of a backend's nodes beside the peak of the CPU:
 *
 *	bench_kernels [BACKEND[,BACKEND...] [THREADS [linear|bf16|int8|attention|rows]]]
 *
 * Prints GFLOP/s (of nodes that only pass over rows: GB/s) and the share of the
 * measured peak.  Times are the best of many runs, the backends in turn; with one thread
 * they are CPU time, so that other work on the machine disturbs little.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "conform/node.h"
#include "plugin/plugin.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(omp_get_max_threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#ifdef __x86_64__
#define FMA4(bits, a, b, c, d)							\
	(a = _mm##bits##_fmadd_ps(x, x, a), b = _mm##bits##_fmadd_ps(x, x, b),	\
	 c = _mm##bits##_fmadd_ps(x, x, c), d = _mm##bits##_fmadd_ps(x, x, d))
#define PEAK(name, isa, type, bits)						\
	__attribute__((target(isa), noinline)) static float name(long n)	\
	{									\
		type x = _mm##bits##_set1_ps(1e-9f), a, b, c, d, e, f, g, h, i, j, k, l; \
		float out[16];							\
										\
		a = x, b = a + x, c = b + x, d = c + x, e = d + x, f = e + x;	\
		g = f + x, h = g + x, i = h + x, j = i + x, k = j + x, l = k + x; \
		for (long r = 0; r < n; r++) {					\
			FMA4(bits, a, b, c, d);					\
			FMA4(bits, e, f, g, h);					\
			FMA4(bits, i, j, k, l);					\
		}								\
		a += b + c + d + e + f + g + h + i + j + k + l;			\
		_mm##bits##_storeu_ps(out, a);					\
		return out[0];							\
	}
PEAK(fma256, "avx2,fma", __m256, 256)
PEAK(fma512, "avx512f", __m512, 512)
#endif

/* GFLOP/s of one thread in a loop of register-only multiply-adds; 0: unknown. */
static double peak(void)
{
	double best = 0;
#ifdef __x86_64__
	const int wide = __builtin_cpu_supports("avx512f");
	volatile float sink;

	if (!__builtin_cpu_supports("fma"))
		return 0;
	for (int i = 0; i < 20; i++) {
		double t = now(), rate;

		sink = wide ? fma512(1000000) : fma256(1000000);
		(void)sink;
		rate = 2e-9 * 12e6 * (wide ? 16 : 8) / (now() - t);
		best = rate > best ? rate : best;
	}
#endif
	return best;
}

#define MOST 8			/* backends */
#define ROUNDS 5

struct bench {
	const struct tn_backend *backends[MOST];
	size_t n;
	struct tn_call *call;
	double peak;		/* GFLOP/s of the team */
};

/* The best run in some time, or `best` of the runs before. */
static double again(const struct bench *b, size_t i, const struct tn_step *step, double best)
{
	double spent = 0;

	for (int r = 0; r < 3 || (spent < 0.06 && r < 1000); r++) {
		double t = now();

		if (b->backends[i]->plugin->impl.backend->run(b->backends[i], step, 1, b->call)) {
			fprintf(stderr, "%s\n", tn_error_text(b->call));
			exit(70);
		}
		t = now() - t;
		spent += t;
		best = t < best ? t : best;
	}
	return best;
}

/* Seconds of each backend's best run of a finished node; infinite where it was refused. */
static void measure(const struct bench *b, struct conform_node *n, double *best)
{
	struct tn_step steps[MOST];
	struct tn_offer offer;
	void *packed[MOST] = { NULL };

	for (size_t i = 0; i < b->n; i++) {
		best[i] = INFINITY;
		steps[i] = (struct tn_step){ .node = &n->node, .in = n->in, .out = n->out,
			.axis = &n->axis, .kv_axis = &n->axis };
		if (!conform_offered(b->backends[i], n, &offer) ||
		    conform_pack(b->backends[i], n, &offer, &packed[i]))
			continue;
		steps[i].packed = packed[i];
		steps[i].workspace = tn_alloc(b->call,
			(offer.workspace + 64) * (size_t)omp_get_max_threads());
	}
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < b->n; i++)
			if (steps[i].workspace)
				best[i] = again(b, i, &steps[i], best[i]);
	for (size_t i = 0; i < b->n; i++)
		if (packed[i])
			b->backends[i]->plugin->impl.backend->unpack(b->backends[i], packed[i]);
}

static void print_rates(const struct bench *b, const char *what, double flops, const double *t)
{
	printf("  %-10s", what);
	for (size_t i = 0; i < b->n; i++) {
		printf(" %8.1f GFLOP/s", flops * 1e-9 / t[i]);
		if (b->peak > 0)
			printf(" %3.0f %%", 100 * flops * 1e-9 / t[i] / b->peak);
	}
	putchar('\n');
}

/* precision: 0, or of the factors of the products. */
static void bench_linear(const struct bench *b, uint32_t precision)
{
	static const size_t shapes[][2] = { { 384, 384 }, { 384, 1152 }, { 384, 1536 },
		{ 1536, 384 }, { 768, 768 }, { 768, 2304 }, { 768, 3072 }, { 3072, 768 } };
	static const size_t rows[] = { 1, 4, 8, 16, 32, 64, 128, 512, 1024 };
	double t[MOST];
	char what[32];

	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
		for (int act = 0; act < 1 + (shapes[s][1] == 4 * shapes[s][0]); act++) {
			printf("linear %zu to %zu%s%s%s\n", shapes[s][0], shapes[s][1],
				act ? " with GELU" : "", precision ? " in " : "",
				precision ? tn_dtype_name((enum tn_dtype)precision) : "");
			for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
				struct conform_node n = { .call = b->call, .seed = 1 };

				n.node.attr.linear.parts = n.node.attr.linear.bias = 1;
				n.node.attr.linear.act = act ? TN_ACT_GELU : TN_ACT_NONE;
				n.node.attr.linear.precision = precision;
				conform_rows(&n, 0, rows[r], shapes[s][0]);
				conform_weight(&n, shapes[s][1], shapes[s][0]);
				conform_weight(&n, shapes[s][1], 0);
				conform_finish(&n, TN_OP_LINEAR, rows[r]);
				snprintf(what, sizeof(what), "%zu rows", rows[r]);
				measure(b, &n, t);
				print_rates(b, what, 2.0 * (double)(rows[r] * shapes[s][0] *
					shapes[s][1]), t);
				tn_call_reset(b->call);
			}
		}
}

static void bench_attention(const struct bench *b)
{
	static const uint32_t lengths[] = { 16, 32, 64, 128, 256, 512 };
	double t[MOST];
	char what[32];

	for (uint32_t size = 32; size <= 64; size += 32) {
		printf("attention, 12 heads of %u, q k v side by side\n", size);
		for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
			struct conform_node n = { .call = b->call, .seed = 1 };
			const size_t len = lengths[l], width = (size_t)12 * size;
			const size_t seqs = (512 + len - 1) / len;
			uint32_t *each = tn_alloc_n(b->call, seqs, sizeof(*each));

			for (size_t s = 0; s < seqs; s++)
				each[s] = lengths[l];
			n.axis = conform_axis(each, seqs, b->call);
			n.node.attr.attention = (struct tn_attention_attr){ .heads = 12,
				.kv_heads = 12, .head_size = size, .left = UINT32_MAX,
				.right = UINT32_MAX, .scale = 0.125f };
			for (int i = 0; i < 3; i++)
				conform_rows(&n, 0, seqs * len, 3 * width);
			for (uint32_t i = 0; i < 3; i++) {
				n.in[i] = n.in[0];
				n.in[i].offset = i * width * sizeof(float);
				n.in[i].dims[1] = n.in_spec[i].dims[1] = width;
			}
			conform_finish(&n, TN_OP_ATTENTION, seqs * len);
			snprintf(what, sizeof(what), "%zu x %zu", seqs, len);
			measure(b, &n, t);
			print_rates(b, what, 4.0 * (double)(seqs * len * len * width), t);
			tn_call_reset(b->call);
		}
	}
}

/* Nodes that pass over 128 rows. */
static void bench_rows(const struct bench *b)
{
	static const struct {
		const char *name;
		uint32_t op, kind;
		size_t cols;
	} cases[] = {
		{ "layer norm with residual", TN_OP_LAYER_NORM, 0, 384 },
		{ "softmax", TN_OP_SOFTMAX, 0, 384 },
		{ "GELU", TN_OP_ACT, TN_ACT_GELU, 1536 },
		{ "GELU by tanh", TN_OP_ACT, TN_ACT_GELU_TANH, 1536 },
		{ "SiLU", TN_OP_ACT, TN_ACT_SILU, 1536 },
		{ "tanh", TN_OP_ACT, TN_ACT_TANH, 1536 },
		{ "add", TN_OP_ADD, 0, 384 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conform_node n = { .call = b->call, .seed = 1 };
		double t[MOST];

		conform_rows(&n, 0, 128, cases[i].cols);
		if (cases[i].op == TN_OP_ACT)
			n.node.attr.act.kind = cases[i].kind;
		if (cases[i].op == TN_OP_LAYER_NORM) {
			n.node.attr.norm.eps = 1e-12;
			n.node.attr.norm.bias = n.node.attr.norm.residual = 1;
			conform_weight(&n, cases[i].cols, 0);
			conform_weight(&n, cases[i].cols, 0);
		}
		if (cases[i].op == TN_OP_LAYER_NORM || cases[i].op == TN_OP_ADD)
			conform_rows(&n, 0, 128, cases[i].cols);
		conform_finish(&n, cases[i].op, 128);
		measure(b, &n, t);
		printf("%-26s [128][%zu]", cases[i].name, cases[i].cols);
		for (size_t k = 0; k < b->n; k++)
			printf(" %7.1f us, %5.2f ns an element", t[k] * 1e6,
				t[k] * 1e9 / (128 * (double)cases[i].cols));
		putchar('\n');
		tn_call_reset(b->call);
	}
}

static int open_backend(struct bench *b, const char *name, int threads)
{
	const struct tn_plugin *plugin = tn_plugin_load(TN_BACKEND, name, NULL, b->call);
	struct tn_backend *backend = plugin ? tn_plugin_new(plugin, b->call) : NULL;

	if (!backend || (plugin->impl.backend->open &&
	    plugin->impl.backend->open(backend, threads, b->call))) {
		fprintf(stderr, "%s\n", tn_error_text(b->call));
		return 0;
	}
	b->backends[b->n++] = backend;
	return 1;
}

int main(int argc, char **argv)
{
	char usual[] = "native", *names = argc > 1 ? argv[1] : usual;
	const char *what = argc > 3 ? argv[3] : "";
	const int threads = argc > 2 ? atoi(argv[2]) : 1;
	struct bench b = { .call = tn_call_create() };

	omp_set_num_threads(1);
	b.peak = peak() * threads;
	omp_set_num_threads(threads);
	printf("%s, %d threads, peak %.1f GFLOP/s\n", names, threads, b.peak);
	for (char *name = strtok(names, ","); name && b.n < MOST; name = strtok(NULL, ","))
		if (!open_backend(&b, name, threads))
			return 69;
	if (!*what || !strcmp(what, "linear"))
		bench_linear(&b, 0);
	if (!strcmp(what, "bf16") || !strcmp(what, "int8"))
		bench_linear(&b, *what == 'b' ? TN_BF16 : TN_I8);
	if (!*what || !strcmp(what, "attention"))
		bench_attention(&b);
	if (!*what || !strcmp(what, "rows"))
		bench_rows(&b);
	return 0;
}
