#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/fuzz/seeds.sh FOLDER - what fuzzing begins with: FOLDER/TARGET/..., from the broken files of
# tests/cli/broken.sh, good files of the tree, and inputs that once found a fault (found/TARGET-*).
: "${top_srcdir:=.}"
folder=${1:?usage: tests/fuzz/seeds.sh FOLDER}
mkdir -p "$folder"/{config,conll,conllu,csv,json,jsonl,merges,model,safetensors,sentencepiece,signature,tokenizer,vocab}
folder=$(cd "$folder" && pwd)
cd "$top_srcdir" || exit 1
SEEDS=$folder tests/cli/broken.sh >"$folder/log" 2>&1 || exit 1

# put TARGET FILE...: small files, under a name of their own.
put() {
	local target=$1 file
	shift
	for file; do
		[ -f "$file" ] && [ "$(stat -c %s "$file")" -le 65536 ] && cp "$file" "$folder/$target/$(echo "$file" | tr / -)"
	done
}
put model tests/golden/*/config.json
put vocab tests/golden/*/vocab.txt core/kit/vocab.txt
put tokenizer core/kit/tokenizer.json tests/golden/*/tokenizer.json tests/golden/*/*/tokenizer.json
put config examples/*.cfg examples/recipes/*.cfg
put conll tests/golden/*.conll
put sentencepiece tests/golden/*/*/spiece.model
put jsonl tests/golden/*.jsonl
put json tests/golden/*/config.json
for file in tests/golden/bpe/*/; do
	[ -f "$file/merges.txt" ] && { head -c 4000 "$file/vocab.json"; printf '\n---\n'; head -n 50 "$file/merges.txt"; } \
		>"$folder/merges/$(basename "$file")"
done
printf '%s\n---\n%s\n' '{"a":0,"b":1,"ab":2,"<unk>":3}' '#version: 0.2
a b' >"$folder/merges/small"
for file in demo/heldout/*; do
	[ -f "examples/$file" ] || continue
	case $file in
	*.jsonl) head -n 5 "examples/$file" >"$folder/jsonl/$(basename "$file")" ;;
	*.conll) head -n 60 "examples/$file" >"$folder/conll/$(basename "$file")" ;;
	esac
done
printf '# text = a b\n1-2\tab\t_\t_\t_\t_\t_\t_\t_\t_\n1\ta\ta\tX\t_\t_\t0\troot\t_\t_\n2\tb\tb\tX\t_\t_\t1\tdep\t_\t_\n2.1\tc\t_\t_\t_\t_\t_\t_\t_\t_\n\n' \
	>"$folder/conllu/small"
printf 'text,label\n"a ""b""\r\nc",x\nplain,y\n\n,\n' >"$folder/csv/small"
printf 'a\tb\n1\t"2\n3"\n' >"$folder/csv/tabs"
printf '%s' 'i32 (cstr text, usize len, in f32* hidden[rows,cols], usize rows, usize cols, out f32* score[n], usize n)' \
	>"$folder/signature/all"
printf '%s' 'void (u8* text[len], f64 x = -0.5e3, out i64* a[3], u32* begin, u32* end)' >"$folder/signature/other"
sed -n 's/^bad "\([^"]*\)".*/\1/p' tests/heads/foreign.sh | while read -r line; do
	printf '%s' "$line" >"$folder/signature/bad-$((++n))"
done
# Tensors of nothing, of one number, of two kinds.
st() {
	local name=$1 header=$2 data=$3
	printf "$(printf '\\x%02x' ${#header})\\0\\0\\0\\0\\0\\0\\0%s%b" "$header" "$data" >"$folder/safetensors/$name"
}
st none '{}' ''
st one '{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' '\0\0\200\77'
st two '{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[2,1],"data_offsets":[0,4]},"b":{"dtype":"I8","shape":[],"data_offsets":[4,5]}}' '\0\0\0\0\1'
for file in tests/fuzz/found/*; do
	[ -f "$file" ] && name=$(basename "$file") && cp "$file" "$folder/${name%%-*}/found-${name#*-}"
done
rm "$folder/log"
