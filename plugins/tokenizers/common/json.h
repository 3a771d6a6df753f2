/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/json.h - a pull parser for large JSON files
 * (tokenizer.json): strings are decoded and moved together at the start of the text, which
 * brings those of a vocabulary close to one another; numbers stay text.
 *
 *	rc = tok_json_enter(j, '{');
 *	while (!rc && tok_json_member(j, &key, &rc))
 *		rc = equal(key, "vocab") ? read_vocab(j) : tok_json_skip(j, NULL);
 *
 * Every function that fails has told the call the file and the byte, and returns
 * TN_EDATA.  As serde_json does, it refuses lone surrogates, more than 128 levels and
 * text behind the value; of equal keys all are given, in order.
 */
#ifndef TOK_JSON_H
#define TOK_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <tenon/pipeline.h>

struct tok_json {
	const char *name;	/* for messages; borrowed */
	char *start, *at, *end;
	char *kept;		/* the end of the strings that were read */
	unsigned depth;
	bool first;		/* no member of the innermost object or array was read yet */
	struct tn_call *call;
};

/** Starts on `len` bytes that the caller owns and keeps as long as the strings are
 *  used; text[len] must be writable.  Refuses bad UTF-8. */
int tok_json_open(struct tok_json *j, const char *name, char *text, size_t len,
	struct tn_call *call);
/** What comes next: one of { [ " 0 t f n, 0 for anything else. */
char tok_json_peek(struct tok_json *j);
/** Goes into an object ('{') or an array ('['). */
int tok_json_enter(struct tok_json *j, char bracket);
/** Reads the next key: true when there is a member, whose value is to be read next;
 *  false at the end of the object and after an error, put in *rc. */
bool tok_json_member(struct tok_json *j, struct tn_text *key, int *rc);
/** The same for the items of an array. */
bool tok_json_item(struct tok_json *j, int *rc);
/** Reads a string; it is NUL-terminated, and may hold NULs. */
int tok_json_string(struct tok_json *j, struct tn_text *out);
/** Reads a number as it is written; it is gone with the next string. */
int tok_json_number(struct tok_json *j, struct tn_text *out);
/** Reads an integer of 0 to `max`. */
int tok_json_count(struct tok_json *j, size_t max, size_t *out);
/** Passes a value over; its text goes to *raw (NULL: not wanted), unchanged but moved. */
int tok_json_skip(struct tok_json *j, struct tn_text *raw);
/** Checks that nothing but space is left. */
int tok_json_finish(struct tok_json *j);
/** An error here: "NAME: byte N: " and the text. */
int tok_json_fail(const struct tok_json *j, const char *format, ...) TN_PRINTF(2, 3);

/** Whether a text equals a NUL-terminated one. */
bool tok_equal(struct tn_text a, const char *b);

#endif
