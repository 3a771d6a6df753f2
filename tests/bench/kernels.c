/* SPDX-License-Identifier: Apache-2.0
 * tests/bench/kernels.c - speed of a backend's nodes beside the peak of the CPU:
 *
 *	bench_kernels [BACKEND [THREADS [linear|attention|rows]]]
 *
 * Prints GFLOP/s (of nodes that only pass over rows: GB/s) and the share of the
 * measured peak.  Times are the best of many runs; with one thread they are CPU time,
 * so that other work on the machine disturbs little.
 */
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

struct bench {
	const struct tn_backend *backend;
	struct tn_call *call;
	double peak;		/* GFLOP/s of the team */
};

/* Seconds of the best run of a finished node; negative when it was refused. */
static double seconds(const struct bench *b, struct conform_node *n)
{
	const struct tn_backend_impl *impl = b->backend->plugin->impl.backend;
	struct tn_step step = { .node = &n->node, .in = n->in, .out = n->out, .axis = &n->axis,
		.kv_axis = &n->axis };
	struct tn_offer offer;
	void *packed = NULL;
	double best = 1e9, spent = 0;

	if (!conform_offered(b->backend, n, &offer) || conform_pack(b->backend, n, &offer, &packed))
		return -1;
	step.packed = packed;
	step.workspace = tn_alloc(b->call, (offer.workspace + 64) * (size_t)omp_get_max_threads());
	for (int i = 0; i < 5 || (spent < 0.3 && i < 2000); i++) {
		double t = now();

		if (impl->run(b->backend, &step, 1, b->call)) {
			fprintf(stderr, "%s\n", tn_error_text(b->call));
			exit(70);
		}
		t = now() - t;
		spent += t;
		best = t < best ? t : best;
	}
	if (packed)
		impl->unpack(b->backend, packed);
	return best;
}

static void print_rate(const struct bench *b, const char *what, double flops, double t)
{
	double rate = flops * 1e-9 / t;

	printf("  %-8s %7.1f GFLOP/s", what, rate);
	if (b->peak > 0)
		printf(" %3.0f %%", 100 * rate / b->peak);
}

static void bench_linear(const struct bench *b)
{
	static const size_t shapes[][2] = { { 384, 384 }, { 384, 1152 }, { 384, 1536 },
		{ 1536, 384 }, { 768, 3072 } };
	static const size_t rows[] = { 8, 16, 128, 512 };
	char what[32];

	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
		for (int act = 0; act < 2; act++) {
			printf("linear %zu to %zu%s\n", shapes[s][0], shapes[s][1],
				act ? " with GELU" : "");
			for (size_t r = 0; r < 4; r++) {
				struct conform_node n = { .call = b->call, .seed = 1 };

				n.node.attr.linear.parts = n.node.attr.linear.bias = 1;
				n.node.attr.linear.act = act ? TN_ACT_GELU : TN_ACT_NONE;
				conform_rows(&n, 0, rows[r], shapes[s][0]);
				conform_weight(&n, shapes[s][1], shapes[s][0]);
				conform_weight(&n, shapes[s][1], 0);
				conform_finish(&n, TN_OP_LINEAR, rows[r]);
				snprintf(what, sizeof(what), "%zu rows", rows[r]);
				print_rate(b, what, 2.0 * (double)(rows[r] * shapes[s][0] *
					shapes[s][1]), seconds(b, &n));
				putchar('\n');
				tn_call_reset(b->call);
			}
		}
}

static void bench_attention(const struct bench *b)
{
	static const uint32_t lengths[] = { 16, 32, 64, 128, 256, 512 };
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
			print_rate(b, what, 4.0 * (double)(seqs * len * len * width),
				seconds(b, &n));
			putchar('\n');
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
		double t;

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
		t = seconds(b, &n);
		printf("%-26s [128][%zu] %7.1f us, %5.2f ns an element\n", cases[i].name,
			cases[i].cols, t * 1e6, t * 1e9 / (128 * (double)cases[i].cols));
		tn_call_reset(b->call);
	}
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "onednn", *what = argc > 3 ? argv[3] : "";
	const int threads = argc > 2 ? atoi(argv[2]) : 1;
	struct bench b = { .call = tn_call_create() };
	const struct tn_plugin *plugin = tn_plugin_load(TN_BACKEND, name, NULL, b.call);
	struct tn_backend *backend = plugin ? tn_plugin_new(plugin, b.call) : NULL;

	if (!backend || (plugin->impl.backend->open &&
	    plugin->impl.backend->open(backend, threads, b.call))) {
		fprintf(stderr, "%s\n", tn_error_text(b.call));
		return 69;
	}
	omp_set_num_threads(1);
	b.peak = peak() * threads;
	omp_set_num_threads(threads);
	b.backend = backend;
	printf("%s, %d threads, peak %.1f GFLOP/s\n", name, threads, b.peak);
	if (!*what || !strcmp(what, "linear"))
		bench_linear(&b);
	if (!*what || !strcmp(what, "attention"))
		bench_attention(&b);
	if (!*what || !strcmp(what, "rows"))
		bench_rows(&b);
	return 0;
}
