# SPDX-License-Identifier: Apache-2.0
# examples: pipelines, scripts and the demo model.
EXTRA_DIST += \
	%D%/broken.cfg \
	%D%/lighthouse.txt \
	%D%/ner.cfg \
	%D%/qa.cfg \
	%D%/quickstart.sh \
	%D%/record.py \
	%D%/setup.sh

# The demo model, all of its folder.
dist-hook: dist-demo
.PHONY: dist-demo
dist-demo:
	cp -R $(srcdir)/examples/demo $(distdir)/examples/
