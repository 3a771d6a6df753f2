#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/cli/check.sh - tenon check: each way to write a configuration wrongly has its sentence
# with FILE:LINE, all come at once and in order; what a good pipeline prints; the effective
# configuration gives the same answers; paths are those of the file.
: "${TENON:=./tenon}" "${top_srcdir:=.}"
case $TENON in /*) ;; *) TENON=$PWD/$TENON ;; esac
src=$(cd "$top_srcdir" && pwd)
golden=$src/tests/golden
unset HOME
OMP_WAIT_POLICY=passive; export OMP_WAIT_POLICY
. "$top_srcdir/tests/tap.sh"
cfg=$out/p.cfg

run() {
	"$TENON" "$@" >"$out/out" 2>"$out/err" </dev/null
	code=$?
}
# has FILE PATTERN: a line of the output.
has() {
	grep -q -e "$2" "$out/$1"
}
# places: FILE:LINE of each line of stderr, without the folder.
places() {
	sed -n "s|^tenon: $out/\([^:]*:[0-9]*\):.*|\1|p" "$out/err" | tr '\n' ' '
}
# wrong CODE LINE SENTENCE DESCRIPTION: the configuration on standard input has this fault,
# and no other.
wrong() {
	cat >"$cfg"
	run check "$cfg"
	[ $code = "$1" ] && [ ! -s "$out/out" ] && [ "$(places)" = "p.cfg:$2 " ] &&
		[ "$(wc -l <"$out/err")" = 1 ] && has err "^tenon: $cfg:$2:[0-9: ]*$3"
	ok $? "$4, $1"
}
tagger="use = \"bio-crf\"; weights = \"$src/examples/demo/entities.safetensors\";"
model="model = \"$src/examples/demo\";"
head="heads = { a = { $tagger }; };"

# --- how it is written ---

wrong 78 3 'this string stands right behind another one (on line 2): a comma' \
	"a comma that is missing between two strings" <<EOF
$model
backends = ( "reference"
  "openblas" );
$head
EOF
wrong 78 2 'no comma may stand behind the last value, before )' "a comma too much" <<EOF
$model
backends = ( "reference", );
EOF
wrong 78 2 'reference is not true, false or a number; a string stands in double quotes: "reference"' \
	"a word without quotes" <<EOF
$model
backends = reference;
EOF
wrong 78 2 'threads is a string, expected an integer' "a number in quotes" <<EOF
$model
threads = "2";
EOF
wrong 78 2 '9999999999999999999999 does not fit 64 bits' "an integer beyond 64 bits" <<EOF
$model
threads = 9999999999999999999999;
EOF
wrong 78 2 'threads is 4294967298, expected 0 to 4096' "an integer that 32 bits would wrap" <<EOF
$model
threads = 4294967298;
EOF
wrong 78 3 '"threads" is set twice, first at .*p.cfg:2' "a setting that occurs twice" <<EOF
$model
threads = 1;
threads = 2;
EOF
wrong 78 2 'the { that opens here is never closed' "a group that is not closed" <<EOF
$model
heads = { a = { $tagger };
EOF
wrong 78 1 '@include: .*/none.cfg: there is no such file' "an include that is not there" <<EOF
@include "none.cfg"
$model
EOF

# --- what it says ---

wrong 78 2 'threds: no such setting; did you mean "threads"? (known: backends, ' \
	"an unknown setting" <<EOF
$model
threds = 2;
$head
EOF
wrong 78 4 'heads.a.min_scor: no such option of head "bio-crf"; did you mean "min_score"?' \
	"an unknown option" <<EOF
$model
heads = {
  a = { $tagger
    min_scor = 0.5; };
};
EOF
wrong 78 2 'heads.a has no "use", which names its plugin' "a head without a plugin" <<EOF
$model
heads = { a = { min_score = 0.5; }; };
EOF
wrong 78 2 'heads.a.min_score: found 1.5, expected a real number, 0 to 1' \
	"an option out of range" <<EOF
$model
heads = { a = { $tagger min_score = 1.5; }; };
EOF
wrong 78 2 'heads.a.nbest: found 1.5, expected an integer' "a real for an integer" <<EOF
$model
heads = { a = { $tagger nbest = 1.5; }; };
EOF
wrong 78 2 'heads.a.on_overflow is "windw", expected one of: window, truncate, error; did you mean "window"' \
	"an unknown choice" <<EOF
$model
heads = { a = { $tagger on_overflow = "windw"; }; };
EOF
wrong 78 2 'precision is "fp31", expected one of: fp32, bf16, int8' "an unknown precision" <<EOF
$model
precision = "fp31";
EOF
wrong 78 2 'a head cannot be called "text"' "a reserved name" <<EOF
$model
heads = { text = { $tagger }; };
EOF
wrong 78 2 'window.tokens is 513, the model takes at most 512' "a window beyond the model" <<EOF
$model
window = { tokens = 513; };
$head
EOF
wrong 78 3 'window.overlap is 64, expected less than the 64 tokens of a window' \
	"an overlap as long as the window" <<EOF
$model
window = { tokens = 64;
  overlap = 64; };
$head
EOF
wrong 66 1 "model: $out/none: No such file or directory" "a model directory that is not there" <<EOF
model = "none";
EOF
wrong 66 1 "model: $out/p.cfg is not a directory" "a model that is a file" <<EOF
model = "p.cfg";
EOF
wrong 66 2 "heads.a.weights: $out/none: No such file" "weights that are not there" <<EOF
$model
heads = { a = { use = "bio-crf"; weights = "none"; }; };
EOF
wrong 69 2 'heads.a: no head "bio_crf"; did you mean "bio-crf"? (heads: .*bio-crf, .*cls.*; tried .*/head-bio_crf.so' \
	"an unknown head, with what is installed" <<EOF
$model
heads = { a = { use = "bio_crf"; }; };
EOF
wrong 69 2 'backends: no backend "cuda".* (backends: .*reference.*; tried .*/backend-cuda.so' \
	"an unknown backend, with what is installed" <<EOF
$model
backends = ( "cuda", "reference" );
$head
EOF
echo "threads = 1;" >"$cfg"
run check "$cfg"
[ $code = 78 ] && has err "^tenon: $cfg: there is no setting \"model\""; ok $? "no model, 78"
run check "$out/none.cfg"
[ $code = 66 ] && has err "^tenon: $out/none.cfg: No such file or directory"
ok $? "no such configuration, 66"
run check /dev/null
[ $code = 78 ] && has err 'not a regular file'; ok $? "a device for a configuration, 78"
run check
[ $code = 64 ] && has err 'the pipeline is missing'; ok $? "no pipeline, 64"
run check "$cfg" "$cfg"
[ $code = 64 ]; ok $? "two pipelines, 64"
run check "$cfg" --no-such-option
[ $code = 64 ]; ok $? "an unknown option of the command, 64"

# --- all at once, in order ---

cd "$src" || exit 1
run check examples/broken.cfg
cd "$OLDPWD" || exit 1
[ $code = 78 ] && [ "$(cut -d: -f 2,3 "$out/err" | tr '\n' ' ')" = \
	" examples/broken.cfg:4  examples/broken.cfg:5  examples/broken.cfg:7 " ]
ok $? "examples/broken.cfg: three faults, by line"
sed -n 's/^    \(tenon: examples.broken.cfg:.*\)$/\1/p' "$src/README.md" | sed 's/ \.\.\.$//' >"$out/said"
lines=0
while IFS= read -r line; do
	lines=$((lines + 1))
	sed -n "${lines}p" "$out/err" | grep -q -F -e "$line" || lines=99
done <"$out/said"
[ $lines = 3 ]; ok $? "README shows what it prints"
cat >"$cfg" <<EOF
threads = 5000;
@include "common.cfg"
heads = {
  b = { use = "nothing"; };
  a = { $tagger on_overflow = 3;
    labels = ( "O", 1 );
    nbest = 0; };
};
window = { tokens = "many"; overlp = 2; };
precision = 32;
$model
EOF
cat >"$out/common.cfg" <<EOF

backends = ( "reference", "cuda" );
threads_per_call = -1;
EOF
run check "$cfg" --set heads.a.min_score=2 --set 'plugin_path=(1)'
[ $code = 78 ] && [ "$(places)" = "common.cfg:2 common.cfg:3 \
p.cfg:1 p.cfg:4 p.cfg:5 p.cfg:6 p.cfg:7 p.cfg:9 p.cfg:9 p.cfg:10 " ] &&
	[ "$(tail -n 2 "$out/err" | grep -c '^tenon: --set ')" = 2 ]
ok $? "twelve faults of all parts, by file and line, those of --set behind them"

cat >"$cfg" <<EOF
model = "$src/examples/demo";
heads = { mood = { use = "cls"; weights = "$src/examples/demo/sentiment.safetensors";
  labels = ( "bad", "good" ); }; };
EOF
run check "$cfg"
[ $code = 78 ] && has err '^tenon: .*p.cfg:3: heads.mood.labels are not the 2 labels that stand in .*sentiment'
ok $? "labels other than those of the head's file"
sed -i 's/"bad", "good"/"negative", "positive"/' "$cfg"
run check "$cfg"
[ $code = 0 ] && has out '^head mood: cls, 2 labels'; ok $? "labels that are those of the file"

# --- a good one ---

run check "$src/examples/ner.cfg"
[ $code = 0 ] && [ ! -s "$out/err" ] && has out '^ok$'; ok $? "a good pipeline, 0"
has out "^model: .*/examples/demo, bert BertModel, 4 layers, width 384, windows of 512 tokens"
ok $? "the model"
has out '^tokenizer: wordpiece, 9800 tokens$'; ok $? "the tokenizer"
has out '^head entities: bio-crf, 7 labels, weights from .*/entities.safetensors$' &&
	has out '^head sentiment: cls, 2 labels, weights from .*/sentiment.safetensors$'
ok $? "the heads with their labels and weights"
run check "$src/examples/ner.cfg" --set backends=reference
has out '^  reference   *[0-9].* linear, .*layer_norm' &&
	has out '^work for 128 tokens: [0-9.]* GFLOP; reference 100.0 %$'
ok $? "the operations and the work of each backend"
run check "$src/examples/ner.cfg" --set backends=reference --set threads=2 --set threads_per_call=1
has out '^threads: 2, 1 for each call$'; ok $? "the threads"
run check "$golden/bert-seqcls-h100"
[ $code = 0 ] && has out "^model: .*, bert BertForSequenceClassification, 1 layers, width 100" &&
	has out '^head result: cls, 3 labels, weights from .*/model.safetensors$' && has out '^ok$'
ok $? "a model directory, its head called result"
run check "$golden/bert-seqcls-h100" --verbose
has out '^  .*(linear): '; ok $? "--verbose names each node"
mkdir "$out/m" && cp "$golden/bert-seqcls-h100"/* "$out/m" && rm -f "$out/m/config.json"
sed 's/BertForSequenceClassification/BertForNothing/' "$golden/bert-seqcls-h100/config.json" \
	>"$out/m/config.json"
run check "$out/m"
[ $code = 78 ] && has err 'config.json: the class BertForNothing is not one that model bert knows a head for'
ok $? "a model directory without a head, 78"
sed 's/"bert"/"brt"/' "$golden/bert-seqcls-h100/config.json" >"$out/m/config.json"
run check "$out/m"
[ $code = 69 ] && has err 'no model "brt"; did you mean "bert"?'; ok $? "an unknown model_type, 69"
rm "$out/m/model.safetensors" && : >"$out/m/pytorch_model.bin"
run check "$out/m"
[ $code = 65 ] && has err 'pytorch_model.bin, a pickle.*; write model.safetensors with: python3'; ok $? "weights as a pickle: the remedy, 65"

# --- the effective configuration ---

# same DESCRIPTION PIPELINE [ARGUMENT ...]: check --print of it gives the same answers, and
# prints itself.
same() {
	said=$1
	shift
	"$TENON" check "$@" --print >"$out/e.cfg" 2>"$out/err"
	printf 'Angela Merkel visited Paris.\n\nthe cat sat on a mat\n' >"$out/in"
	"$TENON" run "$@" --input "$out/in" >"$out/a" 2>>"$out/err"
	(cd / && "$TENON" run "$out/e.cfg" --input "$out/in") >"$out/b" 2>>"$out/err"
	(cd / && "$TENON" check "$out/e.cfg" --print) >"$out/out" 2>>"$out/err"
	[ -s "$out/a" ] && [ ! -s "$out/err" ] && cmp "$out/a" "$out/b" >>"$out/err" &&
		cmp "$out/e.cfg" "$out/out" >>"$out/err"
	ok $? "--print gives the same answers: $said"
}
same "the example" "$src/examples/ner.cfg"
same "with --set" "$src/examples/ner.cfg" --set heads.entities.min_score=0.01 \
	--set 'backends=("reference")' --set window.tokens=16 --set window.overlap=4
for model in bert-seqcls-multi-h48 bert-tokcls-h40 bert-sentence-h72; do
	same "$model" "$golden/$model"
done

# --- paths ---

mkdir "$out/d"
sed 's|"demo|"../x/demo|' "$src/examples/ner.cfg" >"$out/d/ner.cfg"
mkdir "$out/x" && ln -s "$src/examples/demo" "$out/x/demo"
for from in "$out" "$out/d" "$out/x" /; do
	case $from in "$out") cfg=d/ner.cfg ;; "$out/d") cfg=ner.cfg ;; "$out/x") cfg=../d/ner.cfg ;;
	*) cfg=$out/d/ner.cfg ;; esac
	(cd "$from" && "$TENON" check "$cfg" --set backends=reference) >"$out/out" 2>"$out/err"
	ok $? "paths are relative to the file: from ${from#"$out"}, ${cfg#"$out"}"
done
printf '@include "../d/ner.cfg"\n' >"$out/x/over.cfg"
run check "$out/x/over.cfg"
[ $code = 0 ]; ok $? "paths are relative to the file that is included"
(cd "$out/x" && "$TENON" check ../d/ner.cfg --set model=demo) >"$out/out" 2>"$out/err"
ok $? "paths of --set are relative to the working directory"
"$TENON" check "$src/examples/ner.cfg" >/dev/full 2>"$out/err"
[ $? = 74 ] && has err 'writing to standard output failed: No space left on device'
ok $? "a full disk, 74"
plan
