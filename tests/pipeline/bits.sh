#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/pipeline/bits.sh - 1000 sentences on each backend that was built, and in bf16, which is
# the same on all, on the first: alone, in batches, shuffled, from threads, equal to the last bit.
: "${TENON:=./tenon}" "${top_srcdir:=.}" "${top_builddir:=.}"
exec "$top_builddir/tests/bits" "$top_srcdir/tests/golden/bert-sentence-h72" \
	"$top_srcdir/tests/golden/wordpiece/sample.txt" \
	$("$TENON" plugins list | awk '$1 == "backend" && $5 == "ok" {
		print $2; if ($2 != "reference" && !n++) print $2 ":bf16" }')
