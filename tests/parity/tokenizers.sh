#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/parity/tokenizers.sh DIRECTORY [TEXT-FILE ...] - the tokenizer of a directory against
# the installed Hugging Face tokenizers 0.22 (python3, or $PYTHON).  Without files: the hostile
# strings of tests/golden/wordpiece.  To be run where tenon was built, or with BUILD set.
# TYPE (bpe) names the plugin if it is another than the file's.
# SHARE (0.2) of the texts go through the modes beyond single texts.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
build=${BUILD:-.}
[ $# -ge 1 ] || { echo "usage: tokenizers.sh DIRECTORY [TEXT-FILE ...]" >&2; exit 64; }
dir=$1
shift
make -C "$build" -s tests/tokenize >&2 || exit 1
# Old files do not name the type of their model.
type=${TYPE:-$("${PYTHON:-python3}" -c 'import json, sys
m = json.load(open(sys.argv[1]))["model"]
print(m.get("type", "bpe" if "merges" in m else "unigram" if "unk_id" in m else "wordpiece").lower())
' "$dir/tokenizer.json")} || exit 1
TOKENIZERS_PARALLELISM=${TOKENIZERS_PARALLELISM:-false}
export TOKENIZERS_PARALLELISM
exec "${PYTHON:-python3}" "$here/compare_tokenizers.py" "$build/tests/tokenize" \
	"$build/plugins/.libs/tokenizer-${type:-wordpiece}.so" "$dir" "${SHARE:-0.2}" "$@"
