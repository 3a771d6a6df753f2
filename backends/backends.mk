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

plugin_LTLIBRARIES += %D%/backend-reference.la
%C%_backend_reference_la_SOURCES = \
	%D%/reference/act.c \
	%D%/reference/act.h \
	%D%/reference/cast.c \
	%D%/reference/ops.h \
	%D%/reference/reference.c
%C%_backend_reference_la_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
%C%_backend_reference_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_backend_reference_la_LIBADD = %D%/libreference-f32.la %D%/libreference-f64.la core/libtenon.la
