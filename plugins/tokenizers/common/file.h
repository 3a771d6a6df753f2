/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/file.h - reading a tokenizer's files.
 */
#ifndef TOK_FILE_H
#define TOK_FILE_H

#include <stddef.h>
#include <tenon/call.h>
#include <tenon/value.h>

/** The largest file that is read. */
#define TOK_MAX_FILE ((size_t)256 << 20)

/** The file's bytes with a NUL behind them, malloc'd; NULL after an error: TN_ENOINPUT,
 *  TN_EIO, TN_EDATA (no regular file, or larger than TOK_MAX_FILE), TN_ENOMEM. */
char *tok_read_file(const char *path, size_t *len, struct tn_call *call);

/** The text of a special token ("cls_token") in special_tokens_map.json or
 *  tokenizer_config.json: a string or an object with "content"; else `otherwise`. */
const char *tok_special_text(const struct tn_value *map, const struct tn_value *config,
	const char *name, const char *otherwise);

#endif
