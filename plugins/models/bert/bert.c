/* SPDX-License-Identifier: Apache-2.0
 * plugins/models/bert/bert.c - the BERT encoder and what its family puts before a head.
 *
 * Source: Devlin et al., arXiv 1810.04805, sections 3 and A.2; Vaswani et al., arXiv
 * 1706.03762, section 3; names of tensors and keys as in transformers' modeling_bert.py.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <tenon/impl/model.h>

#define MOST 1048576	/* a layer has at most 2^40 weights: sizes never overflow */

struct bert {
	struct tn_model base;
	size_t width, layers, heads, inner, vocab, positions, segments;
	enum tn_act act;
	double eps, dropout;
	bool tied;			/* embeddings and the decoder of masked tokens */
};

static int bert_open(struct tn_model *self, const struct tn_value *config, const char *path,
	struct tn_model_info *info, struct tn_call *call)
{
	struct bert *m = (struct bert *)self;
	const struct tn_value *kind = tn_get(config, "position_embedding_type");

	m->width = tn_config_size(config, path, "hidden_size", -1, 1, MOST, call);
	m->layers = tn_config_size(config, path, "num_hidden_layers", -1, 1, 1024, call);
	m->heads = tn_config_size(config, path, "num_attention_heads", -1, 1, MOST, call);
	m->inner = tn_config_size(config, path, "intermediate_size", -1, 1, MOST, call);
	m->vocab = tn_config_size(config, path, "vocab_size", -1, 1, INT32_MAX, call);
	m->positions = tn_config_size(config, path, "max_position_embeddings", 512, 1, MOST, call);
	m->segments = tn_config_size(config, path, "type_vocab_size", 2, 1, MOST, call);
	m->act = tn_config_act(config, path, "hidden_act", "gelu", call);
	m->eps = tn_config_real(config, path, "layer_norm_eps", 1e-12, 0, 1, call);
	m->tied = tn_config_bool(config, path, "tie_word_embeddings", true, call);
	m->dropout = tn_config_real(config, path, "hidden_dropout_prob", 0.1, 0, 1, call);
	if (tn_status(call))
		return tn_status(call);
	if (m->width % m->heads)
		return tn_fail(call, TN_EDATA, "%s: \"hidden_size\" is %zu, expected a multiple of "
			"\"num_attention_heads\", %zu", path, m->width, m->heads);
	if (kind && strcmp(tn_string(kind, ""), "absolute"))
		return tn_fail(call, TN_EDATA, "%s: \"position_embedding_type\" is %s, expected "
			"\"absolute\"", path, tn_quote(call, tn_string(kind, ""), tn_string_length(kind)));
	if (tn_config_bool(config, path, "is_decoder", false, call))
		return tn_fail(call, TN_EDATA, "%s: \"is_decoder\" is true, expected an encoder", path);
	*info = (struct tn_model_info){ .kind = TN_BIDIRECTIONAL, .width = m->width,
		.layers = m->layers, .vocab_size = m->vocab, .max_positions = m->positions,
		.segments = m->segments };
	return tn_status(call);
}

/* Layer normalization with the weights NAME.weight and NAME.bias. */
static tn_ref norm(const struct bert *m, struct tn_graph *g, tn_ref x, const char *name)
{
	return tn_layer_norm(g, x, tn_weightf(g, m->width, 0, "%s.weight", name),
		tn_weightf(g, m->width, 0, "%s.bias", name), m->eps);
}

static tn_ref embeddings(const struct bert *m, struct tn_graph *g)
{
	int tokens = tn_axis(g, "tokens");
	tn_ref word = tn_weight(g, "embeddings.word_embeddings.weight", m->vocab, m->width);
	tn_ref position = tn_weight(g, "embeddings.position_embeddings.weight", m->positions,
		m->width);
	tn_ref segment = tn_weight(g, "embeddings.token_type_embeddings.weight", m->segments,
		m->width);
	tn_ref x = tn_add(g,
		tn_add(g, tn_gather(g, word, tn_input(g, "ids", tokens, TN_I32, 0)),
			tn_gather(g, segment, tn_input(g, "segment", tokens, TN_I32, 0))),
		tn_gather(g, position, tn_input(g, "position", tokens, TN_I32, 0)));

	return tn_dropout(g, norm(m, g, x, "embeddings.LayerNorm"), m->dropout);
}

/* x W^T + b with the weights encoder.layer.L.NAME. */
static tn_ref dense(struct tn_graph *g, tn_ref x, size_t layer, const char *name, size_t out)
{
	char full[128];

	snprintf(full, sizeof(full), "encoder.layer.%zu.%s", layer, name);
	return tn_dense(g, x, full, out);
}

/* norm(x + dropout(y)) */
static tn_ref add_norm(const struct bert *m, struct tn_graph *g, tn_ref x, tn_ref y, size_t layer,
	const char *name)
{
	char full[128];

	snprintf(full, sizeof(full), "encoder.layer.%zu.%s", layer, name);
	return norm(m, g, tn_add(g, tn_dropout(g, y, m->dropout), x), full);
}

static tn_ref layer(const struct bert *m, struct tn_graph *g, tn_ref x, size_t l)
{
	size_t size = m->width / m->heads;
	struct tn_attention_attr attr = {
		.heads = (uint32_t)m->heads, .kv_heads = (uint32_t)m->heads,
		.head_size = (uint32_t)size, .left = UINT32_MAX, .right = UINT32_MAX,
		.scale = (float)(1 / sqrt((double)size)),
	};
	int tokens = tn_axis(g, "tokens");
	tn_ref q = dense(g, x, l, "attention.self.query", m->width);
	tn_ref k = dense(g, x, l, "attention.self.key", m->width);
	tn_ref v = dense(g, x, l, "attention.self.value", m->width);
	tn_ref y = tn_attention(g, q, k, v, tokens, tokens, &attr, NULL, 0);

	y = dense(g, y, l, "attention.output.dense", m->width);
	x = add_norm(m, g, x, y, l, "attention.output.LayerNorm");
	y = tn_act(g, dense(g, x, l, "intermediate.dense", m->inner), m->act);
	y = dense(g, y, l, "output.dense", m->width);
	return add_norm(m, g, x, y, l, "output.LayerNorm");
}

static tn_ref encoder(const struct bert *m, struct tn_graph *g)
{
	tn_ref x = embeddings(m, g);

	for (size_t l = 0; l < m->layers; l++)
		x = layer(m, g, x, l);
	return x;
}

/* tanh of a dense layer over each window's first row, [CLS]. */
static tn_ref pooler(const struct bert *m, struct tn_graph *g)
{
	tn_ref first = tn_input(g, "text_begin", tn_axis(g, "texts"), TN_I32, 0);
	tn_ref x = tn_gather(g, tn_feature(g, "tokens"), first);

	x = tn_act(g, tn_dense(g, x, "pooler.dense", m->width), TN_ACT_TANH);
	return tn_dropout(g, x, m->dropout);
}

/* Scores of the whole vocabulary.  Tied, the decoder is the table of word embeddings, and
 * what the file has of its own is a copy. */
static tn_ref masked_lm(const struct bert *m, struct tn_graph *g)
{
	static const char own_bias[] = "cls.predictions.decoder.bias";
	const char *bias = "cls.predictions.bias";
	tn_ref x = tn_dense(g, tn_feature(g, "tokens"), "cls.predictions.transform.dense", m->width);

	if (tn_has_weight(g, own_bias) && !(m->tied && tn_has_weight(g, bias)))
		bias = own_bias;
	x = norm(m, g, tn_act(g, x, m->act), "cls.predictions.transform.LayerNorm");
	return tn_linear(g, x, tn_weight(g, m->tied ? "embeddings.word_embeddings.weight" :
		"cls.predictions.decoder.weight", m->vocab, m->width),
		tn_weight(g, bias, m->vocab, 0));
}

static tn_ref bert_feature(const struct tn_model *self, struct tn_graph *g, const char *name)
{
	const struct bert *m = (const struct bert *)self;

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
	.state = sizeof(struct bert), .impl.model = &bert_impl);
