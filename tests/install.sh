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

demo=$(find "$dest" -path '*/share/tenon/ner.cfg')
if [ -n "$demo" ]; then
	TENON_PLUGIN_PATH=$plugins "$tenon" run "$demo" "a band in London" --format jsonl >"$out/out" 2>"$out/log" &&
		grep -q '"text":"London"' "$out/out"
	ok $? "the installed demo model answers"
fi

# What `tenon plugins new` writes, built and tested from what is installed alone; the command looks
# for its plugins there, too.
mkdir "$out/bin" "$out/new"
cat >"$out/bin/tenon" <<END
#!/bin/sh
TENON_PLUGIN_PATH=\${TENON_PLUGIN_PATH:+\$TENON_PLUGIN_PATH:}$plugins exec $tenon "\$@"
END
chmod 755 "$out/bin/tenon"
# outside DIRECTORY COMMAND ...: there, as somebody has it who installed tenon.
outside() {
	(cd "$1" && shift && PATH=$out/bin:$PATH PKG_CONFIG_SYSROOT_DIR=$dest \
		PKG_CONFIG_LIBDIR=$(dirname "$(find "$dest" -name tenon.pc)") "$@")
}
outside "$out/new" tenon plugins new head my-own >"$out/log" 2>&1
for kind in tokenizer backend model; do
	{ outside "$out/new" tenon plugins new $kind my-own &&
		outside "$out/new/$kind-my-own" $MAKE check ${CC:+CC="$CC"}; } >"$out/log" 2>&1 &&
		grep -q '^ok' "$out/log" && ! grep -q '^not ok' "$out/log"
	ok $? "a new $kind builds, passes its test and answers"
done
! outside "$out/new" tenon plugins new model my-own >"$out/log" 2>&1 &&
	grep -q 'model-my-own: it exists already, and nothing is overwritten' "$out/log"
ok $? "nothing is overwritten"
outside "$out/new/model-my-own" $MAKE install DESTDIR="$out/there" PLUGINDIR=/plugins >"$out/log" 2>&1 &&
	cmp "$out/there/plugins/model-my-own.so" "$out/new/model-my-own/model-my-own.so" >>"$out/log"
ok $? "its make install obeys DESTDIR and PLUGINDIR"
# The README's head, line by line, in an empty directory.
mkdir "$out/readme"
awk '/^```shell$/ { on = 1; next } /^```$/ { on = 0 } on' "$top_srcdir/README.md" >"$out/lines"
outside "$out/readme" sh -ex "$out/lines" >"$out/log" 2>&1 && [ -s "$out/lines" ] &&
	tail -n 1 "$out/log" | grep -q '"answer":{"label":"yes"'
ok $? "README: a head in ten minutes"

# The examples of the other kinds, and plugins of another compiler and other flags.
for example in chars/tokenizer exact/backend margin/head; do
	cp -R "$(cd "$top_srcdir" && pwd)/examples/${example%/*}" "$out/new"
done
outside "$out/new" tenon plugins new tokenizer chars >"$out/log" 2>&1 &&
	printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n\303\251\n' >"$out/new/tokenizer-chars/model/vocab.txt" &&
	outside "$out/new/chars" $MAKE check ${CC:+CC="$CC"} TESTFLAGS="--with ../tokenizer-chars/model" \
		>"$out/log" 2>&1 && ! grep -q '^not ok\|files of its own' "$out/log" &&
	TENON_PLUGIN_PATH=$out/new/chars outside "$out/new" tenon tokenize tokenizer-chars/model "ab éx" \
		--format jsonl >>"$out/log" 2>&1 && grep -q \
		'"piece":"é","bytes":\[3,5\],"word":1,.*"piece":"\[UNK\]","bytes":\[5,6\]' "$out/log"
ok $? "examples/chars builds, passes its test and is used"
outside "$out/new/exact" $MAKE ${CC:+CC="$CC"} >"$out/log" 2>&1 &&
	TENON_PLUGIN_PATH=$out/new/exact outside "$out/new" tenon run backend-my-own/my-own.cfg "a word" \
		--set 'backends=("exact","reference")' >"$out/exact" 2>>"$out/log" &&
	outside "$out/new" tenon run backend-my-own/my-own.cfg "a word" --set backends=reference >"$out/other" 2>>"$out/log" &&
	grep -o '"vector":\[-*0\.[0-9]\{5\}' "$out/exact" >"$out/numbers" && grep -qFf "$out/numbers" "$out/other"
ok $? "examples/exact builds and answers"
outside "$out/new/margin" $MAKE check ${CC:+CC="$CC"} >"$out/log" 2>&1 && ! grep -q '^not ok' "$out/log"
ok $? "examples/margin builds and passes its test"
flags="-O0 -fshort-enums -fno-omit-frame-pointer"
for cc in "${CC:-cc} $flags" "clang -O2"; do
	# A compiler that is not there is not tested, and says so.
	command -v ${cc%% *} >/dev/null || { echo "# no ${cc%% *}: a plugin built by it was not tested"; continue; }
	outside "$out/new/head-my-own" sh -c "$MAKE clean && $MAKE check CC='${cc%% *}' CFLAGS='${cc#* }'" >"$out/log" 2>&1
	ok $? "a plugin built by $(basename "${cc%% *}") ${cc#* } loads and passes its test"
done

# The model plugin of examples/eurobert, alone, as somebody else has it.
golden=$(cd "$top_srcdir" && pwd)/tests/golden/eurobert
mkdir "$out/eurobert"
cp "$top_srcdir/examples/eurobert/Makefile" "$top_srcdir/examples/eurobert/eurobert.c" "$out/eurobert"
lines=$(wc -l <"$out/eurobert/eurobert.c")
echo "it has $lines lines" >"$out/log"
[ "$lines" -lt 150 ]; ok $? "examples/eurobert: a model plugin of less than 150 lines"
outside "$out/eurobert" $MAKE ${CC:+CC="$CC"} \
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

# examples/hello.c: as C and as C++, by pkg-config and by CMake.
hello=$(cd "$top_srcdir" && pwd)/examples/hello.c
mkdir "$out/hello"
cat >"$out/hello/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.13)
project(hello C)
find_package(PkgConfig REQUIRED)
pkg_check_modules(TENON REQUIRED IMPORTED_TARGET tenon)
add_executable(by-cmake $hello)
target_link_libraries(by-cmake PkgConfig::TENON)
END
[ "$(wc -l <"$hello")" -le 20 ]; ok $? "examples/hello.c has at most 20 lines"
flags=$(outside . pkg-config --cflags --libs tenon)
outside "$out/hello" ${CC:-cc} -Wall -Wextra -Werror -o by-cc "$hello" $flags >"$out/log" 2>&1
ok $? "it compiles with the flags of pkg-config"
outside "$out/hello" ${CXX:-c++} -std=c++17 -Wall -Wextra -Werror -o by-cxx -x c++ "$hello" -x none \
	$flags >"$out/log" 2>&1
ok $? "so it does as C++17"
programs="by-cc by-cxx"
cmake=$(PATH=/usr/bin:$PATH command -v cmake)
if [ "$cmake" ]; then
	{ outside "$out/hello" "$cmake" -S . -B made ${CC:+-DCMAKE_C_COMPILER="${CC%% *}"} &&
		outside "$out/hello" "$cmake" --build made; } >"$out/log" 2>&1
	ok $? "so it does by CMake"
	programs="$programs made/by-cmake"
else
	ok 0 "so it does by CMake # SKIP there is no cmake"
fi
for program in $programs; do
	for config in ner.cfg broken.cfg; do
		TENON_PLUGIN_PATH=$plugins "$out/hello/$program" "$(dirname "$hello")/$config"
		echo "exit $?"
	done >"$out/out" 2>"$out/log"
	printf 'PER %s\nLOC %s\nexit 0\nexit 78\n' "0.9[0-9] 0-13" "0.9[0-9] 24-30" >"$out/wanted"
	[ "$(grep -c -x -f "$out/wanted" "$out/out")" = 4 ] && [ "$(wc -l <"$out/out")" = 4 ] &&
		grep -q 'no head "bio-crff"' "$out/log"
	ok $? "$program: label, score and bytes; a fault" "$out/out" "$out/log"
done

for dir in "$(cd "$top_builddir" && pwd -P)" "$(cd "$top_srcdir" && pwd -P)"; do
	find "$dest" -type f \( -name '*.so*' -o -path "*/bin/tenon" \) -exec readelf -d {} + |
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
