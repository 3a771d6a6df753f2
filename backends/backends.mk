# SPDX-License-Identifier: Apache-2.0
# backends, and kernels: the SIMD loops that they share.

# reference: the typed files are compiled once for each float type.
noinst_LTLIBRARIES += %D%/libreference-f32.la %D%/libreference-f64.la
reference_typed = \
	%D%/reference/attention.c \
	%D%/reference/attention.h \
	%D%/reference/attention_grad.c \
	%D%/reference/dot.h \
	%D%/reference/elementwise.c \
	%D%/reference/gather.c \
	%D%/reference/gather_grad.c \
	%D%/reference/linear.c \
	%D%/reference/loss.c \
	%D%/reference/norm.c \
	%D%/reference/norm_grad.c \
	%D%/reference/optimizer.c \
	%D%/reference/philox.h \
	%D%/reference/position.c \
	%D%/reference/table.c
%C%_libreference_f32_la_SOURCES = $(reference_typed)
%C%_libreference_f32_la_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
%C%_libreference_f64_la_SOURCES = $(reference_typed)
%C%_libreference_f64_la_CPPFLAGS = $(AM_CPPFLAGS) -DREF_F64
%C%_libreference_f64_la_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)

PLUGINS += %D%/backend-reference.la
%C%_backend_reference_la_SOURCES = \
	%D%/reference/act.c \
	%D%/reference/act.h \
	%D%/reference/bf16.c \
	%D%/reference/cast.c \
	%D%/reference/int8.c \
	%D%/reference/ops.h \
	%D%/reference/reference.c
%C%_backend_reference_la_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
%C%_backend_reference_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_backend_reference_la_LIBADD = %D%/libreference-f32.la %D%/libreference-f64.la $(PLUGIN_LIBADD)

noinst_LTLIBRARIES += %D%/libkernels.la
%C%_libkernels_la_CPPFLAGS = $(AM_CPPFLAGS)
%C%_libkernels_la_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
%C%_libkernels_la_LIBADD = %D%/libkernels-plain.la
%C%_libkernels_la_SOURCES = \
	%D%/kernels/gemm.c \
	%D%/kernels/gemm.h \
	%D%/kernels/gemm_choose.c \
	%D%/kernels/gemm_packed.c \
	%D%/kernels/gemm_packed.h \
	%D%/kernels/grad.h \
	%D%/kernels/grad_steps.c \
	%D%/kernels/int8.c \
	%D%/kernels/int8.h \
	%D%/kernels/isa.h \
	%D%/kernels/kernels.h \
	%D%/kernels/linear.c \
	%D%/kernels/lower.c \
	%D%/kernels/lower.h \
	%D%/kernels/select.c \
	%D%/kernels/steps.c

# The loops, once for each ISA.
KERNEL_LOOPS = \
	%D%/kernels/attention.c \
	%D%/kernels/disentangled.h \
	%D%/kernels/gemm_panels.c \
	%D%/kernels/grad_attention.c \
	%D%/kernels/grad_dropout.c \
	%D%/kernels/grad_rows.c \
	%D%/kernels/int8_loops.c \
	%D%/kernels/mask.h \
	%D%/kernels/panels.h \
	%D%/kernels/philox.h \
	%D%/kernels/rotary.c \
	%D%/kernels/rows.c \
	%D%/kernels/vec.h
noinst_LTLIBRARIES += %D%/libkernels-plain.la
%C%_libkernels_plain_la_CPPFLAGS = $(AM_CPPFLAGS) -DKERNEL_ISA=plain -DKERNEL_LANES=4
%C%_libkernels_plain_la_SOURCES = $(KERNEL_LOOPS)
if KERNELS_X86
%C%_libkernels_la_CPPFLAGS += -DKERNELS_X86
%C%_libkernels_la_LIBADD += %D%/libkernels-avx2.la %D%/libkernels-avx512.la
noinst_LTLIBRARIES += %D%/libkernels-avx2.la
%C%_libkernels_avx2_la_CPPFLAGS = $(AM_CPPFLAGS) -DKERNEL_ISA=avx2 -DKERNEL_LANES=8
%C%_libkernels_avx2_la_CFLAGS = $(AM_CFLAGS) -mavx2 -mfma
%C%_libkernels_avx2_la_SOURCES = $(KERNEL_LOOPS)
noinst_LTLIBRARIES += %D%/libkernels-avx512.la
%C%_libkernels_avx512_la_CPPFLAGS = $(AM_CPPFLAGS) -DKERNEL_ISA=avx512 -DKERNEL_LANES=16
%C%_libkernels_avx512_la_CFLAGS = $(AM_CFLAGS) -mavx2 -mfma \
	-mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512
%C%_libkernels_avx512_la_SOURCES = $(KERNEL_LOOPS)
%C%_libkernels_la_LIBADD += %D%/libkernels-dot.la %D%/libkernels-vnni.la
noinst_LTLIBRARIES += %D%/libkernels-dot.la
%C%_libkernels_dot_la_CPPFLAGS = $(AM_CPPFLAGS) -DKERNEL_ISA=avx512 -DKERNEL_LANES=16 -DKERNEL_DOT
%C%_libkernels_dot_la_CFLAGS = $(AM_CFLAGS) -mavx2 -mfma \
	-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512bf16 -mprefer-vector-width=512
%C%_libkernels_dot_la_SOURCES = %D%/kernels/gemm_panels.c
noinst_LTLIBRARIES += %D%/libkernels-vnni.la
%C%_libkernels_vnni_la_CPPFLAGS = $(AM_CPPFLAGS) -DKERNEL_LANES=16 -DKERNEL_VNNI
%C%_libkernels_vnni_la_CFLAGS = $(AM_CFLAGS) -mavx2 -mfma \
	-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mprefer-vector-width=512
%C%_libkernels_vnni_la_SOURCES = %D%/kernels/int8_loops.c
endif

PLUGINS += %D%/backend-native.la
%C%_backend_native_la_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
%C%_backend_native_la_LDFLAGS = $(PLUGIN_LDFLAGS) $(OPENMP_CFLAGS)
%C%_backend_native_la_LIBADD = %D%/libkernels.la $(PLUGIN_LIBADD) -lm
%C%_backend_native_la_SOURCES = %D%/native/native.c

if WITH_ONEDNN
PLUGINS += %D%/backend-onednn.la
%C%_backend_onednn_la_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
%C%_backend_onednn_la_LDFLAGS = $(PLUGIN_LDFLAGS) $(OPENMP_CFLAGS)
%C%_backend_onednn_la_LIBADD = %D%/libkernels.la $(PLUGIN_LIBADD) -ldnnl -lm
%C%_backend_onednn_la_SOURCES = \
	%D%/onednn/api.h \
	%D%/onednn/inner.c \
	%D%/onednn/inner.h \
	%D%/onednn/onednn.c
endif

if WITH_OPENBLAS
PLUGINS += %D%/backend-openblas.la
%C%_backend_openblas_la_CFLAGS = $(AM_CFLAGS) $(OPENBLAS_CFLAGS) $(OPENMP_CFLAGS)
%C%_backend_openblas_la_LDFLAGS = $(PLUGIN_LDFLAGS) $(OPENMP_CFLAGS)
%C%_backend_openblas_la_LIBADD = %D%/libkernels.la $(PLUGIN_LIBADD) $(OPENBLAS_LIBS) -lm
%C%_backend_openblas_la_SOURCES = %D%/openblas/openblas.c
endif

