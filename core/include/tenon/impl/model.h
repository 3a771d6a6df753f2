/* SPDX-License-Identifier: Apache-2.0
 * tenon/impl/model.h - to be included by model plugins.
 */
#ifndef TN_IMPL_MODEL_H
#define TN_IMPL_MODEL_H

#include <tenon/impl/graph.h>
#include <tenon/impl/plugin.h>
#include <tenon/value.h>

TN_BEGIN

enum tn_model_kind { TN_BIDIRECTIONAL = 1, TN_CAUSAL = 2, TN_ENCODER_DECODER = 3 };

/** A class of Hugging Face's that the family has: what `architectures` in
 *  config.json leads to.  A table ends with a zeroed one.
 *  Frozen within an ABI major. */
struct tn_model_class {
	const char *name;	/* "BertForSequenceClassification" */
	const char *head;	/* plugin: "cls" */
	const char *feature;	/* what the head's linear reads: "pooled" */
	const char *weights;	/* name of that linear: "classifier"; NULL: the head has none */
};

/** What the core must know of an opened model; filled by open. */
struct tn_model_info {
	uint32_t kind;			/* enum tn_model_kind */
	size_t width;			/* columns of the feature "tokens" */
	size_t layers;
	size_t vocab_size;
	size_t max_positions;		/* longest window, special tokens counted; 0: no limit */
	size_t segments;		/* token types; 0 or 1: segment ids are all 0 */
};

struct tn_model {
	const struct tn_plugin *plugin;
	void *core;
};

/** A model family: a graph from config.json.  All but sentencepiece and close are required. */
struct tn_model_impl {
	/** Ends with a zeroed one. */
	const struct tn_model_class *classes;
	/** What stands before the names of the trunk's tensors when the directory was
	 *  saved from a class with a head: "bert."; the core finds them with and without. */
	const char *prefix;
	/** Plugin to use when there is no tokenizer.json: "wordpiece". */
	const char *tokenizer;
	/** Plugin to use when there is only a model of sentencepiece: "unigram"; NULL:
	 *  `tokenizer`. */
	const char *sentencepiece;
	/** Once: reads config.json (`path` is for messages) and fills info.
	 *  Errors: TN_EDATA with path, key, what was found and what was expected. */
	int (*open)(struct tn_model *self, const struct tn_value *config, const char *path,
		struct tn_model_info *info, struct tn_call *call);
	/** Builds a feature into the graph when a head asks for it; it asks for those
	 *  it builds on by tn_feature().  TN_NONE: the family has no such feature. */
	tn_ref (*feature)(const struct tn_model *self, struct tn_graph *g, const char *name);
	void (*close)(struct tn_model *self);
};

/** Readers for config.json: a missing key gives `otherwise`, or is an error when
 *  that is negative (tn_config_size) or NULL (tn_config_string); a wrong type or a
 *  value out of [min, max] is an error, and 0 is returned. */
TN_API size_t tn_config_size(const struct tn_value *config, const char *path, const char *key,
	int64_t otherwise, int64_t min, int64_t max, struct tn_call *call);
TN_API double tn_config_real(const struct tn_value *config, const char *path, const char *key,
	double otherwise, double min, double max, struct tn_call *call);
TN_API bool tn_config_bool(const struct tn_value *config, const char *path, const char *key,
	bool otherwise, struct tn_call *call);
/** hidden_act by its Hugging Face name; TN_ACT_NONE after an error. */
TN_API enum tn_act tn_config_act(const struct tn_value *config, const char *path,
	const char *key, const char *otherwise, struct tn_call *call);

TN_END
#endif
