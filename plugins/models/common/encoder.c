/* SPDX-License-Identifier: Apache-2.0
 * plugins/models/common/encoder.c - what the families of BERT's shape share.
 */
#include "encoder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void encoder_read(struct encoder *e, const struct tn_value *config, const char *path,
	struct tn_call *call)
{
	e->width = tn_config_size(config, path, "hidden_size", -1, 1, ENCODER_MOST, call);
	e->layers = tn_config_size(config, path, "num_hidden_layers", -1, 1, 1024, call);
	e->heads = tn_config_size(config, path, "num_attention_heads", -1, 1, ENCODER_MOST, call);
	e->inner = tn_config_size(config, path, "intermediate_size", -1, 1, ENCODER_MOST, call);
	e->vocab = tn_config_size(config, path, "vocab_size", -1, 1, INT32_MAX, call);
	e->embedded = e->width;
	e->positions = tn_config_size(config, path, "max_position_embeddings", 512, 1,
		ENCODER_MOST, call);
	e->act = tn_config_act(config, path, "hidden_act", "gelu", call);
	e->eps = tn_config_real(config, path, "layer_norm_eps", 1e-12, 1e-30, 1, call);
	e->dropout = tn_config_real(config, path, "hidden_dropout_prob", 0.1, 0, 0.999, call);
	e->out_dropout = e->down_dropout = e->dropout;
	e->attention_dropout = tn_config_real(config, path, "attention_probs_dropout_prob", 0.1, 0,
		0.999, call);
	e->head_dropout = encoder_rate(config, path, "classifier_dropout", e->dropout, call);
	e->tied = tn_config_bool(config, path, "tie_word_embeddings", true, call);
}

double encoder_rate(const struct tn_value *config, const char *path, const char *key,
	double otherwise, struct tn_call *call)
{
	if (tn_value_kind(tn_get(config, key)) == TN_VALUE_NULL)
		return otherwise;
	return tn_config_real(config, path, key, otherwise, 0, 0.999, call);
}

int encoder_open(const struct encoder *e, const struct tn_value *config, const char *path,
	struct tn_model_info *info, struct tn_call *call)
{
	const struct tn_value *kind = tn_get(config, "position_embedding_type");

	if (tn_status(call))
		return tn_status(call);
	if (e->width % e->heads)
		return tn_fail(call, TN_EDATA, "%s: the width is %zu, expected a multiple of the %zu "
			"attention heads", path, e->width, e->heads);
	if (e->positions <= e->first)
		return tn_fail(call, TN_EDATA, "%s: \"max_position_embeddings\" is %zu, expected more "
			"than %zu: positions begin behind \"pad_token_id\"", path, e->positions, e->first);
	if (kind && strcmp(tn_string(kind, ""), "absolute"))
		return tn_fail(call, TN_EDATA, "%s: \"position_embedding_type\" is %s, expected "
			"\"absolute\"", path, tn_quote(call, tn_string(kind, ""), tn_string_length(kind)));
	if (tn_config_bool(config, path, "is_decoder", false, call))
		return tn_fail(call, TN_EDATA, "%s: \"is_decoder\" is true, expected an encoder", path);
	*info = (struct tn_model_info){ .kind = TN_BIDIRECTIONAL, .width = e->width,
		.layers = e->layers, .vocab_size = e->vocab, .max_positions = e->positions - e->first,
		.segments = e->segments };
	return tn_status(call);
}

/* Layer normalization with the weights NAME.weight and NAME.bias. */
static tn_ref norm(const struct encoder *e, struct tn_graph *g, tn_ref x, const char *name)
{
	size_t n = tn_width(g, x);

	return tn_layer_norm(g, x, tn_weightf(g, n, 0, "%s.weight", name),
		tn_weightf(g, n, 0, "%s.bias", name), e->eps);
}

static tn_ref table(const struct encoder *e, struct tn_graph *g, const char *name, size_t rows)
{
	return tn_weightf(g, rows, e->embedded, "embeddings.%s_embeddings.weight", name);
}

tn_ref encoder_embed(const struct encoder *e, struct tn_graph *g)
{
	int tokens = tn_axis(g, "tokens");
	tn_ref position = table(e, g, "position", e->positions);
	tn_ref x = tn_gather(g, table(e, g, "word", e->vocab), tn_input(g, "ids", tokens, TN_I32, 0));

	if (e->segments)
		x = tn_add(g, x, tn_gather(g, table(e, g, "token_type", e->segments),
			tn_input(g, "segment", tokens, TN_I32, 0)));
	if (e->first)
		position = tn_view_rows(g, position, e->first, e->positions - e->first);
	x = tn_add(g, x, tn_gather(g, position, tn_input(g, "position", tokens, TN_I32, 0)));
	return tn_dropout(g, norm(e, g, x, "embeddings.LayerNorm"), e->dropout);
}

/* The name of something in a block. */
struct name { char text[128]; };

static struct name of(const char *at, const char *what)
{
	struct name name;

	snprintf(name.text, sizeof(name.text), "%s.%s", at, what);
	return name;
}

static tn_ref attention(const struct encoder *e, struct tn_graph *g, tn_ref x, const char *at,
	const struct encoder_names *names, tn_ref bias)
{
	size_t size = e->width / e->heads;
	struct tn_attention_attr attr = {
		.heads = (uint32_t)e->heads, .kv_heads = (uint32_t)e->heads,
		.head_size = (uint32_t)size, .left = UINT32_MAX, .right = UINT32_MAX,
		.bias = e->span ? TN_BIAS_REL : TN_BIAS_NONE, .span = (uint32_t)e->span,
		.scale = (float)(1 / sqrt((double)size)), .dropout = e->attention_dropout,
	};
	int tokens = tn_axis(g, "tokens");
	tn_ref q = tn_dense(g, x, of(at, names->query).text, e->width);
	tn_ref k = tn_dense(g, x, of(at, names->key).text, e->width);
	tn_ref v = tn_dense(g, x, of(at, names->value).text, e->width);

	x = tn_attention(g, q, k, v, tokens, tokens, &attr, &bias, e->span != 0);
	return tn_dense(g, x, of(at, names->out).text, e->width);
}

tn_ref encoder_block(const struct encoder *e, struct tn_graph *g, tn_ref x, const char *at,
	const struct encoder_names *names, tn_ref bias)
{
	tn_ref y = tn_dropout(g, attention(e, g, x, at, names, bias), e->out_dropout);

	x = norm(e, g, tn_add(g, y, x), of(at, names->out_norm).text);
	y = tn_act(g, tn_dense(g, x, of(at, names->up).text, e->inner), e->act);
	y = tn_dropout(g, tn_dense(g, y, of(at, names->down).text, e->width), e->down_dropout);
	return norm(e, g, tn_add(g, y, x), of(at, names->norm).text);
}

tn_ref encoder_layers(const struct encoder *e, struct tn_graph *g, tn_ref x)
{
	static const struct encoder_names names = {
		.query = "attention.self.query", .key = "attention.self.key",
		.value = "attention.self.value", .out = "attention.output.dense",
		.out_norm = "attention.output.LayerNorm", .up = "intermediate.dense",
		.down = "output.dense", .norm = "output.LayerNorm",
	};
	char at[64];

	for (size_t l = 0; l < e->layers; l++) {
		snprintf(at, sizeof(at), "encoder.layer.%zu", l);
		x = encoder_block(e, g, x, at, &names, TN_NONE);
	}
	return x;
}

tn_ref encoder_first(struct tn_graph *g)
{
	return tn_gather(g, tn_feature(g, "tokens"),
		tn_input(g, "text_begin", tn_axis(g, "texts"), TN_I32, 0));
}

tn_ref encoder_pool(const struct encoder *e, struct tn_graph *g, const char *dense,
	enum tn_act act)
{
	tn_ref x = tn_act(g, tn_dense(g, encoder_first(g), dense, e->width), act);

	return tn_dropout(g, x, e->head_dropout);
}

tn_ref encoder_classify(const struct encoder *e, struct tn_graph *g, enum tn_act act)
{
	tn_ref x = tn_dropout(g, encoder_first(g), e->head_dropout);

	x = tn_act(g, tn_dense(g, x, "classifier.dense", e->width), act);
	return tn_dropout(g, x, e->head_dropout);
}

tn_ref encoder_pool_bare(const struct encoder *e, struct tn_graph *g)
{
	if (tn_has_weight(g, "classifier.dense.weight"))
		return tn_feature(g, "classified");
	if (tn_has_weight(g, "pooler.dense.weight"))
		return encoder_pool(e, g, "pooler.dense", TN_ACT_TANH);
	return tn_dropout(g, encoder_first(g), e->head_dropout);
}

const struct encoder_scorer encoder_lm_head = {
	.dense = "lm_head.dense", .norm = "lm_head.layer_norm", .decoder = "lm_head.decoder",
	.bias = "lm_head.bias", .other_bias = "lm_head.decoder.bias",
};

tn_ref encoder_score(const struct encoder *e, struct tn_graph *g, enum tn_act act,
	const struct encoder_scorer *names)
{
	tn_ref x = tn_act(g, tn_dense(g, tn_feature(g, "tokens"), names->dense, e->embedded), act);
	struct name decoder = of(names->decoder, "weight");
	const char *bias = names->bias, *other = names->other_bias;

	if (other && tn_has_weight(g, other) && !(e->tied && tn_has_weight(g, bias)))
		bias = other;
	x = norm(e, g, x, names->norm);
	return tn_linear(g, x, e->tied ? table(e, g, "word", e->vocab) :
		tn_weight(g, decoder.text, e->vocab, e->embedded), tn_weight(g, bias, e->vocab, 0));
}
