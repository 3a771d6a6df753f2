/* SPDX-License-Identifier: Apache-2.0
 * plugins/models/modernbert/modernbert.c - the ModernBERT encoder and its prediction head.
 *
 * Source: Warner et al., arXiv 2412.13663, section 2.1 and appendix D; rotary embedding: Su et
 * al., arXiv 2104.09864; gated units: Shazeer, arXiv 2002.05202; names of tensors and keys as
 * in transformers' modeling_modernbert.py.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <tenon/impl/model.h>

#define MOST 1048576	/* a layer has at most 2^40 weights: sizes never overflow */
#define LAYERS 1024

enum reach { GLOBAL, LOCAL };

struct modernbert {
	struct tn_model base;
	size_t width, layers, heads, inner, vocab;
	size_t window;			/* a local layer sees so far to either side */
	uint8_t reach[LAYERS];		/* enum reach */
	double theta[2];		/* of each reach */
	enum tn_act act, head_act;
	double eps, embedding_dropout, attention_dropout, mlp_dropout, head_dropout;
	bool norm_bias, attention_bias, mlp_bias, head_bias, decoder_bias;
	bool tied, mean;		/* mean: what is classified is the mean of all tokens */
};

/* layer_types names each layer; older files count: each n-th layer from the first is global. */
static int read_reach(struct modernbert *m, const struct tn_value *config, const char *path,
	struct tn_call *call)
{
	const struct tn_value *types = tn_get(config, "layer_types");
	size_t every = tn_config_size(config, path, "global_attn_every_n_layers", 3, 1, LAYERS, call);

	if (tn_size(types) && tn_size(types) < m->layers)
		return tn_fail(call, TN_EDATA, "%s: \"layer_types\" has %zu items, expected %zu", path,
			tn_size(types), m->layers);
	for (size_t l = 0; l < m->layers; l++) {
		const struct tn_value *type = tn_at(types, l);
		const char *name = tn_string(type, "");

		m->reach[l] = l % every ? LOCAL : GLOBAL;
		if (!tn_size(types))
			continue;
		m->reach[l] = strcmp(name, "full_attention") ? LOCAL : GLOBAL;
		if (m->reach[l] == LOCAL && strcmp(name, "sliding_attention"))
			return tn_fail(call, TN_EDATA, "%s: \"layer_types\" has %s, expected "
				"\"full_attention\" or \"sliding_attention\"", path,
				tn_quote(call, name, tn_string_length(type)));
	}
	return tn_status(call);
}

/* The base of the rotary angles: of the newer form of the file, else of the older. */
static double read_theta(const struct tn_value *config, const char *path, const char *type,
	const char *older, double otherwise, struct tn_call *call)
{
	const struct tn_value *rope = tn_get(tn_get(config, "rope_parameters"), type);
	const char *kind = tn_string(tn_get(rope, "rope_type"), "default");

	if (strcmp(kind, "default"))
		tn_fail(call, TN_EDATA, "%s: \"rope_type\" is %s, expected \"default\"", path,
			tn_quote(call, kind, strlen(kind)));
	if (tn_get(rope, "rope_theta"))
		return tn_config_real(rope, path, "rope_theta", otherwise, 1, 1e12, call);
	return tn_config_real(config, path, older, otherwise, 1, 1e12, call);
}

static void read_options(struct modernbert *m, const struct tn_value *config, const char *path,
	struct tn_call *call)
{
	m->act = tn_config_act(config, path, "hidden_activation", "gelu", call);
	m->head_act = tn_config_act(config, path, "classifier_activation", "gelu", call);
	m->eps = tn_config_real(config, path, "norm_eps", 1e-5, 1e-30, 1, call);
	m->theta[GLOBAL] = read_theta(config, path, "full_attention", "global_rope_theta", 160000,
		call);
	m->theta[LOCAL] = read_theta(config, path, "sliding_attention", "local_rope_theta", 10000,
		call);
	m->embedding_dropout = tn_config_real(config, path, "embedding_dropout", 0, 0, 0.999, call);
	m->attention_dropout = tn_config_real(config, path, "attention_dropout", 0, 0, 0.999, call);
	m->mlp_dropout = tn_config_real(config, path, "mlp_dropout", 0, 0, 0.999, call);
	m->head_dropout = tn_config_real(config, path, "classifier_dropout", 0, 0, 0.999, call);
	m->norm_bias = tn_config_bool(config, path, "norm_bias", false, call);
	m->attention_bias = tn_config_bool(config, path, "attention_bias", false, call);
	m->mlp_bias = tn_config_bool(config, path, "mlp_bias", false, call);
	m->head_bias = tn_config_bool(config, path, "classifier_bias", false, call);
	m->decoder_bias = tn_config_bool(config, path, "decoder_bias", true, call);
	m->tied = tn_config_bool(config, path, "tie_word_embeddings", true, call);
}

static int modernbert_open(struct tn_model *self, const struct tn_value *config, const char *path,
	struct tn_model_info *info, struct tn_call *call)
{
	struct modernbert *m = (struct modernbert *)self;
	const char *pooling = tn_string(tn_get(config, "classifier_pooling"), "cls");
	size_t positions = tn_config_size(config, path, "max_position_embeddings", 8192, 1, MOST,
		call);

	m->width = tn_config_size(config, path, "hidden_size", -1, 1, MOST, call);
	m->layers = tn_config_size(config, path, "num_hidden_layers", -1, 1, LAYERS, call);
	m->heads = tn_config_size(config, path, "num_attention_heads", -1, 1, MOST, call);
	m->inner = tn_config_size(config, path, "intermediate_size", -1, 1, MOST, call);
	m->vocab = tn_config_size(config, path, "vocab_size", -1, 1, INT32_MAX, call);
	m->window = tn_config_size(config, path, "local_attention", 128, 0, INT32_MAX, call) / 2;
	m->mean = !strcmp(pooling, "mean");
	read_options(m, config, path, call);
	if (tn_status(call) || read_reach(m, config, path, call))
		return tn_status(call);
	if (m->width % m->heads || m->width / m->heads % 2)
		return tn_fail(call, TN_EDATA, "%s: \"hidden_size\" is %zu, expected an even multiple "
			"of \"num_attention_heads\", %zu", path, m->width, m->heads);
	if (!m->mean && strcmp(pooling, "cls"))
		return tn_fail(call, TN_EDATA, "%s: \"classifier_pooling\" is %s, expected \"cls\" or "
			"\"mean\"", path, tn_quote(call, pooling, strlen(pooling)));
	*info = (struct tn_model_info){ .kind = TN_BIDIRECTIONAL, .width = m->width,
		.layers = m->layers, .vocab_size = m->vocab, .max_positions = positions };
	return 0;
}

/* x W^T, and + b where the family's option has it: the weights NAME.weight and NAME.bias. */
static tn_ref dense(struct tn_graph *g, tn_ref x, const char *name, size_t out, bool bias)
{
	tn_ref w = tn_weightf(g, out, tn_width(g, x), "%s.weight", name);

	return tn_linear(g, x, w, bias ? tn_weightf(g, out, 0, "%s.bias", name) : TN_NONE);
}

static tn_ref norm(const struct modernbert *m, struct tn_graph *g, tn_ref x, const char *name)
{
	return tn_layer_norm(g, x, tn_weightf(g, m->width, 0, "%s.weight", name),
		m->norm_bias ? tn_weightf(g, m->width, 0, "%s.bias", name) : TN_NONE, m->eps);
}

static tn_ref embeddings(const struct modernbert *m, struct tn_graph *g)
{
	tn_ref table = tn_weight(g, "embeddings.tok_embeddings.weight", m->vocab, m->width);
	tn_ref x = tn_gather(g, table, tn_input(g, "ids", tn_axis(g, "tokens"), TN_I32, 0));

	return tn_dropout(g, norm(m, g, x, "embeddings.norm"), m->embedding_dropout);
}

/* The name of something in layer l. */
struct name { char text[64]; };

static struct name of(size_t l, const char *what)
{
	struct name name;

	snprintf(name.text, sizeof(name.text), "layers.%zu.%s", l, what);
	return name;
}

/* Queries and keys are turned by their positions; they lie side by side. */
static tn_ref attention(const struct modernbert *m, struct tn_graph *g, tn_ref x, size_t l)
{
	const enum reach reach = m->reach[l];
	const uint32_t far = reach == LOCAL ? (uint32_t)m->window : UINT32_MAX;
	const size_t size = m->width / m->heads;
	struct tn_attention_attr attr = {
		.heads = (uint32_t)m->heads, .kv_heads = (uint32_t)m->heads,
		.head_size = (uint32_t)size, .left = far, .right = far,
		.scale = (float)(1 / sqrt((double)size)), .dropout = m->attention_dropout,
	};
	int tokens = tn_axis(g, "tokens");
	tn_ref qkv = dense(g, x, of(l, "attn.Wqkv").text, 3 * m->width, m->attention_bias);
	tn_ref qk = tn_rope(g, tn_view(g, qkv, 0, 2 * m->width),
		tn_input(g, "position", tokens, TN_I32, 0), 2 * m->heads, size, m->theta[reach],
		false);
	tn_ref q = tn_view(g, qk, 0, m->width), k = tn_view(g, qk, m->width, m->width);
	tn_ref v = tn_view(g, qkv, 2 * m->width, m->width);
	tn_ref y = tn_attention(g, q, k, v, tokens, tokens, &attr, NULL, 0);

	y = dense(g, y, of(l, "attn.Wo").text, m->width, m->attention_bias);
	return tn_dropout(g, y, m->attention_dropout);
}

static tn_ref mlp(const struct modernbert *m, struct tn_graph *g, tn_ref x, size_t l)
{
	x = dense(g, x, of(l, "mlp.Wi").text, 2 * m->inner, m->mlp_bias);
	x = tn_dropout(g, tn_glu(g, x, m->act), m->mlp_dropout);
	return dense(g, x, of(l, "mlp.Wo").text, m->width, m->mlp_bias);
}

/* Norms stand before what they norm; that of the embeddings is the first layer's too. */
static tn_ref encoder(const struct modernbert *m, struct tn_graph *g)
{
	tn_ref x = embeddings(m, g);

	for (size_t l = 0; l < m->layers; l++) {
		tn_ref y = l ? norm(m, g, x, of(l, "attn_norm").text) : x;

		x = tn_add(g, x, attention(m, g, y, l));
		x = tn_add(g, x, mlp(m, g, norm(m, g, x, of(l, "mlp_norm").text), l));
	}
	return norm(m, g, x, "final_norm");
}

/* What stands before each last linear. */
static tn_ref head(const struct modernbert *m, struct tn_graph *g, tn_ref x)
{
	x = tn_act(g, dense(g, x, "head.dense", m->width, m->head_bias), m->head_act);
	return norm(m, g, x, "head.norm");
}

static tn_ref pool(const struct modernbert *m, struct tn_graph *g)
{
	int texts = tn_axis(g, "texts");
	tn_ref x = tn_feature(g, "tokens"), begin = tn_input(g, "text_begin", texts, TN_I32, 0);

	return m->mean ? tn_segment(g, x, begin, tn_input(g, "text_end", texts, TN_I32, 0), TN_MEAN) :
		tn_gather(g, x, begin);
}

static tn_ref masked_lm(const struct modernbert *m, struct tn_graph *g)
{
	return tn_linear(g, head(m, g, tn_feature(g, "tokens")), tn_weight(g, m->tied ?
		"embeddings.tok_embeddings.weight" : "decoder.weight", m->vocab, m->width),
		m->decoder_bias ? tn_weight(g, "decoder.bias", m->vocab, 0) : TN_NONE);
}

static tn_ref modernbert_feature(const struct tn_model *self, struct tn_graph *g, const char *name)
{
	const struct modernbert *m = (const struct modernbert *)self;

	if (!strcmp(name, "tokens"))
		return encoder(m, g);
	if (!strcmp(name, "tagged"))
		return tn_dropout(g, head(m, g, tn_feature(g, "tokens")), m->head_dropout);
	if (!strcmp(name, "pooled"))
		return tn_dropout(g, head(m, g, pool(m, g)), m->head_dropout);
	if (!strcmp(name, "mlm"))
		return masked_lm(m, g);
	return TN_NONE;
}

static const struct tn_model_class classes[] = {
	{ "ModernBertModel", "embed", "tokens", NULL },
	{ "SentenceTransformer", "embed", "tokens", NULL },
	{ "ModernBertForSequenceClassification", "cls", "pooled", "classifier" },
	{ "ModernBertForTokenClassification", "bio-crf", "tagged", "classifier" },
	{ "ModernBertForQuestionAnswering", "span-qa", "tagged", "classifier" },
	{ "ModernBertForMaskedLM", "fill-mask", "mlm", NULL },
	{ NULL, NULL, NULL, NULL }
};

static const struct tn_model_impl modernbert_impl = {
	.classes = classes, .prefix = "model.", .tokenizer = "bpe",
	.open = modernbert_open, .feature = modernbert_feature,
};

TN_PLUGIN(modernbert, TN_MODEL, "modernbert",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "ModernBERT: rotary positions, local and global layers, gated units",
	.state = sizeof(struct modernbert), .impl.model = &modernbert_impl);
