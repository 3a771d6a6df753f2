# SPDX-License-Identifier: Apache-2.0
# heads: task heads.  Each is four lines.

plugin_LTLIBRARIES += %D%/head-embed.la
%C%_head_embed_la_SOURCES = %D%/embed/embed.c
%C%_head_embed_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_head_embed_la_LIBADD = core/libtenon.la
