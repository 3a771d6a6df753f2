/* SPDX-License-Identifier: Apache-2.0
 * examples/eurobert/eurobert.c - EuroBERT, a model plugin outside of tenon's tree: the layers of
 * Llama, in which a token sees all others.
 * Source: Boizard et al., arXiv 2503.05500, section 2.1; names as in modeling_eurobert.py.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <tenon/impl/model.h>

#define MOST 1048576	/* a layer has at most 2^40 weights: sizes never overflow */

struct eurobert {
	struct tn_model base;
	size_t width, layers, heads, groups, size, inner, vocab;
	enum tn_act act;
	double eps, theta;
	const char *table;	/* the decoder of the vocabulary */
	char pooling;		/* of "bos", "mean" and "late" the first letter */
};

static int eurobert_open(struct tn_model *self, const struct tn_value *config, const char *path,
	struct tn_model_info *info, struct tn_call *call)
{
	struct eurobert *m = (struct eurobert *)self;
	const struct tn_value *rope = tn_get(config, "rope_parameters");

	m->width = tn_config_size(config, path, "hidden_size", -1, 1, MOST, call);
	m->layers = tn_config_size(config, path, "num_hidden_layers", -1, 1, 1024, call);
	m->heads = tn_config_size(config, path, "num_attention_heads", -1, 1, 4096, call);
	m->groups = tn_config_size(config, path, "num_key_value_heads", -1, 1, 4096, call);
	m->inner = tn_config_size(config, path, "intermediate_size", -1, 1, MOST, call);
	m->vocab = tn_config_size(config, path, "vocab_size", -1, 1, INT32_MAX, call);
	m->act = tn_config_act(config, path, "hidden_act", "silu", call);
	m->eps = tn_config_real(config, path, "rms_norm_eps", 1e-5, 1e-30, 1, call);
	m->theta = tn_config_real(rope ? rope : config, path, "rope_theta", 250000, 1, 1e12, call);
	m->table = tn_config_bool(config, path, "tie_word_embeddings", false, call) ?
		"embed_tokens.weight" : "lm_head.weight";
	m->pooling = *tn_string(tn_get(config, "classifier_pooling"), "late");
	*info = (struct tn_model_info){ .kind = TN_BIDIRECTIONAL, .width = m->width,
		.layers = m->layers, .vocab_size = m->vocab, .max_positions =
		tn_config_size(config, path, "max_position_embeddings", 8192, 1, MOST, call) };
	if (tn_status(call))
		return tn_status(call);
	m->size = m->width / m->heads;
	if (m->width % m->heads || m->heads % m->groups || m->size % 2)
		return tn_fail(call, TN_EDATA, "%s: %zu columns, %zu heads, %zu of keys: no even "
			"multiples", path, m->width, m->heads, m->groups);
	if (strcmp(tn_string(tn_get(rope, "rope_type"), "default"), "default"))
		return tn_fail(call, TN_EDATA, "%s: \"rope_type\" is no \"default\"", path);
	return 0;
}

/* A linear layer of layer l, which has a bias when the file has it. */
static tn_ref dense(struct tn_graph *g, tn_ref x, size_t l, const char *what, size_t out)
{
	char bias[80];

	snprintf(bias, sizeof(bias), "layers.%zu.%s.bias", l, what);
	return tn_linear(g, x, tn_weightf(g, out, tn_width(g, x), "layers.%zu.%s.weight", l, what),
		tn_has_weight(g, bias) ? tn_weight(g, bias, out, 0) : TN_NONE);
}

static tn_ref norm(const struct eurobert *m, struct tn_graph *g, tn_ref x, size_t l,
	const char *what)
{
	tn_ref weight = tn_weightf(g, m->width, 0, "layers.%zu.%s.weight", l, what);

	return tn_rms_norm(g, x, weight, m->eps);
}

/* Queries and keys are turned by their positions; a head of keys serves several of queries. */
static tn_ref attention(const struct eurobert *m, struct tn_graph *g, tn_ref x, size_t l)
{
	const struct tn_attention_attr attr = { .heads = (uint32_t)m->heads,
		.kv_heads = (uint32_t)m->groups, .head_size = (uint32_t)m->size, .left = UINT32_MAX,
		.right = UINT32_MAX, .scale = (float)(1 / sqrt((double)m->size)) };
	int tokens = tn_axis(g, "tokens");
	tn_ref position = tn_input(g, "position", tokens, TN_I32, 0);
	tn_ref q = dense(g, x, l, "self_attn.q_proj", m->heads * m->size);
	tn_ref k = dense(g, x, l, "self_attn.k_proj", m->groups * m->size);
	tn_ref v = dense(g, x, l, "self_attn.v_proj", m->groups * m->size);

	q = tn_rope(g, q, position, m->heads, m->size, m->theta, false);
	k = tn_rope(g, k, position, m->groups, m->size, m->theta, false);
	x = tn_attention(g, q, k, v, tokens, tokens, &attr, NULL, 0);
	return dense(g, x, l, "self_attn.o_proj", m->width);
}

static tn_ref encoder(const struct eurobert *m, struct tn_graph *g)
{
	tn_ref x = tn_gather(g, tn_weight(g, "embed_tokens.weight", m->vocab, m->width),
		tn_input(g, "ids", tn_axis(g, "tokens"), TN_I32, 0));

	for (size_t l = 0; l < m->layers; l++) {
		tn_ref y = attention(m, g, norm(m, g, x, l, "input_layernorm"), l);

		x = tn_add(g, x, y);
		y = norm(m, g, x, l, "post_attention_layernorm");
		y = tn_mul(g, tn_act(g, dense(g, y, l, "mlp.gate_proj", m->inner), m->act),
			dense(g, y, l, "mlp.up_proj", m->inner));
		x = tn_add(g, x, dense(g, y, l, "mlp.down_proj", m->width));
	}
	return tn_rms_norm(g, x, tn_weight(g, "norm.weight", m->width, 0), m->eps);
}

/* "late" takes the mean of scores, which is that of what the linear classifier reads. */
static tn_ref pooled(const struct eurobert *m, struct tn_graph *g, tn_ref x)
{
	tn_ref begin = tn_input(g, "text_begin", tn_axis(g, "texts"), TN_I32, 0);
	tn_ref end = tn_input(g, "text_end", tn_axis(g, "texts"), TN_I32, 0);

	if (m->pooling == 'b')
		x = tn_gather(g, x, begin);
	if (m->pooling == 'm')
		x = tn_segment(g, x, begin, end, TN_MEAN);
	x = tn_act(g, tn_dense(g, x, "dense", m->width), TN_ACT_GELU);
	return m->pooling == 'l' ? tn_segment(g, x, begin, end, TN_MEAN) : x;
}

static tn_ref eurobert_feature(const struct tn_model *self, struct tn_graph *g, const char *name)
{
	const struct eurobert *m = (const struct eurobert *)self;

	if (!strcmp(name, "tokens"))
		return encoder(m, g);
	if (!strcmp(name, "tagged"))
		return tn_feature(g, "tokens");
	if (!strcmp(name, "pooled"))
		return pooled(m, g, tn_feature(g, "tokens"));
	return strcmp(name, "mlm") ? TN_NONE : tn_linear(g, tn_feature(g, "tokens"),
		tn_weight(g, m->table, m->vocab, m->width), tn_has_weight(g, "lm_head.bias") ?
			tn_weight(g, "lm_head.bias", m->vocab, 0) : TN_NONE);
}

static const struct tn_model_class classes[] = {
	{ "EuroBertModel", "embed", "tokens", NULL },
	{ "EuroBertForSequenceClassification", "cls", "pooled", "classifier" },
	{ "EuroBertForTokenClassification", "bio-crf", "tagged", "classifier" },
	{ "EuroBertForMaskedLM", "fill-mask", "mlm", NULL },
	{ NULL, NULL, NULL, NULL }
};

static const struct tn_model_impl eurobert_impl = { .classes = classes, .prefix = "model.",
	.tokenizer = "bpe", .open = eurobert_open, .feature = eurobert_feature };

TN_PLUGIN(eurobert, TN_MODEL, "eurobert", .version = "0.1.0", .licence = "Apache-2.0",
	.about = "EuroBERT: layers of Llama that see both sides",
	.state = sizeof(struct eurobert), .impl.model = &eurobert_impl);
