/* SPDX-License-Identifier: Apache-2.0
 * core/kit/files.h - the files of this folder as texts, made into one source by core.mk.
 */
#ifndef TN_KIT_FILES_H
#define TN_KIT_FILES_H

extern const char kit_backend_c[];
extern const char kit_backend_cfg[];
extern const char kit_bert_json[];
extern const char kit_bert_weights[];
extern const char kit_head_c[];
extern const char kit_head_cfg[];
extern const char kit_head_weights[];
extern const char kit_model_c[];
extern const char kit_model_cfg[];
extern const char kit_model_json[];
extern const char kit_model_weights[];
extern const char kit_plugin_make[];
extern const char kit_test_sh[];
extern const char kit_tokenizer_c[];
extern const char kit_tokenizer_cfg[];
extern const char kit_tokenizer_json[];
extern const char kit_vocab_txt[];

#endif
