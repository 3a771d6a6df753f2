# SPDX-License-Identifier: Apache-2.0
# plugins: tokenizers and models.  Each is four lines.

# What tokenizers share: linked hidden into each plugin.
TOK_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins/tokenizers/common
EXTRA_DIST += \
	%D%/tokenizers/common/unicode/generate.py \
	%D%/tokenizers/common/unicode/graphemes.py \
	%D%/tokenizers/common/unicode/probe.py \
	%D%/tokenizers/common/unicode/scripts.py
noinst_LTLIBRARIES += %D%/libtokenizers.la
%C%_libtokenizers_la_CPPFLAGS = $(TOK_CPPFLAGS)
%C%_libtokenizers_la_SOURCES = \
	%D%/tokenizers/common/added.c \
	%D%/tokenizers/common/added.h \
	%D%/tokenizers/common/cleanup.c \
	%D%/tokenizers/common/decoder.c \
	%D%/tokenizers/common/decoder.h \
	%D%/tokenizers/common/document.c \
	%D%/tokenizers/common/document.h \
	%D%/tokenizers/common/file.c \
	%D%/tokenizers/common/file.h \
	%D%/tokenizers/common/form.c \
	%D%/tokenizers/common/form.h \
	%D%/tokenizers/common/json.c \
	%D%/tokenizers/common/json.h \
	%D%/tokenizers/common/normal.c \
	%D%/tokenizers/common/normal.h \
	%D%/tokenizers/common/normalizer.c \
	%D%/tokenizers/common/normalizer.h \
	%D%/tokenizers/common/pattern.c \
	%D%/tokenizers/common/pattern.h \
	%D%/tokenizers/common/post.c \
	%D%/tokenizers/common/post.h \
	%D%/tokenizers/common/precompiled.c \
	%D%/tokenizers/common/precompiled.h \
	%D%/tokenizers/common/pretok.c \
	%D%/tokenizers/common/pretok.h \
	%D%/tokenizers/common/pretok_read.c \
	%D%/tokenizers/common/real.c \
	%D%/tokenizers/common/real.h \
	%D%/tokenizers/common/repair.c \
	%D%/tokenizers/common/repair.h \
	%D%/tokenizers/common/table.c \
	%D%/tokenizers/common/table.h \
	%D%/tokenizers/common/trie.c \
	%D%/tokenizers/common/trie.h \
	%D%/tokenizers/common/unicode/graphemes.c \
	%D%/tokenizers/common/unicode/graphemes.h \
	%D%/tokenizers/common/unicode/scripts.c \
	%D%/tokenizers/common/unicode/scripts.h \
	%D%/tokenizers/common/unicode/tables.c \
	%D%/tokenizers/common/unicode/unicode.h \
	%D%/tokenizers/common/vocab.c \
	%D%/tokenizers/common/vocab.h \
	%D%/tokenizers/common/words.c \
	%D%/tokenizers/common/words.h

# What models of BERT's shape share: linked hidden into each plugin.
MODEL_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins/models/common
noinst_LTLIBRARIES += %D%/libmodels.la
%C%_libmodels_la_CPPFLAGS = $(MODEL_CPPFLAGS)
%C%_libmodels_la_SOURCES = \
	%D%/models/common/encoder.c \
	%D%/models/common/encoder.h

PLUGINS += %D%/model-albert.la
%C%_model_albert_la_CPPFLAGS = $(MODEL_CPPFLAGS)
%C%_model_albert_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_model_albert_la_LIBADD = %D%/libmodels.la $(PLUGIN_LIBADD) -lm
%C%_model_albert_la_SOURCES = %D%/models/albert/albert.c

PLUGINS += %D%/model-bert.la
%C%_model_bert_la_CPPFLAGS = $(MODEL_CPPFLAGS)
%C%_model_bert_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_model_bert_la_LIBADD = %D%/libmodels.la $(PLUGIN_LIBADD) -lm
%C%_model_bert_la_SOURCES = %D%/models/bert/bert.c

PLUGINS += %D%/model-deberta-v2.la
%C%_model_deberta_v2_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_model_deberta_v2_la_LIBADD = $(PLUGIN_LIBADD) -lm
%C%_model_deberta_v2_la_SOURCES = \
	%D%/models/deberta-v2/deberta-v2.c \
	%D%/models/deberta-v2/neighbours.c \
	%D%/models/deberta-v2/neighbours.h

PLUGINS += %D%/model-distilbert.la
%C%_model_distilbert_la_CPPFLAGS = $(MODEL_CPPFLAGS)
%C%_model_distilbert_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_model_distilbert_la_LIBADD = %D%/libmodels.la $(PLUGIN_LIBADD) -lm
%C%_model_distilbert_la_SOURCES = %D%/models/distilbert/distilbert.c

PLUGINS += %D%/model-electra.la
%C%_model_electra_la_CPPFLAGS = $(MODEL_CPPFLAGS)
%C%_model_electra_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_model_electra_la_LIBADD = %D%/libmodels.la $(PLUGIN_LIBADD) -lm
%C%_model_electra_la_SOURCES = %D%/models/electra/electra.c

PLUGINS += %D%/model-modernbert.la
%C%_model_modernbert_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_model_modernbert_la_LIBADD = $(PLUGIN_LIBADD) -lm
%C%_model_modernbert_la_SOURCES = %D%/models/modernbert/modernbert.c
PLUGINS += %D%/tokenizer-unigram.la
%C%_tokenizer_unigram_la_CPPFLAGS = $(TOK_CPPFLAGS)
%C%_tokenizer_unigram_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_tokenizer_unigram_la_LIBADD = %D%/libtokenizers.la $(PLUGIN_LIBADD) -lm
%C%_tokenizer_unigram_la_SOURCES = \
	%D%/tokenizers/unigram/encode.c \
	%D%/tokenizers/unigram/merge.c \
	%D%/tokenizers/unigram/merge.h \
	%D%/tokenizers/unigram/open.c \
	%D%/tokenizers/unigram/open.h \
	%D%/tokenizers/unigram/open_spm.c \
	%D%/tokenizers/unigram/proto.c \
	%D%/tokenizers/unigram/proto.h \
	%D%/tokenizers/unigram/segment.c \
	%D%/tokenizers/unigram/segment.h \
	%D%/tokenizers/unigram/spm.c \
	%D%/tokenizers/unigram/spm.h \
	%D%/tokenizers/unigram/spm_text.c \
	%D%/tokenizers/unigram/unigram.c \
	%D%/tokenizers/unigram/unigram.h

PLUGINS += %D%/model-mpnet.la
%C%_model_mpnet_la_CPPFLAGS = $(MODEL_CPPFLAGS)
%C%_model_mpnet_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_model_mpnet_la_LIBADD = %D%/libmodels.la $(PLUGIN_LIBADD) -lm
%C%_model_mpnet_la_SOURCES = %D%/models/mpnet/mpnet.c

PLUGINS += %D%/model-nomic_bert.la
%C%_model_nomic_bert_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_model_nomic_bert_la_LIBADD = $(PLUGIN_LIBADD) -lm
%C%_model_nomic_bert_la_SOURCES = %D%/models/nomic-bert/nomic-bert.c

PLUGINS += %D%/model-roberta.la
%C%_model_roberta_la_CPPFLAGS = $(MODEL_CPPFLAGS)
%C%_model_roberta_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_model_roberta_la_LIBADD = %D%/libmodels.la $(PLUGIN_LIBADD) -lm
%C%_model_roberta_la_SOURCES = %D%/models/roberta/roberta.c

PLUGINS += %D%/tokenizer-bpe.la
%C%_tokenizer_bpe_la_CPPFLAGS = $(TOK_CPPFLAGS)
%C%_tokenizer_bpe_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_tokenizer_bpe_la_LIBADD = %D%/libtokenizers.la $(PLUGIN_LIBADD)
%C%_tokenizer_bpe_la_SOURCES = \
	%D%/tokenizers/bpe/bpe.c \
	%D%/tokenizers/bpe/bpe.h \
	%D%/tokenizers/bpe/encode.c \
	%D%/tokenizers/bpe/encode.h \
	%D%/tokenizers/bpe/index.c \
	%D%/tokenizers/bpe/marked.c \
	%D%/tokenizers/bpe/merge.c \
	%D%/tokenizers/bpe/merge.h \
	%D%/tokenizers/bpe/open.c \
	%D%/tokenizers/bpe/open.h \
	%D%/tokenizers/bpe/read.c

PLUGINS += %D%/tokenizer-wordlevel.la
%C%_tokenizer_wordlevel_la_CPPFLAGS = $(TOK_CPPFLAGS)
%C%_tokenizer_wordlevel_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_tokenizer_wordlevel_la_LIBADD = %D%/libtokenizers.la $(PLUGIN_LIBADD)
%C%_tokenizer_wordlevel_la_SOURCES = %D%/tokenizers/wordlevel/wordlevel.c

PLUGINS += %D%/tokenizer-wordpiece.la
%C%_tokenizer_wordpiece_la_CPPFLAGS = $(TOK_CPPFLAGS)
%C%_tokenizer_wordpiece_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_tokenizer_wordpiece_la_LIBADD = %D%/libtokenizers.la $(PLUGIN_LIBADD)
%C%_tokenizer_wordpiece_la_SOURCES = \
	%D%/tokenizers/wordpiece/encode.c \
	%D%/tokenizers/wordpiece/open.c \
	%D%/tokenizers/wordpiece/wordpiece.c \
	%D%/tokenizers/wordpiece/wordpiece.h

# A plugin that serves several names has a link for each: NAME:PLUGIN.
PLUGIN_LINKS = \
	model-camembert:model-roberta \
	model-xlm-roberta:model-roberta
if !STATIC_PLUGINS
plugin_links = %D%/links.stamp
%D%/links.stamp: $(PLUGINS)
	$(AM_V_GEN)for link in $(PLUGIN_LINKS); do \
		$(LN_S) -f $${link#*:}.so %D%/.libs/$${link%:*}.so || exit 1; \
	done; touch $@
CLEANFILES += %D%/links.stamp
install-data-hook:
	for link in $(PLUGIN_LINKS); do \
		(cd '$(DESTDIR)$(plugindir)' && $(LN_S) -f $${link#*:}.so $${link%:*}.so) || exit 1; \
	done
uninstall-hook:
	for link in $(PLUGIN_LINKS); do \
		rm -f '$(DESTDIR)$(plugindir)'/$${link%:*}.so || exit 1; \
	done
endif
