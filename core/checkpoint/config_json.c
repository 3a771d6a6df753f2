/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/config_json.c - checked values of config.json.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <tenon/impl/model.h>

/* What stands there, for a message: the value itself where it is short. */
static const char *found(const struct tn_value *v, struct tn_call *call)
{
	enum tn_value_kind kind = tn_value_kind(v);
	const char *text;

	if (kind == TN_VALUE_STRING)
		return tn_quote(call, tn_string(v, ""), tn_string_length(v));
	if (kind == TN_VALUE_LIST || kind == TN_VALUE_OBJECT)
		return tn_value_kind_name(kind);
	text = tn_json_print(v, NULL, call);
	return text ? text : tn_value_kind_name(kind);
}

static int missing(const char *path, const char *key, const char *expected, struct tn_call *call)
{
	return tn_fail(call, TN_EDATA, "%s: the key \"%s\" is missing, expected %s", path, key,
		expected);
}

size_t tn_config_size(const struct tn_value *config, const char *path, const char *key,
	int64_t otherwise, int64_t min, int64_t max, struct tn_call *call)
{
	const struct tn_value *v = tn_get(config, key);

	if (!v && otherwise < 0) {
		tn_fail(call, TN_EDATA, "%s: the key \"%s\" is missing, expected a whole number of "
			"%" PRId64 " to %" PRId64, path, key, min, max);
		return 0;
	}
	if (!v)
		return (size_t)otherwise;
	if (tn_value_kind(v) != TN_VALUE_INT || tn_int(v, 0) < min || tn_int(v, 0) > max) {
		tn_fail(call, TN_EDATA, "%s: \"%s\" is %s, expected a whole number of %" PRId64
			" to %" PRId64, path, key, found(v, call), min, max);
		return 0;
	}
	return (size_t)tn_int(v, 0);
}

double tn_config_real(const struct tn_value *config, const char *path, const char *key,
	double otherwise, double min, double max, struct tn_call *call)
{
	const struct tn_value *v = tn_get(config, key);
	double x = tn_real(v, NAN);

	if (!v && isnan(otherwise)) {
		missing(path, key, "a number", call);
		return 0;
	}
	if (!v)
		return otherwise;
	if (!(x >= min && x <= max)) {
		tn_fail(call, TN_EDATA, "%s: \"%s\" is %s, expected a number of %g to %g", path,
			key, found(v, call), min, max);
		return 0;
	}
	return x;
}

bool tn_config_bool(const struct tn_value *config, const char *path, const char *key,
	bool otherwise, struct tn_call *call)
{
	const struct tn_value *v = tn_get(config, key);

	if (!v || tn_value_kind(v) == TN_VALUE_BOOL)
		return tn_bool(v, otherwise);
	tn_fail(call, TN_EDATA, "%s: \"%s\" is %s, expected true or false", path, key,
		found(v, call));
	return false;
}

/* Source: transformers, activations.py, ACT2CLS. */
enum tn_act tn_config_act(const struct tn_value *config, const char *path, const char *key,
	const char *otherwise, struct tn_call *call)
{
	static const struct {
		const char *name;
		enum tn_act act;
	} acts[] = {
		{ "gelu", TN_ACT_GELU }, { "gelu_python", TN_ACT_GELU },
		{ "gelu_new", TN_ACT_GELU_TANH }, { "gelu_fast", TN_ACT_GELU_TANH },
		{ "gelu_pytorch_tanh", TN_ACT_GELU_TANH }, { "gelu_accurate", TN_ACT_GELU_TANH },
		{ "relu", TN_ACT_RELU }, { "silu", TN_ACT_SILU }, { "swish", TN_ACT_SILU },
		{ "tanh", TN_ACT_TANH }, { "sigmoid", TN_ACT_SIGMOID },
	};
	static const char known[] = "one of: gelu, gelu_python, gelu_new, gelu_fast, "
		"gelu_pytorch_tanh, gelu_accurate, relu, silu, swish, tanh, sigmoid";
	const struct tn_value *v = tn_get(config, key);
	const char *name = v ? tn_string(v, "") : otherwise;

	for (size_t i = 0; name && i < sizeof(acts) / sizeof(acts[0]); i++)
		if (!strcmp(name, acts[i].name))
			return acts[i].act;
	if (!name)
		missing(path, key, known, call);
	else
		tn_fail(call, TN_EDATA, "%s: \"%s\" is %s, expected %s", path, key,
			v ? found(v, call) : name, known);
	return TN_ACT_NONE;
}
