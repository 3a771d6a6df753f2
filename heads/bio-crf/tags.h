/* SPDX-License-Identifier: Apache-2.0
 * heads/bio-crf/tags.h - labels as tags of spans: which may follow which, and which
 * continue a span.
 *
 * Source: Ramshaw and Marcus 1995 (BIO); Ratinov and Roth 2009, section 2 (BILOU, here
 * as BIOES: L is E, U is S).
 */
#ifndef BIO_CRF_TAGS_H
#define BIO_CRF_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scheme { SCHEME_AUTO, SCHEME_BIO, SCHEME_BIOES, SCHEME_IO };

struct tag {
	char place;		/* 'B', 'I', 'E', 'S', or 'O': outside */
	uint32_t type;		/* the first tag with this type's name; of O its own index */
	const char *name;	/* of the type: what follows the first '-', borrowed */
};

/** Reads labels: a letter of B I E S L U, a hyphen and a type; a letter alone has the
 *  type "_"; any other but "O" is a type of its own, as if I- stood before it.  With
 *  SCHEME_AUTO the scheme is IO when there is such a label, BIOES when there is an E or S,
 *  BIO when there is a B, else IO.  Returns the scheme, or SCHEME_AUTO with *wrong set to
 *  the first label that the scheme asked for does not have. */
enum scheme tags_read(const char *const *labels, size_t n, enum scheme scheme, struct tag *tags,
	size_t *wrong);

/** Whether a path may begin with the tag, have b behind a, end with the tag.  IO allows
 *  everything. */
bool tag_may_begin(enum scheme scheme, const struct tag *tag);
bool tag_may_follow(enum scheme scheme, const struct tag *a, const struct tag *b);
bool tag_may_end(enum scheme scheme, const struct tag *tag);

/** Whether b, behind a, is in the span that a is in. */
bool tag_continues(const struct tag *a, const struct tag *b);

#endif
