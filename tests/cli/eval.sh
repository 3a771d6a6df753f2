#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/cli/eval.sh - tenon eval: of a pipeline, of other systems' answers, and what is wrong with
# them.
: "${TENON:=./tenon}" "${top_srcdir:=.}" "${top_builddir:=.}"
golden=$(cd "$top_srcdir/tests/golden" && pwd)
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
OMP_WAIT_POLICY=passive
export OMP_WAIT_POLICY
n=0

ok() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' "$out/out" "$out/err"
	fi
}
eval_() {
	"$TENON" eval "$@" >"$out/out" 2>"$out/err" </dev/null
	code=$?
}
# has PATTERN: a line of the output.
has() {
	grep -q -e "$1" "$out/out"
}

cat >"$out/gold.conll" <<'EOF'
Ada	B-PER
lives	O
in	O
New	B-LOC
York	I-LOC

Oslo	B-LOC
is	O
cold	O
EOF
sed 's/^New.*/New	O/' "$out/gold.conll" >"$out/found.conll"
eval_ --answers "$out/found.conll" "$out/gold.conll" --train "$out/gold.conll"
[ "$code" = 0 ] && has '^answers *f1 *2  *66.67' && has '^answers *strict_f1 *2  *80.00' &&
	has '^answers *token_accuracy *2  *87.50' && has 'LOC *2 *2 *50.00 *50.00 *50.00' &&
	has 'gazetteer *f1 *100.00' && has '^answers *0 *1$'
ok $? "tags of another system: as conlleval, as seqeval, by type, misplaced ones, baselines"
eval_ --answers "$out/found.conll" "$out/gold.conll" --format jsonl
[ "$code" = 0 ] && has '^{"row":"score","head":"answers","score":"f1","n":2,"value":66.6666'
ok $? "each figure as a line of JSON"

cat >"$out/gold.json" <<'EOF'
{"data":[{"title":"t","paragraphs":[{"context":"Ada lives in Oslo.","qas":[
{"id":"1","question":"who?","answers":[{"text":"Ada","answer_start":0}]},
{"id":"2","question":"where?","answers":[{"text":"in Oslo","answer_start":10}]},
{"id":"3","question":"when?","answers":[],"is_impossible":true}]}]}]}
EOF
echo '{"1": "ada", "2": "Oslo"}' >"$out/found.json"
eval_ --answers "$out/found.json" "$out/gold.json"
[ "$code" = 0 ] && has '^answers *exact *3 *66.67' && has '^answers *f1 *3 *88.89' &&
	has '^answers *answered_exact *3 *50.00' && has '^answers *unanswered_exact *3 *100.00' &&
	grep -q 'note: 1 of 3 questions have no answer' "$out/err"
ok $? "answers by the ids of questions"

printf 'a\tx\nb\ty\nc\tx\nd\ty\n' >"$out/gold.tsv"
printf 'a\tx\nb\tx\nc\tx\nd\ty\n' >"$out/found.tsv"
eval_ --answers "$out/found.tsv" "$out/gold.tsv"
[ "$code" = 0 ] && has '^answers *accuracy *4 *75.00' && has '^answers *mcc *4 *57.74' &&
	has 'majority *accuracy *50.00' && has ' x *2 *3 *66.67 *100.00 *80.00'
ok $? "labels of another system"

cat >"$out/mood.jsonl" <<'EOF'
{"text": "the cat", "label": "negative"}
{"text": "a very good film", "label": "positive"}
{"text": "the dog runs", "label": "neutral"}
EOF
eval_ "$golden/bert-seqcls-h100" "$out/mood.jsonl" --dev "$out/mood.jsonl" --html "$out/page.html"
[ "$code" = 0 ] && has '^result *accuracy *3 ' && has '^result *labels *3 *[0-9]' &&
	[ "$(grep -c '<h2>' "$out/page.html")" = 4 ] && 
	[ "$(grep -o 'http[^"]*' "$out/page.html" | sort -u)" = http://www.w3.org/2000/svg ]
ok $? "a pipeline, its temperature, and a page with a picture"
"$TENON" run "$golden/bert-seqcls-h100" --input "$out/mood.jsonl" --from jsonl --format jsonl |
	sed 's/.*"label":"\([a-z]*\)".*/\1/' | paste - "$out/mood.jsonl" |
	awk '{ right += index($0, "\"label\": \"" $1 "\"") > 0 } END { printf "%.2f\n", 100 * right / NR }' \
	>"$out/share"
has "^result *accuracy *3 *$(cat "$out/share")"
ok $? "the accuracy is that of tenon run"

printf 'the cat sat on the mat\nthe dog runs\n' >"$out/texts.txt"
eval_ "$golden/bert-mlm-tied-h40" "$out/texts.txt"
[ "$code" = 0 ] && has '^result *masked_accuracy *2 ' && has '^result *masked_nll *2 ' &&
	has '^result *pseudo_perplexity *2 ' && has 'frequent token *masked_accuracy ' &&
	has 'frequencies *pseudo_perplexity ' && has '^result *masked tokens '
ok $? "a masked language model: hidden tokens and its pseudo-perplexity, beside frequencies"
cp "$out/out" "$out/first"
eval_ "$golden/bert-mlm-tied-h40" "$out/texts.txt" --seed 7 --mask 0.5 --no-pseudo-perplexity
[ "$code" = 0 ] && ! has pseudo && ! grep -q "$(grep masked_nll "$out/out")" "$out/first"
ok $? "others are hidden by another seed"

eval_ --answers "$out/gold.tsv" "$out/gold.conll"
[ "$code" = 65 ] && grep -q '^tenon: .*examples, expected 2 as at' "$out/err"
ok $? "exit 65: other examples"
sed '1d' "$out/found.conll" >"$out/short.conll"
eval_ --answers "$out/short.conll" "$out/gold.conll"
[ "$code" = 65 ] && grep -q 'short.conll:1: 4 words, expected 5 as at .*gold.conll:1' "$out/err"
ok $? "exit 65: a text of other words"
eval_ "$golden/bert-seqcls-h100" "$out/gold.conll"
[ "$code" = 65 ] && grep -q 'no head can be judged by these data' "$out/err"
ok $? "exit 65: data for no head"
eval_ "$golden/bert-seqcls-h100" "$out/gold.tsv"
[ "$code" = 65 ] && grep -q 'gold.tsv:1: the label "x" is none of head result' "$out/err"
ok $? "exit 65: a label that the head has not"
eval_ "$golden/bert-seqcls-h100" "$out/mood.jsonl" --head results
[ "$code" = 64 ] && grep -q 'the pipeline has no head "results"' "$out/err"
ok $? "exit 64: no such head"
eval_ "$golden/bert-seqcls-h100"
[ "$code" = 64 ] && grep -q 'the data are missing' "$out/err"
ok $? "exit 64: no data"
echo "1..$n"
