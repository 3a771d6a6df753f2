/* SPDX-License-Identifier: Apache-2.0
 * tests/backends/rig.h - runs one node on a backend plugin: inputs given as double,
 * outputs read as double, whatever the type between.
 */
#ifndef TN_TESTS_RIG_H
#define TN_TESTS_RIG_H

#include <stdbool.h>
#include <tenon/impl/backend.h>

#include "tensor/op_table.h"

/** A node being put together.  Zeroed, then rig_open. */
struct rig {
	struct tn_call *call;
	const struct tn_backend_impl *impl;
	uint32_t dtype;			/* TN_F32 or TN_F64: of the float inputs */
	size_t pad;			/* elements between rows of the inputs that no op may read */
	struct tn_node node;
	struct tn_step step;
	struct tn_tensor in[TN_MAX_IN], out[TN_MAX_OUT];
	struct tn_spec in_spec[TN_MAX_IN], out_spec[TN_MAX_OUT];
	struct tn_axis axis, kv_axis;	/* used when start is set */
};

/** Loads backends/.libs/backend-NAME.so of the build; fails the test when it cannot. */
void rig_open(struct rig *rig, const char *name);
void rig_close(struct rig *rig);
/** Forgets the node, keeps backend, type and padding. */
void rig_clear(struct rig *rig);
/** Adds an input of up to 3 dims (0 ends the list: 0, 0, 0 is a single value). */
void rig_in(struct rig *rig, const double *values, size_t d0, size_t d1, size_t d2);
void rig_index(struct rig *rig, const int32_t *values, size_t n);
void rig_mask(struct rig *rig, const uint8_t *values, size_t rows, size_t cols);
/** An input with values from a fixed sequence in -1..1 that depends on the seed. */
void rig_random(struct rig *rig, uint64_t seed, size_t d0, size_t d1, size_t d2);
/** A number in -1..1; raises the state. */
double rig_number(uint64_t *state);
/** An input or output of another rig of the same type as an input here. */
void rig_take(struct rig *rig, const struct tn_tensor *tensor, const struct tn_spec *spec);
/** Element k of float input i. */
double rig_value(const struct rig *rig, uint32_t i, size_t k);
void rig_set(struct rig *rig, uint32_t i, size_t k, double value);
/** The row axis of the first input, and of the keys. */
void rig_axis(struct rig *rig, const uint32_t *start, size_t seqs);
void rig_kv_axis(struct rig *rig, const uint32_t *start, size_t seqs);
/** Infers the outputs and runs the node with n_out of them (0: those that are not
 *  saved ones).  Returns what the backend did; a refused shape fails the test. */
int rig_run(struct rig *rig, uint32_t op, uint32_t n_out);
/** Element i of output o, counted densely. */
double rig_out(const struct rig *rig, uint32_t o, size_t i);
size_t rig_out_size(const struct rig *rig, uint32_t o);
/** Fails the test unless output o equals n values up to 1e-6 in F32 and 1e-12 in F64
 *  of the largest of them, or of 1. */
void rig_expect(const struct rig *rig, uint32_t o, const double *values, size_t n);

#endif
