/* SPDX-License-Identifier: Apache-2.0
 * plugins/models/distilbert/distilbert.c - DistilBERT: half of BERT's layers, without segments
 * and pooler.
 *
 * Source: Sanh et al., arXiv 1910.01108, section 3; names of tensors and keys as in
 * transformers' modeling_distilbert.py.
 */
#include <stdio.h>
#include <string.h>

#include "encoder.h"

struct distilbert {
	struct encoder e;
	double answer_dropout;		/* before the linear layer of question answering */
};

static int distilbert_open(struct tn_model *self, const struct tn_value *config, const char *path,
	struct tn_model_info *info, struct tn_call *call)
{
	struct distilbert *m = (struct distilbert *)self;
	struct encoder *e = &m->e;

	e->width = e->embedded = tn_config_size(config, path, "dim", -1, 1, ENCODER_MOST, call);
	e->layers = tn_config_size(config, path, "n_layers", -1, 1, 1024, call);
	e->heads = tn_config_size(config, path, "n_heads", -1, 1, ENCODER_MOST, call);
	e->inner = tn_config_size(config, path, "hidden_dim", -1, 1, ENCODER_MOST, call);
	e->vocab = tn_config_size(config, path, "vocab_size", -1, 1, INT32_MAX, call);
	e->positions = tn_config_size(config, path, "max_position_embeddings", 512, 1,
		ENCODER_MOST, call);
	e->act = tn_config_act(config, path, "activation", "gelu", call);
	e->eps = 1e-12;
	e->dropout = e->down_dropout = tn_config_real(config, path, "dropout", 0.1, 0, 0.999, call);
	e->attention_dropout = tn_config_real(config, path, "attention_dropout", 0.1, 0, 0.999, call);
	e->head_dropout = tn_config_real(config, path, "seq_classif_dropout", 0.2, 0, 0.999, call);
	m->answer_dropout = tn_config_real(config, path, "qa_dropout", 0.1, 0, 0.999, call);
	e->tied = tn_config_bool(config, path, "tie_word_embeddings", true, call);
	return encoder_open(e, config, path, info, call);
}

static tn_ref encoder(const struct encoder *e, struct tn_graph *g)
{
	static const struct encoder_names names = {
		.query = "attention.q_lin", .key = "attention.k_lin", .value = "attention.v_lin",
		.out = "attention.out_lin", .out_norm = "sa_layer_norm",
		.up = "ffn.lin1", .down = "ffn.lin2", .norm = "output_layer_norm",
	};
	tn_ref x = encoder_embed(e, g);
	char at[64];

	for (size_t l = 0; l < e->layers; l++) {
		snprintf(at, sizeof(at), "transformer.layer.%zu", l);
		x = encoder_block(e, g, x, at, &names, TN_NONE);
	}
	return x;
}

static tn_ref masked_lm(const struct encoder *e, struct tn_graph *g)
{
	static const struct encoder_scorer names = {
		.dense = "vocab_transform", .norm = "vocab_layer_norm",
		.decoder = "vocab_projector", .bias = "vocab_projector.bias",
	};

	return encoder_score(e, g, e->act, &names);
}

static tn_ref distilbert_feature(const struct tn_model *self, struct tn_graph *g, const char *name)
{
	const struct distilbert *m = (const struct distilbert *)self;

	if (!strcmp(name, "tokens"))
		return encoder(&m->e, g);
	if (!strcmp(name, "tagged"))
		return tn_dropout(g, tn_feature(g, "tokens"), m->e.dropout);
	if (!strcmp(name, "answering"))
		return tn_dropout(g, tn_feature(g, "tokens"), m->answer_dropout);
	if (!strcmp(name, "pooled"))
		return encoder_pool(&m->e, g, "pre_classifier", TN_ACT_RELU);
	if (!strcmp(name, "mlm"))
		return masked_lm(&m->e, g);
	return TN_NONE;
}

static const struct tn_model_class classes[] = {
	{ "DistilBertModel", "embed", "tokens", NULL },
	{ "SentenceTransformer", "embed", "tokens", NULL },
	{ "DistilBertForSequenceClassification", "cls", "pooled", "classifier" },
	{ "DistilBertForTokenClassification", "bio-crf", "tagged", "classifier" },
	{ "DistilBertForQuestionAnswering", "span-qa", "answering", "qa_outputs" },
	{ "DistilBertForMaskedLM", "fill-mask", "mlm", NULL },
	{ NULL, NULL, NULL, NULL }
};

static const struct tn_model_impl distilbert_impl = {
	.classes = classes, .prefix = "distilbert.", .tokenizer = "wordpiece",
	.open = distilbert_open, .feature = distilbert_feature,
};

TN_PLUGIN(distilbert, TN_MODEL, "distilbert",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "DistilBERT: half of BERT's layers, without segments and pooler",
	.state = sizeof(struct distilbert), .impl.model = &distilbert_impl);
