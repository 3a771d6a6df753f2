/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/unicode/graphemes.h - where extended grapheme clusters end,
 * as the crate unicode-segmentation 1.12.0 has it (Unicode 16.0).
 */
#ifndef TOK_GRAPHEMES_H
#define TOK_GRAPHEMES_H

#include <stdbool.h>
#include <stdint.h>

/** What a character is to the rules; in the order of graphemes.py. */
enum tok_cluster {
	TOK_CLUSTER_ANY, TOK_CLUSTER_CR, TOK_CLUSTER_LF, TOK_CLUSTER_CONTROL, TOK_CLUSTER_EXTEND,
	TOK_CLUSTER_ZWJ, TOK_CLUSTER_PREPEND, TOK_CLUSTER_SPACING, TOK_CLUSTER_L, TOK_CLUSTER_V,
	TOK_CLUSTER_T, TOK_CLUSTER_LV, TOK_CLUSTER_LVT, TOK_CLUSTER_REGIONAL,
	TOK_CLUSTER_PICTURE, TOK_CLUSTER_CONSONANT,
	TOK_CLUSTER_KIND = 15,		/* these bits of a table's value */
	TOK_CLUSTER_LINKER = 16,	/* Indic_Conjunct_Break=Linker */
	TOK_CLUSTER_INNER = 32		/* Indic_Conjunct_Break=Extend */
};

extern const uint8_t tok_cluster_index[8704], tok_cluster_blocks[][128];

/** What of the text so far matters; starts zeroed. */
struct tok_clusters {
	uint8_t before;		/* kind of the last character */
	bool begun;
	bool odd;		/* the run of regional indicators is odd */
	bool picture;		/* a picture and extending characters came last */
	bool consonant;		/* a consonant, linkers and inner characters came last ... */
	bool linked;		/* ... with a linker among them */
};

static inline bool tok_cluster_joins(const struct tok_clusters *s, unsigned after)
{
	unsigned before = s->before;

	if (before == TOK_CLUSTER_CR && after == TOK_CLUSTER_LF)
		return true;						/* GB3 */
	if (before >= TOK_CLUSTER_CR && before <= TOK_CLUSTER_CONTROL)
		return false;						/* GB4 */
	if (after >= TOK_CLUSTER_CR && after <= TOK_CLUSTER_CONTROL)
		return false;						/* GB5 */
	if (before == TOK_CLUSTER_L && (after == TOK_CLUSTER_L || after == TOK_CLUSTER_V ||
		after == TOK_CLUSTER_LV || after == TOK_CLUSTER_LVT))
		return true;						/* GB6 */
	if ((before == TOK_CLUSTER_LV || before == TOK_CLUSTER_V) &&
		(after == TOK_CLUSTER_V || after == TOK_CLUSTER_T))
		return true;						/* GB7 */
	if ((before == TOK_CLUSTER_LVT || before == TOK_CLUSTER_T) && after == TOK_CLUSTER_T)
		return true;						/* GB8 */
	if (after == TOK_CLUSTER_EXTEND || after == TOK_CLUSTER_ZWJ ||
		after == TOK_CLUSTER_SPACING || before == TOK_CLUSTER_PREPEND)
		return true;						/* GB9, 9a, 9b */
	if (after == TOK_CLUSTER_CONSONANT)
		return s->consonant && s->linked;			/* GB9c */
	if (before == TOK_CLUSTER_ZWJ && after == TOK_CLUSTER_PICTURE)
		return s->picture;					/* GB11 */
	return before == TOK_CLUSTER_REGIONAL && after == TOK_CLUSTER_REGIONAL &&
		s->odd;							/* GB12, GB13 */
}

/** Takes the next character of a text; whether a cluster begins with it.
 *  Source: Unicode Standard Annex 29, version 16.0, section 3.1.1. */
static inline bool tok_cluster_begins(struct tok_clusters *s, uint32_t c)
{
	unsigned bits = tok_cluster_blocks[tok_cluster_index[c >> 7]][c & 127];
	unsigned kind = bits & TOK_CLUSTER_KIND;
	bool begins = !s->begun || !tok_cluster_joins(s, kind);

	s->begun = true;
	s->before = (uint8_t)kind;
	s->odd = kind == TOK_CLUSTER_REGIONAL && !s->odd;
	s->picture = kind == TOK_CLUSTER_PICTURE || (s->picture &&
		(kind == TOK_CLUSTER_EXTEND || kind == TOK_CLUSTER_ZWJ));
	if (kind == TOK_CLUSTER_CONSONANT) {
		s->consonant = true;
		s->linked = false;
	} else if (bits & TOK_CLUSTER_LINKER) {
		s->linked = true;
	} else if (!(bits & TOK_CLUSTER_INNER)) {
		s->consonant = false;
	}
	return begins;
}

#endif
