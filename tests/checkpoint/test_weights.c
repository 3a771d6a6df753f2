/* SPDX-License-Identifier: Apache-2.0
 * tests/checkpoint/test_weights.c - the weight store.
 */
#include <pthread.h>
#include <stdint.h>
#include <tenon/impl/backend.h>

#include "check_main.h"
#include "checkpoint/weights.h"
#include "temporary.h"

static const float numbers[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
static const uint16_t halves[3] = { 0x3c00, 0xc000, 0x3800 };	/* F16: 1 -2 0.5 */
static const int64_t ids[2] = { 0, 1 };

static void write_file(const char *name, const struct tn_st_item *items, size_t n)
{
	struct tn_call *call = tn_call_create();
	char *path = temporary(name);

	ck_assert_int_eq(tn_st_write(path, items, n, NULL, call), 0);
	free(path);
	tn_call_destroy(call);
}

static void write_model(void)
{
	const struct tn_st_item items[] = {
		{ "bert.embeddings.weight", TN_F32, 2, { 4, 3 }, numbers },
		{ "bert.embeddings.LayerNorm.gamma", TN_F16, 1, { 3 }, halves },
		{ "bert.embeddings.LayerNorm.beta", TN_F32, 1, { 3 }, numbers + 3 },
		{ "classifier.bias", TN_F32, 0, { 0 }, numbers + 6 },
		{ "position_ids", TN_I64, 2, { 1, 2 }, ids },
		{ "empty", TN_F32, 2, { 0, 3 }, NULL },
		{ "deep", TN_F32, 5, { 1, 1, 1, 2, 3 }, numbers },
	};

	write_file("model.safetensors", items, sizeof(items) / sizeof(items[0]));
}

/* A directory with the given files. */
static struct tn_weights *open_files(const char *const *names, size_t n, const char *prefix,
	const struct tn_value *shard_of, struct tn_call *call)
{
	struct tn_model_dir dir = { .n_weight_files = n, .shard_of = shard_of };
	struct tn_weights *w;
	char *paths[4];

	for (size_t i = 0; i < n; i++)
		paths[i] = temporary(names[i]);
	dir.weight_files = (const char *const *)paths;
	dir.weights_path = n > 1 ? "index" : paths[0];
	w = tn_weights_open(&dir, prefix, false, call);
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	return w;
}

static struct tn_weights *open_model(const char *prefix, struct tn_call *call)
{
	static const char *const name = "model.safetensors";
	struct tn_weights *w = open_files(&name, 1, prefix, NULL, call);

	ck_assert_msg(w != NULL, "%s", tn_error_text(call));
	return w;
}

START_TEST(test_names)
{
	static const char *const found[] = {
		"bert.embeddings.weight", "embeddings.weight", "classifier.bias",
		"bert.classifier.bias", "embeddings.LayerNorm.weight",
		"bert.embeddings.LayerNorm.bias", "embeddings.LayerNorm.gamma", "empty",
	};
	static const char *const absent[] = {
		"weight", "berta.embeddings.weight", "bert.bert.embeddings.weights", "", "bert.",
		"LayerNorm.weight", "deep",
	};
	struct tn_call *call = tn_call_create();
	struct tn_weights *w;
	size_t dims[4];
	uint32_t n_dims;
	char *longest = calloc(1, 5001);

	write_model();
	w = open_model("bert.", call);
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		ck_assert_msg(tn_weights_shape(w, found[i], dims, &n_dims), "%s", found[i]);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		ck_assert_msg(!tn_weights_shape(w, absent[i], dims, &n_dims), "%s", absent[i]);
	memset(longest, 'x', 5000);
	ck_assert(!tn_weights_shape(w, longest, dims, &n_dims));
	memcpy(longest + 5000 - 16, "LayerNorm.weight", 16);
	ck_assert(!tn_weights_shape(w, longest, dims, &n_dims));
	ck_assert(tn_weights_shape(w, "embeddings.weight", dims, &n_dims));
	ck_assert_uint_eq(n_dims, 2);
	ck_assert(dims[0] == 4 && dims[1] == 3 && dims[2] == 1 && dims[3] == 1);
	tn_weights_close(w);
	w = open_model(NULL, call);
	ck_assert(!tn_weights_shape(w, "embeddings.weight", dims, &n_dims));
	ck_assert(tn_weights_shape(w, "bert.embeddings.LayerNorm.weight", dims, &n_dims));
	tn_weights_close(w);
	free(longest);
	tn_call_destroy(call);
}
END_TEST

/* "x" and "bert.x" may both be there: the exact name comes first. */
START_TEST(test_exact_name_comes_first)
{
	const struct tn_st_item items[] = {
		{ "bert.x", TN_F32, 1, { 1 }, numbers }, { "x", TN_F32, 1, { 2 }, numbers },
	};
	struct tn_call *call = tn_call_create();
	struct tn_weights *w;
	size_t dims[4];
	uint32_t n_dims;

	write_file("model.safetensors", items, 2);
	w = open_model("bert.", call);
	ck_assert(tn_weights_shape(w, "bert.x", dims, &n_dims) && dims[0] == 1);
	ck_assert(tn_weights_shape(w, "x", dims, &n_dims) && dims[0] == 2);
	tn_weights_close(w);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_load_and_release)
{
	struct tn_call *call = tn_call_create();
	const struct tn_tensor *a, *b, *d;
	struct tn_weights *w;

	write_model();
	w = open_model("bert.", call);
	a = tn_weight_load(w, "embeddings.weight", TN_F32, call);
	b = tn_weight_load(w, "bert.embeddings.weight", TN_F32, call);
	d = tn_weight_load(w, "embeddings.weight", TN_F64, call);
	ck_assert_ptr_eq(a, b);
	ck_assert_ptr_ne(a, d);
	ck_assert_uint_eq((uintptr_t)tn_host_data(a) % 64, 0);
	ck_assert_uint_eq((uintptr_t)tn_host_data(d) % 64, 0);
	ck_assert(a->dtype == TN_F32 && a->n_dims == 2 && a->dims[0] == 4 && a->dims[1] == 3);
	ck_assert(a->dims[2] == 1 && a->dims[3] == 1 && a->row_stride == 3);
	ck_assert_mem_eq(tn_host_data(a), numbers, sizeof(numbers));
	for (int i = 0; i < 12; i++)
		ck_assert(((double *)tn_host_data(d))[i] == i + 1);
	ck_assert_uint_ge(a->buffer->bytes, (4 + TN_ROW_SLACK) * 3 * 4);
	for (int i = 12; i < (4 + TN_ROW_SLACK) * 3; i++)
		ck_assert(((float *)tn_host_data(a))[i] == 0);
	ck_assert_uint_eq(tn_weights_bytes(w), a->buffer->bytes + d->buffer->bytes);
	tn_weight_release(w, a);
	ck_assert_mem_eq(tn_host_data(b), numbers, sizeof(numbers));
	tn_weight_release(w, b);
	tn_weight_release(w, d);
	ck_assert_uint_eq(tn_weights_bytes(w), 0);
	a = tn_weight_load(w, "embeddings.weight", TN_F32, call);
	ck_assert_mem_eq(tn_host_data(a), numbers, sizeof(numbers));
	tn_weight_release(w, NULL);
	tn_weights_close(w);	/* of what is still held, too */
	tn_weights_close(NULL);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_kinds_of_weights)
{
	struct tn_call *call = tn_call_create();
	const struct tn_tensor *t;
	struct tn_weights *w;
	char message[200];
	float part[7];

	write_model();
	w = open_model("bert.", call);
	ck_assert_int_eq(tn_weight_read(w, "embeddings.weight", 4, 7, part, call), 0);
	ck_assert_mem_eq(part, numbers + 4, 7 * sizeof(*part));
	ck_assert_int_eq(tn_weight_read(w, "embeddings.LayerNorm.weight", 1, 2, part, call), 0);
	ck_assert(part[0] == -2 && part[1] == 0.5f && part[2] == numbers[6]);
	ck_assert_uint_eq(tn_weights_bytes(w), 0);
	t = tn_weight_load(w, "embeddings.LayerNorm.weight", TN_F32, call);
	((float *)tn_host_data(t))[2] = 9;
	ck_assert_int_eq(tn_weight_read(w, "embeddings.LayerNorm.weight", 1, 2, part, call), 0);
	ck_assert(part[0] == -2 && part[1] == 9);
	((float *)tn_host_data(t))[2] = 0.5f;
	ck_assert(((float *)tn_host_data(t))[0] == 1 && ((float *)tn_host_data(t))[1] == -2);
	ck_assert(((float *)tn_host_data(t))[2] == 0.5f && t->row_stride == 1);
	t = tn_weight_load(w, "classifier.bias", TN_F32, call);
	ck_assert(t->n_dims == 0 && *(float *)tn_host_data(t) == 7);
	t = tn_weight_load(w, "empty", TN_F32, call);
	ck_assert_ptr_nonnull(t);
	ck_assert_uint_eq(t->dims[0], 0);
	ck_assert_ptr_null(tn_weight_load(w, "position_ids", TN_F32, call));
	snprintf(message, sizeof(message), "%s: tensor \"position_ids\" is I64, expected F32, F64, "
		"F16 or BF16", tn_weights_where(w));
	ck_assert_str_eq(tn_error_text(call), message);
	tn_clear(call);
	ck_assert_ptr_null(tn_weight_load(w, "deep", TN_F32, call));
	snprintf(message, sizeof(message), "%s: there is no tensor \"deep\"", tn_weights_where(w));
	ck_assert_str_eq(tn_error_text(call), message);
	tn_weights_close(w);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_unused_and_versions)
{
	struct tn_call *call = tn_call_create();
	const struct tn_tensor *t;
	struct tn_weights *w;
	size_t unused = 0, dims[4];
	uint32_t n_dims;

	write_model();
	w = open_model("bert.", call);
	ck_assert(tn_weights_shape(w, "empty", dims, &n_dims));
	t = tn_weight_load(w, "embeddings.weight", TN_F32, call);
	tn_weight_release(w, tn_weight_load(w, "classifier.bias", TN_F32, call));
	for (size_t i = 0; i < tn_weights_count(w); i++) {
		bool asked = !strcmp(tn_weights_at(w, i)->name, "bert.embeddings.weight") ||
			!strcmp(tn_weights_at(w, i)->name, "classifier.bias");

		ck_assert_int_eq(tn_weights_used(w, i), asked);
		ck_assert_ptr_nonnull(tn_weights_file(w, i));
		unused += !tn_weights_used(w, i);
	}
	ck_assert_uint_eq(unused, 5);
	ck_assert_ptr_null(tn_weights_at(w, 7));
	ck_assert_uint_eq(tn_weight_version(w, t), 1);
	tn_weight_changed(w, t);
	ck_assert_uint_eq(tn_weight_version(w, t), 2);
	tn_weights_close(w);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_shards)	/* ST32 */
{
	static const char *const names[] = { "s1", "s2" };
	const struct tn_st_item a = { "a", TN_F32, 1, { 2 }, numbers };
	const struct tn_st_item b[] = { { "b", TN_F32, 1, { 3 }, numbers }, a };
	struct tn_call *call = tn_call_create();
	struct tn_arena *arena = tn_arena_create();
	struct tn_value *index = tn_new_object(arena);
	const struct tn_tensor *t;
	struct tn_weights *w;

	write_file("s1", &a, 1);
	write_file("s2", b, 1);
	tn_set(arena, index, "a", tn_new_text(arena, "s1"));
	tn_set(arena, index, "b", tn_new_text(arena, "s2"));
	w = open_files(names, 2, NULL, index, call);
	ck_assert_msg(w != NULL, "%s", tn_error_text(call));
	ck_assert_str_eq(tn_weights_where(w), "index");
	t = tn_weight_load(w, "b", TN_F32, call);
	ck_assert_uint_eq(t->dims[0], 3);
	tn_weights_close(w);

	tn_set(arena, index, "b", tn_new_text(arena, "s1"));
	ck_assert_ptr_null(open_files(names, 2, NULL, index, call));
	ck_assert_str_eq(tn_error_text(call), "index: tensor \"b\" should be in s1, which does not "
		"have it");
	tn_clear(call);

	write_file("s2", b, 2);
	ck_assert_ptr_null(open_files(names, 2, NULL, index, call));
	ck_assert_ptr_nonnull(strstr(tn_error_text(call), ": tensor \"a\" is also in "));
	tn_clear(call);
	ck_assert_ptr_null(tn_weights_open_file("/no/such/file", false, call));
	ck_assert_int_eq(tn_status(call), TN_ENOINPUT);
	tn_arena_destroy(arena);
	tn_call_destroy(call);
}
END_TEST

static void *load_often(void *weights)
{
	struct tn_call *call = tn_call_create();
	intptr_t wrong = 0;

	for (int i = 0; i < 2000; i++) {
		const struct tn_tensor *t = tn_weight_load(weights, "embeddings.weight",
			i % 3 ? TN_F32 : TN_F64, call);

		wrong += !t || (i % 3 ? ((float *)tn_host_data(t))[11] != 12 :
			((double *)tn_host_data(t))[11] != 12);
		tn_weight_release(weights, t);
	}
	tn_call_destroy(call);
	return (void *)wrong;
}

START_TEST(test_threads)
{
	struct tn_call *call = tn_call_create();
	struct tn_weights *w;
	pthread_t threads[4];

	write_model();
	w = open_model("bert.", call);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, load_often, w), 0);
	for (int i = 0; i < 4; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		ck_assert_ptr_null(wrong);
	}
	ck_assert_uint_eq(tn_weights_bytes(w), 0);
	tn_weights_close(w);
	tn_call_destroy(call);
}
END_TEST

/* One store for all who open the same files, as long as these are unchanged. */
START_TEST(test_stores_are_shared)
{
	struct tn_call *call = tn_call_create();
	struct tn_weights *one, *same, *other, *later;
	const struct tn_tensor *t, *u;

	write_model();
	one = open_model("bert.", call);
	same = open_model("bert.", call);
	other = open_model(NULL, call);		/* names mean something else there */
	ck_assert_ptr_eq(one, same);
	ck_assert_ptr_ne(one, other);
	t = tn_weight_load(one, "embeddings.weight", TN_F32, call);
	u = tn_weight_load(other, "bert.embeddings.weight", TN_F32, call);
	tn_weight_release(other, t);		/* not its own */
	ck_assert_float_eq(((const float *)tn_host_data(t))[11], 12.0f);
	tn_weights_close(same);
	ck_assert_float_eq(((const float *)tn_host_data(t))[11], 12.0f);
	tn_weight_release(one, t);
	ck_assert_uint_eq(tn_weights_bytes(one), 0);
	tn_weight_release(other, u);
	write_model();				/* another file of that name */
	later = open_model("bert.", call);
	ck_assert_ptr_ne(later, one);
	tn_weights_close(one);
	tn_weights_close(other);
	tn_weights_close(later);
	tn_call_destroy(call);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights");

	TN_ADD_IN_TEMPORARY(suite, test_names);
	TN_ADD_IN_TEMPORARY(suite, test_exact_name_comes_first);
	TN_ADD_IN_TEMPORARY(suite, test_load_and_release);
	TN_ADD_IN_TEMPORARY(suite, test_kinds_of_weights);
	TN_ADD_IN_TEMPORARY(suite, test_unused_and_versions);
	TN_ADD_IN_TEMPORARY(suite, test_shards);
	TN_ADD_IN_TEMPORARY(suite, test_stores_are_shared);
	TN_ADD_IN_TEMPORARY(suite, test_threads);
	return tn_check_main(suite);
}
