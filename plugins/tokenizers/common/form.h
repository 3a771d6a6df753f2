/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/form.h - NFD, NFC, NFKD and NFKC with alignment.
 */
#ifndef TOK_FORM_H
#define TOK_FORM_H

#include "normalizer.h"

/** Makes *p its normal form and returns 1, or returns 0 when it has that form already.
 *  Time is linear.  Error: TN_ENOMEM. */
int tok_form(bool compatible, bool compose, struct tok_piece *p, struct tok_scratch *s,
	struct tn_call *call);

#endif
