#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/cli/eval.sh - tenon eval: of a pipeline, of other systems' answers, and what is wrong with
# them.
: "${TENON:=./tenon}" "${top_srcdir:=.}" "${top_builddir:=.}"
golden=$(cd "$top_srcdir/tests/golden" && pwd)
. "$top_srcdir/tests/tap.sh"
OMP_WAIT_POLICY=passive
export OMP_WAIT_POLICY

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
	has '^answers *token_accuracy *2  *87.50' &&
	has '^answers *surface_f1 *2  *66.67' && has 'LOC *2 *2 *50.00 *50.00 *50.00' &&
	has 'gazetteer *f1 *100.00' && has '^answers *0 *1$'
ok $? "tags of another system: as conlleval, as seqeval, by type, misplaced ones, baselines"
eval_ --answers "$out/found.conll" "$out/gold.conll" --format jsonl --train "$out/gold.conll"
[ "$code" = 0 ] && has '^{"row":"score","head":"answers","score":"f1","n":2,"value":66.6666' &&
	has '^{"row":"baseline","head":"answers","baseline":"majority","score":"f1","value":0.0}' &&
	has '"baseline":"frequent tag","score":"f1","value":100' && has '"baseline":"gazetteer","score":"f1"'
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
	has 'majority *f1 *33.33' && has 'sliding window *f1 ' && ! has threshold &&
	grep -q 'note: 1 of 3 questions have no answer' "$out/err"
ok $? "answers by the ids of questions"
echo '{"1": -2, "2": 1.5, "3": 0.5}' >"$out/none.json"
echo '{"1": "ada", "2": "Oslo", "3": "today"}' >"$out/found.json"
eval_ --answers "$out/found.json" "$out/gold.json" --no-answer "$out/none.json" --html "$out/page.html"
# Of the x axis: -2 at the left, 1.5 at the right.
[ "$code" = 0 ] && grep -q 'd="M66.0 [0-9.]*L[0-9.]* [0-9.]*L442.0 [0-9.]*"' "$out/page.html" && has '^answers *66.67 *-2.000 *66.67 *-2.000$' && has '^answers *-2.000 *66.67 *66.67$' &&
	has '^answers *0.500 *33.33 *33.33$' && has '^answers *1.500 *55.56 *33.33$'
ok $? "scores by the threshold for no answer, and the best ones"
echo '{"1": "ada",
 "2": 7}' >"$out/found.json"
eval_ --answers "$out/found.json" "$out/gold.json"
[ "$code" = 65 ] && grep -q 'found.json:2: for question 2 stands an integer, expected a string' "$out/err"
ok $? "exit 65: an answer that is no text"

printf 'a\tx\nb\ty\nc\tx\nd\ty\n' >"$out/gold.tsv"
printf 'a\tx\nb\tx\nc\tx\nd\ty\n' >"$out/found.tsv"
eval_ --answers "$out/found.tsv" "$out/gold.tsv"
[ "$code" = 0 ] && has '^answers *accuracy *4 *75.00' && has '^answers *mcc *4 *57.74' &&
	has 'majority *accuracy *50.00' && has ' x *2 *3 *66.67 *100.00 *80.00'
ok $? "labels of another system"
eval_ --answers "$out/found.tsv" "$out/gold.tsv" --train "$out/gold.tsv" --format jsonl
[ "$code" = 0 ] && has '"baseline":"majority","score":"accuracy","value":50' &&
	has '"baseline":"naive Bayes","score":"accuracy","value":100'
ok $? "baselines as lines of JSON"

cat >"$out/gold.jsonl" <<'EOF'
{"text": "a", "label": "x"}
{"text": "b", "label": 7}
EOF
cat >"$out/found.jsonl" <<'EOF'
{"text": "a", "scores": {"x": 0.75, "7": 0.25}}
{"text": "b", "label": "x", "scores": {"x": 0.5, "7": 0.5}}
EOF
eval_ --answers "$out/found.jsonl" "$out/gold.jsonl"
[ "$code" = 0 ] && has '^answers *accuracy *2 *50.00' && has '^answers *labels *2 *0.4904 *0.3125 '
ok $? "probabilities of another system"
cat >"$out/gold.jsonl" <<'EOF'
{"text": "a", "labels": ["x", "y"]}
{"text": "b", "labels": []}
{"text": "c", "labels": ["y"]}
EOF
sed 's/"x", "y"/"x"/; s/\[\]/["x"]/' "$out/gold.jsonl" >"$out/found.jsonl"
eval_ --answers "$out/found.jsonl" "$out/gold.jsonl"
[ "$code" = 0 ] && has '^answers *f1 *3 *66.67' && has '^answers *exact *3 *33.33' && has 'majority *f1 *66.67'
ok $? "lists of labels of another system"

paste "$out/gold.conll" "$out/found.conll" | sed 's/^	$//' | cut -f 1,2,4 >"$out/both.conll"
eval_ --answers "$out/both.conll"
[ "$code" = 0 ] && has '^answers *f1 *2  *66.67' && has '^answers *strict_f1 *2  *80.00'
ok $? "a file with both tags, as conlleval takes it"
eval_ --answers "$out/gold.conll"
[ "$code" = 65 ] && grep -q 'gold.conll:1: 2 columns, expected words and, in the last two' "$out/err"
ok $? "exit 65: a file with one tag"

cat >"$out/mood.jsonl" <<'EOF'
{"text": "the cat", "label": "negative"}
{"text": "a very good film", "label": "positive"}
{"text": "the dog runs", "label": "neutral"}
EOF
eval_ "$golden/bert-seqcls-h100" "$out/mood.jsonl" --dev "$out/mood.jsonl" --html "$out/page.html"
[ "$code" = 0 ] && has '^result *accuracy *3 ' && has '^result *labels *3 *[0-9]' &&
	[ "$(grep -c '<h2>' "$out/page.html")" = 4 ] && 
	[ "$(grep -o 'http[^"]*' "$out/page.html" | sort -u)" = http://www.w3.org/2000/svg ] &&
	[ "$(grep -c '<svg' "$out/page.html")" = 2 ] && ! grep -q '<?xml' "$out/page.html"
ok $? "a pipeline, its temperature, and a page with pictures"
# The longest bar is 394 pixels wide.
sed -n 's/^ *result *\(negative\|neutral\|positive\) .* \([0-9.]*\)$/\2/p' "$out/out" >"$out/f1"
has ' negative ' && grep -o '<rect x="200"[^>]* width="[0-9.]*"' "$out/page.html" | sed 's/.*"\([0-9.]*\)"/\1/' |
	paste - "$out/f1" | awk '{ d = $1 - 3.94 * $2; if (d > 0.1 || d < -0.1) exit 1 } END { exit NR != 3 }'
ok $? "a bar for each class"
eval_ "$golden/bert-qa-h40" "$out/gold.json"
[ "$code" = 0 ] && has '^result *answers *3 ' && has 'best exact' && has '^result *unanswered_exact *3 '
ok $? "a head that answers: thresholds, and how sure it is"
eval_ "$golden/bert-seqcls-h100" "$out/mood.jsonl"
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
plan
