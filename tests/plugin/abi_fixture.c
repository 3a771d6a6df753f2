/* SPDX-License-Identifier: Apache-2.0
 * tests/plugin/abi_fixture.c - a head as a compiler saw it with the headers of plugin ABI 1.0: all
 * that crosses is declared here, so no later header changes what this file builds.  Each host of
 * major 1 loads it and is answered.
 */
#include <stddef.h>
#include <stdint.h>

struct option {
	const char *name;
	uint32_t type, offset;
	const char *text;
	double number, min, max;
	const char *const *choices;
	const char *help;
};

struct tensor {
	void *buffer;
	size_t offset;
	uint32_t dtype, n_dims;
	size_t dims[4], row_stride;
};

struct scores {
	const void *example, *windows;
	size_t n_windows;
	const float *joined;
	size_t rows, cols;
};

struct head {
	const void *plugin;
	void *core;
};

struct head_impl {
	uint32_t task, on_overflow, config_only;
	int (*open)(struct head *self, const void *env, void *call);
	int32_t (*forward)(const struct head *self, void *graph);
	int32_t (*loss)(const struct head *self, void *graph, int32_t scores, int32_t *count);
	int (*target)(const struct head *self, const void *target, void *call);
	int (*decode)(const struct head *self, const struct scores *scores, void **answer, void *call);
	int (*refresh)(struct head *self, void *call);
	int (*save)(const struct head *self, void *options, void *config, void *call);
	void (*close)(struct head *self);
};

struct plugin {
	uint32_t magic, size;
	uint16_t abi_major, abi_minor;
	uint32_t kind;
	uint64_t fingerprint;
	const char *const *names;
	const char *version, *licence, *about, *build;
	size_t state;
	const struct option *options;
	const void *impl;
	uint32_t impl_size;
	int32_t rank;
};

int tn_axis(void *graph, const char *name);
int32_t tn_input(void *graph, const char *name, int axis, int dtype, size_t cols);
int32_t tn_feature(void *graph, const char *name);
int32_t tn_segment(void *graph, int32_t x, int32_t begin, int32_t end, int kind);
void *tn_call_arena(void *call);
void *tn_new_real(void *arena, double r);

enum { REAL = 3, I32 = 6, MEAN = 1 };

struct fixture {
	struct head base;
	double by;
};

static int32_t fixture_forward(const struct head *self, void *graph)
{
	int texts = tn_axis(graph, "texts");

	return tn_segment(graph, tn_feature(graph, "tokens"),
		tn_input(graph, "text_begin", texts, I32, 0),
		tn_input(graph, "text_end", texts, I32, 0), MEAN);
}

/* The sum of the mean of all tokens, times the option. */
static int fixture_decode(const struct head *self, const struct scores *scores, void **answer,
	void *call)
{
	double sum = 0;

	for (size_t c = 0; c < scores->cols; c++)
		sum += (double)scores->joined[c];
	*answer = tn_new_real(tn_call_arena(call), sum * ((const struct fixture *)self)->by);
	return *answer ? 0 : -71;
}

static const struct option options[] = {
	{ .name = "by", .type = REAL, .offset = offsetof(struct fixture, by), .number = 2.5, .max = 9,
	  .help = "what is answered" },
	{ 0 }
};
static const struct head_impl impl = {
	.task = 2, .on_overflow = 1, .forward = fixture_forward, .decode = fixture_decode,
};
static const char *const names[] = { "abi-fixture", NULL };
static const struct plugin plugin = {
	.magic = 0x6e6e6574, .size = sizeof(struct plugin), .abi_major = 1, .abi_minor = 0, .kind = 4,
	.fingerprint = sizeof(void *) | sizeof(size_t) << 8 | sizeof(struct option) << 16 |
		sizeof(struct tensor) << 24 |
		(uint64_t)(__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) << 32,
	.names = names, .version = "1.0", .licence = "Apache-2.0", .about = "a head of ABI 1.0",
	.state = sizeof(struct fixture), .options = options, .impl = &impl, .impl_size = sizeof(impl),
};

__attribute__((visibility("default"))) const void *tn_plugin_v1(void);
const void *tn_plugin_v1(void)
{
	return &plugin;
}
