#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/conform/plugins.sh - tenon plugins test: it passes what `tenon plugins new` writes, and
# fails each plugin that is wrong in one place for that reason.
: "${TENON:=./tenon}" "${top_srcdir:=.}" "${top_builddir:=.}"
bad=$top_builddir/tests/bad
. "$top_srcdir/tests/tap.sh"

# test_of KIND-NAME OPTION ...
test_of() {
	file=$bad/$1.so
	shift
	"$TENON" plugins test "$file" --timeout 30 "$@" >"$out/out" 2>"$out/err" </dev/null
	code=$?
}
# fails KIND-NAME PATTERN [OPTION ...]: one case, with this reason, and the others go on.
fails() {
	plugin=$1 pattern=$2
	shift 2
	test_of "$plugin" "$@"
	[ $code = 69 ] && grep -q "^not ok [0-9]* - $plugin: $pattern" "$out/out" &&
		grep -q '^1\.\.[0-9]' "$out/out"
	ok $? "$plugin: $pattern"
}

for kind in tokenizer model head; do
	test_of $kind-good
	[ $code = 0 ] && [ "$(grep -c '^ok' "$out/out")" -ge 8 ] && ! grep -q '^not ok' "$out/out"
	ok $? "a good $kind passes"
done

fails tokenizer-reads-beyond 'encode: one letter: ended the process by signal 11' --only encode
fails tokenizer-wrong-end 'encode: texts of all sorts: .*: token 0 has the bytes 0 to 2, the text has 1' --only encode
fails tokenizer-wrong-id 'encode: texts of all sorts: .* has the id [0-9]*, the vocabulary has 260' --only encode
fails tokenizer-hangs 'encode: an empty text: took more than 2 seconds' --only 'all sorts' --timeout 2
fails tokenizer-own-state 'encode: threads: its state has changed' --only threads
fails tokenizer-any-piece 'piece: all ids, and strange ones: the id 2147483647 has a text' --only piece
fails tokenizer-exits 'encode: an empty text: ended the process with exit code 0' --only encode
# (With a sanitizer these take long, and core/conform/backend.c runs in conform_backend.)
if [ -z "${SANITIZED:-}" ]; then
	fails backend-no-bias 'run: linear: .* results are wrong, the first: linear .*off by' --only run
	fails backend-by-rows 'run: linear: .* results are wrong, the first: linear .*\(other bits\|off by\)' --only run
	fails backend-crashes 'run: linear .*: ended the process by signal 11 (Segmentation fault)' --only run
fi
fails model-silent 'open: config.json with each key wrong: .* an error is both' --only config.json
fails head-aborts 'decode: of "": ended the process by signal 6 (Aborted)' --only sorts
fails head-changes 'decode: alone, again and in a batch the same bits: .*another answer' --only alone
fails head-trusts 'target: strange gold, number 1: ended the process by signal 11' --only target
# (A sanitizer ends the process at a division by zero, and its malloc counts nothing.)
if [ -z "${SANITIZED:-}" ]; then
	fails model-divides 'open: config.json with num_attention_heads 0: ended the process by signal 8' --only config.json
	fails tokenizer-leaks 'close: leaks: leaves about [0-9]* bytes of memory each time' --only leaks
fi

"$TENON" plugins test "$bad/none.so" >"$out/out" 2>"$out/err"
[ $? = 64 ] && grep -q 'found "none.so", expected a file KIND-NAME.so' "$out/err"
ok $? "a file of another name, 64"
"$TENON" plugins test "$bad/head-none.so" >"$out/out" 2>"$out/err"
[ $? = 66 ] && grep -q 'head-none.so: there is no such file' "$out/err"
ok $? "a file that is not there, 66"
cp "$top_builddir/tests/mock/head-no-slot.so" "$out/"
"$TENON" plugins test "$out/head-no-slot.so" --only pipeline >"$out/out" 2>"$out/err"
[ $? = 69 ] && grep -q '^not ok 1 - head-no-slot: open: .*its slot decode is NULL' "$out/out"
ok $? "a plugin that does not load, 69"
plan
