/* SPDX-License-Identifier: Apache-2.0
 * plugins/models/electra/electra.c - ELECTRA: BERT's encoder, discriminator or generator, whose
 * embeddings may be narrower than its layers.
 *
 * Source: Clark et al., arXiv 2003.10555, section 3; names of tensors and keys as in
 * transformers' modeling_electra.py.
 */
#include <string.h>

#include "encoder.h"

static int electra_open(struct tn_model *self, const struct tn_value *config, const char *path,
	struct tn_model_info *info, struct tn_call *call)
{
	struct encoder *m = (struct encoder *)self;

	encoder_read(m, config, path, call);
	m->embedded = tn_config_size(config, path, "embedding_size", 128, 1, ENCODER_MOST, call);
	m->segments = tn_config_size(config, path, "type_vocab_size", 2, 1, ENCODER_MOST, call);
	return encoder_open(m, config, path, info, call);
}

static tn_ref encoder(const struct encoder *m, struct tn_graph *g)
{
	tn_ref x = encoder_embed(m, g);

	if (m->embedded != m->width)
		x = tn_dense(g, x, "embeddings_project", m->width);
	return encoder_layers(m, g, x);
}

/* The generator's. */
static tn_ref masked_lm(const struct encoder *m, struct tn_graph *g)
{
	static const struct encoder_scorer names = {
		.dense = "generator_predictions.dense", .norm = "generator_predictions.LayerNorm",
		.decoder = "generator_lm_head", .bias = "generator_lm_head.bias",
	};

	return encoder_score(m, g, TN_ACT_GELU, &names);
}

static tn_ref electra_feature(const struct tn_model *self, struct tn_graph *g, const char *name)
{
	const struct encoder *m = (const struct encoder *)self;

	if (!strcmp(name, "tokens"))
		return encoder(m, g);
	if (!strcmp(name, "tagged"))
		return tn_dropout(g, tn_feature(g, "tokens"), m->head_dropout);
	if (!strcmp(name, "pooled"))
		return encoder_pool_bare(m, g);
	if (!strcmp(name, "classified"))
		return encoder_classify(m, g, TN_ACT_GELU);
	if (!strcmp(name, "mlm"))
		return masked_lm(m, g);
	return TN_NONE;
}

/* No head tells replaced tokens from others, so of a discriminator the encoder is used. */
static const struct tn_model_class classes[] = {
	{ "ElectraModel", "embed", "tokens", NULL },
	{ "ElectraForPreTraining", "embed", "tokens", NULL },
	{ "SentenceTransformer", "embed", "tokens", NULL },
	{ "ElectraForSequenceClassification", "cls", "classified", "classifier.out_proj" },
	{ "ElectraForTokenClassification", "bio-crf", "tagged", "classifier" },
	{ "ElectraForQuestionAnswering", "span-qa", "tokens", "qa_outputs" },
	{ "ElectraForMaskedLM", "fill-mask", "mlm", NULL },
	{ NULL, NULL, NULL, NULL }
};

static const struct tn_model_impl electra_impl = {
	.classes = classes, .prefix = "electra.", .tokenizer = "wordpiece",
	.open = electra_open, .feature = electra_feature,
};

TN_PLUGIN(electra, TN_MODEL, "electra",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "ELECTRA: discriminators and generators",
	.state = sizeof(struct encoder), .impl.model = &electra_impl);
