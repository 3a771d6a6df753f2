/* SPDX-License-Identifier: Apache-2.0
 * core/bench/clock.h - time and memory of this process.
 */
#ifndef TN_BENCH_CLOCK_H
#define TN_BENCH_CLOCK_H

/** Seconds since some moment; never goes back. */
double bench_now(void);
/** Seconds that all threads of the process have worked together. */
double bench_cpu(void);
/** The same of the calling thread alone. */
double bench_thread_cpu(void);
/** The most memory the process has had at a time, 1e6 bytes (VmHWM); 0: unknown. */
double bench_peak_memory(void);

#endif
