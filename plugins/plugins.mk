# SPDX-License-Identifier: Apache-2.0
# plugins: tokenizers and models.  Each is four lines.
