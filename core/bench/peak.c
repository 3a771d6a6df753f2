/* SPDX-License-Identifier: Apache-2.0
 * core/bench/peak.c - loops of nothing but multiply-adds in registers, and one that reads
 * memory.  They are the measure, so they stand outside of every backend.
 */
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/pages.h"
#include "bench/clock.h"
#include "bench/peak.h"

#define LEAST_READ ((size_t)128 << 20)
#define MOST_READ ((size_t)1 << 30)
#define TRIES 4

/* A loop over registers: `operations` each time round, by one thread. */
struct loop {
	void (*run)(long rounds);
	double operations;
};

/* Four lanes of a vector, on any processor. */
typedef float lanes __attribute__((vector_size(16)));

static void fp32_plain(long rounds)
{
	lanes sum[8] = { { 0 } }, x = { 1e-3f, 1e-3f, 1e-3f, 1e-3f };

	for (long r = 0; r < rounds; r++)
		for (int i = 0; i < 8; i++) {
			sum[i] += x * x;
			__asm__ volatile("" : "+x"(sum[i]), "+x"(x));
		}
}

#ifdef __x86_64__
/* Registers 12 to 14 hold the factors; 12 sums, so that neither the latency of one
 * (4 or 5 cycles at two a cycle) nor a load stands in the way. */
#define SIX(f) f(0) f(1) f(2) f(3) f(4) f(5)
#define TWELVE(f) SIX(f) f(6) f(7) f(8) f(9) f(10) f(11)
#define CLOBBERS "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
	"xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "cc"
#define CLEAR(n) "vpxor %%xmm" #n ", %%xmm" #n ", %%xmm" #n "\n\t"
#define LOOP(name, broadcast, body)					\
	static void name(long rounds)					\
	{								\
		__asm__ volatile(TWELVE(CLEAR) broadcast		\
			"1:\n\t" body "dec %0\n\tjnz 1b\n\tvzeroupper"	\
			: "+r"(rounds) : "m"(factors), "m"(ones) : CLOBBERS);	\
	}

static const uint32_t factors = 0x3a833a83;	/* as fp32, as two bf16: 1e-3; bytes of 3a, 83 */
static const uint32_t ones = 0x00010001;	/* as two 16-bit integers */

#define FMA_YMM(n) "vfmadd231ps %%ymm12, %%ymm13, %%ymm" #n "\n\t"
#define FMA_ZMM(n) "vfmadd231ps %%zmm12, %%zmm13, %%zmm" #n "\n\t"
#define BF16_ZMM(n) "vdpbf16ps %%zmm12, %%zmm13, %%zmm" #n "\n\t"
#define VNNI_ZMM(n) "vpdpbusd %%zmm12, %%zmm13, %%zmm" #n "\n\t"
#define VNNI_YMM(n) "%{vex%} vpdpbusd %%ymm12, %%ymm13, %%ymm" #n "\n\t"
#define PAIRS_YMM(n) "vpmaddubsw %%ymm12, %%ymm13, %%ymm11\n\t"		\
	"vpmaddwd %%ymm11, %%ymm14, %%ymm11\n\tvpaddd %%ymm11, %%ymm" #n ", %%ymm" #n "\n\t"
#define WORDS_YMM(n) "vpmaddwd %%ymm12, %%ymm13, %%ymm14\n\t"		\
	"vpaddd %%ymm14, %%ymm" #n ", %%ymm" #n "\n\t"
#define YMM "vbroadcastss %1, %%ymm12\n\tvbroadcastss %1, %%ymm13\n\tvbroadcastss %2, %%ymm14\n\t"
#define ZMM "vbroadcastss %1, %%zmm12\n\tvbroadcastss %1, %%zmm13\n\t"

LOOP(fp32_avx2, YMM, TWELVE(FMA_YMM))
LOOP(fp32_avx512, ZMM, TWELVE(FMA_ZMM))
LOOP(bf16_avx512, ZMM, TWELVE(BF16_ZMM))
LOOP(int8_avx2, YMM, SIX(PAIRS_YMM))
LOOP(int8_exact_avx2, YMM, TWELVE(WORDS_YMM))
LOOP(int8_avx_vnni, YMM, TWELVE(VNNI_YMM))
LOOP(int8_avx512, ZMM, TWELVE(VNNI_ZMM))

/* vpdpbusd with a VEX prefix: leaf 7, subleaf 1, EAX bit 4 (compilers know the name of
 * the feature only lately). */
static int has_avx_vnni(void)
{
	uint32_t a = 7, b, c = 1, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return (a & 16) != 0;
}
#endif

struct loops {
	struct loop fp32, bf16, int8, int8_exact;
	const char *isa;
};

static void choose(struct loops *l)
{
	const char *cap = getenv("TENON_ISA");

	*l = (struct loops){ .fp32 = { fp32_plain, 8 * 4 * 2 }, .isa = "plain" };
	if (cap && !strcmp(cap, "plain"))
		return;
#ifdef __x86_64__
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
		return;
	*l = (struct loops){ .fp32 = { fp32_avx2, 12 * 8 * 2 },
		.int8 = { int8_avx2, 6 * 32 * 2 }, .int8_exact = { int8_exact_avx2, 12 * 16 * 2 },
		.isa = "avx2" };
	if (has_avx_vnni())
		l->int8 = l->int8_exact = (struct loop){ int8_avx_vnni, 12 * 32 * 2 };
	if ((cap && !strcmp(cap, "avx2")) || !__builtin_cpu_supports("avx512f") ||
			!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512dq") ||
			!__builtin_cpu_supports("avx512vl"))
		return;
	l->fp32 = (struct loop){ fp32_avx512, 12 * 16 * 2 };
	l->isa = "avx512";
	if (__builtin_cpu_supports("avx512bf16"))
		l->bf16 = (struct loop){ bf16_avx512, 12 * 32 * 2 };
	if (__builtin_cpu_supports("avx512vnni"))
		l->int8 = l->int8_exact = (struct loop){ int8_avx512, 12 * 64 * 2 };
#endif
}

/* 1e9 operations a second of the team, the best of some tries.  Each thread is measured by
 * its own processor time: what else runs on the machine takes nothing from the peak. */
static double rate(const struct loop *loop, int threads)
{
	const long rounds = 400000;
	double best = 0;

	for (int i = 0; loop->run && i < TRIES; i++) {
		double speed = 0;

		#pragma omp parallel num_threads(threads) reduction(+:speed)
		{
			double start = bench_thread_cpu();

			loop->run(rounds);
			speed += loop->operations * (double)rounds / (bench_thread_cpu() - start) / 1e9;
		}
		if (speed > best)
			best = speed;
	}
	return best;
}

static void keep(double *best, double found)
{
	if (found > *best)
		*best = found;
}

void bench_peak_loops(struct bench_peaks *peaks)
{
	struct loops loops;

	choose(&loops);
	peaks->isa = loops.isa;
	keep(&peaks->fp32, rate(&loops.fp32, peaks->threads));
	keep(&peaks->bf16, rate(&loops.bf16, peaks->threads));
	keep(&peaks->int8, rate(&loops.int8, peaks->threads));
	keep(&peaks->int8_exact, loops.int8_exact.run == loops.int8.run ? peaks->int8 :
		rate(&loops.int8_exact, peaks->threads));
}

/* Four sums, so that loads of 16 bytes do not wait for additions; memory is slower. */
static void read_all(const char *from, size_t bytes)
{
	typedef uint64_t words __attribute__((vector_size(16)));
	const words *w = (const words *)from;
	words a = { 0 }, b = a, c = a, d = a;

	for (size_t i = 0; i + 4 <= bytes / sizeof(*w); i += 4) {
		a += w[i];
		b += w[i + 1];
		c += w[i + 2];
		d += w[i + 3];
	}
	a += b + c + d;
	__asm__ volatile("" : : "m"(a));
}

/* Four times the last cache, within bounds. */
static size_t read_bytes(void)
{
	long cache = 0;

#ifdef _SC_LEVEL3_CACHE_SIZE
	cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
#endif
	if (cache <= 0 || (size_t)cache <= LEAST_READ / 4)
		return LEAST_READ;
	return (size_t)cache >= MOST_READ / 4 ? MOST_READ : 4 * (size_t)cache;
}

void bench_peak_read(struct bench_peaks *peaks)
{
	size_t bytes = read_bytes(), threads = (size_t)peaks->threads;
	size_t part = bytes / threads / 64 * 64;
	char *memory = tn_pages_alloc(bytes);

	if (!memory)
		return;
	memset(memory, 1, bytes);
	for (int i = 0; i < TRIES; i++) {
		double start = bench_now();

		#pragma omp parallel num_threads(peaks->threads)
		read_all(memory + part * (size_t)omp_get_thread_num(), part);
		keep(&peaks->read, (double)(part * threads) / (bench_now() - start) / 1e9);
	}
	tn_pages_free(memory, bytes);
}
