/* SPDX-License-Identifier: Apache-2.0
 * tenon/call.h - the call object: the errors, the notes and the memory of one
 * piece of work.  Every function of tenon that can fail takes one, last.
 *
 * A call belongs to one thread at a time.  Nothing in it is shared.
 */
#ifndef TN_CALL_H
#define TN_CALL_H

#include <stdarg.h>
#include <stddef.h>
#include <tenon/export.h>

TN_BEGIN

/** What a function returns: 0, or one of these.  The negated value is the exit
 *  code of the tenon command (sysexits.h). */
enum tn_error {
	TN_OK = 0,
	TN_EUSAGE = -64,	/* wrong arguments on a command line */
	TN_EDATA = -65,		/* a model, tokenizer or input file is wrong */
	TN_ENOINPUT = -66,	/* a file that was named does not exist */
	TN_EPLUGIN = -69,	/* a plugin cannot be had */
	TN_EINTERNAL = -70,	/* a fault of tenon or of a plugin */
	TN_ENOMEM = -71,	/* memory ran out */
	TN_EIO = -74,		/* reading or writing failed */
	TN_ECONFIG = -78	/* the configuration is wrong */
};

/** Memory that is given back in one piece.  See tn_arena_create(). */
struct tn_arena;
struct tn_call;

/** A new arena; NULL when memory ran out. */
TN_API struct tn_arena *tn_arena_create(void);
/** Frees all that came from the arena; NULL is allowed. */
TN_API void tn_arena_destroy(struct tn_arena *arena);
/** Empties the arena; its largest block is kept for reuse. */
TN_API void tn_arena_reset(struct tn_arena *arena);
/** Zeroed memory aligned to 64 bytes, living until the arena is emptied; NULL
 *  when memory ran out.  A size of 0 gives a valid pointer. */
TN_API void *tn_arena_alloc(struct tn_arena *arena, size_t bytes);
/** A copy of `len` bytes with a NUL behind them; NULL when memory ran out. */
TN_API char *tn_arena_dup(struct tn_arena *arena, const char *text, size_t len);
/** Bytes the arena holds from the system. */
TN_API size_t tn_arena_bytes(const struct tn_arena *arena);

/** A place in an arena: what came after it can be given back at once. */
struct tn_mark {
	void *block;
	size_t used;
};
/** The place where the arena ends now. */
TN_API struct tn_mark tn_arena_mark(const struct tn_arena *arena);
/** Gives back what came after the place; pointers into it are void. */
TN_API void tn_arena_rewind(struct tn_arena *arena, struct tn_mark mark);

/** A new call; NULL when memory ran out. */
TN_API struct tn_call *tn_call_create(void);
/** NULL is allowed. */
TN_API void tn_call_destroy(struct tn_call *call);
/** Forgets errors and empties the arena: the call is as new.  Values and texts
 *  that came from it are gone. */
TN_API void tn_call_reset(struct tn_call *call);
/** The arena whose content lives until the call is reset. */
TN_API struct tn_arena *tn_call_arena(struct tn_call *call);

/** Zeroed memory from the call's arena, aligned to 64 bytes.  NULL after
 *  setting TN_ENOMEM. */
TN_API void *tn_alloc(struct tn_call *call, size_t bytes);
/** tn_alloc of n * size bytes; a product that does not fit is TN_ENOMEM. */
TN_API void *tn_alloc_n(struct tn_call *call, size_t n, size_t size);
/** A formatted text in the call's arena; NULL after setting TN_ENOMEM. */
TN_API char *tn_printf(struct tn_call *call, const char *format, ...) TN_PRINTF(2, 3);

/** Records an error and returns its code, so that one can write
 *  `return tn_fail(call, TN_EDATA, ...)`.  The first error of a call stays: a
 *  later tn_fail changes nothing.  The text is one line, the fact with what was
 *  found and what was expected; no "error:", no name of a function.  Control
 *  bytes in it are escaped, and each %s argument should be cut by the caller
 *  when it comes from a file (see tn_quote). */
TN_API int tn_fail(struct tn_call *call, enum tn_error code, const char *format, ...)
	TN_PRINTF(3, 4);
TN_API int tn_vfail(struct tn_call *call, enum tn_error code, const char *format, va_list args);
/** Like tn_fail, but every fault is kept: for work that names all that is
 *  wrong in one run (a configuration).  Faults whose text begins with FILE:LINE:
 *  stand in the order of these, others behind them; the first is the error.
 *  Faults of different codes are together TN_ECONFIG (TN_ENOMEM stays). */
TN_API int tn_fault(struct tn_call *call, enum tn_error code, const char *format, ...)
	TN_PRINTF(3, 4);
/** 0, or the code of the first error. */
TN_API int tn_status(const struct tn_call *call);
/** The text of the first error, "" when there is none. */
TN_API const char *tn_error_text(const struct tn_call *call);
/** The faults so far, in order; an error by tn_fail counts as one. */
TN_API size_t tn_n_faults(const struct tn_call *call);
TN_API const char *tn_fault_text(const struct tn_call *call, size_t i);
/** Forgets errors, keeps the arena. */
TN_API void tn_clear(struct tn_call *call);

/** Text from an untrusted file made fit for a message: in double quotes,
 *  control bytes and bad UTF-8 as \xNN, cut at 120 bytes.  In the arena. */
TN_API const char *tn_quote(struct tn_call *call, const char *text, size_t len);

/** Notes are said once and are no errors ("truncated to 512 tokens").  Without
 *  a receiver they are dropped; libtenon itself prints nothing, ever. */
TN_API void tn_on_note(struct tn_call *call, void (*receive)(void *user, const char *text),
	void *user);
TN_API void tn_note(struct tn_call *call, const char *format, ...) TN_PRINTF(2, 3);

TN_END
#endif
