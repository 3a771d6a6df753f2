#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/plugin/abi.sh - what crosses between core and plugins has the layout that was recorded
# with minor 0 of its major, or has changed as a minor may change it (see TN_ABI_MAJOR in
# impl/plugin.h).  `abi.sh --record` records that of this tree: right only together with a new
# TN_ABI_MAJOR.
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
echo 1..4

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

# What a header calls frozen is so in the list.
(cd "$headers" && awk '
	/^\/\*\*/ { text = "" }
	{ text = text $0 }
	/^struct [a-z_0-9]* \{$/ { if (text ~ /Frozen[ *]*within[ *]*an[ *]*ABI[ *]*major/) print $2; text = "" }
' tensor.h pipeline.h impl/*.h) | sort >"$out/frozen"
sed -n 's/^struct \([a-z_0-9]*\) .* frozen$/\1/p' "$out/now" | sort >"$out/listed"
if [ -s "$out/frozen" ] && [ -z "$(comm -23 "$out/frozen" "$out/listed")" ]; then
	echo "ok 3 - what headers call frozen is listed so"
else
	echo "not ok 3 - what headers call frozen is listed so"
	comm -23 "$out/frozen" "$out/listed" | sed 's/^/# /'
fi

# What moved since minor 0.  A struct that is not frozen may have
# grown, an enum too; TN_N_OPS is room, not a count.
changes() {
	awk '
	FNR == 1 { file++; minor[file] = $2; next }
	/^[a-z]/ { owner = $1 " " $2; what = owner; value = $1 == "enum" ? "" : $3 + 0 " " $4 " " $5 }
	/^ / { what = owner " " $1; value = $2 }
	file == 1 { was[what] = value; order[++n] = what; kind[what] = owner; next }
	{ is[what] = value; if (!(what in was) && owner in was && was[owner] ~ /frozen/) print what ": new in what is frozen" }
	END {
		for (i = 1; i <= n; i++) {
			w = order[i]
			split(was[w], a, " "); split(is[w], b, " ")
			if (!(w in is)) print w ": gone"
			else if (was[w] == is[w]) continue
			else if (w ~ / .* /) print w ": was " was[w] ", is " is[w]
			else if (a[3] == "frozen" || a[3] != b[3] || a[2] != b[2] || b[1] < a[1] || minor[1] == minor[2])
				print w ": had size and alignment " was[w] ", has " is[w]
		}
		if (minor[1] == minor[2])
			for (w in is) if (!(w in was)) print w ": new"
	}' "$1" "$2"
}
name="what has changed since ABI $major.0 is what a minor may change"
if [ "$(sed -n 's/^struct tn_base //p' "$out/now")" != "16 8 frozen" ]; then
	echo "ok 4 - $name # SKIP it was recorded with 64 bits"
elif [ "$(head -n 1 "$record")" != "ABI $major.0" ]; then
	echo "not ok 4 - $name"
	echo "# $record is that of $(head -n 1 "$record")"
elif changes "$record" "$out/now" >"$out/log" && [ ! -s "$out/log" ]; then
	echo "ok 4 - $name"
else
	echo "not ok 4 - $name"
	sed 's/^/# /' "$out/log"
	echo "# See TN_ABI_MAJOR in impl/plugin.h: raise TN_ABI_MINOR when something was appended.  What"
	echo "# breaks plugins that were built before waits for the next major."
fi
