#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/flags.sh - the user's flags come behind those of the project, which --disable-hardening
# cuts short, and none ties what is installed to this machine.
: "${top_srcdir:=.}" "${top_builddir:=.}" "${MAKE:=make}"
. "$top_srcdir/tests/tap.sh"
unset MAKEFLAGS MFLAGS
cd "$top_builddir" || exit 1

# variable NAME: of the Makefile.
variable() {
	sed -n "s/^$1 = *//p" Makefile
}

# One object of the library, one of a plugin and one of the kernels, as they would be compiled
# with one flag more than those given to configure.
flags="$(variable CFLAGS) -O0" srcdir=$(variable srcdir)
$MAKE -n V=1 CFLAGS="$flags" CPPFLAGS=-DUSER -W "$srcdir/core/base/arena.c" \
	-W "$srcdir/heads/cls/cls.c" -W "$srcdir/backends/kernels/gemm.c" \
	core/base/libtenon_la-arena.lo heads/cls/cls.lo backends/kernels/libkernels_la-gemm.lo \
	2>"$out/log" | grep -e '--mode=compile' >"$out/made"
[ "$(wc -l <"$out/made")" = 3 ]; ok $? "three objects would be compiled"
# behind FLAGS OTHERS: on each line FLAGS stand, once, and after all OTHERS.
behind() {
	awk -v flags=" $1 " -v others="$2" '
		{ at = index($0, flags); rest = substr($0, at + length(flags) - 1) }
		!at || index(rest, flags) || rest ~ others { print }' "$out/made" >"$out/log"
	[ ! -s "$out/log" ]
}
behind "$flags" ' -[OfWm][a-z0-9]'; ok $? "CFLAGS of the user stand behind those of the project: $flags"
behind -DUSER ' -(I|D[A-Z_]*FORTIFY)'; ok $? "so do CPPFLAGS"

# unknown FLAG: configure found that this compiler does not take it.
unknown() {
	grep -q "^tn_cv_flag_$(echo "$1" | sed 's/[^A-Za-z0-9]/_/g')=no\$" config.log
}
hardening='-fstack-protector-strong -fstack-clash-protection -fcf-protection=full'
linking='-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack'
if ./config.status --config | grep -q -e '--disable-hardening'; then
	for flag in $hardening -D_FORTIFY_SOURCE; do
		grep -e "$flag" "$out/made"
	done >"$out/log"
	[ ! -s "$out/log" ]; ok $? "--disable-hardening leaves out what hardens objects"
	! variable TN_LDFLAGS | grep -e '-z,' >"$out/log"; ok $? "and files"
else
	for flag in $hardening; do
		unknown "$flag" || grep -v -e " $flag " "$out/made"
	done >"$out/log"
	[ ! -s "$out/log" ]; ok $? "objects are hardened"
	for flag in $linking; do
		unknown "$flag" || variable TN_LDFLAGS | grep -v -e "$flag"
	done >"$out/log"
	[ ! -s "$out/log" ]; ok $? "and files"
fi
grep -E -v '^(C|CXX|CPP|LD)FLAGS = ' Makefile | grep -E -e '-march=native|-mtune=native|-ffast-math|-Ofast' >"$out/log"
[ ! -s "$out/log" ]; ok $? "nothing is compiled for this processor alone, or with other arithmetic"
plan
