/* SPDX-License-Identifier: Apache-2.0
 * heads/foreign/signature.h - what a C function takes and gives, as a text says it:
 *
 *	signature = type "(" [ parameter { "," parameter } ] ")"
 *	parameter = number NAME [ "=" NUMBER ]		a quantity by its name, or a constant
 *	          | "cstr" NAME				a text that ends with NUL
 *	          | [ "in" ] number "*" NAME [ sizes ]	an array that the function reads
 *	          | "out" number "*" NAME sizes		an array that it fills: a part of the answer
 *	sizes     = "[" size { "," size } "]"
 *	number    = "i8" .. "i64" | "u8" .. "u64" | "usize" | "f32" | "f64"
 *
 * Quantities: len, pair_len (bytes), rows, cols (of hidden or scores), n (the option).  Texts: text,
 * pair.  Arrays to read: text[len], pair[pair_len], hidden[rows,cols], scores[rows,cols],
 * begin[rows], end[rows].
 */
#ifndef FOREIGN_SIGNATURE_H
#define FOREIGN_SIGNATURE_H

#include <tenon/call.h>

#define FOREIGN_MOST 32		/* parameters */
#define FOREIGN_NAME 40		/* bytes of a name, with NUL */

enum foreign_type {
	FOREIGN_VOID, FOREIGN_I8, FOREIGN_U8, FOREIGN_I16, FOREIGN_U16, FOREIGN_I32, FOREIGN_U32,
	FOREIGN_I64, FOREIGN_U64, FOREIGN_USIZE, FOREIGN_F32, FOREIGN_F64, FOREIGN_CSTR,
	FOREIGN_TYPES
};

/** What the function is given; the first ones are numbers. */
enum foreign_what {
	FOREIGN_CONSTANT, FOREIGN_LEN, FOREIGN_PAIR_LEN, FOREIGN_ROWS, FOREIGN_COLS, FOREIGN_N,
	FOREIGN_TEXT, FOREIGN_PAIR, FOREIGN_HIDDEN, FOREIGN_SCORES, FOREIGN_BEGIN, FOREIGN_END,
	FOREIGN_OUT
};

struct foreign_param {
	char name[FOREIGN_NAME];
	enum foreign_type type;		/* of the number, or of what the array holds */
	enum foreign_what what;
	enum foreign_what size;		/* of an array to fill: its items */
	double constant;		/* where what, or size, is FOREIGN_CONSTANT */
};

struct foreign_signature {
	enum foreign_type returns;
	struct foreign_param params[FOREIGN_MOST];
	size_t n;
};

/** Reads a signature; `head` is named in errors.  Errors: TN_ECONFIG, with the column. */
int foreign_parse(const char *head, const char *text, struct foreign_signature *s,
	struct tn_call *call);

/** The word for a type. */
const char *foreign_type_name(enum foreign_type type);

#endif
