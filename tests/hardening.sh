#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/hardening.sh - what the built library, command and plugins are protected by, and what
# they show of themselves.
: "${top_builddir:=.}"
cd "$top_builddir" || exit 1
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
libtenon=core/.libs/libtenon.so tenon=core/.libs/tenon
[ -f $tenon ] || tenon=core/tenon
n=0

# ok DESCRIPTION: passes when no fault was written to $out/faults.
ok() {
	n=$((n + 1))
	if [ -s "$out/faults" ]; then
		echo "not ok $n - $1"
		sed 's/^/# /' "$out/faults"
	else
		echo "ok $n - $1"
	fi
	: >"$out/faults"
}
# each TEXT COMMAND...: TEXT is wrong with every file that the command, given it, fails for.
each() {
	wrong=$1
	shift
	for file in $files; do
		"$@" "$file" || echo "$file $wrong" >>"$out/faults"
	done
}
# variable NAME: of the Makefile.
variable() {
	sed -n "s/^$1 = *//p" Makefile
}
# dynamic PATTERN FILE: in its dynamic section.
dynamic() {
	readelf -dW "$2" | grep -q -E "$1"
}
has_relro() {
	readelf -lW "$1" | grep -q GNU_RELRO && dynamic 'BIND_NOW|FLAGS_1.*NOW' "$1"
}
is_pie() {
	dynamic 'FLAGS_1.*PIE' "$1"
}
# No segment is writable and executable, the stack among them.
is_exclusive() {
	readelf -lW "$1" | awk '$1 == "GNU_STACK" { stack = 1 }
		$2 ~ /^0x/ && / RWE / { bad = 1 } END { exit bad || !stack }'
}
has_no_textrel() {
	! dynamic TEXTREL "$1"
}
# imports PATTERN FILE
imports() {
	nm -D --undefined-only "$2" | grep -q -E "$1"
}
# flags FILE: how its parts were compiled, from the debug information; nothing without.
flags() {
	LC_ALL=C grep -a -o 'GNU C[0-9]* [0-9][ -~]*' "$1"
}
compiled_protected() {
	! flags "$1" | grep -q -v -e '-fstack-protector-strong'
}
# Instructions of other processors are for the kernels, by -mavx2 and the like.
compiled_for_all() {
	! flags "$1" | grep -o -e '-march=[^ ]*' | grep -q -v -x -F -e "$march"
}
exports_a_plugin() {
	[ "$(nm -D --defined-only "$1" | awk '{ print $3 }')" = tn_plugin_v1 ]
}

: >"$out/faults"
plugins=$(find backends heads plugins -path '*/.libs/*-*.so' -type f | sort)
files="$libtenon $tenon $plugins"
[ "$(echo "$plugins" | wc -l)" -gt 5 ] || echo "plugins: $plugins" >>"$out/faults"
ok "the library, the command and $(echo "$plugins" | wc -l) plugins"

hardened=yes
./config.status --config | grep -q -e '--disable-hardening' && hardened=
if [ $hardened ]; then
	each "is not bound and read-only once it is loaded" has_relro
	ok "full RELRO: all is bound when it is loaded, and read-only from then on"
	is_pie $tenon || echo "$tenon stands at a fixed address" >>"$out/faults"
	ok "the command is position independent"
	each "has parts without -fstack-protector-strong" compiled_protected
	for file in $libtenon $tenon; do
		imports __stack_chk_fail $file || echo "$file guards no stack" >>"$out/faults"
	done
	ok "stacks are guarded"
	case $(variable TN_CPPFLAGS) in
	*FORTIFY*)
		for file in $libtenon $tenon; do
			imports '__[a-z]*_chk(@|$)' $file || echo "$file is not fortified" >>"$out/faults"
		done
		ok "functions of libc are the fortified ones" ;;
	*)
		ok "(fortified functions need an optimizing compiler)" ;;
	esac
else
	[ -z "$(variable TN_CPPFLAGS)" ] || echo "TN_CPPFLAGS = $(variable TN_CPPFLAGS)" >>"$out/faults"
	ok "(--disable-hardening: RELRO, PIE, guards and fortified functions are not asked for)"
fi
each "has a segment or a stack that is writable and executable" is_exclusive
ok "what is writable, the stack too, is not executable"
each "has relocations in its code" has_no_textrel
ok "no relocations in code"

nm -D --defined-only --with-symbol-versions $libtenon | awk '$2 != "A" { print $3 }' |
	grep -v '^tn_[a-z0-9_]*@@TENON_0$' | sed 's/^/libtenon exports /' >"$out/faults"
[ "$(nm -D --defined-only $libtenon | wc -l)" -gt 50 ] || echo "libtenon exports too little" >>"$out/faults"
nm -D --defined-only $tenon | grep ' tn_' | sed 's/^/the command exports /' >>"$out/faults"
for file in $plugins; do
	exports_a_plugin "$file" || echo "$file exports more or less than tn_plugin_v1" >>"$out/faults"
done
ok "only what the version script names is visible"
march=$(echo 'int x;' | $(variable CC) $(variable CFLAGS) -g -S -x c -o - - | grep -o -e '-march=[^ "]*' | head -n 1)
each "has parts for one processor alone" compiled_for_all
ok "compiled for every processor of the kind${march:+ ($march)}"
echo "1..$n"
