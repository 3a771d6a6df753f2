/* SPDX-License-Identifier: Apache-2.0
 * plugins/models/albert/albert.c - ALBERT: narrow embeddings, and layers that share their
 * weights.
 *
 * Source: Lan et al., arXiv 1909.11942, section 3.1; names of tensors and keys as in
 * transformers' modeling_albert.py.
 */
#include <stdio.h>
#include <string.h>

#include "encoder.h"

struct albert {
	struct encoder e;
	size_t groups, blocks;		/* groups of layers that share weights; blocks of a layer */
};

static int albert_open(struct tn_model *self, const struct tn_value *config, const char *path,
	struct tn_model_info *info, struct tn_call *call)
{
	struct albert *m = (struct albert *)self;
	struct encoder *e = &m->e;

	encoder_read(e, config, path, call);
	e->embedded = tn_config_size(config, path, "embedding_size", 128, 1, ENCODER_MOST, call);
	e->segments = tn_config_size(config, path, "type_vocab_size", 2, 1, ENCODER_MOST, call);
	e->act = tn_config_act(config, path, "hidden_act", "gelu_new", call);
	e->dropout = e->out_dropout = tn_config_real(config, path, "hidden_dropout_prob", 0, 0, 0.999,
		call);
	e->down_dropout = 0;
	e->attention_dropout = tn_config_real(config, path, "attention_probs_dropout_prob", 0, 0, 0.999,
		call);
	e->head_dropout = encoder_rate(config, path, "classifier_dropout_prob", 0.1, call);
	m->groups = tn_config_size(config, path, "num_hidden_groups", 1, 1, 1024, call);
	m->blocks = tn_config_size(config, path, "inner_group_num", 1, 1, 1024, call);
	return encoder_open(e, config, path, info, call);
}

/* Layer l of L has the weights of group l G / L of G. */
static tn_ref encoder(const struct albert *m, struct tn_graph *g)
{
	static const struct encoder_names names = {
		.query = "attention.query", .key = "attention.key", .value = "attention.value",
		.out = "attention.dense", .out_norm = "attention.LayerNorm",
		.up = "ffn", .down = "ffn_output", .norm = "full_layer_layer_norm",
	};
	tn_ref x = tn_dense(g, encoder_embed(&m->e, g), "encoder.embedding_hidden_mapping_in",
		m->e.width);
	char at[96];

	for (size_t l = 0; l < m->e.layers; l++) {
		for (size_t b = 0; b < m->blocks; b++) {
			snprintf(at, sizeof(at), "encoder.albert_layer_groups.%zu.albert_layers.%zu",
				l * m->groups / m->e.layers, b);
			x = encoder_block(&m->e, g, x, at, &names, TN_NONE);
		}
	}
	return x;
}

static tn_ref masked_lm(const struct encoder *e, struct tn_graph *g)
{
	static const struct encoder_scorer names = {
		.dense = "predictions.dense", .norm = "predictions.LayerNorm",
		.decoder = "predictions.decoder",
		.bias = "predictions.bias", .other_bias = "predictions.decoder.bias",
	};

	return encoder_score(e, g, e->act, &names);
}

static tn_ref albert_feature(const struct tn_model *self, struct tn_graph *g, const char *name)
{
	const struct albert *m = (const struct albert *)self;

	if (!strcmp(name, "tokens"))
		return encoder(m, g);
	if (!strcmp(name, "tagged"))
		return tn_dropout(g, tn_feature(g, "tokens"), m->e.head_dropout);
	if (!strcmp(name, "pooled"))
		return encoder_pool(&m->e, g, tn_has_weight(g, "pooler.weight") ? "pooler" :
			"albert.pooler", TN_ACT_TANH);
	if (!strcmp(name, "mlm"))
		return masked_lm(&m->e, g);
	return TN_NONE;
}

static const struct tn_model_class classes[] = {
	{ "AlbertModel", "embed", "tokens", NULL },
	{ "SentenceTransformer", "embed", "tokens", NULL },
	{ "AlbertForSequenceClassification", "cls", "pooled", "classifier" },
	{ "AlbertForTokenClassification", "bio-crf", "tagged", "classifier" },
	{ "AlbertForQuestionAnswering", "span-qa", "tokens", "qa_outputs" },
	{ "AlbertForMaskedLM", "fill-mask", "mlm", NULL },
	{ "AlbertForPreTraining", "fill-mask", "mlm", NULL },
	{ NULL, NULL, NULL, NULL }
};

static const struct tn_model_impl albert_impl = {
	.classes = classes, .prefix = "albert.", .tokenizer = "wordpiece", .sentencepiece = "unigram",
	.open = albert_open, .feature = albert_feature,
};

TN_PLUGIN(albert, TN_MODEL, "albert",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "ALBERT: narrow embeddings, and layers that share their weights",
	.state = sizeof(struct albert), .impl.model = &albert_impl);
