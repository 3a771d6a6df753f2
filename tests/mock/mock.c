/* SPDX-License-Identifier: Apache-2.0
 * tests/mock/mock.c - a head for the tests of the loader.  Each macro below is a thing
 * that can be wrong with a plugin: tests/mock/build.sh makes one mock for each.
 */
#include <signal.h>
#include <stddef.h>
#include <tenon/impl/backend.h>
#include <tenon/impl/head.h>
#include <tenon/impl/model.h>
#include <unistd.h>

#ifndef MAGIC
#define MAGIC TN_PLUGIN_MAGIC
#endif
#ifndef SIZE
#define SIZE sizeof(struct tn_plugin)
#endif
#ifndef MAJOR
#define MAJOR TN_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR TN_ABI_MINOR
#endif
#ifndef FINGERPRINT
#define FINGERPRINT TN_ABI_FINGERPRINT
#endif
#ifndef KIND
#define KIND TN_HEAD
#endif
#ifndef NAMES
#define NAMES NAME
#endif
#ifndef STATE
#define STATE sizeof(struct mock)
#endif
#ifndef IMPL
#define IMPL .impl.head = &good_head
#endif
#ifndef IMPL_SIZE
#define IMPL_SIZE KIND == TN_HEAD ? sizeof(struct tn_head_impl) : \
	KIND == TN_BACKEND ? sizeof(struct tn_backend_impl) : \
	KIND == TN_MODEL ? sizeof(struct tn_model_impl) : sizeof(struct tn_tokenizer_impl)
#endif
#ifndef FLOOR_AT
#define FLOOR_AT offsetof(struct mock, floor)
#endif
#ifndef FLOOR
#define FLOOR 0.5
#endif
#ifndef SECOND_OPTION
#define SECOND_OPTION "count"
#endif
#ifndef WAY
#define WAY "last"
#endif

struct mock {
	struct tn_base base;
	double floor;
	int64_t count;
	int32_t way;
};

static tn_ref mock_forward(const struct tn_head *self, struct tn_graph *g)
{
	return TN_NONE;
}

static int mock_decode(const struct tn_head *self, const struct tn_scores *scores,
	struct tn_value **answer, struct tn_call *call)
{
	*answer = NULL;
	return 0;
}

#ifdef START
/* A function that no library has. */
int tn_mock_missing(void);
/* What crtfastmath.o of -ffast-math does: subnormal numbers become zero. */
static inline void fast_math(void)
{
#ifdef __SSE__
	__builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#endif
}
static inline void crash(void)
{
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}
static inline void hang(void)
{
	for (;;)
		pause();
}
__attribute__((constructor)) static void start(void)
{
	START;
}
#endif

/* Interfaces that lack what is required. */
__attribute__((unused)) static const struct tn_head_impl no_decode = {
	.task = TN_TASK_LABEL, .forward = mock_forward,
};
__attribute__((unused)) static const struct tn_backend_impl no_supports = { .pack = NULL };
__attribute__((unused)) static const struct tn_model_impl no_classes = { .prefix = "" };
__attribute__((unused)) static const struct tn_tokenizer_impl no_open = { .decode = NULL };

__attribute__((unused)) static const struct tn_head_impl good_head = {
	.task = TN_TASK_LABEL, .forward = mock_forward, .decode = mock_decode,
};

/* What lies behind the end of an older table must not be taken for slots. */
static int beyond_refresh(struct tn_head *self, struct tn_call *call)
{
	return TN_EINTERNAL;
}
__attribute__((unused)) static const struct tn_head_impl old_head = {
	.task = TN_TASK_LABEL, .forward = mock_forward, .decode = mock_decode,
	.refresh = beyond_refresh,
};

static int failing_open(struct tn_head *self, const struct tn_head_env *env, struct tn_call *call)
{
	return tn_fail(call, TN_EPLUGIN, "the mock does not want to");
}
__attribute__((unused)) static const struct tn_head_impl fails_to_open = {
	.task = TN_TASK_LABEL, .open = failing_open, .forward = mock_forward, .decode = mock_decode,
};

/* Answers null, and brings the process down at a text without a byte. */
__attribute__((unused)) static tn_ref mean_forward(const struct tn_head *self, struct tn_graph *g)
{
	int texts = tn_axis(g, "texts");
	tn_ref begin = tn_input(g, "text_begin", texts, TN_I32, 0);

	return tn_segment(g, tn_feature(g, "tokens"), begin, tn_input(g, "text_end", texts, TN_I32, 0),
		TN_MEAN);
}
__attribute__((unused)) static int falling_decode(const struct tn_head *self,
	const struct tn_scores *scores, struct tn_value **answer, struct tn_call *call)
{
	if (!scores->example->text.len)
		raise(SIGKILL);
	*answer = tn_new_null(tn_call_arena(call));
	return 0;
}
__attribute__((unused)) static const struct tn_head_impl falls = {
	.task = TN_TASK_LABEL, .forward = mean_forward, .decode = falling_decode,
};

/* A function that another plugin has under the same name. */
#ifdef HELPER
TN_API int tn_mock_helper(void);
int tn_mock_helper(void)
{
	return HELPER;
}
#define RETURNED tn_mock_helper() == HELPER ? &plugin : NULL
#endif

/* A backend that takes no node. */
__attribute__((unused)) static int picky_supports(const struct tn_backend *self,
	const struct tn_node *node, struct tn_offer *offer)
{
	return 0;
}
__attribute__((unused)) static int picky_run(const struct tn_backend *self,
	const struct tn_step *steps, size_t n, struct tn_call *call)
{
	return TN_EINTERNAL;
}
__attribute__((unused)) static const uint8_t picky_ops[TN_N_OPS];
__attribute__((unused)) static const struct tn_backend_impl picky = {
	.supports = picky_supports, .run = picky_run, .ops = picky_ops,
};

static const char *const ways[] = { "first", "last", NULL };
static const struct tn_option options[] = {
	{ .name = "floor", .type = TN_OPT_REAL, .offset = FLOOR_AT, .number = FLOOR,
	  .max = 1, .help = "answer only when the best label is at least this likely" },
	{ .name = SECOND_OPTION, .type = TN_OPT_INT, .offset = offsetof(struct mock, count),
	  .number = 3, .min = 1, .max = 9, .help = "how many labels are answered" },
	{ .name = "way", .type = TN_OPT_CHOICE, .offset = offsetof(struct mock, way),
	  .text = WAY, .choices = ways, .help = "which of the equals is answered" },
	{ 0 }
};
static const char *const names[] = { NAMES, NULL };
static const struct tn_plugin plugin = {
	.magic = MAGIC, .size = SIZE, .abi_major = MAJOR, .abi_minor = MINOR, .kind = KIND,
	.fingerprint = FINGERPRINT, .names = names, .version = "1.2.3", .licence = "Apache-2.0",
	.about = "a head for tests", .build = "by hand", .state = STATE, .options = options, IMPL,
	.impl_size = IMPL_SIZE, .rank = 77,
};

#ifndef RETURNED
#define RETURNED &plugin
#endif
TN_API const struct tn_plugin *tn_plugin_v1(void);
const struct tn_plugin *tn_plugin_v1(void)
{
	return RETURNED;
}
