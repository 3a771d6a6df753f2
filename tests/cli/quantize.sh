#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/cli/quantize.sh - `tenon quantize` says what int8 or bf16 costs each head, passes and refuses
# by --max-drop, and writes a configuration, of bf16 also a model, that gives their answers.
: "${TENON:=./tenon}" "${top_srcdir:=.}"
demo=$top_srcdir/examples/demo ner=$top_srcdir/examples/ner.cfg qa=$top_srcdir/examples/qa.cfg
vectors=$top_srcdir/tests/golden/bert-sentence-h72
. "$top_srcdir/tests/tap.sh"
export OMP_WAIT_POLICY=passive

# quantize ARGUMENT...: one thread, JSON lines.
quantize() {
	"$TENON" quantize "$@" --set threads=1 --format jsonl >"$out/out" 2>"$out/err" </dev/null
	code=$?
}
# run PIPELINE FILE [ARGUMENT...]: answers as JSON lines.
run() {
	pipeline=$1 file=$2
	shift 2
	"$TENON" run "$pipeline" --input "$file" --set threads=1 --format jsonl "$@"
}
# member NAME HEAD METRIC: a member of the row.
member() {
	grep "\"head\":\"$2\",\"metric\":\"$3\"" "$out/out" |
		sed -n "s/.*[{,]\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p"
}
# is A B: equal numbers.
is() {
	awk -v a="$1" -v b="$2" 'BEGIN { exit a == "" || a - b > 1e-9 || b - a > 1e-9 }'
}

# What fp32 says of sentences, of which it is unsure of some: int8 says another of these.
sed -n '1,35p; 37p; 398p; 414p; 417p; 913p' "$demo/heldout/sentiment.jsonl" >"$out/sentences.jsonl"
run "$ner" "$out/sentences.jsonl" |
	sed 's/.*"text":\(".*"\),"truncated".*"sentiment":{"label":"\([a-z]*\)".*/{"text":\1,"label":"\2"}/' \
	>"$out/unsure.jsonl"
run "$ner" "$out/unsure.jsonl" | sed 's/.*"sentiment"/"sentiment"/' >"$out/a"
run "$ner" "$out/unsure.jsonl" --set precision=int8 | sed 's/.*"sentiment"/"sentiment"/' >"$out/b"
same=$(paste "$out/a" "$out/b" | sed 's/"score[^\t]*//g' | awk -F'\t' '$1 == $2' | wc -l)
[ "$same" = 40 ] && expected=0 || expected=78
quantize "$ner" --dev "$out/unsure.jsonl" --head sentiment --max-drop 0
[ $code = $expected ] && [ "$same" -gt 0 ]
ok $? "--max-drop 0 where int8 says the same of $same of 40 sentences: $expected"
[ $code = 0 ] || grep -q '^tenon: head sentiment: accuracy drops by [0-9.]* points, from 100.00 in fp32' \
	"$out/err"
ok $? "a drop is named"
is "$(member fp32 sentiment accuracy)" 100 && is "$(member int8 sentiment accuracy)" \
	"$(awk -v same="$same" 'BEGIN { print 100 * same / 40 }')"
ok $? "accuracy is the share that tenon run gets right"
is "$(member drop sentiment accuracy)" "$(awk -v same="$same" 'BEGIN { print 100 - 100 * same / 40 }')"
ok $? "the drop is that in points"
[ "$(member n sentiment accuracy)" = 40 ] && [ "$(member n entities f1)" = "" ]
ok $? "--head judges one head"

# The demo model on some of its held-out data, its three heads and both pipelines.
head -n 400 "$demo/heldout/entities.conll" >"$out/words.conll"
head -n 25 "$demo/heldout/sentiment.jsonl" >"$out/some.jsonl"
sentences=$(awk 'NF { if (!in_one) n++; in_one = 1; next } { in_one = 0 } END { print n }' "$out/words.conll")
quantize "$ner" --dev "$out/words.conll" --dev "$out/some.jsonl" --max-drop 100 --out "$out/new.cfg"
[ $code = 0 ] && [ "$(member n entities f1)" = "$sentences" ] && [ "$(member n sentiment accuracy)" = 25 ]
ok $? "two files judge two heads"
right=$(run "$ner" "$out/some.jsonl" | sed 's/.*"sentiment":{"label":"\([a-z]*\)".*/\1/' >"$out/a"
	sed 's/.*"label": *"\([a-z]*\)".*/\1/' "$out/some.jsonl" | paste "$out/a" - | awk '$1 == $2' | wc -l)
is "$(member fp32 sentiment accuracy)" $((4 * right)); ok $? "accuracy of fp32 is that of $right of 25"
grep -q '"row":"speed"' "$out/out"; ok $? "how much faster int8 was is said"

# What was written.
[ -s "$out/new.cfg" ] && grep -q '^precision = "int8";' "$out/new.cfg"; ok $? "--out has precision int8"
"$TENON" check "$out/new.cfg" --print >"$out/out" 2>"$out/err"
[ $? = 0 ] && grep -v '^#' "$out/new.cfg" | cmp -s - "$out/out"
ok $? "it is what tenon check prints of it"
mkdir "$out/elsewhere"
case $TENON in /*) command=$TENON ;; *) command=$(pwd)/$TENON ;; esac
(cd "$out/elsewhere" && TENON=$command run ../new.cfg ../some.jsonl) >"$out/a" 2>"$out/err"
run "$ner" "$out/some.jsonl" --set precision=int8 >"$out/b"
run "$ner" "$out/some.jsonl" >"$out/c"
[ -s "$out/a" ] && cmp -s "$out/a" "$out/b"; ok $? "it gives the answers of --set precision=int8 from anywhere"
! cmp -s "$out/a" "$out/c"; ok $? "which are not those of fp32"
cp "$out/new.cfg" "$out/kept"
quantize "$ner" --dev "$out/some.jsonl" --head sentiment --max-drop 100 --out "$out/new.cfg"
[ $code = 74 ] && [ ! -s "$out/out" ] && grep -q 'new.cfg: there is such a file' "$out/err" &&
	cmp -s "$out/new.cfg" "$out/kept"
ok $? "--out overwrites no file, 74"
quantize "$ner" --dev "$out/some.jsonl" --head sentiment --max-drop 100 --out "$out/nowhere/new.cfg"
[ $code = 74 ] && [ ! -s "$out/out" ]; ok $? "--out into no directory, before anything runs, 74"

# Tags are the gold data when fp32 gave them.
run "$ner" "$out/words.conll" --from conll --format conll >"$out/tags.conll"
quantize "$ner" --dev "$out/tags.conll" --head entities --max-drop 100
[ $code = 0 ] && is "$(member fp32 entities f1)" 100 && is "$(member fp32 entities recall)" 100
ok $? "spans of fp32 as gold data: 100"
sed 's/\tI-/\tB-/' "$out/words.conll" >"$out/split.conll"
quantize "$ner" --dev "$out/split.conll" --head entities --max-drop 100
[ $code = 0 ] && awk -v a="$(member fp32 entities recall)" 'BEGIN { exit !(a < 60) }'
ok $? "spans with other boundaries are other spans"

head -n 4 "$demo/heldout/answer.jsonl" >"$out/q.jsonl"
quantize "$qa" --dev "$out/q.jsonl" --max-drop 100
cp "$out/out" "$out/jsonl"
[ $code = 0 ] && [ "$(member n answer exact)" = 4 ]; ok $? "questions with their answers"
{
	printf '{"version": "1.1", "data": [{"title": "t", "paragraphs": ['
	sed 's/{"id": \("[^"]*"\), "question": \(".*"\), "context": \(".*"\), "answers": \(.*\)}$/{"context": \3, "qas": [{"id": \1, "question": \2, "answers": \4}]}/; $!s/$/,/' \
		"$out/q.jsonl"
	printf ']}]}'
} >"$out/q.json"
quantize "$qa" --dev "$out/q.json" --max-drop 100
[ $code = 0 ] && grep '"row":"head"' "$out/out" >"$out/a" && grep '"row":"head"' "$out/jsonl" | cmp -s - "$out/a"
ok $? "the same as SQuAD has them"

tab=$(printf '\t')
sed "s/{\"text\": \"\(.*\)\", \"label\": \"\([a-z]*\)\"}/\1$tab\2/; s/\\\\\"/\"/g" "$out/some.jsonl" >"$out/some.tsv"
quantize "$ner" --dev "$out/some.jsonl" --head sentiment --max-drop 100
cp "$out/out" "$out/jsonl"
quantize "$ner" --dev "$out/some.tsv" --head sentiment --max-drop 100
grep '"row":"head"' "$out/out" >"$out/a" && grep '"row":"head"' "$out/jsonl" | cmp -s - "$out/a"
ok $? "labels in columns"
sed "s/${tab}negative/${tab}0/; s/${tab}positive/${tab}1/" "$out/some.tsv" >"$out/numbers"
quantize "$ner" --dev "$out/numbers" --from tsv --head sentiment --max-drop 100
grep '"row":"head"' "$out/out" >"$out/a" && grep '"row":"head"' "$out/jsonl" | cmp -s - "$out/a"
ok $? "labels as numbers, and --from"

# A vector always differs a little.
cut -f 1 "$out/some.tsv" >"$out/texts.txt"
quantize "$vectors" --dev "$out/texts.txt" --max-drop 0 --out "$out/refused.cfg"
[ $code = 78 ] && grep -q '^tenon: head result: cosine drops by' "$out/err"
ok $? "vectors: a drop above 0 is refused, 78"
[ ! -e "$out/refused.cfg" ] && grep -q '"row":"head"' "$out/out"
ok $? "nothing is written then; the table is printed"
quantize "$vectors" --dev "$out/texts.txt" --max-drop 100
[ $code = 0 ] && is "$(member fp32 result cosine)" 100 &&
	awk -v x="$(member int8 result cosine)" 'BEGIN { exit !(x > 90 && x < 100) }'
ok $? "vectors: --max-drop 100 allows any"

# bf16, and the model with its weights in it: half of them (places are not rounded), the answers of --set precision=bf16.
quantize "$vectors" --dev "$out/texts.txt" --precision bf16 --max-drop 0.2 --out "$out/half.cfg" --model "$out/half"
[ $code = 0 ] && grep -q '^precision = "bf16";' "$out/half.cfg" &&
	awk -v x="$(member bf16 result cosine)" 'BEGIN { exit !(x > 99.9 && x < 100) }' &&
	grep -q '"bf16_per_s":' "$out/out"
ok $? "bf16: a cosine of $(member bf16 result cosine)"
before=$(wc -c <"$vectors/model.safetensors") after=$(wc -c <"$out/half/model.safetensors")
[ $((100 * after)) -lt $((75 * before)) ]; ok $? "the model takes $after bytes of $before"
run "$vectors" "$out/texts.txt" --set precision=bf16 >"$out/a" 2>"$out/err"
run "$out/half.cfg" "$out/texts.txt" >"$out/b"
[ -s "$out/a" ] && cmp -s "$out/a" "$out/b"; ok $? "its answers have the bits of --set precision=bf16"
run "$out/half" "$out/texts.txt" --set precision=bf16 >"$out/b"
cmp -s "$out/a" "$out/b"; ok $? "the directory alone has, too"
run "$vectors" "$out/texts.txt" >"$out/b"
! cmp -s "$out/a" "$out/b"; ok $? "which are not those of fp32"
quantize "$vectors" --dev "$out/texts.txt" --precision bf16 --max-drop 0 --out "$out/no.cfg" --model "$out/no"
[ $code = 78 ] && [ ! -e "$out/no" ] && [ ! -e "$out/no.cfg" ] && grep -q 'in fp32 to [0-9.]* in bf16' "$out/err"
ok $? "a drop is refused, and nothing is written"
quantize "$vectors" --dev "$out/texts.txt" --precision bf16 --max-drop 1 --out "$out/no.cfg" --model "$out/half"
[ $code = 74 ] && [ ! -s "$out/out" ] && [ ! -e "$out/no.cfg" ]; ok $? "--model overwrites no directory, 74"

# Several labels, of which fp32 gives the gold ones; and none where it gives one.
several=$top_srcdir/tests/golden/bert-seqcls-multi-h48
run "$several" "$out/texts.txt" |
	sed 's/.*"text":\(".*"\),"truncated".*"labels":\(\[[^]]*\]\).*/{"text":\1,"labels":\2}/' >"$out/several.jsonl"
quantize "$several" --dev "$out/several.jsonl" --max-drop 100
[ $code = 0 ] && is "$(member fp32 result f1)" 100 && [ "$(member n result recall)" = 25 ]
ok $? "several labels of each text"
quantize "$ner" --dev "$out/several.jsonl" --head sentiment
[ $code = 65 ]; ok $? "labels that the head does not have"

# fails CODE PATTERN ARGUMENT...: the exit code and what stderr says; nothing on stdout.
fails() {
	expected=$1 pattern=$2
	shift 2
	quantize "$@"
	[ $code = "$expected" ] && grep -q -e "$pattern" "$out/err" && [ ! -s "$out/out" ]
	ok $? "exit $expected: $pattern"
}
dev="--dev $out/some.jsonl"
fails 64 'the pipeline is missing' $dev
fails 64 '--dev FILE is missing' "$ner"
fails 64 '--max-drop: found x, expected points' "$ner" $dev --max-drop x
fails 64 '--max-drop: found -1' "$ner" $dev --max-drop=-1
fails 64 '--precision: found fp8' "$ner" $dev --precision fp8
fails 64 '--model is for --precision bf16 and --out' "$ner" $dev --model "$out/no"
fails 64 '--from: found xml' "$ner" $dev --from xml
fails 64 'no head "nobody", it has entities, sentiment' "$ner" $dev --head nobody
fails 66 'missing.jsonl: there is no such file' "$ner" --dev "$out/missing.jsonl"
fails 66 'missing.cfg' "$out/missing.cfg" $dev
fails 65 'head entities: the data hold nothing to judge it by' "$ner" $dev
printf '%s\n' '{"text": "a", "label": "positive"}' '{"text": "b", "label": "fine"}' >"$out/bad.jsonl"
fails 65 'bad.jsonl:2: the label "fine" is none of head sentiment, which has negative, positive' \
	"$ner" --dev "$out/bad.jsonl" --head sentiment
printf '%s\n' '{"text": "a", "label": "positive"}' '{"text": "b", "label"}' >"$out/bad.jsonl"
fails 65 'bad.jsonl:2: byte ' "$ner" --dev "$out/bad.jsonl" --head sentiment
echo '{"text": "a", "label": 0.5}' >"$out/bad.jsonl"
fails 65 'bad.jsonl:1: the label 0.5 is none of head sentiment' "$ner" --dev "$out/bad.jsonl" --head sentiment
echo '{"text": "a", "labels": ["positive"]}' >"$out/bad.jsonl"
fails 65 'bad.jsonl:1: "label" is missing, which head sentiment gives' "$ner" --dev "$out/bad.jsonl" \
	--head sentiment
echo '{"words": ["a", "b"], "tags": ["O"]}' >"$out/bad.jsonl"
fails 65 'bad.jsonl:1: 1 tags, expected one for each of the 2' "$ner" --dev "$out/bad.jsonl" --head entities
echo '{"question": "a", "context": "b", "answers": "c"}' >"$out/bad.jsonl"
fails 65 'bad.jsonl:1: "answers" is a string' "$qa" --dev "$out/bad.jsonl"
echo 'no label here' >"$out/bad.tsv"
fails 65 'bad.tsv:1: 1 columns' "$ner" --dev "$out/bad.tsv" --head sentiment
printf 'Oslo\n\n' >"$out/bad.conll"
fails 65 'bad.conll:1: one column' "$ner" --dev "$out/bad.conll" --head entities
echo '{"data": [{"paragraphs": [{"context": "a"}]}]}' >"$out/bad.json"
fails 65 '"qas" is missing, expected a list' "$qa" --dev "$out/bad.json"
: >"$out/empty.jsonl"
fails 65 'empty.jsonl holds no example' "$ner" --dev "$out/empty.jsonl" --head sentiment
fails 65 'there is no metric for what it gives' "$top_srcdir/tests/golden/bert-mlm-tied-h40" --dev "$out/texts.txt"
sed 's/\t\([BI]\)-.*/\t\1-star/' "$out/words.conll" >"$out/stars.conll"
quantize "$ner" --dev "$out/stars.conll" --head entities --max-drop 100 --out "$out/no.cfg"
[ $code = 65 ] && grep -q 'head entities: f1 is 0 in fp32: the data do not fit it' "$out/err" && [ ! -e "$out/no.cfg" ]
ok $? "data of other labels judge nothing, 65"
plan
