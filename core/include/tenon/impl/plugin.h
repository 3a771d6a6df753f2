/* SPDX-License-Identifier: Apache-2.0
 * tenon/impl/plugin.h - what every plugin declares.
 *
 * A plugin is one component of one kind in one file KIND-NAME.so.  It exports
 * one function, tn_plugin_v1(), which returns constant data and runs nothing.
 * The core allocates the plugin's state (`state` bytes, zeroed), stores the
 * options in it, calls the slots of its interface and frees the state.  After
 * `open` the state is const: many threads use it at once.
 */
#ifndef TN_IMPL_PLUGIN_H
#define TN_IMPL_PLUGIN_H

#include <tenon/call.h>
#include <tenon/impl/option.h>
#include <tenon/tensor.h>

TN_BEGIN

#define TN_PLUGIN_MAGIC 0x6e6e6574u	/* "tenn", little-endian */

/** The version of what crosses between core and plugins.  A plugin loads where the major is
 *  its own and the minor is not above TN_ABI_MINOR: old plugins load in new hosts,
 *  not new ones in old.  So a minor may only append:
 *
 *  - slots to an interface table (struct tn_KIND_impl).  The descriptor says how many bytes of
 *    it a plugin has; what lies beyond reads as NULL, so a new slot is never required and its
 *    NULL means what was so before;
 *  - members to the descriptor; a shorter one reads as if they were zero;
 *  - members to a struct that the core makes and hands over by pointer (struct tn_head_env,
 *    tn_tokenizer_files, tn_model_info, tn_offer, tn_node ...): a plugin looks at those it
 *    knows, and what it does not fill stays zero;
 *  - members to a struct that begins with its size, which the core reads no further;
 *  - functions of libtenon; ops, within TN_N_OPS; attributes, within their union, which raise
 *    the op's version; numbers at the end of an enum.
 *
 *  Nothing that is there moves, goes, or comes to mean something else, and what says "Frozen
 *  within an ABI major" stays as it is, as these structs stand in arrays. */
#define TN_ABI_MAJOR 1
#define TN_ABI_MINOR 0

enum tn_plugin_kind {
	TN_TOKENIZER = 1,
	TN_BACKEND = 2,
	TN_MODEL = 3,
	TN_HEAD = 4
};

struct tn_tokenizer_impl;
struct tn_backend_impl;
struct tn_model_impl;
struct tn_head_impl;

/** What the ABI depends on besides its version: sizes that cross in arrays,
 *  pointer width and byte order.  Nothing else: compiler and flags are free. */
#define TN_ABI_FINGERPRINT							\
	((uint64_t)sizeof(void *) | (uint64_t)sizeof(size_t) << 8 |		\
	 (uint64_t)sizeof(struct tn_option) << 16 |				\
	 (uint64_t)sizeof(struct tn_tensor) << 24 | (uint64_t)TN_BIG_ENDIAN << 32)
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define TN_BIG_ENDIAN 1
#else
#define TN_BIG_ENDIAN 0
#endif

/** The descriptor.  Its first five members never move. */
struct tn_plugin {
	uint32_t magic;			/* TN_PLUGIN_MAGIC */
	uint32_t size;			/* sizeof(struct tn_plugin) of the plugin's build */
	uint16_t abi_major, abi_minor;
	uint32_t kind;			/* enum tn_plugin_kind */
	uint64_t fingerprint;		/* TN_ABI_FINGERPRINT of the plugin's build */
	const char *const *names;	/* ends with NULL; the first is the plugin's own */
	const char *version;
	const char *licence;		/* SPDX */
	const char *about;		/* one line, no full stop */
	const char *build;		/* compiler and flags, for `plugins show` */
	size_t state;			/* bytes; begins with two pointers, see struct tn_base */
	const struct tn_option *options; /* ends with a zeroed one; NULL: none */
	union {
		const struct tn_tokenizer_impl *tokenizer;
		const struct tn_backend_impl *backend;
		const struct tn_model_impl *model;
		const struct tn_head_impl *head;
	} impl;
	uint32_t impl_size;		/* bytes of that table in the plugin's build */
	int32_t rank;			/* a backend's place in the default chain: higher first;
					 * negative: only when named */
};

/** The interface of a kind. */
#define TN_IMPL_TN_TOKENIZER struct tn_tokenizer_impl
#define TN_IMPL_TN_BACKEND struct tn_backend_impl
#define TN_IMPL_TN_MODEL struct tn_model_impl
#define TN_IMPL_TN_HEAD struct tn_head_impl

/** How the state of every plugin begins; two pointers for ever. */
struct tn_base {
	const struct tn_plugin *plugin;
	void *core;			/* the core's own; plugins leave it alone */
};

/** The only symbol that a plugin exports. */
typedef const struct tn_plugin *tn_plugin_function(void);

#ifdef __cplusplus
#define TN_PLUGIN_EXPORT_ extern "C" TN_API
#else
#define TN_PLUGIN_EXPORT_ TN_API
#endif
#ifdef TN_STATIC
#define TN_PLUGIN_SYMBOL_(id) tn_plugin_v1_##id
#else
#define TN_PLUGIN_SYMBOL_(id) tn_plugin_v1
#endif
#ifndef TN_BUILD
#define TN_BUILD "built with " __VERSION__
#endif

/** Declares the plugin; stands at the foot of its file:
 *
 *	TN_PLUGIN(bio_crf, TN_HEAD, "bio-crf",
 *		.version = "0.1.0", .licence = "Apache-2.0",
 *		.about = "tags words with a CRF", .state = sizeof(struct bio_crf),
 *		.options = options, .impl.head = &bio_crf_impl);
 *
 *  `id` is the plugin's name as a C identifier. */
#define TN_PLUGIN(id, plugin_kind, name, ...)					\
	TN_PLUGIN_NAMES(id, plugin_kind, (name), __VA_ARGS__)
#define TN_PLUGIN_LIST_(...) { __VA_ARGS__, NULL }
/** The same for a plugin that serves several names, its own first:
 *  TN_PLUGIN_NAMES(roberta, TN_MODEL, ("roberta", "xlm-roberta"), ...). */
#define TN_PLUGIN_NAMES(id, plugin_kind, plugin_names, ...)			\
	static const char *const id##_names_[] = TN_PLUGIN_LIST_ plugin_names;	\
	static const struct tn_plugin id##_plugin_ = {				\
		.magic = TN_PLUGIN_MAGIC, .size = sizeof(struct tn_plugin),	\
		.abi_major = TN_ABI_MAJOR, .abi_minor = TN_ABI_MINOR,		\
		.kind = (plugin_kind), .fingerprint = TN_ABI_FINGERPRINT,	\
		.names = id##_names_, .build = TN_BUILD,			\
		.impl_size = sizeof(TN_IMPL_##plugin_kind), __VA_ARGS__ };	\
	TN_PLUGIN_EXPORT_ const struct tn_plugin *TN_PLUGIN_SYMBOL_(id)(void);	\
	TN_PLUGIN_EXPORT_ const struct tn_plugin *TN_PLUGIN_SYMBOL_(id)(void)	\
	{									\
		return &id##_plugin_;						\
	}									\
	typedef int id##_semicolon_

TN_END
#endif
