#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/static.sh BUILD - by hand: tenon with all plugins linked in, built in the folder BUILD,
# runs the pipelines of the quick start, and finds what it runs in itself.
build=${1:?usage: tests/static.sh BUILD}
top_srcdir=$(cd "$(dirname "$0")/.." && pwd)
. "$top_srcdir/tests/tap.sh"
unset TENON_PLUGIN_PATH

[ -x "$top_srcdir/configure" ] || (cd "$top_srcdir" && ./autogen.sh) >"$out/log" 2>&1
mkdir -p "$build" && cd "$build" && { [ -f Makefile ] || "$top_srcdir/configure" -q --disable-shared \
	--enable-static --with-static-plugins=all --prefix=/nowhere; } >>"$out/log" 2>&1 &&
	make -j"$(nproc)" >>"$out/log" 2>&1
ok $? "the build"
tenon=$PWD/core/tenon
cd "$top_srcdir" || exit 1

# run ARGUMENT...: the command's answer.
run() {
	"$tenon" "$@" >"$out/out" 2>"$out/err" </dev/null
}
run plugins list && awk 'NR > 1 && !/ ok .*\(built in\)/ { bad = 1 } END { exit bad || NR < 20 }' "$out/out"
ok $? "$(($(wc -l <"$out/out") - 1)) plugins, all linked in"
text="Angela Merkel met the band in London, and it was a wonderful evening."
run run examples/ner.cfg "$text" && grep -q '"label":"PER","text":"Angela Merkel"' "$out/out" &&
	grep -q '"label":"positive"' "$out/out"
ok $? "two heads"
run run examples/qa.cfg "Who checks the batteries?" --pair-file examples/lighthouse.txt &&
	grep -q '"text":"Aoife Brennan"' "$out/out"
ok $? "a question"
run run examples/ner.cfg "$text" --set backends=reference && grep -q '"text":"London"' "$out/out"
ok $? "another backend"
run check examples/broken.cfg
grep -q 'no head "bio-crff"; did you mean "bio-crf"?' "$out/err"
ok $? "the plugins that there are, when one is not there"
plan
