/* SPDX-License-Identifier: Apache-2.0
 * plugins/models/bert/bert.c - the BERT encoder and what its family puts before a head.
 *
 * Source: Devlin et al., arXiv 1810.04805, sections 3 and A.2; names of tensors and keys as in
 * transformers' modeling_bert.py.
 */
#include <string.h>

#include "encoder.h"

static int bert_open(struct tn_model *self, const struct tn_value *config, const char *path,
	struct tn_model_info *info, struct tn_call *call)
{
	struct encoder *m = (struct encoder *)self;

	encoder_read(m, config, path, call);
	m->segments = tn_config_size(config, path, "type_vocab_size", 2, 1, ENCODER_MOST, call);
	return encoder_open(m, config, path, info, call);
}

static tn_ref masked_lm(const struct encoder *m, struct tn_graph *g)
{
	static const struct encoder_scorer names = {
		.dense = "cls.predictions.transform.dense",
		.norm = "cls.predictions.transform.LayerNorm",
		.decoder = "cls.predictions.decoder",
		.bias = "cls.predictions.bias", .other_bias = "cls.predictions.decoder.bias",
	};

	return encoder_score(m, g, m->act, &names);
}

static tn_ref bert_feature(const struct tn_model *self, struct tn_graph *g, const char *name)
{
	const struct encoder *m = (const struct encoder *)self;

	if (!strcmp(name, "tokens"))
		return encoder_layers(m, g, encoder_embed(m, g));
	if (!strcmp(name, "tagged"))
		return tn_dropout(g, tn_feature(g, "tokens"), m->head_dropout);
	if (!strcmp(name, "pooled"))
		return encoder_pool(m, g, tn_has_weight(g, "pooler.dense.weight") ? "pooler.dense" :
			"bert.pooler.dense", TN_ACT_TANH);
	if (!strcmp(name, "mlm"))
		return masked_lm(m, g);
	return TN_NONE;
}

static const struct tn_model_class classes[] = {
	{ "BertModel", "embed", "tokens", NULL },
	{ "SentenceTransformer", "embed", "tokens", NULL },
	{ "BertForSequenceClassification", "cls", "pooled", "classifier" },
	{ "BertForNextSentencePrediction", "cls", "pooled", "cls.seq_relationship" },
	{ "BertForTokenClassification", "bio-crf", "tagged", "classifier" },
	{ "BertForQuestionAnswering", "span-qa", "tokens", "qa_outputs" },
	{ "BertForMaskedLM", "fill-mask", "mlm", NULL },
	{ "BertForPreTraining", "fill-mask", "mlm", NULL },
	{ NULL, NULL, NULL, NULL }
};

static const struct tn_model_impl bert_impl = {
	.classes = classes, .prefix = "bert.", .tokenizer = "wordpiece",
	.open = bert_open, .feature = bert_feature,
};

TN_PLUGIN(bert, TN_MODEL, "bert",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "BERT and models of its shape: MiniLM, TinyBERT",
	.state = sizeof(struct encoder), .impl.model = &bert_impl);
