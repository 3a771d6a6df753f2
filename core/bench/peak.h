/* SPDX-License-Identifier: Apache-2.0
 * core/bench/peak.h - what the processor itself can do: multiply-adds that stay in
 * registers, and reading of memory.
 */
#ifndef TN_BENCH_PEAK_H
#define TN_BENCH_PEAK_H

/** Peaks of a team of threads, each the best of all measurements so far. */
struct bench_peaks {
	int threads;
	const char *isa;	/* that of the loops: plain, avx2 or avx512 */
	double fp32, bf16, int8;	/* 1e9 operations a second, a multiply-add being two; 0:
					 * the processor has no instruction for them */
	double int8_exact;		/* int8 without sums that saturate */
	double read;		/* 1e9 bytes a second, from memory that no cache holds */
};

/** Measures the loops of a team of peaks->threads threads, some 20 ms for each type, and
 *  keeps what is better than before.  The loops follow TENON_ISA and the processor: fp32
 *  multiplies and adds vectors; bf16 is vdpbf16ps; int8 is vpdpbusd, else vpmaddubsw and
 *  vpmaddwd, whose sums of two products saturate at 16 bits: int8_exact is vpmaddwd of
 *  16 bits then, and int8 else. `peaks` is zeroed but for threads at first.  One thread at a time. */
void bench_peak_loops(struct bench_peaks *peaks);
/** The same for reading, some 0.1 s; takes 128 MB, or four times the last cache up to 1 GB,
 *  for a while, which then count in the process' peak memory.  Without that memory nothing
 *  is measured. */
void bench_peak_read(struct bench_peaks *peaks);

#endif
