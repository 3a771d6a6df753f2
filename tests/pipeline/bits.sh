#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/pipeline/bits.sh - 1000 sentences on each backend that was built: alone, in batches,
# shuffled, from threads, equal to the last bit.
: "${TENON:=./tenon}" "${top_srcdir:=.}" "${top_builddir:=.}"
exec "$top_builddir/tests/bits" "$top_srcdir/tests/golden/bert-sentence-h72" \
	"$top_srcdir/tests/golden/wordpiece/sample.txt" \
	$("$TENON" plugins list | awk '$1 == "backend" && $5 == "ok" { print $2 }')
