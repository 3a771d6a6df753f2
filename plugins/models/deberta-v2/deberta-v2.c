/* SPDX-License-Identifier: Apache-2.0
 * plugins/models/deberta-v2/deberta-v2.c - DeBERTa, second and third version: attention to
 * content and to relative positions.
 *
 * Sources: He et al., arXiv 2006.03654, section 3 (disentangled attention), and arXiv
 * 2111.09543, appendix A; names of tensors and keys as in transformers' modeling_deberta_v2.py.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/impl/model.h>

#include "neighbours.h"

#define MOST 1048576	/* a layer has at most 2^40 weights: sizes never overflow */

struct deberta {
	struct tn_model base;
	size_t width, embedded, layers, heads, inner, vocab, positions, segments;
	size_t places;			/* rows of the table of relative positions */
	size_t far;			/* all distances from here on are alike */
	int32_t *place;			/* [2 far + 1]: the row of distance d at d + far */
	struct neighbours kernel;	/* of the convolution beside the first layer; 0: there is none */
	enum tn_act act, pooler_act, conv_act;
	double eps, dropout, attention_dropout, pooler_dropout, label_dropout;
	bool relative, c2p, p2c;	/* content to position, position to content */
	bool shared;			/* positions are projected as contents are */
	bool normed;			/* the table of positions, before it is used */
	bool positioned;		/* the input knows its place */
	bool tied, legacy;		/* the older of two forms of the decoder */
};

/* Distances up to half of the buckets have a bucket each; beyond, buckets grow with the
 * logarithm up to `longest`.  In single precision, as trained models have it. */
static int32_t bucket_of(int32_t distance, size_t buckets, size_t longest)
{
	const int32_t away = abs(distance), half = (int32_t)(buckets / 2);
	float part;

	if (!buckets || away <= half)
		return distance;
	part = logf((float)away / (float)half) /
		logf((float)((double)(longest - 1) / (double)half)) * (float)(half - 1);
	return (distance < 0 ? -1 : 1) * ((int32_t)ceilf(part) + half);
}

/* The table has 2 n rows, for buckets -n .. n - 1. */
static int make_places(struct deberta *m, size_t buckets, struct tn_call *call)
{
	const int32_t n = (int32_t)(m->places / 2), far = (int32_t)m->far;

	m->place = malloc((2 * m->far + 1) * sizeof(*m->place));
	if (!m->place)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (int32_t d = -far; d <= far; d++) {
		const int32_t p = bucket_of(d, buckets, m->far) + n;

		m->place[d + far] = p < 0 ? 0 : p > 2 * n - 1 ? 2 * n - 1 : p;
	}
	return 0;
}

/* pos_att_type is a list, or one text with bars: "p2c|c2p". */
static bool attends(const struct tn_value *config, const char *part)
{
	const struct tn_value *types = tn_get(config, "pos_att_type");
	bool found = strstr(tn_string(types, ""), part) != NULL;

	for (size_t i = 0; i < tn_size(types); i++)
		found |= !strcmp(tn_string(tn_at(types, i), ""), part);
	return found;
}

/* A whole number that is -1, or absent, for "none". */
static size_t size_or(const struct tn_value *config, const char *path, const char *key,
	size_t otherwise, struct tn_call *call)
{
	if (tn_int(tn_get(config, key), 0) < 0)
		return otherwise;
	return tn_config_size(config, path, key, (int64_t)otherwise, 1, MOST, call);
}

static int read_positions(struct deberta *m, const struct tn_value *config, const char *path,
	struct tn_call *call)
{
	size_t buckets = size_or(config, path, "position_buckets", 0, call);

	m->relative = tn_config_bool(config, path, "relative_attention", false, call);
	m->c2p = attends(config, "c2p");
	m->p2c = attends(config, "p2c");
	m->shared = tn_config_bool(config, path, "share_att_key", false, call);
	m->normed = strstr(tn_string(tn_get(config, "norm_rel_ebd"), ""), "layer_norm") != NULL;
	m->positioned = tn_config_bool(config, path, "position_biased_input", true, call);
	m->far = size_or(config, path, "max_relative_positions", m->positions, call);
	m->places = 2 * (buckets ? buckets : m->far);
	if (!m->relative || tn_status(call))
		return tn_status(call);
	if (buckets && (buckets < 4 || m->far < buckets / 2 + 2))
		return tn_fail(call, TN_EDATA, "%s: \"position_buckets\" is %zu, expected a number from "
			"4, and half of it to be less than \"max_relative_positions\" by 2, %zu", path,
			buckets, m->far);
	return make_places(m, buckets, call);
}

static int read_conv(struct deberta *m, const struct tn_value *config, const char *path,
	struct tn_call *call)
{
	m->kernel.n = tn_config_size(config, path, "conv_kernel_size", 0, 0, 99, call);
	m->conv_act = tn_config_act(config, path, "conv_act", "tanh", call);
	if (m->kernel.n && m->kernel.n % 2 == 0)
		return tn_fail(call, TN_EDATA, "%s: \"conv_kernel_size\" is %zu, expected an odd number",
			path, m->kernel.n);
	if (tn_config_size(config, path, "conv_groups", 1, 1, MOST, call) > 1)
		return tn_fail(call, TN_EDATA, "%s: \"conv_groups\" is above 1, expected 1", path);
	return tn_status(call);
}

static void read_sizes(struct deberta *m, const struct tn_value *config, const char *path,
	struct tn_call *call)
{
	m->width = tn_config_size(config, path, "hidden_size", -1, 1, MOST, call);
	m->embedded = tn_config_size(config, path, "embedding_size", (int64_t)m->width, 1, MOST,
		call);
	m->layers = tn_config_size(config, path, "num_hidden_layers", -1, 1, 1024, call);
	m->heads = tn_config_size(config, path, "num_attention_heads", -1, 1, MOST, call);
	m->inner = tn_config_size(config, path, "intermediate_size", -1, 1, MOST, call);
	m->vocab = tn_config_size(config, path, "vocab_size", -1, 1, INT32_MAX, call);
	m->positions = tn_config_size(config, path, "max_position_embeddings", 512, 1, MOST, call);
	m->segments = tn_config_size(config, path, "type_vocab_size", 0, 0, MOST, call);
}

static int deberta_open(struct tn_model *self, const struct tn_value *config, const char *path,
	struct tn_model_info *info, struct tn_call *call)
{
	struct deberta *m = (struct deberta *)self;

	read_sizes(m, config, path, call);
	m->act = tn_config_act(config, path, "hidden_act", "gelu", call);
	m->pooler_act = tn_config_act(config, path, "pooler_hidden_act", "gelu", call);
	m->eps = tn_config_real(config, path, "layer_norm_eps", 1e-7, 1e-30, 1, call);
	m->dropout = tn_config_real(config, path, "hidden_dropout_prob", 0.1, 0, 0.999, call);
	m->attention_dropout = tn_config_real(config, path, "attention_probs_dropout_prob", 0.1, 0,
		0.999, call);
	m->pooler_dropout = tn_config_real(config, path, "pooler_dropout", 0, 0, 0.999, call);
	m->label_dropout = tn_value_kind(tn_get(config, "cls_dropout")) == TN_VALUE_NULL ?
		m->dropout : tn_config_real(config, path, "cls_dropout", m->dropout, 0, 0.999, call);
	m->tied = tn_config_bool(config, path, "tie_word_embeddings", true, call);
	m->legacy = tn_config_bool(config, path, "legacy", true, call);
	if (tn_status(call) || read_positions(m, config, path, call) ||
	    read_conv(m, config, path, call))
		return tn_status(call);
	if (m->width % m->heads)
		return tn_fail(call, TN_EDATA, "%s: \"hidden_size\" is %zu, expected a multiple of "
			"\"num_attention_heads\", %zu", path, m->width, m->heads);
	*info = (struct tn_model_info){ .kind = TN_BIDIRECTIONAL, .width = m->width,
		.layers = m->layers, .vocab_size = m->vocab, .max_positions = m->positions,
		.segments = m->segments };
	return 0;
}

static void deberta_close(struct tn_model *self)
{
	free(((struct deberta *)self)->place);
}

/* Layer normalization with the weights NAME.weight and NAME.bias. */
static tn_ref norm(const struct deberta *m, struct tn_graph *g, tn_ref x, const char *name)
{
	return tn_layer_norm(g, x, tn_weightf(g, tn_width(g, x), 0, "%s.weight", name),
		tn_weightf(g, tn_width(g, x), 0, "%s.bias", name), m->eps);
}

static tn_ref embeddings(const struct deberta *m, struct tn_graph *g)
{
	int tokens = tn_axis(g, "tokens");
	tn_ref x = tn_gather(g, tn_weight(g, "embeddings.word_embeddings.weight", m->vocab,
		m->embedded), tn_input(g, "ids", tokens, TN_I32, 0));

	if (m->positioned)
		x = tn_add(g, x, tn_gather(g, tn_weight(g, "embeddings.position_embeddings.weight",
			m->positions, m->embedded), tn_input(g, "position", tokens, TN_I32, 0)));
	if (m->segments)
		x = tn_add(g, x, tn_gather(g, tn_weight(g, "embeddings.token_type_embeddings.weight",
			m->segments, m->embedded), tn_input(g, "segment", tokens, TN_I32, 0)));
	if (m->embedded != m->width)
		x = tn_linear(g, x, tn_weight(g, "embeddings.embed_proj.weight", m->width,
			m->embedded), TN_NONE);
	return tn_dropout(g, norm(m, g, x, "embeddings.LayerNorm"), m->dropout);
}

/* What all layers share: the table of relative positions and the row of each distance. */
struct distances { tn_ref table, place; };

static struct distances distances(const struct deberta *m, struct tn_graph *g)
{
	struct distances r = { TN_NONE, TN_NONE };

	if (!m->relative || (!m->c2p && !m->p2c))
		return r;
	r.table = tn_weight(g, "encoder.rel_embeddings.weight", m->places, m->width);
	if (m->normed)
		r.table = norm(m, g, r.table, "encoder.LayerNorm");
	r.place = tn_constant(g, TN_I32, m->place, 2 * m->far + 1, 0);
	return r;
}

/* The name of something in layer l. */
struct name { char text[128]; };

static struct name of(size_t l, const char *what)
{
	struct name name;

	snprintf(name.text, sizeof(name.text), "encoder.layer.%zu.%s", l, what);
	return name;
}

/* softmax((q k + q kr + k qr) / sqrt(3 D)) v, kr and qr keys and queries of the distance. */
static tn_ref attention(const struct deberta *m, struct tn_graph *g, tn_ref x,
	struct distances r, size_t l)
{
	const size_t size = m->width / m->heads;
	struct tn_attention_attr attr = {
		.heads = (uint32_t)m->heads, .kv_heads = (uint32_t)m->heads,
		.head_size = (uint32_t)size, .left = UINT32_MAX, .right = UINT32_MAX,
		.scale = (float)(1 / sqrt((double)size * (1 + m->c2p + m->p2c))),
		.dropout = m->attention_dropout,
	};
	int tokens = tn_axis(g, "tokens");
	tn_ref q = tn_dense(g, x, of(l, "attention.self.query_proj").text, m->width);
	tn_ref k = tn_dense(g, x, of(l, "attention.self.key_proj").text, m->width);
	tn_ref v = tn_dense(g, x, of(l, "attention.self.value_proj").text, m->width);
	tn_ref bias[3], table;

	if (r.table == TN_NONE)
		return tn_attention(g, q, k, v, tokens, tokens, &attr, NULL, 0);
	attr.bias = TN_BIAS_DISENTANGLED;
	attr.span = (uint32_t)m->far + 1;
	attr.c2p = m->c2p;
	attr.p2c = m->p2c;
	table = tn_dropout(g, r.table, m->dropout);
	bias[0] = m->c2p ? tn_dense(g, table, of(l, m->shared ? "attention.self.key_proj" :
		"attention.self.pos_key_proj").text, m->width) : table;
	bias[1] = m->p2c ? tn_dense(g, table, of(l, m->shared ? "attention.self.query_proj" :
		"attention.self.pos_query_proj").text, m->width) : table;
	bias[2] = r.place;
	return tn_attention(g, q, k, v, tokens, tokens, &attr, bias, 3);
}

static tn_ref layer(const struct deberta *m, struct tn_graph *g, tn_ref x, struct distances r,
	size_t l)
{
	tn_ref y = attention(m, g, x, r, l);

	y = tn_dropout(g, tn_dense(g, y, of(l, "attention.output.dense").text, m->width), m->dropout);
	x = norm(m, g, tn_add(g, y, x), of(l, "attention.output.LayerNorm").text);
	y = tn_act(g, tn_dense(g, x, of(l, "intermediate.dense").text, m->inner), m->act);
	y = tn_dropout(g, tn_dense(g, y, of(l, "output.dense").text, m->width), m->dropout);
	return norm(m, g, tn_add(g, y, x), of(l, "output.LayerNorm").text);
}

/* norm(y + act(convolution of x)), x and y being what the first layer had and gave. */
static tn_ref convolve(const struct deberta *m, struct tn_graph *g, tn_ref x, tn_ref y)
{
	x = tn_custom(g, &neighbours_op, &m->kernel, &x, 1);
	x = tn_linear(g, x, tn_weight(g, "encoder.conv.conv.weight", m->width,
		m->width * m->kernel.n), tn_weight(g, "encoder.conv.conv.bias", m->width, 0));
	x = tn_act(g, tn_dropout(g, x, m->dropout), m->conv_act);
	return norm(m, g, tn_add(g, y, x), "encoder.conv.LayerNorm");
}

static tn_ref encoder(const struct deberta *m, struct tn_graph *g)
{
	struct distances r = distances(m, g);
	tn_ref x = embeddings(m, g);

	for (size_t l = 0; l < m->layers; l++) {
		tn_ref y = layer(m, g, x, r, l);

		x = l == 0 && m->kernel.n ? convolve(m, g, x, y) : y;
	}
	return x;
}

/* A dense layer over each window's first row. */
static tn_ref pooler(const struct deberta *m, struct tn_graph *g)
{
	tn_ref first = tn_input(g, "text_begin", tn_axis(g, "texts"), TN_I32, 0);
	tn_ref x = tn_dropout(g, tn_gather(g, tn_feature(g, "tokens"), first), m->pooler_dropout);

	x = tn_act(g, tn_dense(g, x, "pooler.dense", m->width), m->pooler_act);
	return tn_dropout(g, x, m->label_dropout);
}

/* Scores of the whole vocabulary by the table of word embeddings, or in the older form when it is
 * not tied by a decoder of its own; what a tied file has of that is a copy. */
static tn_ref masked_lm(const struct deberta *m, struct tn_graph *g)
{
	static const char own_bias[] = "cls.predictions.decoder.bias";
	const char *at = m->legacy ? "cls.predictions.transform" : "lm_predictions.lm_head";
	const char *bias = m->legacy ? "cls.predictions.bias" : "lm_predictions.lm_head.bias";
	const char *decoder = m->legacy && !m->tied ? "cls.predictions.decoder.weight" :
		"embeddings.word_embeddings.weight";
	char name[64];
	tn_ref x;

	snprintf(name, sizeof(name), "%s.dense", at);
	x = tn_act(g, tn_dense(g, tn_feature(g, "tokens"), name, m->embedded), m->act);
	snprintf(name, sizeof(name), "%s.LayerNorm", at);
	x = norm(m, g, x, name);
	if (m->legacy && tn_has_weight(g, own_bias) && !(m->tied && tn_has_weight(g, bias)))
		bias = own_bias;
	return tn_linear(g, x, tn_weight(g, decoder, m->vocab, m->embedded),
		tn_weight(g, bias, m->vocab, 0));
}

static tn_ref deberta_feature(const struct tn_model *self, struct tn_graph *g, const char *name)
{
	const struct deberta *m = (const struct deberta *)self;

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
	{ "DebertaV2Model", "embed", "tokens", NULL },
	{ "SentenceTransformer", "embed", "tokens", NULL },
	{ "DebertaV2ForSequenceClassification", "cls", "pooled", "classifier" },
	{ "DebertaV2ForTokenClassification", "bio-crf", "tagged", "classifier" },
	{ "DebertaV2ForQuestionAnswering", "span-qa", "tokens", "qa_outputs" },
	{ "DebertaV2ForMaskedLM", "fill-mask", "mlm", NULL },
	{ NULL, NULL, NULL, NULL }
};

static const struct tn_model_impl deberta_impl = {
	.classes = classes, .prefix = "deberta.", .tokenizer = "unigram",
	.open = deberta_open, .feature = deberta_feature, .close = deberta_close,
};

TN_PLUGIN(deberta_v2, TN_MODEL, "deberta-v2",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "DeBERTa, versions 2 and 3: attention to content and to relative positions",
	.state = sizeof(struct deberta), .impl.model = &deberta_impl);
