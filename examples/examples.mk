# SPDX-License-Identifier: Apache-2.0
# examples: pipelines, scripts and the demo model.
EXTRA_DIST += \
	%D%/broken.cfg \
	%D%/lighthouse.txt \
	%D%/ner.cfg \
	%D%/qa.cfg \
	%D%/quickstart.sh \
	%D%/recipes/clinc150.cfg \
	%D%/recipes/ewt.cfg \
	%D%/recipes/polarity.cfg \
	%D%/recipes/prepare.py \
	%D%/recipes/pytorch.py \
	%D%/recipes/squad.cfg \
	%D%/recipes/sst2.cfg \
	%D%/recipes/wnut17-crf.cfg \
	%D%/recipes/wnut17-softmax.cfg \
	%D%/record.py \
	%D%/setup.sh

# The demo model, all of its folder.
dist-hook: dist-demo
.PHONY: dist-demo
dist-demo:
	cp -R $(srcdir)/examples/demo $(distdir)/examples/
