#!/bin/sh
# test.sh - make check: the tests that tenon has for every KIND, then a run.
TENON_PLUGIN_PATH=$PWD${TENON_PLUGIN_PATH:+:$TENON_PLUGIN_PATH}
export TENON_PLUGIN_PATH
: "${TENON:=tenon}"

"$TENON" plugins test ./KIND-sample-name.so || exit 1
answer=$("$TENON" run sample-name.cfg "a word or two") || exit 1
echo "# $answer"
case $answer in
*'EXPECTED'*) ;;
*) echo "the answer has no EXPECTED" >&2; exit 1 ;;
esac
