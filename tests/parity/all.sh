#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/parity/all.sh TOKENIZERS TEXTS - tokenizers.sh for each directory with a tokenizer.json
# under TOKENIZERS, on all files of texts under the directory TEXTS; the last line is the total.
# SHARE, BUILD and PYTHON as there.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
[ $# -eq 2 ] || { echo "usage: all.sh TOKENIZERS TEXTS" >&2; exit 64; }
files=$(find "$2" -type f \( -name '*.txt' -o -name '*.csv' -o -name '*.tsv' -o -name '*.json' \
	-o -name '*.jsonl' -o -name '*.conll*' -o -name '*.annotated' -o -name 'btc.*' \
	-o -name '*.pos' -o -name '*.neg' \) | sort)
for json in "$1"/*/tokenizer.json; do
	# shellcheck disable=SC2086 # a list of files
	"$here/tokenizers.sh" "${json%/tokenizer.json}" $files
done | awk '{ print }
	/ against tokenizers / { n_tokenizers++ }
	/ compared / { for (i = 2; i <= NF; i++) if ($i == "compared") { n = $(i - 1); d = $(NF - 1) }
		requests += n; different += d; if (/single texts/) texts += n }
	END { printf "%d tokenizers, %d texts, %d requests, %d different\n", n_tokenizers, texts,
		requests, different; exit different > 0 || !texts }'
