/* SPDX-License-Identifier: Apache-2.0
 * sample-name.c - a model family: a Transformer encoder whose layers begin with a norm.
 *
 * A model reads its sizes from config.json and builds features into a graph, when heads ask for
 * them; a forward pass reads like its formula.  <tenon/impl/model.h> describes each slot,
 * <tenon/impl/graph.h> what graphs are built of.
 * Source: Vaswani et al., arXiv 1706.03762, section 3; Xiong et al., arXiv 2002.04745, figure 1b.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <tenon/impl/model.h>

struct sample {
	struct tn_model base;		/* first in every model */
	size_t width, inner, layers, heads, vocab, positions;
};

static int sample_open(struct tn_model *self, const struct tn_value *config, const char *path,
	struct tn_model_info *info, struct tn_call *call)
{
	struct sample *m = (struct sample *)self;

	m->width = tn_config_size(config, path, "hidden_size", -1, 1, 1 << 20, call);
	m->inner = tn_config_size(config, path, "intermediate_size", -1, 1, 1 << 20, call);
	m->layers = tn_config_size(config, path, "num_hidden_layers", -1, 1, 1024, call);
	m->heads = tn_config_size(config, path, "num_attention_heads", -1, 1, 1 << 20, call);
	m->vocab = tn_config_size(config, path, "vocab_size", -1, 1, INT32_MAX, call);
	m->positions = tn_config_size(config, path, "max_position_embeddings", -1, 1, 1 << 20, call);
	if (!tn_status(call) && m->width % m->heads)
		return tn_fail(call, TN_EDATA, "%s: hidden_size %zu is no multiple of "
			"num_attention_heads %zu", path, m->width, m->heads);
	*info = (struct tn_model_info){ .kind = TN_BIDIRECTIONAL, .width = m->width,
		.layers = m->layers, .vocab_size = m->vocab, .max_positions = m->positions };
	return tn_status(call);
}

/* --- the formula; x is [tokens][width] --- */

static tn_ref embed(const struct sample *m, struct tn_graph *g)
{
	int tokens = tn_axis(g, "tokens");
	tn_ref words = tn_weight(g, "embeddings.weight", m->vocab, m->width);
	tn_ref places = tn_weight(g, "positions.weight", m->positions, m->width);

	return tn_add(g, tn_gather(g, words, tn_input(g, "ids", tokens, TN_I32, 0)),
		tn_gather(g, places, tn_input(g, "position", tokens, TN_I32, 0)));
}

static tn_ref norm(const struct sample *m, struct tn_graph *g, tn_ref x, const char *name)
{
	return tn_layer_norm(g, x, tn_weightf(g, m->width, 0, "%s.weight", name),
		tn_weightf(g, m->width, 0, "%s.bias", name), 1e-5);
}

/* The linear layer layers.LAYER.NAME. */
static tn_ref linear(struct tn_graph *g, tn_ref x, size_t layer, const char *name, size_t out)
{
	char full[64];

	snprintf(full, sizeof(full), "layers.%zu.%s", layer, name);
	return tn_dense(g, x, full, out);
}

static tn_ref attend(const struct sample *m, struct tn_graph *g, tn_ref x, size_t layer)
{
	const uint32_t heads = (uint32_t)m->heads, size = (uint32_t)(m->width / m->heads);
	const struct tn_attention_attr attr = { .heads = heads, .kv_heads = heads, .head_size = size,
		.left = UINT32_MAX, .right = UINT32_MAX, .scale = 1 / sqrtf((float)size) };
	int tokens = tn_axis(g, "tokens");
	tn_ref q = linear(g, x, layer, "query", m->width);
	tn_ref k = linear(g, x, layer, "key", m->width);
	tn_ref v = linear(g, x, layer, "value", m->width);

	return linear(g, tn_attention(g, q, k, v, tokens, tokens, &attr, NULL, 0), layer, "out",
		m->width);
}

static tn_ref encode(const struct sample *m, struct tn_graph *g)
{
	tn_ref x = embed(m, g), y;
	char name[64];

	for (size_t l = 0; l < m->layers; l++) {
		snprintf(name, sizeof(name), "layers.%zu.norm1", l);
		x = tn_add(g, x, attend(m, g, norm(m, g, x, name), l));
		snprintf(name, sizeof(name), "layers.%zu.norm2", l);
		y = linear(g, norm(m, g, x, name), l, "up", m->inner);
		x = tn_add(g, x, linear(g, tn_act(g, y, TN_ACT_GELU), l, "down", m->width));
	}
	return norm(m, g, x, "norm");
}

/* A feature that heads ask for, built at the first time; TN_NONE: this family has none such. */
static tn_ref sample_feature(const struct tn_model *self, struct tn_graph *g, const char *name)
{
	if (!strcmp(name, "tokens"))
		return encode((const struct sample *)self, g);
	if (!strcmp(name, "tagged"))
		return tn_feature(g, "tokens");
	if (!strcmp(name, "pooled"))		/* the row of each text's first token */
		return tn_gather(g, tn_feature(g, "tokens"),
			tn_input(g, "text_begin", tn_axis(g, "texts"), TN_I32, 0));
	return TN_NONE;
}

/* What `architectures` in config.json leads to: head, its feature, the name of its weights. */
static const struct tn_model_class classes[] = {
	{ "SampleModel", "embed", "tokens", NULL },
	{ "SampleForSequenceClassification", "cls", "pooled", "classifier" },
	{ "SampleForTokenClassification", "bio-crf", "tagged", "classifier" },
	{ NULL, NULL, NULL, NULL }
};

static const struct tn_model_impl sample_impl = {
	.classes = classes, .prefix = "sample.", .tokenizer = "wordpiece",
	.open = sample_open, .feature = sample_feature,
};

TN_PLUGIN(sample, TN_MODEL, "sample-name",
	.version = "0.1.0", .licence = "Apache-2.0", .about = "a Transformer encoder, norms first",
	.state = sizeof(struct sample), .impl.model = &sample_impl);
