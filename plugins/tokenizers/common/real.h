/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/real.h - numbers of JSON as Hugging Face tokenizers reads them.
 */
#ifndef TOK_REAL_H
#define TOK_REAL_H

#include <stdbool.h>
#include <tenon/pipeline.h>

/** The double that serde_json 1.0.145 makes of a number as it is written (see
 *  tok_json_number()): rounded twice, so one in four is not the nearest, and ties of
 *  scores fall as there.  False when it is out of range. */
bool tok_real(struct tn_text number, double *out);

#endif
