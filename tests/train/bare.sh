#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/train/bare.sh - a head that is trained on a bare encoder becomes the family's own class: its
# tensors have the names that transformers wrote for that class, none is missing, and a norm that was
# made lets numbers through.
: "${TENON:=./tenon}" "${top_srcdir:=.}"
golden=$(cd "$top_srcdir/tests/golden" && pwd) || exit 1
. "$top_srcdir/tests/tap.sh"
OMP_WAIT_POLICY=passive
export OMP_WAIT_POLICY

printf 'the cat sat\tquiet\na very good film\tloud\nnot good\tloud\nthe dog\tquiet\n' >"$out/cls.tsv"
printf 'the O\ncat B-X\nsat O\n\nJohn B-X\nwalked I-X\n\n' >"$out/tag.conll"
printf '%s' '{"version": "1.1", "data": [{"title": "t", "paragraphs": [{"context": "the cat sat",' \
	'"qas": [{"id": "1", "question": "who", "answers": [{"text": "the cat", "answer_start": 0}]}]}]}]}' \
	>"$out/qa.json"

# learn MODEL HEAD DATA [SETTING]: trains a new head on a recorded model.
learn() {
	printf '%s\n' "pipeline = \"$golden/$1\"; output = \"run\"; set = ( \"heads.h.use=$2\"${4-} );" \
		"data = { train = \"$3\"; }; optim = { lr = ${rate-1e-3}; }; stop = { epochs = 2; };" >"$out/job.cfg"
	"$TENON" train "$out/job.cfg" --overwrite >"$out/out" 2>"$out/err" </dev/null
}
# names FILE: the names of its tensors, without the numbers of layers.
names() {
	LC_ALL=C grep -ao '"[A-Za-z0-9_.]*":{"dtype"' "$1" | sed 's/":.*//; s/"//; s/[0-9][0-9]*\./N./g' |
		sort -u
}
# becomes MODEL HEAD DATA CLASS RECORDED: what is written is of the class, as RECORDED is.
becomes() {
	learn "$1" "$2" "$3" &&
		grep -q "\"architectures\":\[\"$4\"\]" "$out/run/config.json" &&
		"$TENON" model "$out/run" >"$out/out" 2>"$out/err" && grep -q '^missing *none' "$out/out"
	ok $? "$1 with $2 is a $4"
	names "$golden/$5/model.safetensors" | grep -v embeddings_project >"$out/theirs"
	names "$out/run/model.safetensors" >"$out/ours"
	[ -s "$out/theirs" ] && [ -z "$(comm -23 "$out/theirs" "$out/ours")" ]
	ok $? "its tensors have the names of $5"
}
becomes roberta-model-h24 cls cls.tsv RobertaForSequenceClassification xlm-roberta-seqcls-h30
becomes electra-model-h24 cls cls.tsv ElectraForSequenceClassification electra-seqcls-h30
becomes mpnet-model-h24 cls cls.tsv MPNetForSequenceClassification mpnet-seqcls-h30
becomes distilbert-model-h20 cls cls.tsv DistilBertForSequenceClassification distilbert-seqcls-h24
becomes distilbert-model-h20 span-qa qa.json DistilBertForQuestionAnswering distilbert-qa-h24
becomes deberta-model-h24 cls cls.tsv DebertaV2ForSequenceClassification deberta-seqcls-h24
becomes nomic-model-h24 cls cls.tsv NomicBertForSequenceClassification nomic-seqcls-h30
becomes modernbert-model-h24 span-qa qa.json ModernBertForQuestionAnswering modernbert-qa-h24
becomes modernbert-model-h24 cls cls.tsv ModernBertForSequenceClassification modernbert-qa-h24
rate=1e-9
learn modernbert-model-h24 cls cls.tsv
unset rate
cut -f 1 "$out/cls.tsv" | "$TENON" run "$out/run" --format jsonl >"$out/out" 2>"$out/err"
[ "$(sed 's/.*"score":\(0.[0-9]\{5\}\).*/\1/' "$out/out" | sort -u | wc -l)" = 4 ]
ok $? "untouched, its scores differ from text to text"

# What is of no class of transformers has its layers in a file of the head.
learn modernbert-model-h24 bio-crf tag.conll && names "$out/run/h.safetensors" >"$out/ours" &&
	grep -q '^head.norm.weight$' "$out/ours" &&
	"$TENON" run "$out/run/pipeline.cfg" "the cat" >"$out/out" 2>"$out/err"
ok $? "a CRF on ModernBERT keeps the family's layers beside its own"
learn roberta-model-h24 cls cls.tsv ', "heads.h.pooling=mean"' &&
	names "$out/run/h.safetensors" >"$out/ours" && grep -q '^classifier.weight$' "$out/ours" &&
	"$TENON" run "$out/run/pipeline.cfg" "the cat" >"$out/out" 2>"$out/err"
ok $? "a mean of tokens has a classifier of its own form"
plan
