/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/safetensors.c - opening safetensors files and reading their tensors.
 */
#include <endian.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "checkpoint/float16.h"
#include "checkpoint/st_header.h"

#define LENGTH_BYTES 8
#define CHUNK 65536	/* bytes converted at a time */

struct tn_safetensors {
	char *path;
	int fd;
	char *text;			/* the header */
	uint64_t data_start;		/* byte of the file */
	struct st_header header;
	struct tn_arena *arena;		/* of the metadata */
};

/* What people rename or download by mistake. */
static int check_magic(const char *path, const char *bytes, size_t n, struct tn_call *call)
{
	static const char lfs[] = "version https://git-lfs";

	if (n >= sizeof(lfs) - 1 && !memcmp(bytes, lfs, sizeof(lfs) - 1))
		return tn_fail(call, TN_EDATA, "%s: byte 0: a Git LFS pointer instead of the file "
			"itself; run `git lfs pull` in its directory", path);
	if (n >= 4 && !memcmp(bytes, "PK\3\4", 4))
		return tn_fail(call, TN_EDATA, "%s: byte 0: a zip archive, as PyTorch's .bin files "
			"are; expected safetensors", path);
	if (n >= 4 && !memcmp(bytes, "GGUF", 4))
		return tn_fail(call, TN_EDATA, "%s: byte 0: a GGUF file; expected safetensors",
			path);
	return 0;
}

/* The header's length, or 0 after an error. */
static uint64_t header_length(const struct tn_safetensors *f, uint64_t size, struct tn_call *call)
{
	char start[32] = { 0 };
	size_t n = size < sizeof(start) ? (size_t)size : sizeof(start);
	uint64_t length;

	if (tn_file_pread(f->fd, f->path, start, n, 0, call) ||
			check_magic(f->path, start, n, call))
		return 0;
	memcpy(&length, start, sizeof(length));
	length = le64toh(length);
	if (size < LENGTH_BYTES)
		tn_fail(call, TN_EDATA, "%s: byte %zu: the file ends here, expected the header "
			"length of 8 bytes", f->path, n);
	else if (length > size - LENGTH_BYTES)
		tn_fail(call, TN_EDATA, "%s: byte 0: the header length is %" PRIu64 ", the file "
			"has %" PRIu64 " bytes behind it", f->path, length, size - LENGTH_BYTES);
	else if (length > TN_ST_MAX_HEADER)
		tn_fail(call, TN_EDATA, "%s: byte 0: the header length is %" PRIu64 ", at most %u "
			"is read", f->path, length, TN_ST_MAX_HEADER);
	else if (!length)
		tn_fail(call, TN_EDATA, "%s: byte 0: the header length is 0, expected a JSON "
			"object", f->path);
	else
		return length;
	return 0;
}

static int open_file(struct tn_safetensors *f, const char *path, struct tn_call *call)
{
	uint64_t size = 0, length;

	f->fd = tn_file_open(path, &size, call);
	if (f->fd < 0)
		return f->fd;
	f->path = strdup(path);
	f->arena = tn_arena_create();
	if (!f->path || !f->arena)
		return tn_fail(call, TN_ENOMEM, "%s: out of memory", path);
	length = header_length(f, size, call);
	if (!length)
		return tn_status(call);
	f->text = malloc((size_t)length + 1);
	if (!f->text)
		return tn_fail(call, TN_ENOMEM, "%s: out of memory for a header of %" PRIu64
			" bytes", path, length);
	f->data_start = LENGTH_BYTES + length;
	if (tn_file_pread(f->fd, path, f->text, (size_t)length, LENGTH_BYTES, call))
		return tn_status(call);
	return st_header_parse(&f->header, f->text, (size_t)length, size - f->data_start, path,
		f->arena, call);
}

struct tn_safetensors *tn_st_open(const char *path, struct tn_call *call)
{
	struct tn_safetensors *f = calloc(1, sizeof(*f));

	if (!f) {
		tn_fail(call, TN_ENOMEM, "%s: out of memory", path);
		return NULL;
	}
	if (open_file(f, path, call)) {
		tn_st_close(f);
		return NULL;
	}
	return f;
}

void tn_st_close(struct tn_safetensors *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	tn_arena_destroy(f->arena);
	free(f->header.tensors);
	free(f->header.by_name);
	free(f->text);
	free(f->path);
	free(f);
}

const char *tn_st_path(const struct tn_safetensors *f)
{
	return f->path;
}

size_t tn_st_count(const struct tn_safetensors *f)
{
	return f->header.n;
}

const struct tn_st_tensor *tn_st_at(const struct tn_safetensors *f, size_t i)
{
	return i < f->header.n ? &f->header.tensors[i] : NULL;
}

const struct tn_st_tensor *tn_st_find(const struct tn_safetensors *f, const char *name)
{
	size_t low = 0, high = f->header.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct tn_st_tensor *t = &f->header.tensors[f->header.by_name[middle]];
		int order = strcmp(name, t->name);

		if (!order)
			return t;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct tn_value *tn_st_metadata(const struct tn_safetensors *f)
{
	return f->header.metadata;
}

uint64_t tn_st_elements(const struct tn_st_tensor *t)
{
	return (t->end - t->begin) / tn_dtype_size(t->dtype);
}

static int read_at(const struct tn_safetensors *f, const struct tn_st_tensor *t, uint64_t from,
	void *to, size_t n, struct tn_call *call)
{
	return tn_file_pread(f->fd, f->path, to, n, f->data_start + t->begin + from, call);
}

int tn_st_read(const struct tn_safetensors *f, const struct tn_st_tensor *t, void *to,
	struct tn_call *call)
{
	return read_at(f, t, 0, to, (size_t)(t->end - t->begin), call);
}

static bool is_float(enum tn_dtype dtype)
{
	return dtype == TN_F32 || dtype == TN_F64 || dtype == TN_F16 || dtype == TN_BF16;
}

/* One little-endian element of any float type; exact. */
static double float_at(const unsigned char *p, enum tn_dtype dtype)
{
	uint16_t half;
	uint32_t single;
	uint64_t whole;
	float f;
	double d;

	switch (dtype) {
	case TN_F64:
		memcpy(&whole, p, 8);
		whole = le64toh(whole);
		memcpy(&d, &whole, 8);
		return d;
	case TN_F32:
		memcpy(&single, p, 4);
		single = le32toh(single);
		memcpy(&f, &single, 4);
		return (double)f;
	default:
		memcpy(&half, p, 2);
		half = le16toh(half);
		return (double)(dtype == TN_F16 ? float_of_f16(half) : float_of_bf16(half));
	}
}

static void convert(const unsigned char *from, enum tn_dtype dtype, size_t n, enum tn_dtype as,
	void *to, size_t first)
{
	size_t size = tn_dtype_size(dtype);
	float *single = to;
	double *real = to;

	if (as == TN_F64)
		for (size_t i = 0; i < n; i++)
			real[first + i] = float_at(from + i * size, dtype);
	else
		for (size_t i = 0; i < n; i++)
			single[first + i] = (float)float_at(from + i * size, dtype);
}

/* Calls a function on elements of the tensor, piece by piece; it is told which of these a
 * piece begins with. */
static int each_piece(const struct tn_safetensors *f, const struct tn_st_tensor *t,
	uint64_t first, uint64_t count,
	void (*use)(void *user, const unsigned char *piece, size_t first, size_t n), void *user,
	struct tn_call *call)
{
	size_t size = tn_dtype_size(t->dtype);
	unsigned char piece[CHUNK];

	for (uint64_t at = 0, bytes = count * size; at < bytes; at += CHUNK) {
		size_t n = bytes - at < CHUNK ? (size_t)(bytes - at) : CHUNK;

		if (read_at(f, t, first * size + at, piece, n, call))
			return tn_status(call);
		use(user, piece, (size_t)(at / size), n / size);
	}
	return 0;
}

struct conversion {
	enum tn_dtype from, as;
	void *to;
};

static void convert_piece(void *user, const unsigned char *piece, size_t first, size_t n)
{
	const struct conversion *c = user;

	convert(piece, c->from, n, c->as, c->to, first);
}

int tn_st_read_part(const struct tn_safetensors *f, const struct tn_st_tensor *t,
	enum tn_dtype as, uint64_t first, uint64_t n, void *to, struct tn_call *call)
{
	const size_t size = tn_dtype_size(as);
	struct conversion c = { .from = t->dtype, .as = as, .to = to };

	if (!is_float(t->dtype) || (as != TN_F32 && as != TN_F64))
		return tn_fail(call, TN_EDATA, "%s: tensor %s is %s, expected F32, F64, F16 or "
			"BF16", f->path, tn_quote(call, t->name, strlen(t->name)),
			tn_dtype_name(t->dtype));
	if (t->dtype == as && BYTE_ORDER == LITTLE_ENDIAN)
		return read_at(f, t, first * size, to, (size_t)n * size, call);
	return each_piece(f, t, first, n, convert_piece, &c, call);
}

int tn_st_read_float(const struct tn_safetensors *f, const struct tn_st_tensor *t,
	enum tn_dtype as, void *to, struct tn_call *call)
{
	return tn_st_read_part(f, t, as, 0, tn_st_elements(t), to, call);
}

struct census {
	enum tn_dtype dtype;
	uint64_t nonfinite;
};

static void count_piece(void *user, const unsigned char *piece, size_t first, size_t n)
{
	struct census *c = user;
	size_t size = tn_dtype_size(c->dtype);

	(void)first;
	for (size_t i = 0; i < n; i++)
		c->nonfinite += !isfinite(float_at(piece + i * size, c->dtype));
}

int tn_st_count_nonfinite(const struct tn_safetensors *f, const struct tn_st_tensor *t,
	uint64_t *n, struct tn_call *call)
{
	struct census c = { .dtype = t->dtype };
	int status = is_float(t->dtype) ? each_piece(f, t, 0, tn_st_elements(t), count_piece, &c,
		call) : 0;

	*n = c.nonfinite;
	return status;
}
