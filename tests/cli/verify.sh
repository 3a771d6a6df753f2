#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/cli/verify.sh - each recorded model on each backend gives what transformers gave; a
# planted fault is found; `tenon verify` says what is wrong with its arguments and files.
: "${TENON:=./tenon}" "${top_srcdir:=.}"
golden=$top_srcdir/tests/golden
. "$top_srcdir/tests/tap.sh"

run() {
	"$TENON" "$@" >"$out/out" 2>"$out/err" </dev/null
	code=$?
}
# has FILE PATTERN: a line of the output.
has() {
	grep -q -e "$2" "$out/$1"
}
# largest: the largest difference of the float kinds in the output.
largest() {
	awk '$1 ~ /^(hidden|pooled|logits|embed)$/ && $3 + 0 > m + 0 { m = $3 } END { print m + 0 }' \
		"$out/out"
}
# share BACKEND: per cent of the work of the plan that it runs.
share() {
	"$TENON" check "$model" --set "backends=(\"$1\", \"reference\")" 2>/dev/null |
		sed -n "s/^work for .*; $1 \([0-9.]*\) %.*/\1/p"
}

run plugins list
backends=$(awk '$1 == "backend" && $5 == "ok" { print $2 }' "$out/out")
[ -n "$backends" ]; ok $? "there are backends to verify"
for model in "$golden"/bert-*; do
	for backend in $backends; do
		run verify "$model" --against "$model/expected.safetensors" --backends "$backend,reference"
		part=$(share "$backend")
		[ $code = 0 ] && has out "cases agree within 0.0001 on $backend" &&
			awk -v part="$part" 'BEGIN { exit !(part >= 99) }'
		ok $? "${model##*/} on $backend: largest difference $(largest), $part % of the work"
	done
done

for recorded in "$golden"/truncated/*.safetensors; do
	name=$(basename "$recorded" .safetensors)
	run verify "$golden/$name" --against "$recorded"
	[ $code = 0 ] && has out 'cases agree within 0.0001 on'
	ok $? "${name}: texts that are too long"
done

# Faults planted in a copy of a model.
model=bert-seqcls-h100 expected=$golden/bert-seqcls-h100/expected.safetensors
copy() {
	rm -rf "$out/m"
	mkdir "$out/m" && cp "$golden/$model"/* "$out/m" && chmod -R u+w "$out/m"
}
copy
run verify "$out/m" --against "$expected"
[ $code = 0 ]; ok $? "the copy agrees"
LC_ALL=C sed -i 's/0.attention.self.query.weight/0.attention.self.XXXXX.weight/
	s/0.attention.self.value.weight/0.attention.self.query.weight/
	s/0.attention.self.XXXXX.weight/0.attention.self.value.weight/' "$out/m/model.safetensors"
run verify "$out/m" --against "$expected"
[ $code = 65 ] && has err 'hidden differ: case ' && has err 'logits differ: case '
ok $? "two swapped weights are found, 65"
run verify "$out/m" --against "$expected" --tolerance 100
[ $code = 0 ] && has out 'agree within 100'; ok $? "--tolerance"

# The table of positions moved up by one row.
copy
file=$out/m/model.safetensors
length=$(od -An -t u8 -N 8 "$file" | tr -d ' ')
set -- $(head -c $((8 + length)) "$file" | tail -c "$length" |
	sed -n 's/.*position_embeddings.weight":{[^}]*"shape":\[\([0-9]*\),\([0-9]*\)\][^}]*"data_offsets":\[\([0-9]*\),\([0-9]*\)\].*/\1 \2 \3 \4/p')
row=$((($4 - $3) / $1)) begin=$((8 + length + $3)) size=$(($4 - $3))
{
	head -c $begin "$file"
	tail -c +$((begin + row + 1)) "$file" | head -c $((size - row))
	tail -c +$((begin + 1)) "$file" | head -c $row
	tail -c +$((begin + size + 1)) "$file"
} >"$out/moved" && mv "$out/moved" "$file"
run verify "$out/m" --against "$expected"
[ $code = 65 ] && has err 'hidden differ: case '; ok $? "positions off by one are found, 65"

# A weight that is NaN.
copy
file=$out/m/model.safetensors
length=$(od -An -t u8 -N 8 "$file" | tr -d ' ')
printf '\377\377\377\377' | dd of="$file" bs=1 seek=$((8 + length)) conv=notrunc 2>/dev/null
run check "$out/m"
[ $code = 0 ] && has out '^tensor ".*": 1 of [0-9]* values are infinite or NaN$'
ok $? "check counts a NaN"
run verify "$out/m" --against "$expected"
[ $code = 65 ] && has out '^[a-z]* .* inf  case [0-9]*, row'; ok $? "a NaN is a difference, 65"

# A vocabulary with two pieces exchanged, in tokenizer.json and vocab.txt.
copy
rm "$out/m/tokenizer.json"
sed 's/^the$/x/; s/^cat$/the/; s/^x$/cat/' "$golden/$model/vocab.txt" >"$out/m/vocab.txt"
run verify "$out/m" --against "$expected"
[ $code = 65 ] && has err 'ids differ: case '; ok $? "two exchanged pieces are found, 65"

run verify "$golden/bert-seqcls-h100" --against "$golden/bert-tokcls-h40/expected.safetensors"
[ $code = 65 ]; ok $? "values of another model, 65"
run verify "$golden/bert-model-h40" --against "$expected"
[ $code = 65 ] && has err "logits differ: case 0: the pipeline's head gives no such values"
ok $? "values that the class does not give, 65"

run verify "$golden/bert-model-h40"
[ $code = 64 ] && has err '--against FILE is missing'; ok $? "no --against, 64"
run verify --against "$expected"
[ $code = 64 ] && has err 'the model directory is missing'; ok $? "no directory, 64"
run verify "$golden/bert-model-h40" --against "$expected" --tolerance much
[ $code = 64 ] && has err '--tolerance: found much, expected a number from 0'
ok $? "a tolerance that is no number, 64"
run verify "$golden/bert-model-h40" --against "$out/none"
[ $code = 66 ] && has err 'none: there is no such file'; ok $? "no such file, 66"
run verify "$golden/bert-model-h40" --against "$golden/bert-model-h40/model.safetensors"
[ $code = 65 ] && has err 'its metadata have no "cases"; examples/record.py writes such files'
ok $? "a file that holds no recording, 65"
run verify "$golden/bert-model-h40" --against "$expected" --backends 'a"b'
[ $code = 64 ] && has err '--backends: found a"b'; ok $? "a quote in --backends, 64"
run verify "$golden/bert-model-h40" --against "$expected" --backends none
[ $code = 69 ] && has err 'backend-none'; ok $? "a backend that is not there, 69"
plan
