/* SPDX-License-Identifier: Apache-2.0
 * heads/foreign/foreign.c - the answer is what a C function of any shared library gives for the
 * text and the rows that the model made of it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <ffi.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tenon/impl/head.h>

#include "signature.h"

struct foreign {
	struct tn_base base;
	const char *library, *soname, *symbol, *signature, *of;
	int64_t n;
	int32_t rows;
	bool status, serial;
	bool locks;			/* the lock is there */
	pthread_mutex_t lock;		/* of the function, where calls are serial */
	struct foreign_signature s;
	void (*function)(void);
	ffi_cif cif;
	ffi_type *types[FOREIGN_MOST];
};

enum { ROWS_TEXT, ROWS_TOKENS };
static const char *const rows_choices[] = { "text", "tokens", NULL };

/* A number on its way to or from the function, or an address. */
union cell {
	int8_t i8; uint8_t u8; int16_t i16; uint16_t u16; int32_t i32; uint32_t u32; int64_t i64;
	uint64_t u64; size_t usize; float f32; double f64; const void *address;
	ffi_arg word;			/* libffi returns small integers as one of these */
};

static const struct {
	ffi_type *ffi;
	size_t size;
} types[] = {
	[FOREIGN_VOID] = { &ffi_type_void, 0 }, [FOREIGN_I8] = { &ffi_type_sint8, 1 },
	[FOREIGN_U8] = { &ffi_type_uint8, 1 }, [FOREIGN_I16] = { &ffi_type_sint16, 2 },
	[FOREIGN_U16] = { &ffi_type_uint16, 2 }, [FOREIGN_I32] = { &ffi_type_sint32, 4 },
	[FOREIGN_U32] = { &ffi_type_uint32, 4 }, [FOREIGN_I64] = { &ffi_type_sint64, 8 },
	[FOREIGN_U64] = { &ffi_type_uint64, 8 },
	[FOREIGN_USIZE] = { sizeof(size_t) == 8 ? &ffi_type_uint64 : &ffi_type_uint32, sizeof(size_t) },
	[FOREIGN_F32] = { &ffi_type_float, 4 }, [FOREIGN_F64] = { &ffi_type_double, 8 },
	[FOREIGN_CSTR] = { &ffi_type_pointer, sizeof(void *) },
};

/* The file, or a folder that it is in, may be replaced by everybody. */
static int check_writers(const char *head, char *path, struct tn_call *call)
{
	const char *file = tn_printf(call, "%s", path);
	struct stat st;

	for (char *end = path + strlen(path); file && end; end = strrchr(path, '/')) {
		*end = '\0';
		if (stat(*path ? path : "/", &st))
			return tn_fail(call, TN_EPLUGIN, "heads.%s: %s: %s", head, file, strerror(errno));
		if ((st.st_mode & S_IWOTH) && !(S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX)))
			return tn_fail(call, TN_EPLUGIN, "heads.%s: %s: everybody may write to %s, so "
				"nothing in it is called", head, file,
				S_ISDIR(st.st_mode) ? tn_printf(call, "%s/", path) : "it");
	}
	return tn_status(call);
}

static int check_file(const char *head, const char *name, char **path, struct tn_call *call)
{
	struct stat st;

	*path = realpath(name, NULL);
	if (!*path || stat(*path, &st))
		return tn_fail(call, TN_EPLUGIN, "heads.%s: %s: %s", head, name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return tn_fail(call, TN_EPLUGIN, "heads.%s: %s: not a regular file", head, name);
	return check_writers(head, tn_printf(call, "%s", *path), call);
}

/* Libraries stay in the process for good, as plugins do. */
static int open_library(struct foreign *h, const char *head, struct tn_call *call)
{
	char *path = NULL;
	struct link_map *map;
	void *library;

	if (!h->library == !h->soname)
		return tn_fail(call, TN_ECONFIG, "heads.%s: expected either library, a file, or soname, "
			"a name that the system knows", head);
	if (h->library && check_file(head, h->library, &path, call)) {
		free(path);
		return tn_status(call);
	}
	library = dlopen(path ? path : h->soname, RTLD_NOW | RTLD_LOCAL);
	free(path);
	path = NULL;
	if (!library)
		return tn_fail(call, TN_EPLUGIN, "heads.%s: %s", head, dlerror());
	if (h->soname && !dlinfo(library, RTLD_DI_LINKMAP, &map) && map->l_name[0] == '/')
		check_file(head, map->l_name, &path, call);
	free(path);
	*(void **)&h->function = dlsym(library, h->symbol);
	if (!h->function)
		return tn_fail(call, TN_EPLUGIN, "heads.%s: %s", head, dlerror());
	return tn_status(call);
}

static int foreign_open(struct tn_head *self, const struct tn_head_env *env, struct tn_call *call)
{
	struct foreign *h = (struct foreign *)self;
	bool is_float;

	if (!h->symbol || !h->signature)
		return tn_fail(call, TN_ECONFIG, "heads.%s.%s is missing", env->name,
			h->symbol ? "signature" : "symbol");
	if (foreign_parse(env->name, h->signature, &h->s, call))
		return tn_status(call);
	is_float = h->s.returns == FOREIGN_F32 || h->s.returns == FOREIGN_F64;
	if (h->status && (is_float || h->s.returns == FOREIGN_VOID))
		return tn_fail(call, TN_ECONFIG, "heads.%s.status: the function returns %s, expected an "
			"integer", env->name, foreign_type_name(h->s.returns));
	if (h->n == 0)
		h->n = (int64_t)env->n_labels;
	for (size_t i = 0; i < h->s.n; i++) {
		const struct foreign_param *p = &h->s.params[i];

		h->types[i] = p->what >= FOREIGN_TEXT ? &ffi_type_pointer : types[p->type].ffi;
		if ((p->what == FOREIGN_BEGIN || p->what == FOREIGN_END) && !h->of &&
		    h->rows != ROWS_TOKENS)
			return tn_fail(call, TN_ECONFIG, "heads.%s.signature: \"%s\" needs rows = "
				"\"tokens\"", env->name, p->name);
		if (p->what == FOREIGN_HIDDEN && h->of)
			return tn_fail(call, TN_ECONFIG, "heads.%s.signature: found \"hidden\", expected "
				"\"scores\", those of head %s", env->name, h->of);
		if (p->what == FOREIGN_SCORES && !h->of)
			return tn_fail(call, TN_ECONFIG, "heads.%s.of is missing: the head whose scores "
				"are given", env->name);
		if ((p->what == FOREIGN_N || p->size == FOREIGN_N) && !h->n)
			return tn_fail(call, TN_ECONFIG, "heads.%s.n is missing, and there are no labels",
				env->name);
	}
	if (ffi_prep_cif(&h->cif, FFI_DEFAULT_ABI, (unsigned)h->s.n, types[h->s.returns].ffi,
			h->types) != FFI_OK)
		return tn_fail(call, TN_ECONFIG, "heads.%s.signature: libffi cannot call it", env->name);
	h->locks = h->serial && !pthread_mutex_init(&h->lock, NULL);
	if (h->serial && !h->locks)
		return tn_fail(call, TN_ENOMEM, "heads.%s: no lock can be made", env->name);
	return open_library(h, env->name, call);
}

static void foreign_close(struct tn_head *self)
{
	struct foreign *h = (struct foreign *)self;

	if (h->locks)
		pthread_mutex_destroy(&h->lock);
}

static tn_ref foreign_forward(const struct tn_head *self, struct tn_graph *g)
{
	const struct foreign *h = (const struct foreign *)self;
	char name[256];
	tn_ref x;
	int texts;

	if (h->of) {
		if (snprintf(name, sizeof(name), "head:%s", h->of) >= (int)sizeof(name))
			return tn_graph_fail(g, TN_ECONFIG, "of: no head has such a long name");
		return tn_feature(g, name);
	}
	x = tn_feature(g, "tokens");
	if (h->rows == ROWS_TOKENS)
		return x;
	texts = tn_axis(g, "texts");
	return tn_segment(g, x, tn_input(g, "text_begin", texts, TN_I32, 0),
		tn_input(g, "text_end", texts, TN_I32, 0), TN_MEAN);
}

/* What one text gives the function. */
struct given {
	struct tn_text text, pair;
	const float *hidden;		/* or another head's scores */
	uint32_t *begin, *end;
	size_t rows, cols;
};

/* The rows of the first text's own tokens, over all windows. */
static int gather_tokens(const struct tn_scores *s, struct given *g, struct tn_call *call)
{
	size_t most = 1;
	float *hidden;

	for (size_t w = 0; w < s->n_windows; w++)
		most += s->windows[w].n_tokens;
	hidden = tn_alloc_n(call, most, s->cols * sizeof(*hidden));
	g->begin = tn_alloc_n(call, most, sizeof(*g->begin));
	g->end = tn_alloc_n(call, most, sizeof(*g->end));
	if (!hidden || !g->begin || !g->end)
		return tn_status(call);
	for (size_t w = 0; w < s->n_windows; w++) {
		const struct tn_window *window = &s->windows[w];
		bool of_pair = window->keep_begin < window->keep_end &&
			window->tokens[window->keep_begin].sequence == 1;

		/* Where the second text is the long one, each window has all of the first. */
		if (of_pair && w > 0)
			continue;
		for (size_t i = of_pair ? 0 : window->keep_begin;
				i < (of_pair ? window->n_tokens : window->keep_end); i++) {
			if (window->tokens[i].sequence != 0)
				continue;
			memcpy(hidden + g->rows * s->cols, window->scores + i * s->cols,
				s->cols * sizeof(*hidden));
			g->begin[g->rows] = window->tokens[i].begin;
			g->end[g->rows++] = window->tokens[i].end;
		}
	}
	g->hidden = hidden;
	return 0;
}

/* The bytes of rows that lie on words, or of the one that is the text's. */
static int place_rows(const struct tn_scores *s, struct given *g, struct tn_call *call)
{
	const struct tn_example *e = s->example;
	const bool words = s->rows == e->n_words || s->rows > 1;

	g->begin = tn_alloc_n(call, s->rows + 1, sizeof(*g->begin));
	g->end = tn_alloc_n(call, s->rows + 1, sizeof(*g->end));
	for (size_t i = 0; g->begin && g->end && i < s->rows; i++) {
		g->begin[i] = words ? e->words[i].begin : 0;
		g->end[i] = words ? e->words[i].end : (uint32_t)e->text.len;
	}
	return tn_status(call);
}

static double quantity(const struct foreign *h, const struct given *g, enum foreign_what what,
	double constant)
{
	switch (what) {
	case FOREIGN_LEN: return (double)g->text.len;
	case FOREIGN_PAIR_LEN: return (double)g->pair.len;
	case FOREIGN_ROWS: return (double)g->rows;
	case FOREIGN_COLS: return (double)g->cols;
	case FOREIGN_N: return (double)h->n;
	default: return constant;
	}
}

/* A number as a type; false when the type cannot hold it. */
static bool store(enum foreign_type type, double x, union cell *cell)
{
	static const double low[] = { [FOREIGN_I8] = INT8_MIN, [FOREIGN_I16] = INT16_MIN,
		[FOREIGN_I32] = INT32_MIN, [FOREIGN_I64] = -0x1p53, [FOREIGN_F32] = 0 };
	static const double high[] = { [FOREIGN_I8] = INT8_MAX, [FOREIGN_U8] = UINT8_MAX,
		[FOREIGN_I16] = INT16_MAX, [FOREIGN_U16] = UINT16_MAX, [FOREIGN_I32] = INT32_MAX,
		[FOREIGN_U32] = UINT32_MAX, [FOREIGN_I64] = 0x1p53, [FOREIGN_U64] = 0x1p53,
		[FOREIGN_USIZE] = 0x1p53, [FOREIGN_F32] = 0 };

	if (type == FOREIGN_F64)
		cell->f64 = x;
	else if (type == FOREIGN_F32)
		cell->f32 = (float)x;
	else if (x < low[type] || x > high[type] || x != (double)(int64_t)x)
		return false;
	else if (types[type].size == 1)
		cell->u8 = (uint8_t)(int64_t)x;
	else if (types[type].size == 2)
		cell->u16 = (uint16_t)(int64_t)x;
	else if (types[type].size == 4)
		cell->u32 = (uint32_t)(int64_t)x;
	else
		cell->i64 = (int64_t)x;
	return true;
}

/* A text for the function, ending with NUL; NULL after the error. */
static const char *text_for(const struct foreign_param *p, const struct tn_text *t,
	struct tn_call *call)
{
	char *copy = tn_arena_dup(tn_call_arena(call), t->text ? t->text : "", t->len);

	if (!copy)
		tn_fail(call, TN_ENOMEM, "out of memory");
	if (!copy || p->type != FOREIGN_CSTR || strlen(copy) == t->len)
		return copy;
	tn_fail(call, TN_EDATA, "the text has a NUL byte, which \"cstr %s\" cannot hold", p->name);
	return NULL;
}

static int fill(const struct foreign *h, const struct given *g, const struct foreign_param *p,
	union cell *cell, struct tn_call *call)
{
	double x;

	switch (p->what) {
	case FOREIGN_TEXT:
	case FOREIGN_PAIR:
		cell->address = text_for(p, p->what == FOREIGN_TEXT ? &g->text : &g->pair, call);
		return tn_status(call);
	case FOREIGN_HIDDEN:
	case FOREIGN_SCORES: cell->address = g->hidden; return 0;
	case FOREIGN_BEGIN: cell->address = g->begin; return 0;
	case FOREIGN_END: cell->address = g->end; return 0;
	case FOREIGN_OUT:
		x = quantity(h, g, p->size, p->constant);
		cell->address = tn_alloc_n(call, (size_t)x + 1, types[p->type].size);
		return tn_status(call);
	default:
		x = quantity(h, g, p->what, p->constant);
		return store(p->type, x, cell) ? 0 : tn_fail(call, TN_EDATA, "%s is %.17g, which is no "
			"%s", p->name, x, foreign_type_name(p->type));
	}
}

static struct tn_value *value_of(enum foreign_type type, const union cell *c,
	struct tn_arena *arena)
{
	switch (type) {
	case FOREIGN_I8: return tn_new_int(arena, c->i8);
	case FOREIGN_U8: return tn_new_int(arena, c->u8);
	case FOREIGN_I16: return tn_new_int(arena, c->i16);
	case FOREIGN_U16: return tn_new_int(arena, c->u16);
	case FOREIGN_I32: return tn_new_int(arena, c->i32);
	case FOREIGN_U32: return tn_new_int(arena, c->u32);
	case FOREIGN_F32: return tn_new_real(arena, (double)c->f32);
	case FOREIGN_F64: return tn_new_real(arena, c->f64);
	case FOREIGN_I64: return tn_new_int(arena, c->i64);
	default:
		return c->u64 > INT64_MAX ? tn_new_real(arena, (double)c->u64) :
			tn_new_int(arena, (int64_t)c->u64);
	}
}

static struct tn_value *array_of(enum foreign_type type, const void *items, size_t n,
	struct tn_arena *arena)
{
	struct tn_value *list = type == FOREIGN_F32 ? tn_new_floats(arena, items, n) :
		tn_new_list(arena);

	for (size_t i = 0; type != FOREIGN_F32 && i < n; i++) {
		union cell cell = { .u64 = 0 };

		memcpy(&cell, (const char *)items + i * types[type].size, types[type].size);
		tn_append(arena, list, value_of(type, &cell, arena));
	}
	return list;
}

/* What is returned is a widened integer: its low bytes are the value. */
static union cell narrow(enum foreign_type type, union cell c)
{
	union cell r = { .u64 = 0 };

	switch (types[type].size) {
	case 1: r.u8 = (uint8_t)c.word; return r;
	case 2: r.u16 = (uint16_t)c.word; return r;
	case 4: r.u32 = (uint32_t)c.word; return r;
	default: return c;
	}
}

static int foreign_decode(const struct tn_head *self, const struct tn_scores *s,
	struct tn_value **answer, struct tn_call *call)
{
	const struct foreign *h = (const struct foreign *)self;
	struct tn_arena *arena = tn_call_arena(call);
	struct given g = { .text = s->example->text, .pair = s->example->pair, .hidden = s->joined,
		.rows = s->joined ? s->rows : 0, .cols = s->cols };
	union cell cells[FOREIGN_MOST], result = { .u64 = 0 };
	void *args[FOREIGN_MOST];
	struct tn_value *object = tn_new_object(arena);

	if (s->joined ? place_rows(s, &g, call) : gather_tokens(s, &g, call))
		return tn_status(call);
	for (size_t i = 0; i < h->s.n; i++) {
		args[i] = &cells[i];
		if (fill(h, &g, &h->s.params[i], &cells[i], call))
			return tn_status(call);
	}
	if (h->locks)
		pthread_mutex_lock((pthread_mutex_t *)&h->lock);
	ffi_call((ffi_cif *)&h->cif, h->function, &result, args);
	if (h->locks)
		pthread_mutex_unlock((pthread_mutex_t *)&h->lock);
	if (h->s.returns != FOREIGN_F32 && h->s.returns != FOREIGN_F64)
		result = narrow(h->s.returns, result);
	if (h->status && result.u64)
		return tn_fail(call, TN_EDATA, "%s returned %lld, expected 0", h->symbol,
			(long long)tn_int(value_of(h->s.returns, &result, arena), -1));
	if (h->s.returns != FOREIGN_VOID && !h->status)
		tn_set(arena, object, "value", value_of(h->s.returns, &result, arena));
	for (size_t i = 0; i < h->s.n; i++) {
		const struct foreign_param *p = &h->s.params[i];

		if (p->what == FOREIGN_OUT && !tn_set(arena, object, p->name, array_of(p->type,
				cells[i].address, (size_t)quantity(h, &g, p->size, p->constant), arena)))
			return tn_fail(call, TN_ENOMEM, "out of memory");
	}
	*answer = object;
	return object ? 0 : tn_fail(call, TN_ENOMEM, "out of memory");
}

static const struct tn_option options[] = {
	TN_OPTION_PATH(struct foreign, library,
		"the file of the library, which not everybody may write to"),
	TN_OPTION_STRING(struct foreign, soname, NULL,
		"instead of library: a name that the system's loader looks for, as libm.so.6"),
	TN_OPTION_STRING(struct foreign, symbol, NULL,
		"the function; it must be safe to call from several threads, or serial set"),
	TN_OPTION_STRING(struct foreign, signature, NULL,
		"what it returns and takes, as i32 (cstr text, usize len, out f32* score[n], usize n)"),
	TN_OPTION_INT(struct foreign, n, 0, 0, 1000000,
		"what the signature calls n; 0: the number of labels"),
	TN_OPTION_CHOICE(struct foreign, rows, rows_choices, "text",
		"what the signature calls hidden: the mean of the text's tokens, or a row for each of them"),
	TN_OPTION_STRING(struct foreign, of, NULL,
		"another head of the pipeline: the signature has its scores[rows,cols] in place of hidden"),
	TN_OPTION_BOOL(struct foreign, serial, false,
		"one call at a time, for a function that is not safe to call from several threads"),
	TN_OPTION_BOOL(struct foreign, status, false,
		"what is returned is no answer: not 0 is this text's error"),
	{ 0 }
};

static const struct tn_head_impl foreign_impl = {
	.task = TN_TASK_VALUES,
	.open = foreign_open,
	.forward = foreign_forward,
	.decode = foreign_decode,
	.close = foreign_close,
	.config_only = 1,
};

TN_PLUGIN(foreign, TN_HEAD, "foreign",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "what a C function of any shared library says of the text",
	.state = sizeof(struct foreign), .options = options, .impl.head = &foreign_impl);
