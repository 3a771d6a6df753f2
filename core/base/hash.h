/* SPDX-License-Identifier: Apache-2.0
 * core/base/hash.h - a number that stands for bytes.
 *
 * Source: draft-eastlake-fnv (FNV-1a, 64 bits).
 */
#ifndef TN_BASE_HASH_H
#define TN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/** The hash of no bytes, to begin with. */
#define TN_HASH UINT64_C(0xcbf29ce484222325)

/** Goes on from a hash with `len` bytes more. */
static inline uint64_t tn_hash(uint64_t hash, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

#endif
