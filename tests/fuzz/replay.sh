#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/fuzz/replay.sh - the seeds of each target of fuzz.c, once: no crash, no promise broken.
# tests/fuzz.sh goes on from there.
: "${top_srcdir:=.}" "${top_builddir:=.}"
. "$top_srcdir/tests/tap.sh"
export OMP_WAIT_POLICY=passive

"$top_srcdir/tests/fuzz/seeds.sh" "$out/seeds" >"$out/log" 2>&1
ok $? "seeds are made"
for folder in "$out"/seeds/*/; do
	target=$(basename "$folder")
	"$top_builddir/tests/fuzz/replay" "$target" "$folder"* >"$out/log" 2>&1
	status=$?
	tail -n 30 "$out/log" >"$out/last"
	ok $status "$target: $(ls "$folder" | wc -l) inputs" "$out/last"
done
plan
