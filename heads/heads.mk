# SPDX-License-Identifier: Apache-2.0
# heads: task heads.  Each is four lines.

PLUGINS += %D%/head-bio-crf.la
%C%_head_bio_crf_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_head_bio_crf_la_LIBADD = $(PLUGIN_LIBADD) -lm
%C%_head_bio_crf_la_SOURCES = \
	%D%/bio-crf/aggregate.c \
	%D%/bio-crf/bio-crf.c \
	%D%/bio-crf/bio-crf.h \
	%D%/bio-crf/crf.c \
	%D%/bio-crf/crf.h \
	%D%/bio-crf/crf_decode.c \
	%D%/bio-crf/crf_scaled.c \
	%D%/bio-crf/nll.c \
	%D%/bio-crf/tags.c \
	%D%/bio-crf/tags.h

PLUGINS += %D%/head-cls.la
%C%_head_cls_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_head_cls_la_LIBADD = $(PLUGIN_LIBADD) -lm
%C%_head_cls_la_SOURCES = %D%/cls/cls.c

PLUGINS += %D%/head-embed.la
%C%_head_embed_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_head_embed_la_LIBADD = $(PLUGIN_LIBADD) -lm
%C%_head_embed_la_SOURCES = %D%/embed/embed.c

PLUGINS += %D%/head-fill-mask.la
%C%_head_fill_mask_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_head_fill_mask_la_LIBADD = $(PLUGIN_LIBADD) -lm
%C%_head_fill_mask_la_SOURCES = %D%/fill-mask/fill-mask.c

if WITH_FFI
PLUGINS += %D%/head-foreign.la
%C%_head_foreign_la_CFLAGS = $(AM_CFLAGS) $(LIBFFI_CFLAGS)
%C%_head_foreign_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_head_foreign_la_LIBADD = $(PLUGIN_LIBADD) $(LIBFFI_LIBS)
%C%_head_foreign_la_SOURCES = \
	%D%/foreign/foreign.c \
	%D%/foreign/signature.c \
	%D%/foreign/signature.h
endif

PLUGINS += %D%/head-span-qa.la
%C%_head_span_qa_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_head_span_qa_la_LIBADD = $(PLUGIN_LIBADD) -lm
%C%_head_span_qa_la_SOURCES = \
	%D%/span-qa/hf.c \
	%D%/span-qa/nll.c \
	%D%/span-qa/span-qa.c \
	%D%/span-qa/span-qa.h \
	%D%/span-qa/spans.c \
	%D%/span-qa/spans.h
