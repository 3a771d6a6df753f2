/* SPDX-License-Identifier: Apache-2.0
 * plugins/models/roberta/roberta.c - RoBERTa: BERT's encoder, trained longer, whose positions
 * begin behind the padding's.
 *
 * Sources: Liu et al., arXiv 1907.11692; Conneau et al., arXiv 1911.02116 (XLM-R); Martin et
 * al., arXiv 1911.03894 (CamemBERT); names of tensors and keys as in transformers'
 * modeling_roberta.py.
 */
#include <string.h>

#include "encoder.h"

/* fairseq, where these models were trained, gives padding the position pad_token_id and counts
 * the others from the next one on. */
static int roberta_open(struct tn_model *self, const struct tn_value *config, const char *path,
	struct tn_model_info *info, struct tn_call *call)
{
	struct encoder *m = (struct encoder *)self;

	encoder_read(m, config, path, call);
	m->first = 1 + tn_config_size(config, path, "pad_token_id", 1, 0, ENCODER_MOST, call);
	m->segments = tn_config_size(config, path, "type_vocab_size", 2, 1, ENCODER_MOST, call);
	return encoder_open(m, config, path, info, call);
}

static tn_ref roberta_feature(const struct tn_model *self, struct tn_graph *g, const char *name)
{
	const struct encoder *m = (const struct encoder *)self;

	if (!strcmp(name, "tokens"))
		return encoder_layers(m, g, encoder_embed(m, g));
	if (!strcmp(name, "tagged"))
		return tn_dropout(g, tn_feature(g, "tokens"), m->head_dropout);
	if (!strcmp(name, "pooled"))
		return encoder_pool_bare(m, g);
	if (!strcmp(name, "classified"))
		return encoder_classify(m, g, TN_ACT_TANH);
	if (!strcmp(name, "mlm"))
		return encoder_score(m, g, TN_ACT_GELU, &encoder_lm_head);
	return TN_NONE;
}

#define CLASSES(family)									\
	{ family "Model", "embed", "tokens", NULL },					\
	{ family "ForSequenceClassification", "cls", "classified", "classifier.out_proj" },	\
	{ family "ForTokenClassification", "bio-crf", "tagged", "classifier" },		\
	{ family "ForQuestionAnswering", "span-qa", "tokens", "qa_outputs" },		\
	{ family "ForMaskedLM", "fill-mask", "mlm", NULL }

static const struct tn_model_class classes[] = {
	{ "SentenceTransformer", "embed", "tokens", NULL },
	CLASSES("Roberta"), CLASSES("XLMRoberta"), CLASSES("Camembert"),
	{ NULL, NULL, NULL, NULL }
};

static const struct tn_model_impl roberta_impl = {
	.classes = classes, .prefix = "roberta.", .tokenizer = "bpe", .sentencepiece = "unigram",
	.open = roberta_open, .feature = roberta_feature,
};

TN_PLUGIN_NAMES(roberta, TN_MODEL, ("roberta", "camembert", "xlm-roberta"),
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "RoBERTa, XLM-RoBERTa and CamemBERT",
	.state = sizeof(struct encoder), .impl.model = &roberta_impl);
