/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/proto.h - a reader of protocol buffers: fields in order, nothing
 * copied.
 * Source: Protocol Buffers Documentation, Encoding.
 */
#ifndef UNIGRAM_PROTO_H
#define UNIGRAM_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tenon/pipeline.h>

/** A message, or one inside of it. */
struct proto {
	const char *name;	/* for messages of errors; borrowed */
	const char *file;	/* where the file begins: bytes are counted from here */
	const char *at, *end;
	struct tn_call *call;
};

enum proto_wire { PROTO_VARINT = 0, PROTO_FIXED64 = 1, PROTO_BYTES = 2, PROTO_FIXED32 = 5 };

/** A field: its number and value, in `value` or in `bytes`. */
struct proto_field {
	uint32_t number;
	uint32_t wire;		/* enum proto_wire */
	uint64_t value;		/* of the three with a number, as it was stored */
	struct tn_text bytes;	/* of PROTO_BYTES; borrowed from the file */
	size_t place;		/* byte of the file where the field begins */
};

/** Starts on the bytes of a file. */
struct proto proto_open(const char *name, struct tn_text file, struct tn_call *call);
/** A message that is the value of a field of `p`. */
struct proto proto_inside(const struct proto *p, const struct proto_field *field);
/** Reads the next field; false at the end and after an error (TN_EDATA with the byte: a
 *  value that goes beyond its message, a group, the number 0), put in *rc. */
bool proto_next(struct proto *p, struct proto_field *field, int *rc);
/** Checks the wire type of a field: 0 or TN_EDATA. */
int proto_expect(const struct proto *p, const struct proto_field *field, enum proto_wire wire,
	const char *what);

#endif
