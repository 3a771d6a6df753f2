/* SPDX-License-Identifier: Apache-2.0
 * core/plugin/elf.h - what must be true of a shared object before dlopen sees it.
 */
#ifndef TN_PLUGIN_ELF_H
#define TN_PLUGIN_ELF_H

#include <stddef.h>
#include <tenon/call.h>

/** Checks the image of a shared object, the `size` bytes of its file: that it is ELF of
 *  this machine, a shared object whose program headers, segments and symbol table lie
 *  inside the file, that asks for no executable stack and defines the function `symbol`.
 *  Never reads outside the image, whatever it holds.  0, or TN_EPLUGIN with the reason
 *  alone (the caller names the file).
 *  Source: System V ABI, edition 4.1, chapters 4 and 5; for DT_GNU_HASH the layout in
 *  the GNU C library's elf/dl-lookup.c. */
TN_PRIVATE int tn_elf_check(const void *image, size_t size, const char *symbol,
	struct tn_call *call);

#endif
