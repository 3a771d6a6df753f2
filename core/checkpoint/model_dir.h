/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/model_dir.h - a Hugging Face model directory.
 *
 * Nothing in a directory names code, a path or a URL to open: files are found by their
 * fixed names, and the few names that files give (shards, modules) must be plain file
 * names.  A file may be a symbolic link, as the Hub's cache lays them out; what is opened
 * must be a regular file.
 */
#ifndef TN_CHECKPOINT_MODEL_DIR_H
#define TN_CHECKPOINT_MODEL_DIR_H

#include <tenon/impl/tokenizer.h>
#include <tenon/value.h>

/** An opened directory; const, in the arena that it was opened with. */
struct tn_model_dir {
	const char *path;		/* as given */
	const struct tn_value *config;	/* config.json */
	const char *config_path;	/* for messages */
	const char *model_type;		/* "bert" */
	/** architectures[0], or "SentenceTransformer" when there is a modules.json; NULL
	 *  when config.json names none. */
	const char *class;
	/** Options for the head of the class; NULL: none.  For a SentenceTransformer
	 *  {"pooling": "cls", "mean" or "max", "normalize": true or false}, and with a Dense module
	 *  "dense": its width and "activation". */
	const struct tn_value *head_options;
	const char *head_weights;	/* the file of that Dense module; NULL: none */
	const char *const *labels;	/* of id2label, in the order of their ids */
	size_t n_labels;		/* 0: config.json has none */
	size_t max_tokens;		/* max_seq_length of a SentenceTransformer; 0: none */

	const char *const *weight_files; /* model.safetensors, or the shards */
	size_t n_weight_files;
	const struct tn_value *shard_of; /* of an index: tensor to shard; NULL: one file */
	const char *weights_path;	/* of the one file or the index, for messages */

	struct tn_tokenizer_files files;
	/** The model's type in tokenizer.json, in lower case ("wordpiece"); NULL when there
	 *  is no such file or it does not say. */
	const char *tokenizer_type;
};

/** Opens a directory and reads its small files; weights and vocabularies stay closed.
 *  NULL after an error whose text also tells what to do: TN_ENOINPUT (no such directory,
 *  a file is missing), TN_EDATA, TN_EIO, TN_ENOMEM. */
TN_PRIVATE struct tn_model_dir *tn_model_dir_open(const char *path, struct tn_arena *arena,
	struct tn_call *call);

#endif
