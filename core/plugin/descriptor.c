/* SPDX-License-Identifier: Apache-2.0
 * core/plugin/descriptor.c - what must be true of a plugin's descriptor.
 */
#include <math.h>
#include <string.h>
#include <tenon/impl/backend.h>
#include <tenon/impl/head.h>
#include <tenon/impl/model.h>
#include <tenon/impl/tokenizer.h>

#include "plugin/internal.h"

#define MOST_OPTIONS 256
#define SHORTEST offsetof(struct tn_plugin, rank)

const char *tn_plugin_kind_name(enum tn_plugin_kind kind)
{
	static const char *const names[] = {
		[TN_TOKENIZER] = "tokenizer", [TN_BACKEND] = "backend", [TN_MODEL] = "model",
		[TN_HEAD] = "head",
	};

	return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : NULL;
}

enum tn_plugin_kind tn_plugin_kind_of(const char *word, size_t len)
{
	for (int kind = TN_TOKENIZER; kind <= TN_HEAD; kind++) {
		const char *name = tn_plugin_kind_name(kind);

		if (strlen(name) == len && !memcmp(name, word, len))
			return kind;
	}
	return 0;
}

/* The five members that never move. */
static int check_abi(const struct tn_plugin *p, struct tn_call *call)
{
	if (p->magic != TN_PLUGIN_MAGIC)
		return tn_fail(call, TN_EPLUGIN, "its descriptor begins with 0x%08x, 0x%08x expected",
			p->magic, TN_PLUGIN_MAGIC);
	if (p->abi_major != TN_ABI_MAJOR)
		return tn_fail(call, TN_EPLUGIN, "made for plugin ABI %d, this tenon has ABI %d: %s",
			p->abi_major, TN_ABI_MAJOR, p->abi_major < TN_ABI_MAJOR ?
			"build it again" : "it needs a newer tenon");
	if (p->abi_minor > TN_ABI_MINOR)
		return tn_fail(call, TN_EPLUGIN, "made for plugin ABI %d.%d, this tenon has %d.%d: it "
			"needs a newer tenon", p->abi_major, p->abi_minor, TN_ABI_MAJOR, TN_ABI_MINOR);
	if (p->size < SHORTEST || p->size > sizeof(*p))
		return tn_fail(call, TN_EPLUGIN, "its descriptor has %u bytes, %zu to %zu expected",
			p->size, SHORTEST, sizeof(*p));
	return 0;
}

/* Names the part that differs. */
static int check_fingerprint(uint64_t found, struct tn_call *call)
{
	static const struct { int shift; const char *what; } parts[] = {
		{ 0, "bytes of a pointer" }, { 8, "bytes of a size_t" },
		{ 16, "bytes of struct tn_option" }, { 24, "bytes of struct tn_tensor" },
		{ 32, "byte order (1: big-endian)" },
	};
	const uint64_t here = TN_ABI_FINGERPRINT;

	if (found == here)
		return 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		unsigned there = found >> parts[i].shift & 255, own = here >> parts[i].shift & 255;

		if (there != own)
			return tn_fail(call, TN_EPLUGIN, "made with another layout: %s: %u, here %u",
				parts[i].what, there, own);
	}
	return tn_fail(call, TN_EPLUGIN, "made with another layout: fingerprint 0x%llx, here 0x%llx",
		(unsigned long long)found, (unsigned long long)here);
}

static int check_names(const struct tn_plugin *p, const char *name, struct tn_call *call)
{
	if (!p->names || !p->names[0])
		return tn_fail(call, TN_EPLUGIN, "its descriptor gives no name");
	for (const char *const *n = p->names; *n; n++)
		if (!strcmp(*n, name))
			return 0;
	return tn_fail(call, TN_EPLUGIN, "it is the %s %s and does not serve the name \"%s\"",
		tn_plugin_kind_name(p->kind), tn_quote(call, p->names[0], strlen(p->names[0])),
		name);
}

size_t tn_plugin_impl_size(uint32_t kind)
{
	switch ((enum tn_plugin_kind)kind) {
	case TN_TOKENIZER: return sizeof(struct tn_tokenizer_impl);
	case TN_BACKEND: return sizeof(struct tn_backend_impl);
	case TN_MODEL: return sizeof(struct tn_model_impl);
	case TN_HEAD: return sizeof(struct tn_head_impl);
	}
	return 0;
}

/* The first required slot that is NULL; NULL when all are there. */
static const char *missing_slot(const struct tn_plugin *p)
{
	union {
		struct tn_tokenizer_impl tokenizer;
		struct tn_backend_impl backend;
		struct tn_model_impl model;
		struct tn_head_impl head;
	} impl = { 0 };
	const struct tn_tokenizer_impl *t = &impl.tokenizer;
	const struct tn_backend_impl *b = &impl.backend;
	const struct tn_model_impl *m = &impl.model;
	const struct tn_head_impl *h = &impl.head;

	memcpy(&impl, p->impl.head, p->impl_size);
	switch ((enum tn_plugin_kind)p->kind) {
	case TN_TOKENIZER:
		return !t->open ? "open" : !t->encode ? "encode" : !t->piece ? "piece" :
			!t->info ? "info" : NULL;
	case TN_BACKEND:
		return !b->supports ? "supports" : !b->run ? "run" : !b->ops ? "ops" : NULL;
	case TN_MODEL:
		return !m->classes ? "classes" : !m->prefix ? "prefix" :
			!m->tokenizer ? "tokenizer" : !m->open ? "open" :
			!m->feature ? "feature" : NULL;
	case TN_HEAD:
		return !h->task ? "task" : !h->forward ? "forward" : !h->decode ? "decode" : NULL;
	}
	return "kind";
}

int tn_plugin_check(const struct tn_plugin *p, enum tn_plugin_kind kind, const char *name,
	struct tn_call *call)
{
	const char *slot;
	int error = check_abi(p, call);

	if (!error)
		error = check_fingerprint(p->fingerprint, call);
	if (error)
		return error;
	if (p->kind != (uint32_t)kind)
		return tn_fail(call, TN_EPLUGIN, "it is a %s (kind %u), the file's name says %s",
			tn_plugin_kind_name(p->kind) ? tn_plugin_kind_name(p->kind) : "stranger",
			p->kind, tn_plugin_kind_name(kind));
	error = check_names(p, name, call);
	if (error)
		return error;
	if (!p->impl.head)
		return tn_fail(call, TN_EPLUGIN, "its descriptor has no interface (impl.%s is NULL)",
			tn_plugin_kind_name(kind));
	if (p->impl_size > tn_plugin_impl_size(p->kind))
		return tn_fail(call, TN_EPLUGIN, "its table of slots has %u bytes, at most %zu "
			"expected", p->impl_size, tn_plugin_impl_size(p->kind));
	slot = missing_slot(p);
	if (slot)
		return tn_fail(call, TN_EPLUGIN, "its slot %s is NULL, which every %s has", slot,
			tn_plugin_kind_name(kind));
	if (p->state < sizeof(struct tn_base))
		return tn_fail(call, TN_EPLUGIN, "its state has %zu bytes, at least %zu expected "
			"(two pointers)", p->state, sizeof(struct tn_base));
	return p->options ? tn_options_check(p->options, p->state, call) : 0;
}

static size_t field_size(uint32_t type)
{
	switch ((enum tn_option_type)type) {
	case TN_OPT_BOOL: return sizeof(bool);
	case TN_OPT_INT: return sizeof(int64_t);
	case TN_OPT_REAL: return sizeof(double);
	case TN_OPT_STRING:
	case TN_OPT_PATH: return sizeof(const char *);
	case TN_OPT_CHOICE: return sizeof(int32_t);
	case TN_OPT_STRINGS: return sizeof(struct tn_strings);
	case TN_OPT_END: break;
	}
	return 0;
}

static bool is_choice(const struct tn_option *o)
{
	for (const char *const *c = o->choices; o->text && *c; c++)
		if (!strcmp(*c, o->text))
			return true;
	return false;
}

/* What is wrong with an option's own fields; NULL: nothing. */
static const char *fault_of(const struct tn_option *o, size_t state)
{
	size_t size = field_size(o->type);
	size_t align = o->type == TN_OPT_STRINGS ? sizeof(void *) : size;

	if (!size)
		return "has an unknown type";
	if (o->offset < sizeof(struct tn_base) || o->offset > state || size > state - o->offset)
		return "lies outside the state";
	if (o->offset % align)
		return "is not aligned";
	if (!o->help)
		return "has no help";
	if (o->type == TN_OPT_CHOICE && (!o->choices || !is_choice(o)))
		return "has a default that is none of its choices";
	if ((o->type == TN_OPT_INT || o->type == TN_OPT_REAL) &&
		!(o->number >= o->min && o->number <= o->max))
		return "has a default out of its range";
	if (o->type == TN_OPT_INT && o->number != floor(o->number))
		return "has a default that is no integer";
	return NULL;
}

int tn_options_check(const struct tn_option *options, size_t state, struct tn_call *call)
{
	for (size_t i = 0; options[i].name; i++) {
		const struct tn_option *o = &options[i];
		const char *fault;

		if (i == MOST_OPTIONS)
			return tn_fail(call, TN_EPLUGIN, "its option table has no end (%d options "
				"were read)", MOST_OPTIONS);
		if (!tn_plugin_name_ok(o->name, strnlen(o->name, 65)))
			return tn_fail(call, TN_EPLUGIN, "its option table: option %zu has no proper "
				"name", i);
		fault = fault_of(o, state);
		for (size_t j = 0; j < i && !fault; j++)
			if (!strcmp(options[j].name, o->name))
				fault = "stands twice";
		if (fault)
			return tn_fail(call, TN_EPLUGIN, "its option table: %s %s", o->name, fault);
	}
	return 0;
}
