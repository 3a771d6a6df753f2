#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/headers.sh - each public header stands alone, as C11 and as C++17; each function in it
# is described; and libtenon exports what headers declare, nothing else.
: "${top_srcdir:=.}" "${top_builddir:=.}" "${CC:=cc}" "${CXX:=c++}"
include=$top_srcdir/core/include
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
headers=$(cd "$include" && ls tenon/*.h tenon/impl/*.h)
warnings='-Wall -Wextra -Werror -pedantic-errors'
n=0

result() {	# status name
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" || { sed 's/^/# /' "$out/log"; echo "not ok $n - $2"; }
}

echo 1..$((2 * $(echo $headers | wc -w) + 4))
for header in $headers; do
	printf '#include <%s>\nextern int one;\n' "$header" >"$out/one.c"
	$CC -std=c11 $warnings -I"$include" -fsyntax-only "$out/one.c" >"$out/log" 2>&1
	result $? "$header as C11"
	cp "$out/one.c" "$out/one.cc"
	$CXX -std=c++17 $warnings -I"$include" -fsyntax-only "$out/one.cc" >"$out/log" 2>&1
	result $? "$header as C++17"
done

# A declaration at the left margin follows a comment, or one that does.
(cd "$include" && awk '
	FNR == 1 { described = 0 }
	/\*\/[ \t]*$/ { described = 1; next }
	/^TN_API/ && !described { print FILENAME ":" FNR ": " $0; bad = 1 }
	/^$/ || /^[#}]/ { described = 0 }
	END { exit bad }' $headers) >"$out/log" 2>&1
result $? "each function has a comment"

names() {	# mark files ...: functions declared with it
	mark=$1
	shift
	cat "$@" | tr '\n' ' ' | grep -oE "\\b$mark [^;{]*" |
		sed -nE 's/^[A-Z_]+ [^(]*[ *](tn_[a-z0-9_]+)\(.*/\1/p' | sort -u
}
names TN_API $(for h in $headers; do echo "$include/$h"; done) >"$out/public"
names TN_PRIVATE $(find "$top_srcdir/core" -name '*.h') >"$out/private"
nm -D --defined-only "$top_builddir/core/.libs/libtenon.so" | sed -n 's/.* [A-Z] //p' |
	sed 's/@.*//' | grep -v '^TENON_' | sort -u >"$out/exported"
[ -s "$out/public" ] && [ -s "$out/exported" ]
result $? "headers and library are read"
comm -23 "$out/public" "$out/exported" >"$out/log"
! [ -s "$out/log" ]
result $? "what public headers declare is exported"
sort -u "$out/public" "$out/private" | comm -13 - "$out/exported" >"$out/log"
! [ -s "$out/log" ]
result $? "what is exported is declared as TN_API or TN_PRIVATE"
