#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/parity/unicode.sh [BUILD] - the Unicode tables against the installed Hugging Face
# tokenizers (python3, or $PYTHON), all 1,112,064 scalar values.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
build=${1:-.}
make -C "$build" -s tests/unicode >&2 || exit 1
exec "${PYTHON:-python3}" "$here/compare_unicode.py" "$build/tests/unicode"
