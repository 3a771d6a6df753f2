#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/cli/train.sh - what a user sees of training: rows, the model directory, what is wrong with a
# job or its data, signals.
: "${TENON:=./tenon}" "${top_srcdir:=.}" "${top_builddir:=.}"
golden=$(cd "$top_srcdir/tests/golden" && pwd)
. "$top_srcdir/tests/tap.sh"
OMP_WAIT_POLICY=passive
export OMP_WAIT_POLICY

# train [OPTION ...]: the job of this test.
train() {
	"$TENON" train "$out/job.cfg" "$@" >"$out/rows" 2>"$out/err" </dev/null
	code=$?
}
# refuses CODE PATTERN WHAT [OPTION ...]
refuses() {
	wanted=$1 pattern=$2 what=$3
	shift 3
	train "$@"
	[ "$code" = "$wanted" ] && grep -q -e "^tenon: .*$pattern" "$out/err"
	ok $? "exit $wanted: $what"
}

printf 'the cat sat\tquiet\na very good film\tloud\nnot good at all\tloud\nthe dog\tquiet\n' \
	>"$out/train.tsv"
cat >"$out/mood.cfg" <<EOF
model = "$golden/bert-model-h40";
heads = { mood = "cls"; vector = "embed"; };
EOF
cat >"$out/job.cfg" <<EOF
pipeline = "mood.cfg";
output = "run";
data = { train = "train.tsv"; dev = "train.tsv"; };
optim = { lr = 3e-3; groups = ( { match = "heads.*"; lr_scale = 3; } ); };
batch = { examples = 2; };
stop = { epochs = 12; };
EOF

train
[ "$code" = 0 ] && [ "$(wc -l <"$out/rows")" = 14 ] && grep -q 'mood.accuracy' "$out/rows" &&
	tail -n 1 "$out/rows" | grep -q "^$out/run: step [0-9]*, 100.00"
ok $? "an evaluation for each epoch; the model learns what it is shown"
grep -q 'note: 4 of 4 dev texts are train texts too, .*train.tsv:1 is .*train.tsv:1' "$out/err"
ok $? "dev texts that the model has seen are noted"
cut -f 1 "$out/train.tsv" | "$TENON" run "$out/run/pipeline.cfg" --format jsonl |
	sed 's/.*"mood":{"label":"\([a-z]*\)".*/\1/' >"$out/labels"
cut -f 2 "$out/train.tsv" | cmp -s - "$out/labels"
ok $? "what it wrote answers as it was taught"
[ "$(wc -l <"$out/run/log.jsonl")" = 36 ] && [ ! -e "$out/run/checkpoint.safetensors" ]
ok $? "the log has each step and evaluation, no checkpoint is left"
grep -q '^| mood *| accuracy *|.* 100.00 |' "$out/run/README.md" &&
	grep -q '^| mood *| majority *| accuracy *| ' "$out/run/README.md" &&
	grep -q '^| mood *| labels *|.* 0\.' "$out/run/README.md" &&
	[ "$(grep -c '<svg' "$out/run/report.html")" = 3 ] && ! grep -q '<?xml' "$out/run/report.html" &&
	grep -q '^- `mood` (cls): loud, quiet$' "$out/run/README.md" &&
	grep -q '>mood.accuracy</text>' "$out/run/curves.svg" && tail -n 1 "$out/run/curves.svg" |
	grep -q '^</svg>$'
ok $? "a card with labels and figures, and curves"
grep -q 'BertModel' "$out/run/config.json" && [ -e "$out/run/mood.safetensors" ]
ok $? "beside another head, a head is in its own file"
sed -i 's/; vector = "embed"//' "$out/mood.cfg"
train --overwrite
[ "$code" = 0 ] && "$TENON" check "$out/run" >/dev/null &&
	grep -q '"architectures":\["BertForSequenceClassification"\]' "$out/run/config.json" &&
	grep -q '"id2label":{"0":"loud","1":"quiet"}' "$out/run/config.json"
ok $? "alone, it makes the model one of a class that transformers has"
rm -rf "$out/run"

printf 'the cat sat\tanimal\na very good film\tart\nthe old film\tart\nJohn walked\thuman\n' \
	>"$out/what.tsv"
cat >"$out/two.cfg" <<EOF
model = "$golden/bert-model-h40";
heads = { mood = "cls"; what = "cls"; };
EOF
train --set pipeline="$out/two.cfg" --set "data=( { train=\"$out/train.tsv\"; dev=\"$out/train.tsv\";
	head=\"mood\"; }, { train=\"$out/what.tsv\"; dev=\"$out/what.tsv\"; head=\"what\"; } )"
[ "$code" = 0 ] && tail -n 1 "$out/rows" | grep -q ' 100.00' && "$TENON" run \
	"$out/run/pipeline.cfg" "the cat sat" | grep -q '"label":"quiet".*"label":"animal"'
ok $? "two heads learn together, each from data of its own"
rm -rf "$out/run"

# What a head reads by windows loses nothing beside one that reads the beginning.
{
	printf '{"question":"who sat","context":"the dog and the film and the dog and the film'
	printf ' and the cat sat","answers":[{"text":"cat","answer_start":54}]}\n'
} >"$out/asked.jsonl"
rm -rf "$out/run"
windows() {
	heads='mood=\"cls\"; answer={use=\"span-qa\"; labels=(\"loud\",\"quiet\");};'
	train --set "set=(\"heads={$heads}\", \"window={tokens=14; overlap=4;}\",
		\"heads.answer.on_overflow=$1\")" \
		--set "data=({train=\"$out/train.tsv\"; head=\"mood\";},{train=\"$out/asked.jsonl\"; head=\"answer\";})" \
		--set stop.steps=1 --overwrite
}
windows window
[ "$code" = 0 ] && ! grep -q 'lose text' "$out/err"
ok $? "a text in windows loses nothing, though another head cuts"
windows truncate
[ "$code" = 0 ] && grep -q '1 of 5 examples are longer than the model takes and lose text' "$out/err"
ok $? "and does where its own head cuts"
rm -rf "$out/run"

# What the examples have says what a new head gives: the model's class goes with it.
printf '%s\n' '{"text":"the cat","labels":["animal"]}' '{"text":"good cat","labels":["animal","praise"]}' \
	'{"text":"good film","labels":["praise"]}' '{"text":"a film","labels":[]}' >"$out/several.jsonl"
printf 'good good film\t2.5\ngood film\t1.25\na film\t0\nthe film\t0\n' >"$out/numbers.tsv"
printf '%s\n' '{"text":"the cat","label":1}' '{"text":"a film","label":3}' >"$out/integers.jsonl"
# problem FILE TYPE TEXT PATTERN
problem() {
	rm -rf "$out/run"
	train --set 'set=("heads={mood={use=\"cls\";};}")' \
		--set "data={train=\"$out/$1\";}" --set stop.epochs=40
	[ "$code" = 0 ] && grep -q "\"problem_type\": *\"$2\"" "$out/run/config.json" &&
		"$TENON" run "$out/run" "$3" --format jsonl >>"$out/rows" && tail -n 1 "$out/rows" |
		grep -q -e "$4"
	ok $? "labels of $1: $2"
}
problem several.jsonl multi_label_classification "good cat" '"labels":."animal","praise".'
problem numbers.tsv regression "good good film" '"value":2\.'
problem integers.jsonl single_label_classification "a film" '"label":"3"'
rm -rf "$out/run"
train --set dtype=float16 --set stop.epochs=1
[ "$code" = 0 ] && [ $(($(wc -c <"$out/run/model.safetensors") * 10)) -lt \
	$(($(wc -c <"$golden/bert-model-h40/model.safetensors") * 6)) ] &&
	"$TENON" run "$out/run/pipeline.cfg" "the cat" >>"$out/rows" 2>>"$out/err"
ok $? "dtype = float16: a file of half the size, which is read again"
rm -rf "$out/run"

# The head of examples/margin, with a loss of its own.
TENON_PLUGIN_PATH=$(cd "$top_builddir/examples/.libs" && pwd):$TENON_PLUGIN_PATH
export TENON_PLUGIN_PATH
sed 's/use = "cls"/use = "margin"/; s/mood = "cls"/mood = "margin"/' "$out/mood.cfg" >"$out/margin.cfg"
"$TENON" gradcheck "$out/margin.cfg" --set 'heads.mood={use="margin"; labels=("loud","quiet");}' \
	--set backends=reference --entries 2 >"$out/rows" 2>"$out/err"
[ $? = 0 ] && grep -q 'heads.mood.margin.weight' "$out/rows"
ok $? "a head of one's own: its gradient is right"
train --set pipeline="$out/margin.cfg"
[ "$code" = 0 ] && tail -n 1 "$out/rows" | grep -q "100.00" &&
	"$TENON" run "$out/run/pipeline.cfg" "the dog" | grep -q '"label":"quiet","margin":'
ok $? "and it learns"
rm -rf "$out/run"

refuses 78 'data=(): there is no setting data = ' 'no data' --set 'data=()'
refuses 78 'optim.lr: found -1, expected a real number, 0 to 10' 'a rate below 0' --set optim.lr=-1
refuses 78 'optim.rate: no such option (options: lr, ' 'an unknown setting' --set optim.rate=1
refuses 78 'would never end' 'a job without an end' --set stop.epochs=0
refuses 78 'data.format: found .*parquet.*, expected jsonl' 'no format' --set data.format=parquet
refuses 78 'heads: .*has no head "moods"' 'an unknown head' --set 'heads=("moods")'
refuses 78 'no parameter that is trained matches "heads.x.\*"' 'a group of nothing' \
	--set 'optim.groups=({match="heads.x.*"; lr=1e-3;})'
refuses 78 'stop.metric is f2, expected one of: loss, mood.accuracy' 'an unknown metric' \
	--set stop.metric=f2
refuses 66 'no-such-file' 'no train file' --set data.train=no-such-file
refuses 66 'there is no checkpoint to go on from' 'nothing to go on from' --resume
train --resume --overwrite
[ "$code" = 64 ] && grep -q 'do not go together' "$out/err"
ok $? "exit 64: two ways to begin"
printf 'no label here\n' >>"$out/train.tsv"
refuses 65 'train.tsv:5: 1 columns' 'a bad line of the data' --set data.dev="$out/run/../train.tsv"
train --set data.on_bad=drop --set stop.epochs=1
[ "$code" = 0 ] && grep -q 'note: 1 train examples are wrong and dropped, the first: .*train.tsv:5' \
	"$out/err"
ok $? "on_bad = drop: it is left out, with a note"
sed -i '5d' "$out/train.tsv"
refuses 78 'a model lies there already: --overwrite begins' 'a model is not written over'
refuses 65 'step [0-9]*: the loss is .*, the gradient.s norm .*epoch [0-9]*, batch [0-9]*' \
	'a loss that is not finite: its step and batch' --overwrite --set optim.lr=10 \
	--set optim.weight_decay=10 --set optim.warmup=0 --set stop.epochs=100

rm -rf "$out/run"
"$TENON" train "$out/job.cfg" --set stop.epochs=100000 --set eval.every=100000 \
	>"$out/rows" 2>"$out/err" </dev/null &
pid=$!
while [ ! -s "$out/run/log.jsonl" ] && kill -0 $pid; do sleep 0.05; done
kill -TERM $pid
wait $pid
code=$?
[ "$code" = 0 ] && grep -q 'stopped after step [0-9]* of 200000; .*--resume. goes on' "$out/err" &&
	[ -e "$out/run/checkpoint.safetensors" ]
ok $? "SIGTERM: the state is saved, how to go on is said, exit 0"
refuses 78 'a run lies there already: --overwrite begins anew, --resume goes on' \
	'a run is not written over'
plan
