# SPDX-License-Identifier: Apache-2.0
# tests: TAP through automake.  Unit tests are programs of the Check library;
# scripts print TAP themselves.
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
TEST_EXTENSIONS = .sh

# What check-code leaves out, for builds with sanitizers: tests of the build, of what it installs
# and of what is written about it, as there is nothing new to see, and what would run for minutes.
plain_tests =
TESTS += $(plain_tests)
check-code:
	$(MAKE) check TESTS="`for t in $(TESTS); do \
		case ' $(plain_tests) ' in *\ $$t\ *) ;; *) echo $$t ;; esac; done`"
.PHONY: check-code

AM_TESTS_ENVIRONMENT = \
	TENON_PLUGIN_PATH='$(abs_top_builddir)/heads/.libs:$(abs_top_builddir)/plugins/.libs:$(abs_top_builddir)/backends/.libs' \
	TENON='$(abs_top_builddir)/tenon' \
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
	CK_TAP_LOG_FILE_NAME=- CK_DEFAULT_TIMEOUT=120; \
	export TENON_PLUGIN_PATH TENON top_srcdir top_builddir CK_TAP_LOG_FILE_NAME CK_DEFAULT_TIMEOUT;
TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/core -I$(top_srcdir)/tests
TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
TEST_LIBS = core/libtenon.la $(CHECK_LIBS)
EXTRA_DIST += %D%/check_main.h %D%/tap.sh

if HAVE_CHECK
check_PROGRAMS += %D%/test_base
TESTS += %D%/test_base
%C%_test_base_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_base_CFLAGS = $(TEST_CFLAGS)
%C%_test_base_LDADD = $(TEST_LIBS)
%C%_test_base_SOURCES = %D%/base/test_base.c

check_PROGRAMS += %D%/test_config
TESTS += %D%/test_config
%C%_test_config_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_config_CFLAGS = $(TEST_CFLAGS)
%C%_test_config_LDADD = $(TEST_LIBS)
%C%_test_config_SOURCES = %D%/base/test_config.c

check_PROGRAMS += %D%/test_pages
TESTS += %D%/test_pages
%C%_test_pages_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_pages_CFLAGS = $(TEST_CFLAGS)
%C%_test_pages_LDADD = $(TEST_LIBS) -lpthread
%C%_test_pages_SOURCES = %D%/base/test_pages.c

check_PROGRAMS += %D%/fuzz/replay
TESTS += %D%/fuzz/replay.sh
EXTRA_DIST += %D%/fuzz.sh %D%/fuzz/replay.sh %D%/fuzz/seeds.sh
%C%_fuzz_replay_CPPFLAGS = $(TEST_CPPFLAGS) -DFUZZ_REPLAY
%C%_fuzz_replay_LDADD = core/libtenon.la
%C%_fuzz_replay_SOURCES = %D%/fuzz/fuzz.c heads/foreign/signature.c heads/foreign/signature.h

check_PROGRAMS += %D%/test_input
TESTS += %D%/test_input
%C%_test_input_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_input_CFLAGS = $(TEST_CFLAGS)
%C%_test_input_LDADD = $(TEST_LIBS)
%C%_test_input_SOURCES = %D%/data/test_input.c

check_PROGRAMS += %D%/test_masked
TESTS += %D%/test_masked
%C%_test_masked_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_masked_CFLAGS = $(TEST_CFLAGS)
%C%_test_masked_LDADD = core/libeval.la $(TEST_LIBS) -lm
%C%_test_masked_SOURCES = %D%/eval/test_masked.c
EXTRA_DIST += %D%/golden/golden_masked.py %D%/golden/masked.json

check_PROGRAMS += %D%/test_records
TESTS += %D%/test_records
%C%_test_records_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_records_CFLAGS = $(TEST_CFLAGS)
%C%_test_records_LDADD = core/libeval.la $(TEST_LIBS) -lm
%C%_test_records_SOURCES = %D%/eval/test_records.c

check_PROGRAMS += %D%/test_metrics
TESTS += %D%/test_metrics
%C%_test_metrics_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_metrics_CFLAGS = $(TEST_CFLAGS)
%C%_test_metrics_LDADD = core/libeval.la $(TEST_LIBS) -lm
%C%_test_metrics_SOURCES = %D%/eval/test_metrics.c

check_PROGRAMS += %D%/test_audit
TESTS += %D%/test_audit
%C%_test_audit_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_audit_CFLAGS = $(TEST_CFLAGS)
%C%_test_audit_LDADD = core/libeval.la $(TEST_LIBS) -lm
%C%_test_audit_SOURCES = %D%/eval/test_audit.c

check_PROGRAMS += %D%/test_gold
TESTS += %D%/test_gold
%C%_test_gold_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_gold_CFLAGS = $(TEST_CFLAGS)
%C%_test_gold_LDADD = core/libeval.la $(TEST_LIBS) -lm
%C%_test_gold_SOURCES = %D%/eval/test_gold.c

check_PROGRAMS += %D%/test_op
TESTS += %D%/test_op
%C%_test_op_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_op_CFLAGS = $(TEST_CFLAGS)
%C%_test_op_LDADD = $(TEST_LIBS)
%C%_test_op_SOURCES = %D%/tensor/test_op.c

check_PROGRAMS += %D%/test_grad
TESTS += %D%/test_grad
%C%_test_grad_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_grad_CFLAGS = $(TEST_CFLAGS)
%C%_test_grad_LDADD = $(TEST_LIBS)
%C%_test_grad_SOURCES = %D%/tensor/net.c %D%/tensor/net.h %D%/tensor/test_grad.c

check_PROGRAMS += %D%/test_grad_ops
TESTS += %D%/test_grad_ops
%C%_test_grad_ops_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_grad_ops_CFLAGS = $(TEST_CFLAGS)
%C%_test_grad_ops_LDADD = $(TEST_LIBS)
%C%_test_grad_ops_SOURCES = %D%/tensor/net.c %D%/tensor/net.h %D%/tensor/test_grad_ops.c

# What the tests of backends share.
test_rig = %D%/backends/rig.c %D%/backends/rig.h %D%/backends/ways.h
check_PROGRAMS += %D%/test_reference
TESTS += %D%/test_reference
%C%_test_reference_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_reference_CFLAGS = $(TEST_CFLAGS)
%C%_test_reference_LDADD = $(TEST_LIBS)
%C%_test_reference_SOURCES = %D%/backends/test_reference.c $(test_rig)

check_PROGRAMS += %D%/test_reference_attention
TESTS += %D%/test_reference_attention
%C%_test_reference_attention_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_reference_attention_CFLAGS = $(TEST_CFLAGS)
%C%_test_reference_attention_LDADD = $(TEST_LIBS)
%C%_test_reference_attention_SOURCES = %D%/backends/test_reference_attention.c $(test_rig)

check_PROGRAMS += %D%/test_reference_grad
TESTS += %D%/test_reference_grad
%C%_test_reference_grad_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_reference_grad_CFLAGS = $(TEST_CFLAGS)
%C%_test_reference_grad_LDADD = $(TEST_LIBS)
%C%_test_reference_grad_SOURCES = %D%/backends/test_reference_grad.c $(test_rig)

EXTRA_DIST += %D%/golden/ops/make.py %D%/golden/ops/ops.safetensors
check_PROGRAMS += %D%/test_reference_golden
TESTS += %D%/test_reference_golden
%C%_test_reference_golden_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_reference_golden_CFLAGS = $(TEST_CFLAGS)
%C%_test_reference_golden_LDADD = $(TEST_LIBS)
%C%_test_reference_golden_SOURCES = %D%/backends/test_reference_golden.c $(test_rig)

check_PROGRAMS += %D%/test_safetensors
TESTS += %D%/test_safetensors
%C%_test_safetensors_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_safetensors_CFLAGS = $(TEST_CFLAGS)
%C%_test_safetensors_LDADD = $(TEST_LIBS)
%C%_test_safetensors_SOURCES = %D%/checkpoint/temporary.h %D%/checkpoint/test_safetensors.c

check_PROGRAMS += %D%/test_loader
TESTS += %D%/test_loader
%C%_test_loader_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_loader_CFLAGS = $(TEST_CFLAGS)
%C%_test_loader_LDADD = $(TEST_LIBS)
%C%_test_loader_SOURCES = %D%/plugin/test_loader.c

check_PROGRAMS += %D%/test_options
TESTS += %D%/test_options
%C%_test_options_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_options_CFLAGS = $(TEST_CFLAGS)
%C%_test_options_LDADD = $(TEST_LIBS)
%C%_test_options_SOURCES = %D%/plugin/test_options.c
# The products for vdpbf16ps on any CPU, with multiply-adds in its place.
check_LTLIBRARIES += %D%/libdot.la
%C%_libdot_la_CPPFLAGS = $(AM_CPPFLAGS) -DKERNEL_ISA=plain -DKERNEL_LANES=4 -DKERNEL_DOT
%C%_libdot_la_SOURCES = backends/kernels/gemm_panels.c
if KERNELS_X86
# The same with AVX-512, and the instruction by its definition.
check_LTLIBRARIES += %D%/libdpbf16.la
%C%_libdpbf16_la_CPPFLAGS = $(AM_CPPFLAGS) -DKERNEL_ISA=avx512 -DKERNEL_LANES=16 -DKERNEL_DOT \
	-Dkernels_gemm_dot_avx512=kernels_gemm_dpbf16 -include $(top_srcdir)/tests/backends/dpbf16.h
%C%_libdpbf16_la_CFLAGS = $(AM_CFLAGS) -mavx2 -mfma \
	-mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512
%C%_libdpbf16_la_SOURCES = backends/kernels/gemm_panels.c tests/backends/dpbf16.h
test_dpbf16 = %D%/libdpbf16.la
test_dpbf16_flags = -DKERNELS_X86
endif

check_PROGRAMS += %D%/test_kernels
TESTS += %D%/test_kernels
%C%_test_kernels_CPPFLAGS = $(TEST_CPPFLAGS) $(test_dpbf16_flags)
%C%_test_kernels_CFLAGS = $(TEST_CFLAGS) $(OPENMP_CFLAGS)
%C%_test_kernels_LDFLAGS = $(TN_LDFLAGS) $(OPENMP_CFLAGS)
%C%_test_kernels_LDADD = tests/libdot.la $(test_dpbf16) backends/libkernels.la $(TEST_LIBS)
%C%_test_kernels_SOURCES = %D%/backends/test_kernels.c

check_PROGRAMS += %D%/test_model_dir
TESTS += %D%/test_model_dir
%C%_test_model_dir_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_model_dir_CFLAGS = $(TEST_CFLAGS)
%C%_test_model_dir_LDADD = $(TEST_LIBS)
%C%_test_model_dir_SOURCES = %D%/checkpoint/temporary.h %D%/checkpoint/test_model_dir.c

check_PROGRAMS += %D%/test_weights
TESTS += %D%/test_weights
%C%_test_weights_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_weights_CFLAGS = $(TEST_CFLAGS)
%C%_test_weights_LDADD = $(TEST_LIBS)
%C%_test_weights_SOURCES = %D%/checkpoint/temporary.h %D%/checkpoint/test_weights.c

check_PROGRAMS += %D%/test_writer
TESTS += %D%/test_writer
%C%_test_writer_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_writer_CFLAGS = $(TEST_CFLAGS)
%C%_test_writer_LDADD = $(TEST_LIBS)
%C%_test_writer_SOURCES = %D%/pipeline/test_writer.c
check_PROGRAMS += %D%/test_plan
TESTS += %D%/test_plan
%C%_test_plan_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_plan_CFLAGS = $(TEST_CFLAGS)
%C%_test_plan_LDADD = $(TEST_LIBS)
%C%_test_plan_SOURCES = %D%/tensor/test_plan.c

check_PROGRAMS += %D%/test_crf
TESTS += %D%/test_crf
%C%_test_crf_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_crf_CFLAGS = $(TEST_CFLAGS)
%C%_test_crf_LDADD = $(TEST_LIBS) -lm
%C%_test_crf_SOURCES = %D%/heads/test_crf.c heads/bio-crf/crf.c heads/bio-crf/crf.h \
	heads/bio-crf/crf_scaled.c heads/bio-crf/tags.c heads/bio-crf/tags.h

check_PROGRAMS += %D%/test_decode
TESTS += %D%/test_decode
%C%_test_decode_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_decode_CFLAGS = $(TEST_CFLAGS)
%C%_test_decode_LDADD = $(TEST_LIBS) -lm
%C%_test_decode_SOURCES = %D%/heads/test_decode.c

check_PROGRAMS += %D%/test_pooling
TESTS += %D%/test_pooling
%C%_test_pooling_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_pooling_CFLAGS = $(TEST_CFLAGS)
%C%_test_pooling_LDADD = $(TEST_LIBS) -lm
%C%_test_pooling_SOURCES = %D%/heads/test_pooling.c

check_PROGRAMS += %D%/test_bench
TESTS += %D%/test_bench
%C%_test_bench_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_bench_CFLAGS = $(TEST_CFLAGS)
%C%_test_bench_LDADD = core/libbench.la core/libeval.la $(TEST_LIBS) -lm
%C%_test_bench_LDFLAGS = $(TN_LDFLAGS) $(OPENMP_CFLAGS)
%C%_test_bench_SOURCES = %D%/bench/test_bench.c

check_PROGRAMS += %D%/test_answers
TESTS += %D%/test_answers
%C%_test_answers_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_answers_CFLAGS = $(TEST_CFLAGS)
%C%_test_answers_LDADD = $(TEST_LIBS) -lm -lpthread
%C%_test_answers_SOURCES = %D%/pipeline/test_answers.c

check_PROGRAMS += %D%/test_host
TESTS += %D%/test_host
%C%_test_host_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_host_CFLAGS = $(TEST_CFLAGS)
%C%_test_host_LDADD = $(TEST_LIBS)
%C%_test_host_SOURCES = %D%/pipeline/test_host.c

check_PROGRAMS += %D%/test_pipeline
TESTS += %D%/test_pipeline
%C%_test_pipeline_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_pipeline_CFLAGS = $(TEST_CFLAGS)
%C%_test_pipeline_LDADD = $(TEST_LIBS)
%C%_test_pipeline_SOURCES = %D%/pipeline/test_pipeline.c

check_PROGRAMS += %D%/test_recorded
TESTS += %D%/test_recorded
%C%_test_recorded_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_recorded_CFLAGS = $(TEST_CFLAGS)
%C%_test_recorded_LDADD = $(TEST_LIBS) -lm
%C%_test_recorded_SOURCES = %D%/heads/test_recorded.c heads/bio-crf/crf.c heads/bio-crf/crf.h \
	heads/bio-crf/tags.c heads/bio-crf/tags.h

check_PROGRAMS += %D%/test_spans
TESTS += %D%/test_spans
%C%_test_spans_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_spans_CFLAGS = $(TEST_CFLAGS)
%C%_test_spans_LDADD = $(TEST_LIBS) -lm
%C%_test_spans_SOURCES = %D%/heads/test_spans.c heads/span-qa/spans.c \
	heads/span-qa/spans.h
endif

# Plugins with one thing wrong each.
check_DATA = %D%/mock/built
EXTRA_DIST += %D%/mock/build.sh %D%/mock/mock.c
EXTRA_DIST += %D%/plugin/abi_fixture.c
%D%/mock/built: %D%/mock/build.sh %D%/mock/mock.c %D%/plugin/abi_fixture.c $(tenonimpl_HEADERS)
	$(AM_V_GEN)$(SHELL) $(top_srcdir)/tests/mock/build.sh $(top_srcdir)/tests/mock/mock.c \
		tests/mock $(CC) $(AM_CPPFLAGS) $(CPPFLAGS) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) \
		$(LDFLAGS)
clean-local: clean-mocks
.PHONY: clean-mocks
clean-mocks:
	-rm -rf tests/mock/deadly tests/mock/*.so tests/mock/built tests/bad

# Each way in which a plugin can be broken, in one process.
check_PROGRAMS += %D%/broken_plugins
TESTS += %D%/broken_plugins
%C%_broken_plugins_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_broken_plugins_CFLAGS = $(AM_CFLAGS)
%C%_broken_plugins_LDADD = core/libtenon.la
%C%_broken_plugins_SOURCES = %D%/plugin/broken.c

# Plugins of one's own with one thing wrong each.
check_DATA += %D%/bad/built
EXTRA_DIST += %D%/conform/bad.sh
%D%/bad/built: %D%/conform/bad.sh $(kit_files) $(tenonimpl_HEADERS) core/libtenon.la
	$(AM_V_GEN)$(SHELL) $(top_srcdir)/tests/conform/bad.sh $(top_srcdir)/core/kit tests/bad \
		$(CC) $(AM_CPPFLAGS) $(CPPFLAGS) -std=gnu11 $(CFLAGS) $(LDFLAGS) -Lcore/.libs -ltenon
dist_check_SCRIPTS += %D%/conform/plugins.sh
TESTS += %D%/conform/plugins.sh
dist_check_SCRIPTS += %D%/cli/broken.sh
TESTS += %D%/cli/broken.sh
dist_check_SCRIPTS += %D%/cli/check.sh
TESTS += %D%/cli/check.sh
dist_check_SCRIPTS += %D%/cli/run.sh
TESTS += %D%/cli/run.sh
check_PROGRAMS += %D%/pty
%C%_pty_CPPFLAGS = $(AM_CPPFLAGS)
%C%_pty_CFLAGS = $(AM_CFLAGS)
%C%_pty_LDADD =
%C%_pty_SOURCES = %D%/cli/pty.c
dist_check_SCRIPTS += %D%/cli/plugins.sh
TESTS += %D%/cli/plugins.sh
dist_check_SCRIPTS += %D%/cli/bench.sh
plain_tests += %D%/cli/bench.sh
dist_check_SCRIPTS += %D%/cli/verify.sh
TESTS += %D%/cli/verify.sh
dist_check_SCRIPTS += %D%/cli/families.sh
TESTS += %D%/cli/families.sh
EXTRA_DIST += \
	%D%/golden/bert-mlm-tied-h40 \
	%D%/golden/bert-mlm-untied-h48 \
	%D%/golden/bert-model-bf16-sharded \
	%D%/golden/bert-model-h40 \
	%D%/golden/bert-model-h96 \
	%D%/golden/bert-model-legacy \
	%D%/golden/bert-qa-h100 \
	%D%/golden/bert-qa-h40 \
	%D%/golden/bert-sentence-dense-h24 \
	%D%/golden/bert-sentence-h72 \
	%D%/golden/bert-seqcls-h100 \
	%D%/golden/bert-seqcls-long-h40 \
	%D%/golden/bert-seqcls-multi-h48 \
	%D%/golden/bert-seqcls-regression-h72 \
	%D%/golden/bert-tokcls-h40 \
	%D%/golden/bert-tokcls-h72 \
	%D%/golden/deberta-mlm-h24 \
	%D%/golden/deberta-mlm-legacy-h24 \
	%D%/golden/deberta-model-conv-h21 \
	%D%/golden/deberta-model-h24 \
	%D%/golden/deberta-qa-p2c-h24 \
	%D%/golden/deberta-seqcls-h24 \
	%D%/golden/deberta-seqcls-plain-h20 \
	%D%/golden/deberta-tokcls-c2p-h30 \
	%D%/golden/modernbert-mlm-tied-h24 \
	%D%/golden/modernbert-mlm-untied-h20 \
	%D%/golden/modernbert-model-h24 \
	%D%/golden/modernbert-qa-h24 \
	%D%/golden/modernbert-seqcls-h24 \
	%D%/golden/modernbert-seqcls-mean-h36 \
	%D%/golden/modernbert-tokcls-h30 \
	%D%/golden/nomic-mlm-h24 \
	%D%/golden/nomic-model-h24 \
	%D%/golden/nomic-seqcls-h30 \
	%D%/golden/nomic-tokcls-h24 \
	%D%/golden/truncated
EXTRA_DIST += \
	%D%/golden/albert-mlm-tied-h24 \
	%D%/golden/albert-mlm-untied-h24 \
	%D%/golden/albert-model-h24 \
	%D%/golden/albert-qa-h24 \
	%D%/golden/albert-seqcls-h20 \
	%D%/golden/albert-tokcls-h30 \
	%D%/golden/camembert-tokcls-h20 \
	%D%/golden/distilbert-mlm-tied-h24 \
	%D%/golden/distilbert-mlm-untied-h20 \
	%D%/golden/distilbert-model-h20 \
	%D%/golden/distilbert-qa-h24 \
	%D%/golden/distilbert-seqcls-h24 \
	%D%/golden/distilbert-tokcls-h30 \
	%D%/golden/electra-mlm-tied-h24 \
	%D%/golden/electra-mlm-untied-h24 \
	%D%/golden/electra-model-h24 \
	%D%/golden/electra-qa-h20 \
	%D%/golden/electra-seqcls-h30 \
	%D%/golden/electra-tokcls-h24 \
	%D%/golden/eurobert \
	%D%/golden/golden_eurobert.py \
	%D%/golden/golden_families.py \
	%D%/golden/mpnet-mlm-tied-h24 \
	%D%/golden/mpnet-mlm-untied-h20 \
	%D%/golden/mpnet-model-h24 \
	%D%/golden/mpnet-qa-h24 \
	%D%/golden/mpnet-seqcls-h30 \
	%D%/golden/mpnet-tokcls-h20 \
	%D%/golden/roberta-mlm-untied-h20 \
	%D%/golden/roberta-model-h24 \
	%D%/golden/roberta-model-legacy-h20 \
	%D%/golden/roberta-qa-h24 \
	%D%/golden/xlm-roberta-mlm-tied-h24 \
	%D%/golden/xlm-roberta-seqcls-h30
dist_check_SCRIPTS += %D%/layers.sh
plain_tests += %D%/layers.sh

# A tokenizer plugin as a coprocess of tests/parity/tokenizers.sh.
check_PROGRAMS += %D%/tokenize
%C%_tokenize_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_tokenize_LDADD = core/libtenon.la
%C%_tokenize_SOURCES = %D%/parity/tokenize.c %D%/tokenizers/tokenizer.h
check_PROGRAMS += %D%/conform_backend
TESTS += %D%/conform_backend
%C%_conform_backend_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_conform_backend_LDFLAGS = $(TN_LDFLAGS) $(OPENMP_CFLAGS)
%C%_conform_backend_LDADD = core/libconform.la core/libtenon.la -lm
%C%_conform_backend_SOURCES = %D%/conform/backend.c
dist_check_SCRIPTS += %D%/dist.sh
plain_tests += %D%/dist.sh

dist_check_SCRIPTS += %D%/flags.sh
TESTS += %D%/flags.sh

dist_check_SCRIPTS += %D%/hardening.sh
TESTS += %D%/hardening.sh

dist_check_SCRIPTS += %D%/headers.sh
plain_tests += %D%/headers.sh

dist_check_SCRIPTS += %D%/install.sh
plain_tests += %D%/install.sh
# To install, libtool links each plugin anew where it lies: no other test may load them meanwhile.
%D%/install.log: $(TEST_LOGS:%D%/install.log=)
check_PROGRAMS += %D%/abi_layout
%C%_abi_layout_CPPFLAGS = $(AM_CPPFLAGS)
%C%_abi_layout_CFLAGS = $(AM_CFLAGS)
%C%_abi_layout_LDADD =
%C%_abi_layout_SOURCES = %D%/plugin/abi_layout.c
dist_check_SCRIPTS += %D%/plugin/abi.sh
EXTRA_DIST += %D%/plugin/abi-1.txt
plain_tests += %D%/plugin/abi.sh
dist_check_SCRIPTS += %D%/docs/completion.sh
plain_tests += %D%/docs/completion.sh
dist_check_SCRIPTS += %D%/docs/manual.sh
plain_tests += %D%/docs/manual.sh

# The Unicode tables of the tokenizers, for tests/parity/unicode.sh.
check_PROGRAMS += %D%/unicode
%C%_unicode_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/plugins/tokenizers/common
%C%_unicode_LDADD = plugins/libtokenizers.la
%C%_unicode_SOURCES = %D%/parity/unicode.c

if HAVE_CHECK
check_PROGRAMS += %D%/test_bpe
TESTS += %D%/test_bpe
%C%_test_bpe_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_bpe_CFLAGS = $(TEST_CFLAGS)
%C%_test_bpe_LDADD = $(TEST_LIBS)
%C%_test_bpe_SOURCES = %D%/tokenizers/recorded.h %D%/tokenizers/test_bpe.c \
	%D%/tokenizers/tokenizer.h

check_PROGRAMS += %D%/test_unicode
TESTS += %D%/test_unicode
%C%_test_unicode_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/plugins/tokenizers/common
%C%_test_unicode_CFLAGS = $(TEST_CFLAGS)
%C%_test_unicode_LDADD = plugins/libtokenizers.la $(TEST_LIBS)
%C%_test_unicode_SOURCES = %D%/tokenizers/test_unicode.c

check_PROGRAMS += %D%/test_real
TESTS += %D%/test_real
%C%_test_real_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/plugins/tokenizers/common
%C%_test_real_CFLAGS = $(TEST_CFLAGS)
%C%_test_real_LDADD = plugins/libtokenizers.la $(TEST_LIBS)
%C%_test_real_SOURCES = %D%/tokenizers/test_real.c

check_PROGRAMS += %D%/test_unigram
TESTS += %D%/test_unigram
%C%_test_unigram_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_unigram_CFLAGS = $(TEST_CFLAGS)
%C%_test_unigram_LDADD = $(TEST_LIBS)
%C%_test_unigram_SOURCES = %D%/tokenizers/recorded.h %D%/tokenizers/test_unigram.c \
	%D%/tokenizers/tokenizer.h

check_PROGRAMS += %D%/test_windows
TESTS += %D%/test_windows
%C%_test_windows_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_windows_CFLAGS = $(TEST_CFLAGS)
%C%_test_windows_LDADD = $(TEST_LIBS)
%C%_test_windows_SOURCES = %D%/text/test_windows.c

check_PROGRAMS += %D%/test_wordpiece
TESTS += %D%/test_wordpiece
%C%_test_wordpiece_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_wordpiece_CFLAGS = $(TEST_CFLAGS)
%C%_test_wordpiece_LDADD = $(TEST_LIBS)
%C%_test_wordpiece_SOURCES = %D%/tokenizers/test_wordpiece.c %D%/tokenizers/tokenizer.h
endif

EXTRA_DIST += \
	%D%/golden/README.md \
	%D%/golden/bpe.py \
	%D%/golden/bpe/README.md \
	%D%/golden/bpe/clip.fnv \
	%D%/golden/bpe/clip/tokenizer.json \
	%D%/golden/bpe/falcon.fnv \
	%D%/golden/bpe/falcon/tokenizer.json \
	%D%/golden/bpe/lines.fnv \
	%D%/golden/bpe/lines/tokenizer.json \
	%D%/golden/bpe/marks.fnv \
	%D%/golden/bpe/marks/tokenizer.json \
	%D%/golden/bpe/plain/merges.txt \
	%D%/golden/bpe/plain/vocab.json \
	%D%/golden/bpe/prefixed.fnv \
	%D%/golden/bpe/prefixed/tokenizer.json \
	%D%/golden/bpe/roberta.fnv \
	%D%/golden/bpe/roberta/tokenizer.json \
	%D%/golden/bpe/strings.json \
	%D%/golden/crf/cases.json \
	%D%/golden/csv.json \
	%D%/golden/golden_crf.py \
	%D%/golden/golden_csv.py \
	%D%/golden/golden_distances.py \
	%D%/golden/golden_metrics.py \
	%D%/golden/golden_minilm.py \
	%D%/golden/golden_models.py \
	%D%/golden/golden_pipelines.py \
	%D%/golden/golden_scores.py \
	%D%/golden/golden_thresholds.py \
	%D%/golden/golden_truncated.py \
	%D%/golden/golden_values.py \
	%D%/golden/make.py \
	%D%/golden/metrics/cases.json \
	%D%/golden/minilm \
	%D%/golden/pipelines \
	%D%/golden/scores.json \
	%D%/golden/thresholds.json \
	%D%/golden/unicode.fnv \
	%D%/golden/unigram.py \
	%D%/golden/unigram/README.md \
	%D%/golden/unigram/char.fnv \
	%D%/golden/unigram/char/spiece.model \
	%D%/golden/unigram/families.json \
	%D%/golden/unigram/folded.fnv \
	%D%/golden/unigram/folded/tokenizer.json \
	%D%/golden/unigram/general.fnv \
	%D%/golden/unigram/general/tokenizer.json \
	%D%/golden/unigram/level.fnv \
	%D%/golden/unigram/level/tokenizer.json \
	%D%/golden/unigram/marks.fnv \
	%D%/golden/unigram/marks/tokenizer.json \
	%D%/golden/unigram/merged.fnv \
	%D%/golden/unigram/merged/spiece.model \
	%D%/golden/unigram/model.fnv \
	%D%/golden/unigram/model/spiece.model \
	%D%/golden/unigram/strings.json \
	%D%/golden/unigram/stripped.fnv \
	%D%/golden/unigram/stripped/tokenizer.json \
	%D%/golden/unigram/word.fnv \
	%D%/golden/unigram/word/spiece.model \
	%D%/golden/unigram/words.fnv \
	%D%/golden/unigram/words/tokenizer.json \
	%D%/golden/values.json \
	%D%/golden/wordpiece.py \
	%D%/golden/wordpiece/README.md \
	%D%/golden/wordpiece/added.fnv \
	%D%/golden/wordpiece/added/tokenizer.json \
	%D%/golden/wordpiece/cased.fnv \
	%D%/golden/wordpiece/cased/tokenizer.json \
	%D%/golden/wordpiece/sample.txt \
	%D%/golden/wordpiece/strings.json \
	%D%/golden/wordpiece/uncased.fnv \
	%D%/golden/wordpiece/uncased/tokenizer_config.json \
	%D%/golden/wordpiece/uncased/vocab.txt \
	%D%/parity/all.sh \
	%D%/parity/compare_metrics.py \
	%D%/parity/compare_safetensors.py \
	%D%/parity/compare_sentencepiece.py \
	%D%/parity/compare_tokenizers.py \
	%D%/parity/compare_unicode.py \
	%D%/parity/fuzz_bpe.py \
	%D%/parity/fuzz_tokenizers.py \
	%D%/parity/metrics.sh \
	%D%/parity/tokenizers.sh \
	%D%/parity/unicode.sh

# For the hand, not for make check: speed of the backends' nodes.
noinst_PROGRAMS += %D%/bench_kernels
%C%_bench_kernels_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_bench_kernels_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
%C%_bench_kernels_LDADD = core/libconform.la core/libtenon.la -lm
%C%_bench_kernels_SOURCES = %D%/bench/kernels.c

# For the hand: time of training steps; tests/bench/train.py is PyTorch's side.
noinst_PROGRAMS += %D%/bench_train
%C%_bench_train_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_bench_train_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
%C%_bench_train_LDADD = core/libtrain.la core/libtenon.la
%C%_bench_train_SOURCES = %D%/bench/train.c
EXTRA_DIST += %D%/bench/train.py

# For the hand: tokenizers beside their peers.
EXTRA_DIST += %D%/bench/tokenizing.py

# For the hand: tenon as an engine of tests/bench/peers.
noinst_PROGRAMS += %D%/bench_driver
%C%_bench_driver_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_bench_driver_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
%C%_bench_driver_LDADD = core/libbench.la core/libtenon.la
%C%_bench_driver_SOURCES = %D%/bench/peers/driver.c
EXTRA_DIST += \
	%D%/bench/peers/README.md \
	%D%/bench/peers/engines.py \
	%D%/bench/peers/extras.py \
	%D%/bench/peers/families.py \
	%D%/bench/peers/peers.py \
	%D%/bench/peers/plot.py \
	%D%/bench/peers/prepare.py \
	%D%/bench/peers/report.py \
	%D%/bench/peers/setup.sh \
	%D%/bench/peers/turns.py \
	%D%/bench/peers/works.py

# Run by hand.
EXTRA_DIST += %D%/backends/emulate.sh %D%/cross.sh %D%/debian.sh %D%/static.sh %D%/tsan.sh

dist_check_SCRIPTS += %D%/cli/stream.sh
plain_tests += %D%/cli/stream.sh

if WITH_FFI
dist_check_SCRIPTS += %D%/heads/foreign.sh
TESTS += %D%/heads/foreign.sh
endif

if WITH_OPENBLAS
dist_check_SCRIPTS += %D%/backends/openblas_builds.sh
plain_tests += %D%/backends/openblas_builds.sh
endif

# Answers do not depend on the batch.
check_PROGRAMS += %D%/bits
%C%_bits_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_bits_CFLAGS = $(AM_CFLAGS) -pthread
%C%_bits_LDADD = core/libtenon.la
%C%_bits_SOURCES = %D%/pipeline/bits.c
dist_check_SCRIPTS += %D%/pipeline/bits.sh
TESTS += %D%/pipeline/bits.sh
dist_check_SCRIPTS += %D%/cli/data.sh
TESTS += %D%/cli/data.sh
dist_check_SCRIPTS += %D%/cli/coprocess.sh
TESTS += %D%/cli/coprocess.sh
# The metrics on outputs of other systems, for tests/parity/metrics.sh.
check_PROGRAMS += %D%/metrics
%C%_metrics_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_metrics_LDADD = core/libeval.la core/libtenon.la -lm
%C%_metrics_SOURCES = %D%/parity/metrics.c
dist_check_SCRIPTS += %D%/cli/quantize.sh
plain_tests += %D%/cli/quantize.sh
# Gradients of models and heads.
check_PROGRAMS += %D%/make_heads
%C%_make_heads_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_make_heads_LDADD = core/libtenon.la -lm
%C%_make_heads_SOURCES = %D%/train/make_heads.c
dist_check_SCRIPTS += %D%/cli/gradcheck.sh
TESTS += %D%/cli/gradcheck.sh
dist_check_SCRIPTS += %D%/cli/model.sh
TESTS += %D%/cli/model.sh
dist_check_SCRIPTS += %D%/cli/eval.sh
TESTS += %D%/cli/eval.sh
dist_check_SCRIPTS += %D%/cli/train.sh
TESTS += %D%/cli/train.sh
dist_check_SCRIPTS += %D%/train/bare.sh
TESTS += %D%/train/bare.sh
EXTRA_DIST += %D%/golden/golden_losses.py %D%/golden/losses-crf.cfg \
	%D%/golden/losses-crf.safetensors %D%/golden/losses.json \
	%D%/golden/golden_training.py %D%/golden/training/cls-bf16-job.cfg \
	%D%/golden/training/cls-job.cfg \
	%D%/golden/training/cls.tsv %D%/golden/training/losses.json \
	%D%/golden/training/qa-job.cfg %D%/golden/training/qa.jsonl \
	%D%/golden/training/tags-job.cfg %D%/golden/training/tags.conll
EXTRA_DIST += \
	%D%/golden/golden_learning.py \
	%D%/golden/training/albert-seqcls-h20-job.cfg \
	%D%/golden/training/deberta-seqcls-h24-job.cfg \
	%D%/golden/training/distilbert-seqcls-h24-job.cfg \
	%D%/golden/training/electra-seqcls-h30-job.cfg \
	%D%/golden/training/learning.json \
	%D%/golden/training/modernbert-seqcls-h24-job.cfg \
	%D%/golden/training/mpnet-seqcls-h30-job.cfg \
	%D%/golden/training/nomic-seqcls-h30-job.cfg \
	%D%/golden/training/numbers.tsv \
	%D%/golden/training/three.tsv \
	%D%/golden/training/two.tsv \
	%D%/golden/training/xlm-roberta-seqcls-h30-job.cfg
check_PROGRAMS += %D%/test_masking
TESTS += %D%/test_masking
%C%_test_masking_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_masking_CFLAGS = $(TEST_CFLAGS)
%C%_test_masking_LDADD = core/libtrain.la core/libeval.la $(TEST_LIBS) -lm
%C%_test_masking_SOURCES = %D%/eval/test_masking.c

check_PROGRAMS += %D%/test_objective
TESTS += %D%/test_objective
%C%_test_objective_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_objective_CFLAGS = $(TEST_CFLAGS)
%C%_test_objective_LDADD = core/libtrain.la $(TEST_LIBS) -lm
%C%_test_objective_SOURCES = %D%/train/test_objective.c

check_PROGRAMS += %D%/test_optimizer
TESTS += %D%/test_optimizer
%C%_test_optimizer_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_optimizer_CFLAGS = $(TEST_CFLAGS)
%C%_test_optimizer_LDADD = core/libtrain.la core/libeval.la $(TEST_LIBS) -lm
%C%_test_optimizer_SOURCES = %D%/train/test_optimizer.c

# Preloaded by cli/faults.sh and train/kills.sh, so not below the address sanitizer.
check_LTLIBRARIES += %D%/faults.la
%C%_faults_la_SOURCES = %D%/mock/faults.c
%C%_faults_la_CFLAGS = $(AM_CFLAGS) -fvisibility=default -U_FORTIFY_SOURCE
%C%_faults_la_LDFLAGS = -module -avoid-version -rpath /nowhere
%C%_faults_la_LIBADD = -ldl
dist_check_SCRIPTS += %D%/cli/faults.sh
plain_tests += %D%/cli/faults.sh
check_LTLIBRARIES += %D%/fault.la
%C%_fault_la_SOURCES = %D%/train/fault.c
%C%_fault_la_CFLAGS = $(AM_CFLAGS) -fvisibility=default -U_FORTIFY_SOURCE
%C%_fault_la_LDFLAGS = -module -avoid-version -rpath /nowhere
%C%_fault_la_LIBADD = -ldl
dist_check_SCRIPTS += %D%/train/kills.sh
plain_tests += %D%/train/kills.sh

check_PROGRAMS += %D%/test_train
TESTS += %D%/test_train
%C%_test_train_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_test_train_CFLAGS = $(TEST_CFLAGS)
%C%_test_train_LDADD = core/libtrain.la core/libeval.la $(TEST_LIBS) -lm
%C%_test_train_SOURCES = %D%/train/test_train.c
