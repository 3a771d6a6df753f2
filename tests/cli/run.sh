#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/run.sh - tenon run: texts in every form, answers in every form, settings, what is
# wrong with an input or a file, and the ways in which reading and writing end.
: "${TENON:=./tenon}" "${top_srcdir:=.}" "${top_builddir:=.}"
golden=$top_srcdir/tests/golden
cls=$golden/bert-seqcls-h100
demo=$top_srcdir/examples/demo
pty=$top_builddir/tests/pty
unset HOME NO_COLOR
export OMP_WAIT_POLICY=passive
. "$top_srcdir/tests/tap.sh"

# run ARGUMENT ...: standard input is the caller's.
run() {
	"$TENON" run "$@" >"$out/out" 2>"$out/err"
	code=$?
}
# has FILE PATTERN: a line of the output.
has() {
	grep -q -a -e "$2" "$out/$1"
}
# texts: what the answers call their inputs, as JSON, with number or error.
texts() {
	sed -n 's/^{"input":\([0-9]*\),\("text":"[^"]*"\|"error":"[^"]*"\).*/\1 \2/p' "$out/out"
}
lines() {
	wc -l <"$out/out"
}
silent() {
	[ ! -s "$out/err" ]
}
answers='"result":{"label":"[a-z]*","score":0\.[0-9]*,"scores":{'

# Looked at in the end: answers that are not read for three seconds, while standard error is a
# terminal, TERM says that it can do nothing, or it is a file.
for ((i = 0; i < 1500; i++)); do echo "the cat number $i sat on a mat"; done >"$out/slow.txt"
slow() {
	"$@" "$TENON" run "$cls" --input "$out/slow.txt" </dev/null | { sleep 3; cat; } >"$out/$name.out"
}
name=shown; TERM=xterm slow "$pty" -e 2>"$out/shown.err" &
name=dumb; TERM=dumb slow "$pty" -e 2>"$out/dumb.err" &
name=file; TERM=xterm slow env 2>"$out/file.err" &

# --- where texts come from ---

run "$cls" "the cat" "on a mat" </dev/null
[ $code = 0 ] && silent && [ "$(texts)" = '0 "text":"the cat"
1 "text":"on a mat"' ] && [ "$(grep -c "$answers" "$out/out")" = 2 ]
ok $? "texts are arguments"
cp "$out/out" "$out/args"
printf 'the cat\non a mat\n' >"$out/in.txt"
run "$cls" <"$out/in.txt"
[ $code = 0 ] && cmp "$out/out" "$out/args" >>"$out/err"; ok $? "lines of standard input"
run "$cls" --input - <"$out/in.txt"
[ $code = 0 ] && cmp "$out/out" "$out/args" >>"$out/err"; ok $? "--input -"
run --input "$out/in.txt" "$cls" </dev/null
[ $code = 0 ] && cmp "$out/out" "$out/args" >>"$out/err"; ok $? "--input FILE, before the pipeline"
printf '{"text":"the cat"}\n\n{"text":"on a mat"}' >"$out/in.jsonl"
run "$cls" --input "$out/in.jsonl" </dev/null
[ $code = 0 ] && cmp "$out/out" "$out/args" >>"$out/err"; ok $? "--input FILE.jsonl"
run "$cls" --from jsonl <"$out/in.jsonl"
[ $code = 0 ] && cmp "$out/out" "$out/args" >>"$out/err"; ok $? "--from jsonl"
printf -- '-DOCSTART- O\n\nthe DT\ncat NN\n\non IN\na DT\nmat NN\n' >"$out/in.conll"
run "$cls" --input "$out/in.conll" </dev/null
[ $code = 0 ] && cmp "$out/out" "$out/args" >>"$out/err"; ok $? "--input FILE.conll"
run "$cls" --from text --input "$out/in.conll" </dev/null
[ $code = 0 ] && [ "$(lines)" = 8 ]; ok $? "--from goes over the file's name"
run "$cls" --from jsonl <<'EOF'
{"id":{"a":[1,null]},"text":"the cat"}
{"words":["on","a mat"],"id":"x"}
{"text":"the cat","pair":"on a mat","other":1}
{"question":"the cat","context":"on a mat"}
EOF
[ $code = 0 ] && has out '^{"input":0,"id":{"a":\[1,null\]},"text":"the cat",' &&
	has out '^{"input":1,"id":"x","text":"on a mat",' &&
	[ "$(sed -n '3s/.*"result"//p' "$out/out")" = "$(sed -n '4s/.*"result"//p' "$out/out")" ]
ok $? "JSON lines: id, words, pair, question and context"
sed -n '3s/.*"result"//p' "$out/out" >"$out/pair"
run "$cls" "the cat" --pair "on a mat" </dev/null
[ $code = 0 ] && sed 's/.*"result"//' "$out/out" | cmp - "$out/pair" >>"$out/err"; ok $? "--pair"
printf 'on a mat' >"$out/pair.txt"
run "$cls" --pair-file "$out/pair.txt" "the cat" </dev/null
[ $code = 0 ] && sed 's/.*"result"//' "$out/out" | cmp - "$out/pair" >>"$out/err"; ok $? "--pair-file"
run "$cls" "the cat" </dev/null
[ $code = 0 ] && ! sed 's/.*"result"//' "$out/out" | cmp -s - "$out/pair"; ok $? "a pair makes a difference"
run "$cls" -- "--format" "-x" </dev/null
[ $code = 0 ] && [ "$(texts)" = '0 "text":"--format"
1 "text":"-x"' ]; ok $? "-- ends the options"
run "$cls" "the cat" --format text "on a mat" </dev/null
[ $code = 0 ] && has out '^on a mat$'; ok $? "options among the texts"
run "$cls" </dev/null
[ $code = 0 ] && silent && [ ! -s "$out/out" ]; ok $? "no input, no answer"
run "$cls" "" </dev/null
[ $code = 0 ] && [ "$(texts)" = '0 "text":""' ] && has out "$answers"; ok $? "an empty text"

# --- odd bytes ---

printf '\357\273\277first\r\n\n \t\nnul\000here\nlast' >"$out/odd"
run "$cls" --input "$out/odd" </dev/null
[ $code = 0 ] && silent && [ "$(texts)" = '0 "text":"first"
1 "text":""
2 "text":" \t"
3 "text":"nul\u0000here"
4 "text":"last"' ]
ok $? "byte order mark, CR LF, empty line, NUL, no newline at the end"
printf 'a\n\303(\nb\nc\200\n\355\240\200\nd\n' >"$out/bad"
run "$cls" --input "$out/bad" </dev/null
[ $code = 65 ] && silent && [ "$(texts)" = "0 \"text\":\"a\"
1 \"error\":\"$out/bad:2: byte 0: 0xc3 is not UTF-8\"
2 \"text\":\"b\"
3 \"error\":\"$out/bad:4: byte 1: 0x80 is not UTF-8\"
4 \"error\":\"$out/bad:5: byte 0: 0xed is not UTF-8\"
5 \"text\":\"d\"" ]
ok $? "lines that are not UTF-8 stop no other, 65"
for format in text conll; do
	run "$cls" --input "$out/bad" --format $format </dev/null
	[ $code = 65 ] && [ "$(grep -c '^tenon: note: input [134]: .*/bad:[245]: ' "$out/err")" = 3 ] &&
		[ "$(grep -c '^[abd]' "$out/out")" = 3 ]
	ok $? "as $format: said on standard error, 65"
done
run "$cls" --input "$out/bad" --format table </dev/null
[ $code = 65 ] && silent && has out "^3  *error .*/bad:4: byte 1" && has out '^5  *result [a-z]* *0\.'
ok $? "as table: a row, 65"
run "$cls" "fine" $'\303(' --pair $'x\200' </dev/null
[ $code = 65 ] && [ "$(texts)" = '0 "error":"the second text: byte 1: 0x80 is not UTF-8"
1 "error":"the text: byte 0: 0xc3 is not UTF-8"' ]; ok $? "arguments that are not UTF-8, 65"
run "$cls" --from jsonl <<'EOF'
{"text":"a"}
{"text":"b"
7
{"text":7,"id":3}
{"text":"b","words":["c"]}
{"words":["c",null]}
{"question":"c"}
{"text":"a","text":"b"}
{"text":"\ud800"}
{"text":"d"}
EOF
[ $code = 65 ] && silent && [ "$(lines)" = 10 ] && has out '^{"input":0,"text":"a",' &&
	has out '^{"input":1,"error":"standard input:2: byte 11: ' &&
	has out '^{"input":2,"error":"standard input:3: byte 0: an integer, expected an object"}$' &&
	has out '^{"input":3,"id":3,"error":"standard input:4: \\"text\\" is an integer, expected a string"}$' &&
	has out '^{"input":4,"error":"standard input:5: more than one of' &&
	has out '^{"input":5,"error":"standard input:6: \\"words\\" holds null, expected strings"}$' &&
	has out '^{"input":6,"error":"standard input:7: \\"context\\" is missing' &&
	has out '^{"input":7,"error":"standard input:8: byte ' &&
	has out '^{"input":8,"error":"standard input:9: byte ' && has out '^{"input":9,"text":"d",'
ok $? "JSON lines that are wrong stop no other, 65"
printf 'the\tDT\ncat\n\non\tIN\n' >"$out/bad.conll"
run "$cls" --input "$out/bad.conll" </dev/null
[ $code = 65 ] && has out '^{"input":0,"error":".*/bad.conll:2: 1 columns, the first line of the sentence has 2"}$' &&
	has out '^{"input":1,"text":"on",'; ok $? "CoNLL columns that differ, 65"
head -c 1000000 /dev/zero | tr '\0' a >"$out/long"
{ echo b; cat "$out/long"; echo; echo c; } >"$out/in"
run "$cls" --input "$out/in" </dev/null
[ $code = 0 ] && [ "$(lines)" = 3 ] && [ "$(sed -n 2p "$out/out" | wc -c)" -gt 1000000 ] &&
	has out '^{"input":2,"text":"c",'; ok $? "a word of a megabyte"
tr a ' ' <"$out/long" | sed 's/       /the cat/g' >"$out/in"
run "$cls" --input "$out/in" </dev/null
[ $code = 0 ] && has out '^{"input":0,"text":".*the cat *","truncated":true,"result":{'
ok $? "a line of a megabyte is cut, and says so"
run "$cls" --set heads.result='{use="cls";on_overflow="error";}' --input "$out/in" </dev/null
[ $code = 65 ] && has out "^{\"input\":0,\"error\":\"$out/in:1: the input has [0-9]* tokens, a window takes 128"
ok $? "on_overflow = error: the line is an error, with its place"

# --- answers ---

ner="$top_srcdir/examples/ner.cfg"
text='Zoë Müller met Angela Merkel in Paris.'
run "$ner" "$text" --set backends=reference </dev/null
good=0
while read -r begin end chars_begin chars_end span; do
	bytes=$(printf %s "$text" | head -c "$end" | tail -c +$((begin + 1)))
	chars=$(LC_ALL=C.UTF-8; printf %s "${text:chars_begin:chars_end - chars_begin}")
	[ "$bytes" = "$span" ] && [ "$chars" = "$span" ] && good=$((good + 1))
done < <(grep -o '"label":"[A-Z]*","text":"[^"]*","bytes":\[[0-9,]*\],"chars":\[[0-9,]*\]' "$out/out" |
	sed 's/.*"text":"\(.*\)","bytes":.\([0-9]*\),\([0-9]*\).,"chars":.\([0-9]*\),\([0-9]*\)./\2 \3 \4 \5 \1/')
[ $code = 0 ] && [ $good -ge 2 ] && [ $good = "$(grep -o '"bytes"' "$out/out" | wc -l)" ] &&
	has out '"label":"LOC","text":"Paris"'
ok $? "bytes and chars of each span cut it out of the text"
run "$ner" "$text" --set backends=reference --format text </dev/null
[ $code = 0 ] && has out '^  entities   .*\[Angela Merkel PER 0\.[0-9]*\] in \[Paris LOC 0\.[0-9]*\]\.$' &&
	has out '^  sentiment  [a-z]* 0\.[0-9]*$'; ok $? "--format text"
run "$ner" "$text" --set backends=reference --format conll </dev/null
[ $code = 0 ] && grep -A 4 '^Angela' "$out/out" | tr '\t\n' ' ,' |
	grep -q '^Angela B-PER,Merkel I-PER,in O,Paris B-LOC,. O,$'; ok $? "--format conll"
run "$ner" "$text" --set backends=reference --format table </dev/null
[ $code = 0 ] && has out '^INPUT HEAD  *LABEL  *SCORE BYTES TEXT *$' &&
	has out '^0  *entities *LOC  *0\.[0-9]* 34-39 *Paris$'; ok $? "--format table"
run "$top_srcdir/examples/qa.cfg" "Who runs?" --set backends=reference </dev/null
[ $code = 65 ] && has out '^{"input":0,"error":"a question needs a text'
ok $? "a question without a text, 65"
echo "Who runs?" | "$TENON" run "$top_srcdir/examples/qa.cfg" --set backends=reference \
	>"$out/out" 2>"$out/err"
has out '^{"input":0,"error":"standard input:1: a question needs a text'
ok $? "its place when it was read"
for ((i = 0; i < 300; i++)); do echo "the cat number $i"; [ $((i % 50)) = 7 ] && cat "$golden/README.md" | tr '\n' ' ' && echo; done >"$out/many"
run "$cls" --input "$out/many" </dev/null
[ $code = 0 ] && sed 's/^{"input":\([0-9]*\),"text":"\([^"]\{0,15\}\).*/\1 \2/' "$out/out" |
	cut -c1-20 >"$out/order" && [ "$(lines)" = "$(wc -l <"$out/many")" ] &&
	[ "$(cut -d ' ' -f 1 "$out/order")" = "$(seq 0 $(($(wc -l <"$out/many") - 1)))" ] &&
	[ "$(grep -o 'number [0-9]*' "$out/out")" = "$(grep -o 'number [0-9]*' "$out/many")" ]
ok $? "answers come in the order of their inputs"
"$pty" "$TENON" run "$ner" "$text" --set backends=reference >"$out/out" 2>"$out/err" </dev/null
has out $'\033\\[1mParis\033\\[0m \033\\[36mLOC\033\\[0m'; ok $? "on a terminal: text in colours"
NO_COLOR=1 "$pty" "$TENON" run "$ner" "$text" --set backends=reference >"$out/out" 2>"$out/err" </dev/null
has out '\[Paris LOC' && ! has out $'\033'; ok $? "NO_COLOR: none"
"$pty" "$TENON" run "$ner" "$text" --set backends=reference --format jsonl >"$out/out" 2>"$out/err" </dev/null
has out '^{"input":0,' && ! has out $'\033'; ok $? "JSON lines on a terminal have none"
run "$cls" "the cat" "on a mat here" --tensors "$out/t.safetensors" </dev/null
size=$(od -An -t u8 -N 8 "$out/t.safetensors" | tr -d ' ')
head -c $((8 + size)) "$out/t.safetensors" | tail -c "$size" >"$out/out"
[ $code = 0 ] && for i in 0:2 1:4; do
	has out "\"hidden.${i%:*}\":{\"dtype\":\"F32\",\"shape\":\[[0-9]*,100\]" &&
		has out "\"result.${i%:*}\":{\"dtype\":\"F32\",\"shape\":\[1,3\]" || false
done
ok $? "--tensors: hidden.I [T][H] and HEAD.I"
rows=$("$TENON" tokenize "$cls" "on a mat here" --format text 2>/dev/null | grep -c .)
has out "\"hidden.1\":{\"dtype\":\"F32\",\"shape\":\[$rows,100\]"; ok $? "a row for each token"

# --- settings and arguments ---

# refused CODE SENTENCE ARGUMENT ...
refused() {
	local expected=$1 sentence=$2
	shift 2
	run "$@" </dev/null
	[ $code = "$expected" ] && [ ! -s "$out/out" ] && has err "$sentence"
	ok $? "${*: -1}, $expected: $sentence"
}
run "$ner" Paris --set threads=1 --set backends=reference --set heads.sentiment.top_k=1 \
	--set heads.entities.min_score=1 </dev/null
[ $code = 0 ] && has out '"entities":\[\],' && ! has out '"scores":{[^}]*,'; ok $? "--set"
run "$cls" "the cat" --set heads.result.top_k=1 </dev/null
[ $code = 0 ] && has out '"result":{"label":"\([a-z]*\)","score":\([0-9.]*\),"scores":{"\1":\2}}'
ok $? "--set changes an option of a model directory's own head"
run "$cls" "the cat" --set heads.result=embed </dev/null
[ $code = 0 ] && has out '"result":\[-\{0,1\}[0-9]'; ok $? "or takes another head"
refused 78 '^tenon: --set heads.result.topk=1: heads.result.topk: no such option of head "cls"; did you mean "top_k"?' \
	"$cls" a --set heads.result.topk=1
refused 78 '^tenon: --set thread=2: thread: no such setting; did you mean "threads"?' "$cls" a --set thread=2
refused 78 '^tenon: --set threads=two: threads is a string, expected an integer' "$cls" a --set threads=1 --set threads=two
refused 78 '^tenon: --set threads=9999: threads is 9999, expected 0 to 4096' "$cls" a --set threads=9999
refused 78 'does not fit 64 bits' "$cls" a --set threads=99999999999999999999
refused 78 'y is wanted of an integer (--set window.x=1), expected a group' "$cls" a --set window.x=1 --set window.x.y=2
refused 78 'heads.sentiment.top_k: found 1.5, expected an integer' "$ner" a --set heads.sentiment.top_k=1.5
refused 64 'expected PATH=VALUE' "$cls" a --set threads
refused 69 'no backend "cuda"' "$cls" a --set backends=cuda
refused 66 'no such file' "$cls" --input "$out/none"
refused 65 'a directory, expected a file of texts' "$cls" --input "$out"
refused 66 'No such file or directory' "$out/none"
refused 66 'there is no config.json; expected a Hugging Face model directory' "$out"
refused 66 'no such file' "$cls" a --pair-file "$out/none"
refused 65 'a directory, expected a regular file' "$cls" a --pair-file "$out"
ln -s loop "$out/loop"
refused 74 'loop: Too many levels of symbolic links' "$cls" --input "$out/loop"
refused 74 'Input/output error' "$cls" --input /proc/self/mem
refused 74 'No such file or directory' "$cls" a --tensors "$out/none/t"
mkfifo "$out/fifo"
refused 74 'only a regular file can be replaced' "$cls" a --tensors "$out/fifo"
refused 64 'the pipeline is missing' --format text
refused 64 'found csv, expected text, table, jsonl or conll' "$cls" a --format csv
refused 64 'found csv, expected text, jsonl or conll' "$cls" --from csv
refused 64 'given both' "$cls" a --input b
refused 64 'given both' "$cls" a --pair b --pair-file c
refused 64 'unrecognized option' "$cls" a --frm text

# --- how reading and writing end ---

run "$cls" <&-
[ $code = 74 ] && has err '^tenon: standard input: Bad file descriptor$' && [ ! -s "$out/out" ]
ok $? "a closed standard input is no other file, 74"
"$TENON" run "$cls" a >&- 2>"$out/err"
[ $? = 74 ] && has err 'Bad file descriptor$'; ok $? "a closed standard output, 74"
for format in jsonl text conll table; do
	"$TENON" run "$cls" --format $format <"$out/in.txt" >/dev/full 2>"$out/err"
	[ $? = 74 ] && [ "$(cat "$out/err")" = "tenon: writing the answers: No space left on device" ]
	ok $? "a full disk as $format is said once, 74"
done
(ulimit -f 8; "$TENON" run "$cls" --input "$out/many" >"$out/cut" 2>"$out/err")
[ $? = 74 ] && has err '^tenon: writing the answers: File too large$'
ok $? "a file beyond ulimit -f, 74"
"$TENON" run "$cls" --input "$out/many" 2>"$out/err" </dev/null | head -n 1 >"$out/out"
code=${PIPESTATUS[0]}
[ "$code" = 141 ] && silent && [ "$(texts)" = '0 "text":"the cat number 0"' ]
ok $? "a reader that leaves: quiet, by SIGPIPE"
for format in jsonl table; do
	code=$(trap '' PIPE; { "$TENON" run "$cls" --input "$out/many" --format $format 2>"$out/err" \
		</dev/null; echo $? >"$out/code"; } | head -n 1 >"$out/out"; cat "$out/code")
	[ "$code" = 0 ] && silent && [ "$(lines)" = 1 ]
	ok $? "the same as $format where SIGPIPE is ignored: quiet, 0"
done
wait
cp "$out/shown.err" "$out/err"
tr '\r' '\n' <"$out/err" >"$out/out"
has out '^[1-9][0-9]* %, [0-9]* texts, [0-9.]*/s, [0-9]* s left *$' && ! has err $'\033' &&
	[ "$(tail -c 1 "$out/err" | od -An -c | tr -d ' ')" = '\r' ] &&
	[ "$(tail -n 1 "$out/out" | tr -d ' ')" = "" ]
ok $? "a terminal shows how far it is, and no more in the end"
cat "$out/dumb.err" "$out/file.err" >"$out/err"
silent && [ "$(wc -l <"$out/file.out")" = 1500 ] && cmp "$out/file.out" "$out/shown.out" >>"$out/err" &&
	cmp "$out/file.out" "$out/dumb.out" >>"$out/err"
ok $? "a file and a dumb terminal do not, and answers are the same"
set -m
mkfifo "$out/feed"
# Who runs the tests in the background has SIGINT ignored.
env --default-signal=INT "$TENON" run "$cls" <"$out/feed" >"$out/out" 2>"$out/err" &
pid=$!
exec 3>"$out/feed"
for ((i = 0; i < 100; i++)); do echo "the cat number $i"; done >&3
for ((i = 0; i < 300 && $(lines) < 100; i++)); do sleep 0.1; done
printf 'half a line' >&3
kill -INT $pid
for ((i = 0; i < 300; i++)); do kill -0 $pid 2>/dev/null || break; sleep 0.1; done
kill -KILL $pid 2>/dev/null
wait $pid 2>/dev/null
code=$?
exec 3>&-
set +m
[ $code = 130 ] && silent && [ "$(lines)" = 100 ] && [ "$(tail -c 3 "$out/out")" = '}}' ] &&
	[ "$(grep -c "$answers.*}}\$" "$out/out")" = 100 ]
ok $? "SIGINT: all that was read is answered, whole lines, by the signal"

# PL18: a plugin is code in the process, which dies with it; what went out before is whole.
mkdir "$out/plugins" && cp "$top_builddir/tests/mock/head-falls.so" "$out/plugins"
cat >"$out/falls.cfg" <<END
model = "$cls";
heads = { label = { use = "cls"; }; falls = { use = "falls"; }; };
END
{ head -n 1000 "$out/slow.txt"; echo; echo "nobody reads this"; } >"$out/falls.txt"
(ulimit -c 0; TENON_PLUGIN_PATH=$TENON_PLUGIN_PATH:$out/plugins run "$out/falls.cfg" \
	--input "$out/falls.txt" </dev/null; exit $code) 2>"$out/shell"
code=$?
answered=$(grep -c '^{"input":[0-9]*,"text":.*,"falls":null}$' "$out/out")
[ $code -gt 128 ] && silent && [ "$answered" -gt 0 ] && [ "$answered" = "$(lines)" ] &&
	[ "$(tail -n 1 "$out/out" | grep -o '^{"input":[0-9]*')" = "{\"input\":$((answered - 1))" ]
ok $? "PL18 a head that crashes at a text: by its signal, whole answers before it"
plan
