# SPDX-License-Identifier: Apache-2.0
# backends, and kernels: the SIMD loops that they share.
