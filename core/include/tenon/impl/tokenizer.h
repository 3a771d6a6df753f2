/* SPDX-License-Identifier: Apache-2.0
 * tenon/impl/tokenizer.h - to be included by tokenizer plugins.
 */
#ifndef TN_IMPL_TOKENIZER_H
#define TN_IMPL_TOKENIZER_H

#include <string.h>
#include <tenon/impl/plugin.h>
#include <tenon/pipeline.h>
#include <tenon/value.h>

TN_BEGIN

/** One token.  `begin` and `end` are bytes of the text it came from (of the whole
 *  original text, not of the normalized one); `word` counts the pre-tokenizer's
 *  words of the text from 0 as Hugging Face's word_ids do, or, for a list of
 *  words, is the index in the list.  Frozen within an ABI major. */
struct tn_token {
	int32_t id;
	int32_t word;
	uint32_t begin, end;
};

/** A growing array of tokens.  Items are in the call's arena.
 *  Frozen within an ABI major. */
struct tn_tokens {
	struct tn_token *items;
	size_t n, capacity;
};

/** Makes room for one more token and more behind it: TN_ENOMEM or 0. */
TN_API int tn_tokens_grow(struct tn_tokens *tokens, struct tn_call *call);

static inline int tn_tokens_push(struct tn_tokens *tokens, struct tn_token token,
	struct tn_call *call)
{
	if (tokens->n == tokens->capacity && tn_tokens_grow(tokens, call))
		return TN_ENOMEM;
	tokens->items[tokens->n++] = token;
	return 0;
}

/** A step of a template: a special token, or sequence A (0) or B (1).
 *  Frozen within an ABI major. */
struct tn_template_item {
	int32_t id;		/* of a special token; -1 for a sequence */
	int32_t sequence;	/* 0 or 1 when id is -1 */
	int32_t type;		/* segment (token type) id */
};

/** What the core must know to add special tokens; owned by the plugin, const
 *  after open.  An id that the vocabulary lacks is -1.  Frozen within an ABI major. */
struct tn_tokenizer_info {
	size_t vocab_size;		/* highest id + 1 */
	int32_t unk, cls, sep, pad, mask, bos, eos;
	const struct tn_template_item *single;	/* for one text */
	size_t n_single;
	const struct tn_template_item *pair;	/* for two */
	size_t n_pair;
	size_t max_length;		/* tokenizer_config.json's model_max_length; 0: unknown */
};

/** A model directory as a tokenizer sees it.  Paths are of regular files in the
 *  directory, NULL when absent; trees are NULL when the file is absent. */
struct tn_tokenizer_files {
	const char *directory;
	const char *tokenizer_json;	/* path */
	const char *vocab_txt;		/* path */
	const char *vocab_json;		/* path */
	const char *merges_txt;		/* path */
	const char *sentencepiece;	/* path: a model of sentencepiece (spiece.model ...) */
	const struct tn_value *tokenizer_config; /* tokenizer_config.json, parsed */
	const struct tn_value *special_tokens;	/* special_tokens_map.json, parsed */
	const struct tn_value *config;		/* config.json, parsed */
};

struct tn_tokenizer {
	const struct tn_plugin *plugin;
	void *core;
};

/** A tokenizer: text to tokens without special tokens, and back.  It equals the
 *  Hugging Face `tokenizers` library id for id and offset for offset.  open,
 *  encode, piece and info are required. */
struct tn_tokenizer_impl {
	/** Once.  Reads its files; what it keeps is malloc'd or in an arena of its
	 *  own.  Errors: TN_EDATA with file and line or byte, TN_EIO, TN_ENOMEM. */
	int (*open)(struct tn_tokenizer *self, const struct tn_tokenizer_files *files,
		struct tn_call *call);
	/** Appends the tokens of a text (len < 2^32; any bytes: each maximal bad part
	 *  of UTF-8 counts as one U+FFFD with the offsets of the bad bytes). */
	int (*encode)(const struct tn_tokenizer *self, struct tn_text text,
		struct tn_tokens *out, struct tn_call *call);
	/** Appends the tokens of words given by the caller; begin and end are bytes of
	 *  the word.  NULL: the core encodes each word alone. */
	int (*encode_words)(const struct tn_tokenizer *self, const struct tn_text *words,
		size_t n_words, struct tn_tokens *out, struct tn_call *call);
	/** The text of ids, in the call's arena, as Hugging Face's decode gives it with
	 *  special tokens skipped or not.  NULL: not supported. */
	int (*decode)(const struct tn_tokenizer *self, const int32_t *ids, size_t n,
		int skip_special, struct tn_text *out, struct tn_call *call);
	/** The vocabulary's text for an id, borrowed; NULL when there is none. */
	const char *(*piece)(const struct tn_tokenizer *self, int32_t id);
	/** Special tokens and templates, borrowed. */
	const struct tn_tokenizer_info *(*info)(const struct tn_tokenizer *self);
	/** Once, also after a failed open; the core frees `self`.  NULL: nothing. */
	void (*close)(struct tn_tokenizer *self);
};

TN_END
#endif
