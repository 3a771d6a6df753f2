/* SPDX-License-Identifier: Apache-2.0
 * core/kit/kit.h - a plugin of one's own to begin with: what `tenon plugins new` writes.
 */
#ifndef TN_KIT_KIT_H
#define TN_KIT_KIT_H

#include "plugin/plugin.h"

/** Makes the folder `dir` with a plugin of a kind and a proper name: source, Makefile, test,
 *  a pipeline, and the model that it names.  Errors: TN_EUSAGE, the folder exists; TN_EIO. */
int tn_kit_write(const char *dir, enum tn_plugin_kind kind, const char *name, struct tn_call *call);
/** Makes that model directory alone: tiny, with random weights. */
int tn_kit_model(const char *dir, enum tn_plugin_kind kind, const char *name, struct tn_call *call);

#endif
