# SPDX-License-Identifier: Apache-2.0
# heads: task heads.  Each is four lines.
