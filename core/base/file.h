/* SPDX-License-Identifier: Apache-2.0
 * core/base/file.h - regular files: opened with a check, read whole, replaced whole.
 */
#ifndef TN_BASE_FILE_H
#define TN_BASE_FILE_H

#include <stdint.h>
#include <tenon/call.h>

/** Opens a regular file (or a link to one) for reading; a FIFO or a device is refused
 *  without waiting for it.  Returns the descriptor, or a negative error: TN_ENOINPUT,
 *  TN_EDATA (not a regular file), TN_EIO. */
TN_PRIVATE int tn_file_open(const char *path, uint64_t *size, struct tn_call *call);
/** Reads exactly n bytes from `at` on; an earlier end of the file is TN_EIO. */
TN_PRIVATE int tn_file_pread(int fd, const char *path, void *to, size_t n, uint64_t at,
	struct tn_call *call);
/** The whole file with a NUL behind it, in the arena; more than `max` bytes are
 *  TN_EDATA.  NULL after an error. */
TN_PRIVATE char *tn_file_read(const char *path, size_t max, size_t *len, struct tn_arena *arena,
	struct tn_call *call);

/** A file that will take the place of another once it is complete. */
struct tn_file_writer {
	const char *path;	/* borrowed */
	char *beside;		/* where it is written until then */
	int fd;
};

/** Begins a file beside `path`, which must be a regular file if it exists: a device would be
 *  gone after the renaming.  After success exactly one of tn_file_commit and tn_file_abandon
 *  follows. */
TN_PRIVATE int tn_file_create(struct tn_file_writer *w, const char *path, struct tn_call *call);
/** Writes all of it, or TN_EIO with the reason. */
TN_PRIVATE int tn_file_write(struct tn_file_writer *w, const void *bytes, size_t n,
	struct tn_call *call);
/** Syncs the file, renames it to its path and syncs the directory.  After an error too,
 *  the path has the old file or the whole new one, and nothing lies beside it. */
TN_PRIVATE int tn_file_commit(struct tn_file_writer *w, struct tn_call *call);
/** Removes what was written; does nothing to a zeroed or finished writer. */
TN_PRIVATE void tn_file_abandon(struct tn_file_writer *w);

#endif
