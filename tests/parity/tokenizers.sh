#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/parity/tokenizers.sh DIRECTORY [TEXT-FILE ...] - the tokenizer of a directory against
# the installed Hugging Face tokenizers 0.22 (python3, or $PYTHON).  Without files: the hostile
# strings of tests/golden/wordpiece.  To be run where tenon was built, or with BUILD set.
# TYPE (bpe) names the plugin where tokenizer.json does not.
# SHARE (0.2) of the texts go through the modes beyond single texts.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
build=${BUILD:-.}
[ $# -ge 1 ] || { echo "usage: tokenizers.sh DIRECTORY [TEXT-FILE ...]" >&2; exit 64; }
dir=$1
shift
make -C "$build" -s tests/tokenize >&2 || exit 1
type=${TYPE:-$(sed -n 's/.*"model" *: *{ *"type" *: *"\([A-Za-z]*\)".*/\1/p' "$dir/tokenizer.json" |
	tr 'A-Z' 'a-z' | head -n 1)}
TOKENIZERS_PARALLELISM=${TOKENIZERS_PARALLELISM:-false}
export TOKENIZERS_PARALLELISM
exec "${PYTHON:-python3}" "$here/compare_tokenizers.py" "$build/tests/tokenize" \
	"$build/plugins/.libs/tokenizer-${type:-wordpiece}.so" "$dir" "${SHARE:-0.2}" "$@"
