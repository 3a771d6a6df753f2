/* SPDX-License-Identifier: Apache-2.0
 * plugins/models/nomic-bert/nomic-bert.c - NomicBERT: BERT with rotary positions and gated units.
 *
 * Source: Nussbaum et al., arXiv 2402.01613, section 3.1; names of tensors as in the checkpoints,
 * keys as in transformers' NomicBertConfig or, older, as in those of GPT-2.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <tenon/impl/model.h>

#define MOST 1048576	/* a layer has at most 2^40 weights: sizes never overflow */

struct nomic {
	struct tn_model base;
	size_t width, layers, heads, inner, vocab, positions, segments;
	enum tn_act act;
	double eps, dropout, attention_dropout, theta;
	bool tied;
};

/* The key that the file has of two. */
static const char *either(const struct tn_value *config, const char *key, const char *older)
{
	return !tn_get(config, key) && tn_get(config, older) ? older : key;
}

static void read_sizes(struct nomic *m, const struct tn_value *config, const char *path,
	struct tn_call *call)
{
	m->width = tn_config_size(config, path, either(config, "hidden_size", "n_embd"), -1, 1, MOST,
		call);
	m->layers = tn_config_size(config, path, either(config, "num_hidden_layers", "n_layer"), -1,
		1, 1024, call);
	m->heads = tn_config_size(config, path, either(config, "num_attention_heads", "n_head"), -1,
		1, MOST, call);
	m->inner = tn_config_size(config, path, either(config, "intermediate_size", "n_inner"), -1,
		1, MOST, call);
	m->vocab = tn_config_size(config, path, "vocab_size", -1, 1, INT32_MAX, call);
	m->positions = tn_config_size(config, path,
		either(config, "max_position_embeddings", "n_positions"), 2048, 1, MOST, call);
	m->segments = tn_config_size(config, path, "type_vocab_size", 2, 1, MOST, call);
}

static int nomic_open(struct tn_model *self, const struct tn_value *config, const char *path,
	struct tn_model_info *info, struct tn_call *call)
{
	struct nomic *m = (struct nomic *)self;
	const struct tn_value *rope = tn_get(config, "rope_parameters");
	const char *kind = tn_string(tn_get(rope, "rope_type"), "default");
	const char *older_act = tn_string(tn_get(config, "activation_function"), "swiglu");

	read_sizes(m, config, path, call);
	m->act = tn_config_act(config, path, "hidden_act", "silu", call);
	m->eps = tn_config_real(config, path, either(config, "layer_norm_eps",
		"layer_norm_epsilon"), 1e-12, 1e-30, 1, call);
	m->dropout = tn_config_real(config, path, "hidden_dropout_prob", 0, 0, 0.999, call);
	m->attention_dropout = tn_config_real(config, path, either(config,
		"attention_probs_dropout_prob", "attn_pdrop"), 0, 0, 0.999, call);
	m->theta = rope ? tn_config_real(rope, path, "rope_theta", 1000, 1, 1e12, call) :
		tn_config_real(config, path, "rotary_emb_base", 1000, 1, 1e12, call);
	m->tied = tn_config_bool(config, path, "tie_word_embeddings", true, call);
	if (tn_status(call))
		return tn_status(call);
	if (m->width % m->heads || m->width / m->heads % 2)
		return tn_fail(call, TN_EDATA, "%s: \"hidden_size\" is %zu, expected an even multiple "
			"of \"num_attention_heads\", %zu", path, m->width, m->heads);
	if (strcmp(kind, "default") || tn_real(tn_get(config, "rotary_scaling_factor"), 0) > 0)
		return tn_fail(call, TN_EDATA, "%s: its rotary positions are scaled, expected plain "
			"ones", path);
	if (tn_bool(tn_get(config, "prenorm"), false) || strcmp(older_act, "swiglu"))
		return tn_fail(call, TN_EDATA, "%s: found \"prenorm\" or another "
			"\"activation_function\" than \"swiglu\"", path);
	*info = (struct tn_model_info){ .kind = TN_BIDIRECTIONAL, .width = m->width,
		.layers = m->layers, .vocab_size = m->vocab, .max_positions = m->positions,
		.segments = m->segments };
	return 0;
}

/* x W^T with the weight encoder.layers.L.NAME.weight: there are no biases. */
static tn_ref dense(struct tn_graph *g, tn_ref x, size_t l, const char *name, size_t out)
{
	return tn_linear(g, x, tn_weightf(g, out, tn_width(g, x), "encoder.layers.%zu.%s.weight", l,
		name), TN_NONE);
}

/* Layer normalization with the weights NAME.weight and NAME.bias. */
static tn_ref norm(const struct nomic *m, struct tn_graph *g, tn_ref x, const char *name)
{
	return tn_layer_norm(g, x, tn_weightf(g, m->width, 0, "%s.weight", name),
		tn_weightf(g, m->width, 0, "%s.bias", name), m->eps);
}

/* norm(x + dropout(y)) */
static tn_ref add_norm(const struct nomic *m, struct tn_graph *g, tn_ref x, tn_ref y, size_t l,
	const char *name)
{
	char full[64];

	snprintf(full, sizeof(full), "encoder.layers.%zu.%s", l, name);
	return norm(m, g, tn_add(g, tn_dropout(g, y, m->dropout), x), full);
}

static tn_ref embeddings(const struct nomic *m, struct tn_graph *g)
{
	int tokens = tn_axis(g, "tokens");
	tn_ref word = tn_weight(g, "embeddings.word_embeddings.weight", m->vocab, m->width);
	tn_ref segment = tn_weight(g, "embeddings.token_type_embeddings.weight", m->segments,
		m->width);
	tn_ref x = tn_add(g, tn_gather(g, word, tn_input(g, "ids", tokens, TN_I32, 0)),
		tn_gather(g, segment, tn_input(g, "segment", tokens, TN_I32, 0)));

	return tn_dropout(g, norm(m, g, x, "emb_ln"), m->dropout);
}

/* Queries and keys are turned by their positions; they lie side by side. */
static tn_ref attention(const struct nomic *m, struct tn_graph *g, tn_ref x, size_t l)
{
	const size_t size = m->width / m->heads;
	struct tn_attention_attr attr = {
		.heads = (uint32_t)m->heads, .kv_heads = (uint32_t)m->heads,
		.head_size = (uint32_t)size, .left = UINT32_MAX, .right = UINT32_MAX,
		.scale = (float)(1 / sqrt((double)size)), .dropout = m->attention_dropout,
	};
	int tokens = tn_axis(g, "tokens");
	tn_ref qkv = dense(g, x, l, "attn.Wqkv", 3 * m->width);
	tn_ref qk = tn_rope(g, tn_view(g, qkv, 0, 2 * m->width),
		tn_input(g, "position", tokens, TN_I32, 0), 2 * m->heads, size, m->theta, false);
	tn_ref y = tn_attention(g, tn_view(g, qk, 0, m->width), tn_view(g, qk, m->width, m->width),
		tn_view(g, qkv, 2 * m->width, m->width), tokens, tokens, &attr, NULL, 0);

	return dense(g, y, l, "attn.out_proj", m->width);
}

static tn_ref encoder(const struct nomic *m, struct tn_graph *g)
{
	tn_ref x = embeddings(m, g);

	for (size_t l = 0; l < m->layers; l++) {
		tn_ref y;

		x = add_norm(m, g, x, attention(m, g, x, l), l, "norm1");
		y = tn_mul(g, tn_act(g, dense(g, x, l, "mlp.fc12", m->inner), m->act),
			dense(g, x, l, "mlp.fc11", m->inner));
		x = add_norm(m, g, x, dense(g, y, l, "mlp.fc2", m->width), l, "norm2");
	}
	return x;
}

/* tanh of a dense layer over each window's first row, [CLS]. */
static tn_ref pooler(const struct nomic *m, struct tn_graph *g)
{
	tn_ref first = tn_input(g, "text_begin", tn_axis(g, "texts"), TN_I32, 0);
	tn_ref x = tn_gather(g, tn_feature(g, "tokens"), first);

	x = tn_dense(g, x, tn_has_weight(g, "pooler.dense.weight") ? "pooler.dense" :
		"nomic_bert.pooler.dense", m->width);
	x = tn_act(g, x, TN_ACT_TANH);
	return tn_dropout(g, x, m->dropout);
}

static tn_ref masked_lm(const struct nomic *m, struct tn_graph *g)
{
	tn_ref x = tn_dense(g, tn_feature(g, "tokens"), "cls.predictions.transform.dense", m->width);

	x = norm(m, g, tn_act(g, x, m->act), "cls.predictions.transform.layer_norm");
	return tn_linear(g, x, tn_weight(g, m->tied ? "embeddings.word_embeddings.weight" :
		"cls.predictions.decoder.weight", m->vocab, m->width),
		tn_weight(g, tn_has_weight(g, "cls.predictions.bias") ? "cls.predictions.bias" :
			"cls.predictions.decoder.bias", m->vocab, 0));
}

static tn_ref nomic_feature(const struct tn_model *self, struct tn_graph *g, const char *name)
{
	const struct nomic *m = (const struct nomic *)self;

	if (!strcmp(name, "tokens"))
		return encoder(m, g);
	if (!strcmp(name, "tagged"))
		return tn_dropout(g, tn_feature(g, "tokens"), m->dropout);
	if (!strcmp(name, "pooled"))
		return pooler(m, g);
	if (!strcmp(name, "mlm"))
		return masked_lm(m, g);
	return TN_NONE;
}

static const struct tn_model_class classes[] = {
	{ "NomicBertModel", "embed", "tokens", NULL },
	{ "SentenceTransformer", "embed", "tokens", NULL },
	{ "NomicBertForSequenceClassification", "cls", "pooled", "classifier" },
	{ "NomicBertForTokenClassification", "bio-crf", "tagged", "classifier" },
	{ "NomicBertForMaskedLM", "fill-mask", "mlm", NULL },
	{ NULL, NULL, NULL, NULL }
};

static const struct tn_model_impl nomic_impl = {
	.classes = classes, .prefix = "nomic_bert.", .tokenizer = "wordpiece",
	.open = nomic_open, .feature = nomic_feature,
};

TN_PLUGIN(nomic_bert, TN_MODEL, "nomic_bert",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "NomicBERT: rotary positions, gated units",
	.state = sizeof(struct nomic), .impl.model = &nomic_impl);
