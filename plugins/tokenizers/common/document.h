/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/document.h - tokenizer.json: the model is read as it comes, the
 * small parts become trees.
 */
#ifndef TOK_DOCUMENT_H
#define TOK_DOCUMENT_H

#include <tenon/value.h>

#include "json.h"

enum tok_part {
	TOK_PART_ADDED, TOK_PART_NORMALIZER, TOK_PART_PRE_TOKENIZER, TOK_PART_POST_PROCESSOR,
	TOK_PART_DECODER, TOK_N_PARTS
};

struct tok_document {
	const char *path;
	const char *plugin, *type;	/* "unigram" reads models of the type "Unigram" */
	/** Reads the value of a member of "model"; the type is not among them. */
	int (*member)(void *user, struct tok_json *j, struct tn_text key);
	void *user;
	const struct tn_value *parts[TOK_N_PARTS];	/* set by reading; NULL: absent */
};

/** Reads `len` bytes, in which strings are decoded in place; trees are the arena's.  Errors:
 *  TN_EDATA with the byte, TN_ENOMEM. */
int tok_document_read(struct tok_document *d, char *text, size_t len, struct tn_arena *arena,
	struct tn_call *call);
/** Reads true or false. */
int tok_document_bool(struct tok_json *j, bool *out);

#endif
