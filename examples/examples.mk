# SPDX-License-Identifier: Apache-2.0
# examples: pipelines, scripts and the demo model.
EXTRA_DIST += \
	%D%/broken.cfg \
	%D%/chars/Makefile \
	%D%/chars/chars.c \
	%D%/hello.c \
	%D%/eurobert/Makefile \
	%D%/eurobert/eurobert.c \
	%D%/exact/Makefile \
	%D%/exact/exact.c \
	%D%/foreign/libm.cfg \
	%D%/foreign/textstat.c \
	%D%/foreign/textstat.cfg \
	%D%/lighthouse.txt \
	%D%/margin/Makefile \
	%D%/ner.cfg \
	%D%/qa.cfg \
	%D%/quickstart.sh \
	%D%/recipes/clinc150.cfg \
	%D%/recipes/compare.py \
	%D%/recipes/ewt.cfg \
	%D%/recipes/polarity.cfg \
	%D%/recipes/prepare.py \
	%D%/recipes/pytorch.py \
	%D%/recipes/results.jsonl \
	%D%/recipes/squad.cfg \
	%D%/recipes/sst2.cfg \
	%D%/recipes/wnut17-crf.cfg \
	%D%/recipes/wnut17-softmax.cfg \
	%D%/record.py \
	%D%/setup.sh \
	%D%/tickets-dev.tsv \
	%D%/tickets.tsv \
	%D%/train-tickets.cfg

# The demo model, all of its folder.
dist-hook: dist-demo
.PHONY: dist-demo
dist-demo:
	cp -R $(srcdir)/examples/demo $(distdir)/examples/
	rm -rf $(distdir)/examples/demo/work

if WITH_DEMO
INSTALLED += demo
endif
.PHONY: install-demo uninstall-demo
install-demo:
	$(MKDIR_P) '$(DESTDIR)$(pkgdatadir)'
	for file in demo lighthouse.txt ner.cfg qa.cfg; do \
		cp -R $(srcdir)/examples/$$file '$(DESTDIR)$(pkgdatadir)' || exit 1; \
	done
	rm -rf '$(DESTDIR)$(pkgdatadir)/demo/work' '$(DESTDIR)$(pkgdatadir)/demo/heldout'
	chmod -R u+w,go=rX '$(DESTDIR)$(pkgdatadir)'
uninstall-demo:
	rm -rf '$(DESTDIR)$(pkgdatadir)/demo'
	for file in lighthouse.txt ner.cfg qa.cfg; do rm -f '$(DESTDIR)$(pkgdatadir)/'$$file; done

# A head of one's own, built with the tests and not installed.
check_LTLIBRARIES += %D%/head-margin.la
%C%_head_margin_la_LDFLAGS = $(PLUGIN_LDFLAGS) -rpath /nowhere
%C%_head_margin_la_LIBADD = core/libtenon.la -lm
%C%_head_margin_la_SOURCES = %D%/margin/margin.c
