/* SPDX-License-Identifier: Apache-2.0
 * tenon/pipeline.h - a pipeline: texts in, answers out, as a configuration says.
 *
 *	struct tn_call *call = tn_call_create();
 *	struct tn_pipeline *p = tn_pipeline_open("ner.cfg", NULL, call);
 *	const struct tn_value *answer = p ? tn_run_text(p, "Ada lives in Oslo.", call) : NULL;
 *	if (!answer)
 *		fputs(tn_error_text(call), stderr);
 *
 * A pipeline is const once open: any number of threads run it at once, each with its
 * own call.  Each run uses a team of `threads_per_call` threads; runs beyond the
 * `threads` budget wait.
 */
#ifndef TN_PIPELINE_H
#define TN_PIPELINE_H

#include <tenon/value.h>

TN_BEGIN

struct tn_pipeline;

/** A stretch of UTF-8; may hold NULs.  Bad UTF-8 is an error of its input.
 *  Frozen within an ABI major. */
struct tn_text {
	const char *text;
	size_t len;
};

/** One input.  Give `text`, or `words` (text is then made of them, joined by single
 *  spaces).  For span question answering text is the question, pair its context.
 *  Frozen within an ABI major. */
struct tn_input {
	struct tn_text text;
	struct tn_text pair;		/* text NULL: none */
	const struct tn_text *words;
	size_t n_words;
	const struct tn_value *id;	/* echoed; NULL: none */
};

/** Opens a pipeline: `path` is a configuration file or a model directory; `settings`
 *  are PATH=VALUE texts that go over it, ending with NULL (NULL: none).  All faults of
 *  a configuration are reported at once (tn_n_faults).  NULL after an error:
 *  TN_ECONFIG, TN_EPLUGIN, TN_EDATA, TN_ENOINPUT, TN_EIO, TN_ENOMEM. */
TN_API struct tn_pipeline *tn_pipeline_open(const char *path, const char *const *settings,
	struct tn_call *call);
/** Frees a pipeline that no thread runs any more; NULL is allowed. */
TN_API void tn_pipeline_close(struct tn_pipeline *p);

/** Answers n inputs: answers[i] becomes an object {"text", "truncated", HEAD: ...} or
 *  {"error"}, in the call's arena.  An input that is wrong never stops the others.
 *  Errors (of the whole call): TN_ENOMEM, TN_EINTERNAL. */
TN_API int tn_pipeline_run(struct tn_pipeline *p, const struct tn_input *inputs, size_t n,
	const struct tn_value **answers, struct tn_call *call);
/** The answer to one NUL-terminated text; NULL after an error, an input's included. */
TN_API const struct tn_value *tn_run_text(struct tn_pipeline *p, const char *text,
	struct tn_call *call);

/** The number of heads, and their names in the order of the configuration; borrowed, living as long
 *  as the pipeline; NULL beyond the last. */
TN_API size_t tn_pipeline_n_heads(const struct tn_pipeline *p);
TN_API const char *tn_pipeline_head(const struct tn_pipeline *p, size_t i);

/** The version of the library that runs, "0.1.0". */
TN_API const char *tn_version(void);

TN_END
#endif
