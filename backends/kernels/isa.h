/* SPDX-License-Identifier: Apache-2.0
 * kernels/isa.h - names of what is compiled once for each ISA.
 */
#ifndef TN_KERNELS_ISA_H
#define TN_KERNELS_ISA_H

#include "grad.h"
#include "int8.h"
#include "kernels.h"

#define KERNEL_JOIN_(name, isa) kernels_##name##_##isa
#define KERNEL_JOIN(name, isa) KERNEL_JOIN_(name, isa)
#define KERNEL_TEXT_(isa) #isa
#define KERNEL_TEXT(isa) KERNEL_TEXT_(isa)
#ifdef KERNEL_ISA
/* Rows by panels of columns that the products hold in registers: 28 of the 32 vectors of
 * AVX-512, elsewhere 12 of 16. */
#define GEMM_PANEL (2 * KERNEL_LANES)
#define GEMM_TILE (KERNEL_LANES == 16 ? 14 : 6)
#define KERNEL_SYMBOL(name) KERNEL_JOIN(name, KERNEL_ISA)
#define KERNEL_TABLE KERNEL_SYMBOL(table)
#define KERNEL_NAME KERNEL_TEXT(KERNEL_ISA)
extern const struct kernels KERNEL_TABLE;
void KERNEL_SYMBOL(rope)(const struct kernel_rope *rope, struct kernel_rows y, struct kernel_rows x,
	const int32_t *position, size_t rows);
void KERNEL_SYMBOL(attention)(const struct kernel_attention *a);
size_t KERNEL_SYMBOL(attention_work)(size_t head_size, int places);
void KERNEL_SYMBOL(finish)(int kind, struct kernel_rows y, struct kernel_rows x,
	const float *bias, struct kernel_rows residual, size_t rows, size_t cols);
extern const struct grad_kernels KERNEL_SYMBOL(grad);
void KERNEL_SYMBOL(grad_attention)(const struct grad_attention *g);
size_t KERNEL_SYMBOL(grad_attention_work)(size_t head_size, int places);
void KERNEL_SYMBOL(grad_dropout)(struct kernel_rows y, struct kernel_rows x, double rate,
	uint64_t key, size_t first, size_t rows, size_t cols);
void KERNEL_SYMBOL(gemm)(const struct kernel_gemm *g, size_t first, size_t panels);
void KERNEL_SYMBOL(round_pair)(float *words, const float *row, const float *later, size_t n);
void KERNEL_SYMBOL(gemm_dot)(const struct kernel_gemm *g, size_t first, size_t panels);
/* Calls f with `kind` as a constant, so that the loops hold no switch. */
#define WITH_KIND(kind, f, ...)						\
	do {								\
		switch (kind) {						\
		case TN_ACT_GELU: f(TN_ACT_GELU, __VA_ARGS__); break;	\
		case TN_ACT_GELU_TANH: f(TN_ACT_GELU_TANH, __VA_ARGS__); break; \
		case TN_ACT_RELU: f(TN_ACT_RELU, __VA_ARGS__); break;	\
		case TN_ACT_SILU: f(TN_ACT_SILU, __VA_ARGS__); break;	\
		case TN_ACT_TANH: f(TN_ACT_TANH, __VA_ARGS__); break;	\
		case TN_ACT_SIGMOID: f(TN_ACT_SIGMOID, __VA_ARGS__); break; \
		default: f(TN_ACT_NONE, __VA_ARGS__); break;		\
		}							\
	} while (0)
#endif

extern const struct kernels kernels_table_plain;
extern const struct int8_kernels kernels_int8_plain;
#ifdef KERNELS_X86
extern const struct kernels kernels_table_avx2, kernels_table_avx512;
extern const struct int8_kernels kernels_int8_avx2, kernels_int8_avx512, kernels_int8_vnni;
void kernels_gemm_dot_avx512(const struct kernel_gemm *g, size_t first, size_t panels);
#endif

#endif
