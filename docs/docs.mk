# SPDX-License-Identifier: Apache-2.0
# docs: manual pages.  That of a plugin is made from its option table by the built command,
# so a cross build has none.
dist_man_MANS += %D%/tenon.1
EXTRA_DIST += %D%/README.md %D%/roofline.svg %D%/tenon.bash %D%/training.md
if !CROSS_COMPILING
noinst_DATA = %D%/plugins.stamp
endif
CLEANFILES += %D%/plugins.stamp %D%/tenon-*.7

%D%/plugins.stamp: core/tenon$(EXEEXT) $(PLUGINS)
	$(AM_V_at)$(MKDIR_P) docs && rm -f docs/tenon-*.7
	$(AM_V_GEN)for la in $(PLUGINS); do \
		id=`basename $$la .la` && page=docs/tenon-$$id.7 && \
		core/tenon plugins show `echo $$id | sed 's|-|/|'` --man \
			--path `dirname $$la`/.libs >$$page.tmp && \
		mv $$page.tmp $$page || exit 1; \
	done; touch $@

install-data-local: $(INSTALLED:%=install-%)
	$(MKDIR_P) '$(DESTDIR)$(mandir)/man7'
	$(MKDIR_P) '$(DESTDIR)$(datadir)/bash-completion/completions'
	$(INSTALL_DATA) $(srcdir)/%D%/tenon.bash \
		'$(DESTDIR)$(datadir)/bash-completion/completions/tenon'
	for page in docs/tenon-*.7; do \
		test ! -f $$page || $(INSTALL_DATA) $$page '$(DESTDIR)$(mandir)/man7' || exit 1; \
	done
uninstall-local: $(INSTALLED:%=uninstall-%)
	rm -f '$(DESTDIR)$(datadir)/bash-completion/completions/tenon'
	for la in $(PLUGINS); do \
		rm -f '$(DESTDIR)$(mandir)/man7'/tenon-`basename $$la .la`.7; \
	done
