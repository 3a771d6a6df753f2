/* SPDX-License-Identifier: Apache-2.0
 * plugins/models/mpnet/mpnet.c - MPNet: RoBERTa's positions, and a bias by distance that all
 * layers share.
 *
 * Sources: Song et al., arXiv 2004.09297, section 2; the bias: Raffel et al., arXiv 1910.10683,
 * section 2.1; names of tensors and keys as in transformers' modeling_mpnet.py.
 */
#include <stdio.h>
#include <string.h>

#include "encoder.h"

#define PADDING 1	/* its position and its id, whatever config.json has */
#define BUCKETS 32	/* of distances, likewise */
#define FAR 128		/* all distances from here on are alike */

struct mpnet {
	struct encoder e;
	size_t buckets;		/* rows of the table, of which the first BUCKETS count */
};

static int mpnet_open(struct tn_model *self, const struct tn_value *config, const char *path,
	struct tn_model_info *info, struct tn_call *call)
{
	struct mpnet *m = (struct mpnet *)self;

	encoder_read(&m->e, config, path, call);
	m->e.first = PADDING + 1;
	m->e.span = FAR + 1;
	m->e.head_dropout = m->e.dropout;
	m->buckets = tn_config_size(config, path, "relative_attention_num_buckets", BUCKETS,
		BUCKETS, ENCODER_MOST, call);
	return encoder_open(&m->e, config, path, info, call);
}

static tn_ref encoder(const struct mpnet *m, struct tn_graph *g)
{
	static const struct encoder_names names = {
		.query = "attention.attn.q", .key = "attention.attn.k", .value = "attention.attn.v",
		.out = "attention.attn.o", .out_norm = "attention.LayerNorm",
		.up = "intermediate.dense", .down = "output.dense", .norm = "output.LayerNorm",
	};
	tn_ref table = tn_weight(g, "encoder.relative_attention_bias.weight", m->buckets,
		m->e.heads);
	tn_ref bias = tn_rel_table(g, tn_view_rows(g, table, 0, BUCKETS), FAR, m->e.span, true);
	tn_ref x = encoder_embed(&m->e, g);
	char at[64];

	for (size_t l = 0; l < m->e.layers; l++) {
		snprintf(at, sizeof(at), "encoder.layer.%zu", l);
		x = encoder_block(&m->e, g, x, at, &names, bias);
	}
	return x;
}

static tn_ref mpnet_feature(const struct tn_model *self, struct tn_graph *g, const char *name)
{
	const struct mpnet *m = (const struct mpnet *)self;

	if (!strcmp(name, "tokens"))
		return encoder(m, g);
	if (!strcmp(name, "tagged"))
		return tn_dropout(g, tn_feature(g, "tokens"), m->e.head_dropout);
	if (!strcmp(name, "pooled"))
		return encoder_pool_bare(&m->e, g);
	if (!strcmp(name, "classified"))
		return encoder_classify(&m->e, g, TN_ACT_TANH);
	if (!strcmp(name, "mlm"))
		return encoder_score(&m->e, g, TN_ACT_GELU, &encoder_lm_head);
	return TN_NONE;
}

static const struct tn_model_class classes[] = {
	{ "MPNetModel", "embed", "tokens", NULL },
	{ "SentenceTransformer", "embed", "tokens", NULL },
	{ "MPNetForSequenceClassification", "cls", "classified", "classifier.out_proj" },
	{ "MPNetForTokenClassification", "bio-crf", "tagged", "classifier" },
	{ "MPNetForQuestionAnswering", "span-qa", "tokens", "qa_outputs" },
	{ "MPNetForMaskedLM", "fill-mask", "mlm", NULL },
	{ NULL, NULL, NULL, NULL }
};

static const struct tn_model_impl mpnet_impl = {
	.classes = classes, .prefix = "mpnet.", .tokenizer = "wordpiece",
	.open = mpnet_open, .feature = mpnet_feature,
};

TN_PLUGIN(mpnet, TN_MODEL, "mpnet",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "MPNet: a bias by distance that all layers share",
	.state = sizeof(struct mpnet), .impl.model = &mpnet_impl);
