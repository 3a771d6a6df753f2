/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/post.h - how special tokens go around texts.
 */
#ifndef TOK_POST_H
#define TOK_POST_H

#include <stdbool.h>
#include <tenon/impl/tokenizer.h>

#include "normal.h"
#include "vocab.h"

#define TOK_MAX_TEMPLATE 32

struct tok_post {
	struct tn_template_item single[TOK_MAX_TEMPLATE], pair[TOK_MAX_TEMPLATE];
	size_t n_single, n_pair;
	bool trim;		/* spaces at the ends of a token do not belong to its offsets ... */
	bool keep_first;	/* ... but one space that begins the text does */
};

/** How many characters at the ends of a token are spaces, or stand for one in ByteLevel. */
struct tok_blank {
	uint32_t before, behind;
};

/** BERT's: [CLS] A [SEP], and B [SEP] with type 1. */
void tok_post_bert(struct tok_post *post, int32_t cls, int32_t sep);
/** RoBERTa's: <s> A </s>, and </s> B </s>, all of type 0. */
void tok_post_roberta(struct tok_post *post, int32_t cls, int32_t sep);
/** Reads the "post_processor" of tokenizer.json: null, TemplateProcessing, BertProcessing,
 *  RobertaProcessing, ByteLevel or a Sequence of them; ids must be below n_ids.  Error:
 *  TN_EDATA. */
int tok_post_read(struct tok_post *post, const struct tn_value *v, size_t n_ids,
	const char *path, struct tn_call *call);

/** The spaces at the ends of a token. */
struct tok_blank tok_blank_of(struct tn_text token);
/** Those of all ids of a vocabulary, malloc'd; NULL after TN_ENOMEM. */
struct tok_blank *tok_blanks_of(const struct tok_vocab *v, struct tn_call *call);
/** The offsets of a token in a text without its spaces, after `trim`.  first: the token is the
 *  first of the text. */
struct tok_span tok_trim(const struct tok_post *post, struct tn_text text, bool first,
	struct tok_span span, struct tok_blank blank);

#endif
