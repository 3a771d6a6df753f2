/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/open.h - how the files of a model directory are read.
 */
#ifndef UNIGRAM_OPEN_H
#define UNIGRAM_OPEN_H

#include "unigram.h"

/** Reads tokenizer.json. */
int unigram_open_json(struct unigram_tokenizer *t, const struct tn_tokenizer_files *files,
	struct tn_call *call);
/** Reads a model of sentencepiece. */
int unigram_open_spm(struct unigram_tokenizer *t, const struct tn_tokenizer_files *files,
	struct tn_call *call);
/** Completes the vocabulary after its pieces were added, the ids their places; extra makes
 *  room for added tokens. */
int unigram_name(struct unigram_tokenizer *t, const char *path, size_t extra,
	struct tn_call *call);

#endif
