#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/install.sh - make install into an empty directory: what is there works, others build a
# plugin from it alone, and it holds no path of the build.
: "${top_srcdir:=.}" "${top_builddir:=.}" "${MAKE:=make}"
. "$top_srcdir/tests/tap.sh"
dest=$out/root

unset TENON_PLUGIN_PATH MAKEFLAGS MFLAGS
$MAKE -C "$top_builddir" install DESTDIR="$dest" >"$out/log" 2>&1
ok $? "make install into an empty directory"

tenon=$(find "$dest" -path '*/bin/tenon')
plugins=$(find "$dest" -type d -name 'tenon-[0-9]*')
LD_LIBRARY_PATH=$(dirname "$plugins")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
"$tenon" --version >"$out/log" 2>&1
ok $? "the installed command runs"
"$tenon" plugins list --format jsonl --path "$plugins" 2>"$out/log" |
	sed 's/"file":"[^"]*",*//; s/,}/}/' | sort >"$out/installed"
"$top_builddir/tenon" plugins list --format jsonl 2>>"$out/log" |
	grep -F "\"$(cd "$top_builddir" && pwd -P)/" | sed 's/"file":"[^"]*",*//; s/,}/}/' |
	sort >"$out/built"
[ -s "$out/installed" ] && diff "$out/installed" "$out/built" >>"$out/log"
ok $? "it lists the same plugins as the built one"
! grep -q '"state":"broken"' "$out/installed"
ok $? "no installed plugin is broken" "$out/installed"
[ "$(find "$dest" -name 'tenon-*-*.7' | wc -l)" = \
	"$(find "$plugins" -type f -name '*.so' | wc -l)" ]
ok $? "each plugin has a manual page"

# The model plugin of examples/eurobert, alone, as somebody else has it.
golden=$(cd "$top_srcdir" && pwd)/tests/golden/eurobert
mkdir "$out/eurobert"
cp "$top_srcdir/examples/eurobert/Makefile" "$top_srcdir/examples/eurobert/eurobert.c" "$out/eurobert"
lines=$(wc -l <"$out/eurobert/eurobert.c")
echo "it has $lines lines" >"$out/log"
[ "$lines" -lt 150 ]; ok $? "examples/eurobert: a model plugin of less than 150 lines"
PKG_CONFIG_SYSROOT_DIR=$dest PKG_CONFIG_LIBDIR=$(dirname "$(find "$dest" -name tenon.pc)") \
	$MAKE -C "$out/eurobert" ${CC:+CC="$CC"} \
	CFLAGS="-O2 -Wall -Wextra -Wno-unused-parameter -Werror" >"$out/log" 2>&1
ok $? "its own Makefile builds it with the flags of tenon.pc"
for model in "$golden"/*; do
	TENON_PLUGIN_PATH=$plugins $MAKE -C "$out/eurobert" check TENON="$tenon" DIR="$model" \
		>"$out/log" 2>&1 &&
		grep -q "cases agree within 0.0001 on .*reference" "$out/log"
	ok $? "eurobert: ${model##*/} as transformers has it, on each backend"
	TENON_PLUGIN_PATH=$out/eurobert:$plugins "$tenon" gradcheck "$model" --entries 1 \
		--set 'backends=("reference")' >"$out/log" 2>&1
	ok $? "eurobert: ${model##*/}: gradients"
done

for dir in "$(cd "$top_builddir" && pwd -P)" "$(cd "$top_srcdir" && pwd -P)"; do
	find "$dest" -type f \( -name '*.so*' -o -name tenon \) -exec readelf -d {} + |
		grep -E 'RPATH|RUNPATH' | grep -F "$dir"
done >"$out/log"
[ ! -s "$out/log" ] && [ "$(find "$dest" -type f -name '*.so*' | wc -l)" -gt 5 ]
ok $? "no installed file looks for libraries in a directory of the build"
# Neither the build directory nor the sources' may be named, in debug information either.
for dir in "$(cd "$top_builddir" && pwd -P)" "$(cd "$top_srcdir" && pwd -P)"; do
	find "$dest" -type f -exec grep -laF "$dir" {} +
done >"$out/log"
# (A sanitizer notes where the code of each of its checks stood.)
if [ -z "${SANITIZED:-}" ]; then
	[ ! -s "$out/log" ]
	ok $? "no installed file names a directory of the build"
fi
$MAKE -C "$top_builddir" uninstall DESTDIR="$dest" >"$out/log" 2>&1 && find "$dest" ! -type d >"$out/log"
[ ! -s "$out/log" ]
ok $? "make uninstall removes all of it"
plan
