#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/plugin/abi.sh - the layout of what crosses between core and plugins is the recorded
# one.  `abi.sh --record` records that of this tree: right only together with a new
# TN_ABI_MINOR (members appended to structs that cross by pointer) or TN_ABI_MAJOR.
: "${top_srcdir:=.}" "${top_builddir:=.}"
program=$top_builddir/tests/abi_layout
headers=$top_srcdir/core/include/tenon
major=$(sed -n 's/^#define TN_ABI_MAJOR //p' "$headers/impl/plugin.h")
record=$top_srcdir/tests/plugin/abi-$major.txt
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

if [ "${1-}" = --record ]; then
	"$program" >"$record"
	exit
fi
echo 1..3

"$program" >"$out/now" 2>"$out/unlisted"
if [ -s "$out/unlisted" ]; then
	echo "not ok 1 - each member is listed in abi_layout.c"
	sed 's/^/# /' "$out/unlisted"
else
	echo "ok 1 - each member is listed in abi_layout.c"
fi

sed -n 's/^\(struct [a-z_0-9]*\) {$/\1/p; s/^\(union [a-z_0-9]*\) {$/\1/p' "$headers/tensor.h" \
	"$headers/pipeline.h" "$headers"/impl/*.h | sort >"$out/declared"
sed -n 's/^\(\(struct\|union\) [a-z_0-9]*\) .*/\1/p' "$out/now" | sort >"$out/listed"
if diff "$out/declared" "$out/listed" >"$out/diff"; then
	echo "ok 2 - each struct is listed in abi_layout.c"
else
	echo "not ok 2 - each struct is listed in abi_layout.c"
	sed -n 's/^</# not listed:/p; s/^>/# not declared:/p' "$out/diff"
fi

# Each line of a member with its struct or enum in front, so that a change is readable.
flat() {
	awk '/^ / { print owner $1, $2; next } { owner = $1 " " $2 " "; print }' "$1"
}
flat "$record" >"$out/was"
flat "$out/now" >"$out/is"
if [ "$(sed -n 's/^struct tn_base //p' "$out/now")" != "16 8" ]; then
	echo "ok 3 - the layout is the recorded one # SKIP it was recorded with 64 bits"
elif diff "$out/was" "$out/is" >"$out/diff"; then
	echo "ok 3 - the layout is the recorded one"
else
	echo "not ok 3 - the layout is the recorded one"
	sed -n 's/^</# was:/p; s/^>/# is: /p' "$out/diff"
	echo "# What moved breaks plugins that were built before: raise TN_ABI_MINOR when members"
	echo "# were only appended to structs that cross by pointer, else TN_ABI_MAJOR, and record"
	echo "# the new layout by tests/plugin/abi.sh --record."
fi
