/* SPDX-License-Identifier: Apache-2.0
 * core/plugin/describe.c - options in words.
 */
#include <math.h>
#include <stdint.h>

#include "plugin/plugin.h"

const char *tn_option_type_name(const struct tn_option *option)
{
	switch ((enum tn_option_type)option->type) {
	case TN_OPT_BOOL: return "boolean";
	case TN_OPT_INT: return "integer";
	case TN_OPT_REAL: return "real";
	case TN_OPT_STRING: return "text";
	case TN_OPT_PATH: return "path";
	case TN_OPT_CHOICE: return "choice";
	case TN_OPT_STRINGS: return "texts";
	case TN_OPT_END: break;
	}
	return "";
}

/* A bound or default of an option, an integer's without exponent. */
static const char *number(const struct tn_option *o, double n, struct tn_call *call)
{
	return tn_printf(call, o->type == TN_OPT_INT && fabs(n) < 1e15 ? "%.0f" : "%.10g", n);
}

const char *tn_option_default(const struct tn_option *o, struct tn_call *call)
{
	switch ((enum tn_option_type)o->type) {
	case TN_OPT_BOOL:
		return o->number != 0 ? "true" : "false";
	case TN_OPT_INT:
	case TN_OPT_REAL:
		return number(o, o->number, call);
	case TN_OPT_STRING:
	case TN_OPT_PATH:
		return o->text ? tn_printf(call, "\"%s\"", o->text) : "";
	case TN_OPT_CHOICE:
		return tn_printf(call, "%s", o->text);
	default:
		return "";
	}
}

/* Bounds so wide that they say nothing are left out. */
static const char *bounds(const struct tn_option *o, struct tn_call *call)
{
	const double widest = o->type == TN_OPT_INT ? (double)INT32_MAX : 1e30;
	const char *low = number(o, o->min, call), *high = number(o, o->max, call);

	if (!low || !high)
		return NULL;
	if (o->min <= -widest)
		return o->max >= widest ? "" : tn_printf(call, "at most %s", high);
	return o->max >= widest ? tn_printf(call, "at least %s", low) :
		tn_printf(call, "%s to %s", low, high);
}

const char *tn_option_range(const struct tn_option *o, struct tn_call *call)
{
	const char *all = "";

	if (o->type == TN_OPT_INT || o->type == TN_OPT_REAL)
		return bounds(o, call);
	for (size_t i = 0; o->type == TN_OPT_CHOICE && all && o->choices[i]; i++)
		all = tn_printf(call, "%s%s%s", all, i ? ", " : "", o->choices[i]);
	return all;
}
