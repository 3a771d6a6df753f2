#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/cli/plugins.sh - tenon plugins list and show, and the dispatch of verbs.
: "${TENON:=./tenon}" "${top_srcdir:=.}" "${top_builddir:=.}"
mocks=$top_builddir/tests/mock
unset TENON_PLUGIN_PATH
. "$top_srcdir/tests/tap.sh"

run() {
	"$TENON" "$@" >"$out/out" 2>"$out/err" </dev/null
	code=$?
}
# has FILE PATTERN: a line of the output.
has() {
	grep -q -e "$2" "$out/$1"
}

run
[ $code = 64 ] && [ ! -s "$out/out" ] && has err '^Usage: tenon VERB'; ok $? "no verb: usage, 64"
run --version
[ $code = 0 ] && has out '^tenon [0-9]' && has out '^plugin ABI [0-9]*\.[0-9]'; ok $? "--version"
(export LD_LIBRARY_PATH=/planted; run --version; has out '^LD_LIBRARY_PATH=.*/planted$')
ok $? "PL17 what the dynamic linker was told is in --version"
run --help
[ $code = 0 ] && has out '^  plugins '; ok $? "--help lists the verbs"
run plugin
[ $code = 64 ] && has err 'no such verb: plugin; did you mean plugins?'; ok $? "unknown verb, 64"
run plugins --no-such-option
[ $code = 64 ]; ok $? "unknown option, 64"
run plugins destroy
[ $code = 64 ] && has err 'expected .tenon plugins list'; ok $? "unknown action, 64"
"$TENON" --version >/dev/full 2>"$out/err"
[ $? = 74 ] && has err 'writing to standard output failed'; ok $? "a full disk, 74"

run plugins --path "$mocks"
[ $code = 0 ] && has out '^head  *good  *1\.2\.3  *[0-9]*\.[0-9]*  *ok  */.*/head-good\.so$'
ok $? "list: a good one"
has out '^head  *no-slot  *-  *-  *BROKEN  */.*head-no-slot\.so: its slot decode is NULL'
ok $? "list: a broken one with its reason"
[ "$(grep -c " $mocks/" "$out/out")" = "$(ls "$mocks"/*.so | wc -l)" ]
ok $? "list: every file stands in it"
TENON_PLUGIN_PATH=$mocks/deadly; export TENON_PLUGIN_PATH
run plugins list
unset TENON_PLUGIN_PATH
[ $code = 0 ] && has out '^head  *crash .*BROKEN.* by signal 11'; ok $? "list: one that crashes"
has out '^head  *exit .*BROKEN.*ended the process with exit code 0'; ok $? "list: one that exits"
has out '^head  *hang .*BROKEN.*took more than 10 seconds'; ok $? "list: one that hangs"
cp "$mocks/head-good.so" "$out/head-good.so"
run plugins --path "$out" --path "$mocks" --format jsonl
has out '"name":"good","state":"hidden",.*"hidden_by":"/.*head-good\.so"'
ok $? "list: one that is hidden by another directory"
has out '^{"kind":"head","name":"good","state":"ok",'; ok $? "list: JSON lines"

run plugins show good --path "$mocks"
[ $code = 0 ] && has out '^head/good 1\.2\.3: a head for tests$'; ok $? "show: the title"
has out '^  names    good, also-good$'; ok $? "show: the names"
has out '^floor  *real  *0\.5  *0 to 1  *answer only when'; ok $? "show: a real option"
has out '^count  *integer  *3  *1 to 9  *how many'; ok $? "show: an integer option"
has out '^way  *choice  *last  *first, last  *which'; ok $? "show: a choice"
run plugins show head/good --man --path "$mocks"
[ $code = 0 ] && has out '^\.TH "TENON\\-HEAD\\-GOOD" 7' && has out '^\\fBfloor\\fR (real, 0 to 1; default 0.5)$'
ok $? "show: a manual page"
run plugins show no-slot --path "$mocks"
[ $code = 64 ] && has err 'several plugins are called "no-slot"; say KIND/no-slot'
ok $? "show: an ambiguous name, 64"
run plugins show goood --path "$mocks"
[ $code = 69 ] && has err 'no plugin "goood"; did you mean "good"?'; ok $? "show: no such plugin, 69"
run plugins show head/undefined --path "$mocks"
[ $code = 69 ] && has err 'undefined symbol: tn_mock_missing'; ok $? "show: dlerror's words, 69"
run plugins show tail/x
[ $code = 64 ] && has err 'found "tail/x", expected NAME or KIND/NAME'; ok $? "show: no such kind, 64"
plan
