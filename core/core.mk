# SPDX-License-Identifier: Apache-2.0
# core: libtenon and the tenon command.
tenonincludedir = $(includedir)/tenon
tenonimpldir = $(includedir)/tenon/impl
tenoninclude_HEADERS = \
	%D%/include/tenon/call.h \
	%D%/include/tenon/export.h \
	%D%/include/tenon/pipeline.h \
	%D%/include/tenon/tensor.h \
	%D%/include/tenon/value.h
tenonimpl_HEADERS = \
	%D%/include/tenon/impl/backend.h \
	%D%/include/tenon/impl/graph.h \
	%D%/include/tenon/impl/head.h \
	%D%/include/tenon/impl/model.h \
	%D%/include/tenon/impl/op.h \
	%D%/include/tenon/impl/option.h \
	%D%/include/tenon/impl/plugin.h \
	%D%/include/tenon/impl/tokenizer.h

# What a compiler needs to be told by programs and plugins of others.
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = %D%/tenon.pc

# The plugins that are linked into libtenon.
if STATIC_PLUGINS
BUILT_SOURCES += %D%/plugin/builtin.def
CLEANFILES += %D%/plugin/builtin.def
%D%/plugin/builtin.def: Makefile
	$(AM_V_GEN)$(MKDIR_P) %D%/plugin && for la in $(PLUGINS); do \
		basename $$la .la | sed 's/[a-z]*-/BUILTIN(/; s/-/_/g; s/$$/)/'; \
	done >$@.tmp && mv $@.tmp $@
endif

lib_LTLIBRARIES += %D%/libtenon.la
%C%_libtenon_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/core -I%D% -DTN_PLUGIN_DIR='"$(plugindir)"'
%C%_libtenon_la_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS) $(LIBCONFIG_CFLAGS) $(JANSSON_CFLAGS)
%C%_libtenon_la_LDFLAGS = -version-info 0:0:0 -Wl,-z,defs $(TN_LDFLAGS) \
	-Wl,--version-script=$(top_srcdir)/core/libtenon.map
%C%_libtenon_la_LIBADD = $(LIBCONFIG_LIBS) $(JANSSON_LIBS) $(LIBS)
EXTRA_%C%_libtenon_la_DEPENDENCIES = core/libtenon.map
EXTRA_DIST += %D%/libtenon.map
%C%_libtenon_la_SOURCES = \
	%D%/base/arena.c \
	%D%/base/call.c \
	%D%/base/config.c \
	%D%/base/config.h \
	%D%/base/config_check.c \
	%D%/base/config_include.c \
	%D%/base/config_print.c \
	%D%/base/config_scan.c \
	%D%/base/config_scan.h \
	%D%/base/config_set.c \
	%D%/base/file.c \
	%D%/base/file.h \
	%D%/base/hash.h \
	%D%/base/json.c \
	%D%/base/nearest.c \
	%D%/base/nearest.h \
	%D%/base/number.c \
	%D%/base/number.h \
	%D%/base/pages.c \
	%D%/base/pages.h \
	%D%/base/place.h \
	%D%/base/plot.c \
	%D%/base/plot.h \
	%D%/base/random.h \
	%D%/base/utf8.c \
	%D%/base/utf8.h \
	%D%/base/value.c \
	%D%/base/value.h \
	%D%/checkpoint/config_json.c \
	%D%/checkpoint/float16.h \
	%D%/checkpoint/model_dir.c \
	%D%/checkpoint/model_dir.h \
	%D%/checkpoint/model_dir_impl.h \
	%D%/checkpoint/model_dir_labels.c \
	%D%/checkpoint/model_dir_modules.c \
	%D%/checkpoint/model_dir_tokenizer.c \
	%D%/checkpoint/model_dir_wrong.c \
	%D%/checkpoint/safetensors.c \
	%D%/checkpoint/safetensors.h \
	%D%/checkpoint/st_check.c \
	%D%/checkpoint/st_check.h \
	%D%/checkpoint/st_header.c \
	%D%/checkpoint/st_header.h \
	%D%/checkpoint/st_write.c \
	%D%/checkpoint/weights.c \
	%D%/checkpoint/weights.h \
	%D%/checkpoint/weights_impl.h \
	%D%/checkpoint/weights_load.c \
	%D%/data/conll.c \
	%D%/data/conllu.c \
	%D%/data/csv.c \
	%D%/data/input.c \
	%D%/data/input.h \
	%D%/data/jsonl.c \
	%D%/data/lines.c \
	%D%/data/lines.h \
	%D%/data/reader.h \
	%D%/pipeline/batch.c \
	%D%/pipeline/batch.h \
	%D%/pipeline/components.c \
	%D%/pipeline/config.c \
	%D%/pipeline/config.h \
	%D%/pipeline/effective.c \
	%D%/pipeline/effective.h \
	%D%/pipeline/heads.c \
	%D%/pipeline/heads.h \
	%D%/pipeline/job.c \
	%D%/pipeline/pipeline.c \
	%D%/pipeline/pipeline_impl.h \
	%D%/pipeline/rows.c \
	%D%/pipeline/run.c \
	%D%/pipeline/runtime.c \
	%D%/pipeline/runtime.h \
	%D%/pipeline/session.c \
	%D%/pipeline/writer.c \
	%D%/pipeline/writer.h \
	%D%/pipeline/writer_impl.h \
	%D%/pipeline/writer_text.c \
	%D%/plugin/builtin.c \
	%D%/plugin/builtin.h \
	%D%/plugin/describe.c \
	%D%/plugin/descriptor.c \
	%D%/plugin/elf.c \
	%D%/plugin/elf.h \
	%D%/plugin/internal.h \
	%D%/plugin/load.c \
	%D%/plugin/options.c \
	%D%/plugin/plugin.h \
	%D%/plugin/scan.c \
	%D%/plugin/search.c \
	%D%/tensor/backend.c \
	%D%/tensor/backend.h \
	%D%/tensor/build.c \
	%D%/tensor/dtype.c \
	%D%/tensor/exec.c \
	%D%/tensor/grad.c \
	%D%/tensor/grad.h \
	%D%/tensor/grad_impl.h \
	%D%/tensor/grad_rules.c \
	%D%/tensor/graph.c \
	%D%/tensor/graph.h \
	%D%/tensor/op.c \
	%D%/tensor/op_check.c \
	%D%/tensor/op_check.h \
	%D%/tensor/op_shape.c \
	%D%/tensor/op_shape.h \
	%D%/tensor/op_shape_attention.c \
	%D%/tensor/op_shape_grad.c \
	%D%/tensor/op_table.h \
	%D%/tensor/plan.c \
	%D%/tensor/plan.h \
	%D%/tensor/plan_fuse.c \
	%D%/tensor/plan_impl.h \
	%D%/tensor/plan_pack.c \
	%D%/tensor/plan_rounds.c \
	%D%/tensor/plan_slots.c \
	%D%/tensor/quantize.c \
	%D%/tensor/single.c \
	%D%/tensor/single.h \
	%D%/text/span.c \
	%D%/text/text.h \
	%D%/text/tokens.c \
	%D%/text/windows.c \
	%D%/text/words.c

bin_PROGRAMS += %D%/tenon
%C%_tenon_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/core -DTN_PLUGIN_DIR='"$(plugindir)"'
%C%_tenon_CFLAGS = $(AM_CFLAGS) $(TN_PIE_CFLAGS) $(LIBCONFIG_CFLAGS) $(JANSSON_CFLAGS) $(SMARTCOLS_CFLAGS)
%C%_tenon_LDFLAGS = $(AM_LDFLAGS) $(TN_PIE_LDFLAGS)
%C%_tenon_LDADD = %D%/libconform.la %D%/libkit.la %D%/libbench.la %D%/libtrain.la %D%/libeval.la %D%/libtenon.la $(SMARTCOLS_LIBS)
%C%_tenon_SOURCES = \
	%D%/cli/answer_table.c \
	%D%/cli/answer_table.h \
	%D%/cli/bench.c \
	%D%/cli/bench.h \
	%D%/cli/bench_explain.c \
	%D%/cli/bench_growth.c \
	%D%/cli/bench_measure.c \
	%D%/cli/bench_roofline.c \
	%D%/cli/bench_ways.c \
	%D%/cli/bench_write.c \
	%D%/cli/check.c \
	%D%/cli/cli.h \
	%D%/cli/data.c \
	%D%/cli/data.h \
	%D%/cli/data_findings.c \
	%D%/cli/data_print.c \
	%D%/cli/eval.c \
	%D%/cli/eval.h \
	%D%/cli/eval_answers.c \
	%D%/cli/gradcheck.c \
	%D%/cli/main.c \
	%D%/cli/model.c \
	%D%/cli/plugins.c \
	%D%/cli/plugins.h \
	%D%/cli/plugins_new.c \
	%D%/cli/plugins_show.c \
	%D%/cli/plugins_test.c \
	%D%/cli/progress.c \
	%D%/cli/progress.h \
	%D%/cli/quantize.c \
	%D%/cli/quantize.h \
	%D%/cli/quantize_measure.c \
	%D%/cli/quantize_model.c \
	%D%/cli/run.c \
	%D%/cli/table.c \
	%D%/cli/tensors.c \
	%D%/cli/tensors.h \
	%D%/cli/tokenize.c \
	%D%/cli/train.c \
	%D%/cli/verify.c \
	%D%/cli/verify.h \
	%D%/cli/verify_compare.c \
	%D%/cli/version.c

# What `tenon plugins new` writes, as texts in one object.
kit_files = \
	%D%/kit/backend.c \
	%D%/kit/backend.cfg \
	%D%/kit/bert.json \
	%D%/kit/bert.weights \
	%D%/kit/head.c \
	%D%/kit/head.cfg \
	%D%/kit/head.weights \
	%D%/kit/model.c \
	%D%/kit/model.cfg \
	%D%/kit/model.json \
	%D%/kit/model.weights \
	%D%/kit/plugin.make \
	%D%/kit/test.sh \
	%D%/kit/tokenizer.c \
	%D%/kit/tokenizer.cfg \
	%D%/kit/tokenizer.json \
	%D%/kit/vocab.txt
EXTRA_DIST += $(kit_files)
%D%/kit/kit_files.c: $(kit_files)
	$(AM_V_at)$(MKDIR_P) core/kit
	$(AM_V_GEN){ echo '#include "kit/files.h"'; for f in $(kit_files); do \
		echo "const char kit_`basename $$f | tr .- __`[] ="; \
		sed 's/[\\"]/\\&/g; s/	/\\t/g; s/^/	"/; s/$$/\\n"/; $$s/$$/;/' $(srcdir)/$$f; \
	done; } >$@.tmp && mv $@.tmp $@
CLEANFILES += %D%/kit/kit_files.c
noinst_LTLIBRARIES += %D%/libkit.la
%C%_libkit_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/core -Icore
%C%_libkit_la_SOURCES = %D%/kit/files.h %D%/kit/kit.c %D%/kit/kit.h
nodist_%C%_libkit_la_SOURCES = %D%/kit/kit_files.c

# What `tenon bench` measures with.
noinst_LTLIBRARIES += %D%/libbench.la
%C%_libbench_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/core
%C%_libbench_la_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
%C%_libbench_la_LIBADD = -lm
%C%_libbench_la_SOURCES = \
	%D%/bench/clock.c \
	%D%/bench/clock.h \
	%D%/bench/measure.c \
	%D%/bench/measure.h \
	%D%/bench/peak.c \
	%D%/bench/peak.h \
	%D%/bench/samples.c \
	%D%/bench/samples.h \
	%D%/bench/sentences.h \
	%D%/bench/work.c \
	%D%/bench/work.h

# The metrics of each task, and labelled data.
noinst_LTLIBRARIES += %D%/libeval.la
%C%_libeval_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/core
%C%_libeval_la_LIBADD = -lm
EXTRA_DIST += %D%/eval/unicode.py
%C%_libeval_la_SOURCES = \
	%D%/eval/answer.c \
	%D%/eval/answer.h \
	%D%/eval/audit.c \
	%D%/eval/audit.h \
	%D%/eval/audit_tokens.c \
	%D%/eval/baseline.c \
	%D%/eval/baseline.h \
	%D%/eval/baseline_answer.c \
	%D%/eval/calibration.c \
	%D%/eval/calibration.h \
	%D%/eval/columns.c \
	%D%/eval/correlation.c \
	%D%/eval/correlation.h \
	%D%/eval/gold.c \
	%D%/eval/gold.h \
	%D%/eval/gold_answers.c \
	%D%/eval/gold_impl.h \
	%D%/eval/masked.c \
	%D%/eval/masked.h \
	%D%/eval/masking.c \
	%D%/eval/masking.h \
	%D%/eval/page.c \
	%D%/eval/records.c \
	%D%/eval/records.h \
	%D%/eval/records_impl.h \
	%D%/eval/records_tags.c \
	%D%/eval/report.c \
	%D%/eval/report.h \
	%D%/eval/rows.c \
	%D%/eval/rows.h \
	%D%/eval/scores.c \
	%D%/eval/spans.c \
	%D%/eval/spans.h \
	%D%/eval/squad.c \
	%D%/eval/tags.c \
	%D%/eval/tags.h \
	%D%/eval/tally.c \
	%D%/eval/tally.h \
	%D%/eval/texts.c \
	%D%/eval/texts.h \
	%D%/eval/threshold.c \
	%D%/eval/threshold.h \
	%D%/eval/unicode_table.h \
	%D%/eval/verdict.c \
	%D%/eval/verdict.h

# What training makes small, and whether its gradients are right.
noinst_LTLIBRARIES += %D%/libtrain.la
%C%_libtrain_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/core
%C%_libtrain_la_LIBADD = -lm
%C%_libtrain_la_SOURCES = \
	%D%/train/checkpoint.c \
	%D%/train/checkpoint.h \
	%D%/train/dataset.c \
	%D%/train/dataset.h \
	%D%/train/evaluate.c \
	%D%/train/export.c \
	%D%/train/export.h \
	%D%/train/features.c \
	%D%/train/features.h \
	%D%/train/gradcheck.c \
	%D%/train/gradcheck.h \
	%D%/train/guard.c \
	%D%/train/job.c \
	%D%/train/job.h \
	%D%/train/mean.c \
	%D%/train/mean.h \
	%D%/train/objective.c \
	%D%/train/objective.h \
	%D%/train/optimizer.c \
	%D%/train/optimizer.h \
	%D%/train/output.c \
	%D%/train/run.h \
	%D%/train/story.c \
	%D%/train/story.h \
	%D%/train/train.c \
	%D%/train/train.h

# The conformance suites: for `tenon plugins test` and for make check.
noinst_LTLIBRARIES += %D%/libconform.la
%C%_libconform_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/core
%C%_libconform_la_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
%C%_libconform_la_SOURCES = \
	%D%/conform/backend.c \
	%D%/conform/backend.h \
	%D%/conform/cases.h \
	%D%/conform/cases_backend.c \
	%D%/conform/cases_pipeline.c \
	%D%/conform/cases_tokenizer.c \
	%D%/conform/gradients.c \
	%D%/conform/node.c \
	%D%/conform/node.h \
	%D%/conform/positions.c \
	%D%/conform/run.c \
	%D%/conform/run.h \
	%D%/conform/suite.h
