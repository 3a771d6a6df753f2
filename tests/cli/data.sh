#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/cli/data.sh - `tenon data check` says what data hold and what is wrong with them.
: "${TENON:=./tenon}" "${top_srcdir:=.}"
. "$top_srcdir/tests/tap.sh"

# check ARGUMENT...: in the directory of the files.
check() {
	(cd "$out" && "$TENON" data check "$@") >"$out/out" 2>"$out/err" </dev/null
	code=$?
}
# says TEXT...: the output has each as a line.
says() {
	for line; do
		grep -Fxq -e "$line" "$out/out" || return 1
	done
}

printf 'good\tpos\nbad\tneg\n so  good\tpos\nso good\tneg\n' >"$out/train.tsv"
printf 'so\tgood\tpos\nso good\tpos\nfine\tsome\nbad\tneg\nbad \tneg\n' >"$out/dev.tsv"

check train.tsv
[ $code = 0 ] && says 'label  n     %' 'neg    2  50.0' 'pos    2  50.0' \
	'data  train.tsv  tsv            4    0' \
	'data     words    1       1    2    2    2' \
	'warning: data: texts that were there before: 1' '  train.tsv:4 and 3: "so good"' \
	'warning: data: of these, with other labels than before: 1'
ok $? "labels, lengths and duplicates of one file; warnings alone are 0"

check train.tsv --dev dev.tsv
[ $code = 0 ] && says 'label  train     %  dev     %' 'neg        2  50.0    2  40.0' \
	'some       0   0.0    1  20.0' \
	'warning: dev: texts that are in train, too: 3; different ones: 2' \
	'  dev.tsv:2 and train.tsv:3: "so good"' '  dev.tsv:4 and train.tsv:2: "bad"' \
	'warning: dev: labels that train has not: 1' '  some: 1'
ok $? "what dev shares with train, and what train lacks"

check train.tsv --dev dev.tsv --format jsonl
[ $code = 0 ] && says '{"row":"file","set":"dev","file":"dev.tsv","format":"tsv","examples":5,"bad":0}' \
	'{"row":"label","name":"some","n":0,"share":0.0,"dev_n":1,"dev_share":0.2}' \
	'{"row":"finding","level":"warning","what":"overlap","set":"dev","total":3,"distinct":2,"where":"dev.tsv:4","other":"train.tsv:2","text":"\"bad\""}' &&
	! grep -v '^{"row":"\(file\|set\|label\|lengths\|finding\)",.*}$' "$out/out"
ok $? "the same as records"

# Twelve words that may not stand where they do, and more.
i=0
while [ $i -lt 12 ]; do
	printf 'a B-x\nb O\nc I-x\n\n'
	i=$((i + 1))
done >"$out/tags.conll"
check tags.conll
[ $code = 65 ] && says 'data      12  BIO' 'x     24  100.0' \
	'error: data: tags that cannot stand where they do (BIO): 12' \
	'  tags.conll:3: I-x behind O' '  tags.conll:39: I-x behind O' '  and 2 more' &&
	! grep -q 'tags.conll:43: I-x' "$out/out"
ok $? "illegal transitions are 65, the first ten with their lines"

printf 'a I-x\nb I-x\nc B-x\n' >"$out/iob1.conll"
check iob1.conll
[ $code = 65 ] && says 'error: data: tags that cannot stand where they do (BIO): 1; all can in IOB1: try --iob1' &&
	check iob1.conll --iob1 && [ $code = 0 ] && says 'x     2  100.0'
ok $? "IOB1 is recognised and read"

printf 'good,pos\nx\n"so, ""good""",pos\n\377,neg\n"a\nb",neg\n' >"$out/bad.csv"
check bad.csv
[ $code = 65 ] && says 'data  bad.csv  csv            3    2' 'error: data: lines, sentences or questions that cannot be read: 2' \
	'  bad.csv:2: 1 columns, expected a text and its label, or two texts and their label' \
	'  bad.csv:4: byte 0: 0xff is not UTF-8' 'pos    2  66.7'
ok $? "lines that cannot be read are 65, the others count"

printf 'n,what,how\n1,good,pos\n' >"$out/named.csv"
check named.csv --columns text=what,label=how
[ $code = 0 ] && says 'pos    1  100.0' && check named.csv --columns -,text,label --header &&
	[ $code = 0 ] && says 'pos    1  100.0' && check named.csv --columns -,text,lable
[ $code = 64 ] && grep -Fxq 'tenon: named.csv: no column is called "lable": there are text, pair, label and id, and - for one that is not used' "$out/err"
ok $? "columns by name, by order, and wrong ones: 64"

check train.tsv none.tsv
[ $code = 66 ] && grep -q '^tenon: none.tsv: there is no such file$' "$out/err"
ok $? "a file that is not there is 66"
check
[ $code = 64 ] && "$TENON" data chekc "$out/train.tsv" 2>"$out/err"
[ $? = 64 ]
ok $? "wrong arguments are 64"

# The tokenizer's figures are those of `tenon tokenize`.
printf 'The \342\230\203 melts.\nunbelievably so\n' >"$out/texts"
for text in 'The \342\230\203 melts.' 'unbelievably so'; do
	"$TENON" tokenize "$top_srcdir/examples/demo" "$(printf "$text")" --format text | sed '/^$/d' \
		>"$out/tokens"
	wc -l <"$out/tokens" | tr -d ' '
	grep -c 'UNK' "$out/tokens" >>"$out/unknown"
	sed '/ - /d' "$out/tokens" | wc -l >>"$out/inner"
done | sort -n >"$out/counts"
total=$(awk '{ s += $1 } END { print s }' "$out/inner")
check texts --from text --pipeline "$(cd "$top_srcdir" && pwd)/examples/demo" --set window.tokens=5 \
	--set window.overlap=0 --format jsonl
[ $code = 0 ] && says "{\"row\":\"lengths\",\"set\":\"data\",\"unit\":\"tokens\",\"min\":$(head -1 "$out/counts"),\"median\":$(head -1 "$out/counts"),\"p90\":$(tail -1 "$out/counts"),\"p99\":$(tail -1 "$out/counts"),\"max\":$(tail -1 "$out/counts")}" &&
	grep -q "^{\"row\":\"tokens\",\"set\":\"data\",\"tokens\":$total,\"unknown\":1,.*\"window\":5,\"longer\":2,.*}$" \
	"$out/out" && grep -q '"what":"long","set":"data","total":2' "$out/out"
ok $? "lengths in tokens, unknown ones, and texts longer than a window"
plan
