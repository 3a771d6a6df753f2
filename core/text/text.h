/* SPDX-License-Identifier: Apache-2.0
 * core/text/text.h - from tokens to what a model is given: special tokens, pairs,
 * truncation, overlapping windows; and words of raw text.
 *
 * All results are in the call's arena.
 */
#ifndef TN_TEXT_TEXT_H
#define TN_TEXT_TEXT_H

#include <tenon/impl/head.h>

/** Which sequence gives up tokens when a text is too long. */
enum tn_cut {
	TN_CUT_LONGEST = 0,	/* truncating: Hugging Face's longest_first; windows: over the
				 * longer of the two, the second when they are equal */
	TN_CUT_FIRST = 1,	/* only the text */
	TN_CUT_SECOND = 2	/* only the pair; of one text alone: that text */
};

struct tn_window_options {
	size_t max_tokens;	/* of a window, special tokens included; 0: no limit */
	size_t overlap;		/* tokens that neighbouring windows share (Hugging Face's stride) */
	enum tn_overflow on_overflow;
	enum tn_cut cut;
};

/** At least one window; `tokens`, `n_tokens`, `keep_begin`, `keep_end` and
 *  `first_word` of each are set, the scores are NULL.  The long sequence is the pair
 *  (1) where windows go over it or where the second alone is cut, else the text (0);
 *  first_word is the word of a window's first token of it. */
struct tn_windows {
	struct tn_window *items;
	size_t n;
	int long_sequence;
	bool truncated;		/* tokens were dropped */
};

/** Puts the tokens of a text, and of its pair (NULL: none), into windows by the
 *  tokenizer's templates.  A window starts `room - overlap` tokens after the one
 *  before, room being what special tokens and the other sequence leave; a token
 *  that several windows hold is kept in the one where the lesser of its left and
 *  right context is largest, the first of equals.
 *  Errors: TN_ECONFIG when the window leaves no room or the overlap fills it;
 *  TN_EDATA when the text is too long and must not be cut, or the sequence that is to
 *  be cut is too short to give up enough; TN_ENOMEM. */
TN_PRIVATE int tn_make_windows(const struct tn_tokenizer_info *info, const struct tn_tokens *text,
	const struct tn_tokens *pair, const struct tn_window_options *options,
	struct tn_windows *out, struct tn_call *call);

/** Words of a text. */
struct tn_words {
	struct tn_word *items;
	size_t n;
};

/** Splits raw text at runs of Unicode White_Space.  A bad byte is no space.
 *  Errors: TN_EDATA for a text of 4 GiB or more, TN_ENOMEM. */
TN_PRIVATE int tn_words_by_space(struct tn_text text, struct tn_words *out, struct tn_call *call);
/** The tokenizer's own words: item i spans the tokens with the i-th word number, from
 *  the first byte of the first to the last byte of the last; and token.word becomes i. */
TN_PRIVATE int tn_words_by_tokens(struct tn_tokens *tokens, struct tn_words *out,
	struct tn_call *call);

/** Unicode 17 White_Space: 25 code points. */
TN_PRIVATE bool tn_is_space(uint32_t code);

#endif
