#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/heads/foreign.sh - functions of other libraries as heads: what they are given and give, and
# each way in which one cannot be called.
: "${TENON:=./tenon}" "${top_srcdir:=.}"
. "$top_srcdir/tests/tap.sh"
export OMP_WAIT_POLICY=passive

chmod 755 "$out"
mkdir "$out/foreign"
cp "$top_srcdir"/examples/foreign/* "$out/foreign"
model=$(cd "$top_srcdir" && pwd)/tests/golden/bert-model-h40
lib=$out/foreign/libtextstat.so
${CC:-cc} -O2 -shared -fPIC -o "$lib" "$out/foreign/textstat.c" -lm >"$out/log" 2>&1 && chmod 755 "$lib"
ok $? "examples/foreign: the library builds"

# call CONFIG ARGUMENT ...
call() {
	config=$1
	shift
	"$TENON" run "$out/foreign/$config.cfg" --set model="$model" --set backends=reference \
		--format jsonl "$@" >"$out/out" 2>"$out/err" </dev/null
	code=$?
}
# refused CODE TEXT DESCRIPTION
refused() {
	[ $code = "$1" ] && [ "$(wc -l <"$out/err")" = 1 ] && grep -qF -- "$2" "$out/err"
	ok $? "$3"
}
# The head as others are set: style NAME=VALUE ...
style() {
	for setting; do
		shift
		set -- "$@" --set "heads.style.$setting"
	done
	call textstat "AB cd" "$@"
}

call libm "four" "" "sixteen bytes..."
[ $code = 0 ] && [ "$(grep -o '"root":.*' "$out/out" | tr '\n' ' ')" = \
	'"root":{"value":2.0}} "root":{"value":0.0}} "root":{"value":4.0}} ' ]
ok $? "pow of libm: the square root of the number of bytes"
call textstat "AB cd" "none" "ALL"
[ $code = 0 ] && [ "$(grep -o '"score":\[[0-9.]*,' "$out/out" | tr '\n' ' ')" = \
	'"score":[0.5, "score":[0.0, "score":[1.0, ' ]
ok $? "text_stat: the share of capital letters"
# The length of the row is that of the vector which the head embed gives.
"$TENON" run "$model" "AB cd" --set backends=reference --set 'heads.e={use="embed"; normalize=false;}' \
	--format jsonl 2>>"$out/err" </dev/null | sed 's/.*\[//; s/\].*//' | tr ',' '\n' |
	awk '{ s += $1 * $1 } END { printf "%.5f\n", sqrt(s) }' >"$out/rows"
sed -n '1s/.*"score":\[[0-9.]*,\([0-9.]*\).*/\1/p' "$out/out" | awk '{ printf "%.5f\n", $1 }' |
	cmp - "$out/rows" >>"$out/err" && grep -q '[1-9]' "$out/rows"
ok $? "text_stat: the rows are those of the model"
style symbol=longest_token status=false rows=tokens \
	'signature=i16 (u32* begin[rows], in u32* end, usize rows)'
[ $code = 0 ] && grep -q '"style":{"value":[12]}' "$out/out"
ok $? "longest_token: a row for each token, with its bytes"
call textstat "" --set heads.style.symbol=longest_token --set heads.style.status=false \
	--set heads.style.rows=tokens --set 'heads.style.signature=i16 (u32* begin, u32* end, usize rows)'
[ $code = 0 ] && grep -q '"style":{"value":-1}' "$out/out"
ok $? "a negative number of 16 bits; no row"
call textstat "in" --pair "the cat sat on the mat" --set heads.style.symbol=longest_token \
	--set heads.style.status=false --set heads.style.rows=tokens \
	--set 'heads.style.signature=i16 (u32* begin, u32* end, usize rows)' \
	--set model="$top_srcdir/tests/golden/bert-qa-h40" --set 'heads.answer={use="span-qa";}'
[ $code = 0 ] && grep -q '"style":{"value":[12]}' "$out/out"
ok $? "rows of the first text where the second is the long one"
# The softmax of another head's scores is what that head answers.
feel() {
	call textstat "AB cd" --set model="$top_srcdir/tests/golden/bert-seqcls-h100" \
		--set 'heads.feel={use="cls";}' --set heads.style.symbol=softmax \
		--set heads.style.status=false --set heads.style.of="$1" --set heads.style.serial=true \
		--set "heads.style.signature=void (f32* ${2:-scores}[rows,cols], usize rows, usize cols, out f64* p[cols])"
}
feel feel
[ $code = 0 ] && sed 's/.*"p":\[\([^]]*\)\].*/\1/' "$out/out" | tr ',' '\n' | sort -g | tail -n 1 >"$out/most" &&
	sed 's/.*"feel":{"label":"[^"]*","score":\([0-9.]*\).*/\1/' "$out/out" | paste "$out/most" - |
	awk '{ d = $1 - $2; exit !($1 > 0 && d < 1e-6 && d > -1e-6) }'
ok $? "scores of another head, which stands behind this one; calls one at a time"
feel feeling
refused 78 'head style asks for the scores of head "feeling", which is not there' "a head that is not there"
feel style
refused 78 "heads.style needs its own scores" "a head's own scores"
feel feel hidden
refused 78 'found "hidden", expected "scores", those of head feel' "rows of the model beside scores"
style status=false 'signature=void (f32* scores)'
refused 78 "heads.style.of is missing: the head whose scores are given" "scores of no head"
style n=1
[ $code = 65 ] && grep -q '"error":"text_stat returned 1, expected 0"' "$out/out"
ok $? "status: not 0 is that text's error"
printf 'a\000b\n' >"$out/nul"
call textstat --input "$out/nul"
[ $code = 65 ] && grep -q '"error":.*the text has a NUL byte, which \\"cstr text\\" cannot hold' "$out/out"
ok $? "a NUL in a cstr is that text's error"
style status=false 'signature=void (u8* text[len], usize len, f32* hidden, u64 rows, usize cols, out f32* score[2], i8 n)'
[ $code = 0 ] && grep -q '"style":{"score":\[0.5,[0-9.]*\]}' "$out/out"
ok $? "other types of the same size; nothing returned"

bad() {
	style "signature=$1"
	refused 78 "tenon: heads.style.signature: $2" "signature: $1"
}
bad "flot (f64 len)" 'column 1: found "flot", expected the type of what is returned'
bad "cstr ()" 'a function that returns a text cannot be called'
bad "i32 f64 len)" 'column 5: found "f64", expected "("'
bad "i32 (f64 len" 'column 13: found the end, expected "," or ")"'
bad "i32 (f64 len) x" 'column 15: found "x", expected the end'
bad "i32 (...)" 'column 6: found ".", expected a type'
bad "i32 (struct s)" 'column 6: found "struct", expected a type'
bad "i32 (f64 width)" 'column 10: found "width", expected len, pair_len, rows, cols or n'
bad "i32 (cstr hidden)" 'column 11: found "hidden", expected cstr text or cstr pair'
bad "i32 (f64* hidden)" 'column 11: found "hidden", expected u8* text'
bad "i32 (f32* hidden[cols,rows])" 'column 18: found "cols", expected text[len]'
bad "i32 (out f32* score)" 'column 20: found ")", expected "[" and how many'
bad "i32 (out f32* score[0])" 'column 21: found "0", expected a whole number from 1 to 1000000'
bad "i32 (out f32 score[n])" 'column 14: found "score", expected "*"'
bad "i32 (out f32* a[n], out f32* a[n])" '"a" is the name of another part'
bad "i32 (f64 x = 1e999)" 'column 14: found "1", expected a number'
style status=false 'signature=i32 (u32* begin)'
refused 78 'needs rows = "tokens"' "bytes of tokens without tokens"
style 'signature=f32 ()'
refused 78 'heads.style.status: the function returns f32, expected an integer' "a status that is no integer"
style n=0
refused 78 'heads.style.n is missing, and there are no labels' "n is needed"
style symbol=text_stats
refused 69 'undefined symbol: text_stats' "a symbol that is missing"
style library="$out/nothing.so"
refused 69 "nothing.so: No such file or directory" "a library that is missing"
style library="$out"
refused 69 "not a regular file" "a library that is a folder"
style library="$out/foreign/textstat.c"
refused 69 "textstat.c: " "a library that is none"
style soname=libm.so.6
refused 78 "expected either library, a file, or soname" "a file and a name"
call libm x --set heads.root.soname=libnothing.so.7
refused 69 "libnothing.so.7: cannot open shared object file" "a name that the system does not know"
# A file of weights that says which function is to be called.
header='{"__metadata__":{"tenon":"{\"options\":{\"symbol\":\"longest_token\"}}"},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
{ printf "\\$(printf %03o ${#header})\\0\\0\\0\\0\\0\\0\\0" && printf '%s\0\0\0\0' "$header"; } >"$out/named.safetensors"
style weights="$out/named.safetensors"
refused 78 "named.safetensors: it states options of head style, which the configuration alone may state" \
	"a file of weights that names a function"
chmod o+w "$lib"
style n=2
refused 69 "libtextstat.so: everybody may write to it" "a library that everybody may write to"
chmod o-w "$lib" && chmod o+w "$out/foreign"
style n=2
refused 69 "everybody may write to $out/foreign/" "so its folder"
plan
