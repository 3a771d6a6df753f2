/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/proto.c - a reader of protocol buffers.
 */
#include "proto.h"

struct proto proto_open(const char *name, struct tn_text file, struct tn_call *call)
{
	return (struct proto){ .name = name, .file = file.text, .at = file.text,
		.end = file.text + file.len, .call = call };
}

struct proto proto_inside(const struct proto *p, const struct proto_field *field)
{
	struct proto inside = *p;

	inside.at = field->bytes.text ? field->bytes.text : p->at;
	inside.end = inside.at + field->bytes.len;
	return inside;
}

static int torn(const struct proto *p, size_t place, const char *what)
{
	return tn_fail(p->call, TN_EDATA, "%s: byte %zu: %s goes beyond byte %zu, the end of its "
		"message", p->name, place, what, (size_t)(p->end - p->file));
}

static int read_varint(struct proto *p, uint64_t *value)
{
	size_t place = (size_t)(p->at - p->file);

	*value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		unsigned char byte;

		if (p->at == p->end)
			return torn(p, place, "a number");
		byte = (unsigned char)*p->at++;
		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return 0;
	}
	return tn_fail(p->call, TN_EDATA, "%s: byte %zu: a number of more than 10 bytes", p->name,
		place);
}

static int read_fixed(struct proto *p, struct proto_field *f, size_t width)
{
	if ((size_t)(p->end - p->at) < width)
		return torn(p, f->place, "a number");
	f->value = 0;
	for (size_t i = 0; i < width; i++)
		f->value |= (uint64_t)(unsigned char)*p->at++ << 8 * i;
	return 0;
}

static int read_bytes(struct proto *p, struct proto_field *f)
{
	if (read_varint(p, &f->value))
		return TN_EDATA;
	if (f->value > (uint64_t)(p->end - p->at))
		return torn(p, f->place, "a value");
	f->bytes = (struct tn_text){ p->at, (size_t)f->value };
	p->at += f->value;
	return 0;
}

bool proto_next(struct proto *p, struct proto_field *f, int *rc)
{
	uint64_t key;

	*rc = 0;
	if (p->at == p->end)
		return false;
	*f = (struct proto_field){ .place = (size_t)(p->at - p->file) };
	*rc = read_varint(p, &key);
	if (*rc)
		return false;
	f->number = (uint32_t)(key >> 3);
	f->wire = key & 7;
	if (!f->number || key >> 3 > 0x1fffffff)
		*rc = tn_fail(p->call, TN_EDATA, "%s: byte %zu: no field has this number", p->name,
			f->place);
	else if (f->wire == PROTO_VARINT)
		*rc = read_varint(p, &f->value);
	else if (f->wire == PROTO_FIXED64 || f->wire == PROTO_FIXED32)
		*rc = read_fixed(p, f, f->wire == PROTO_FIXED64 ? 8 : 4);
	else if (f->wire == PROTO_BYTES)
		*rc = read_bytes(p, f);
	else
		*rc = tn_fail(p->call, TN_EDATA, "%s: byte %zu: field %u has the wire type %u, "
			"which is not known", p->name, f->place, f->number, f->wire);
	return !*rc;
}

int proto_expect(const struct proto *p, const struct proto_field *f, enum proto_wire wire,
	const char *what)
{
	return f->wire == wire ? 0 : tn_fail(p->call, TN_EDATA, "%s: byte %zu: %s has the wire "
		"type %u, expected %u", p->name, f->place, what, f->wire, (unsigned)wire);
}
