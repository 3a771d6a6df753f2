#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/cli/model.sh - tenon model: what directories hold, and what they lack.
: "${TENON:=./tenon}" "${top_srcdir:=.}"
golden=$(cd "$top_srcdir/tests/golden" && pwd)
. "$top_srcdir/tests/tap.sh"

model() {
	"$TENON" model "$@" >"$out/out" 2>"$out/err"
	code=$?
}

# 2 layers of width 40: 102 and 512 and 2 rows of embeddings, 16 tensors for each layer, a pooler.
model "$golden/bert-model-h40"
[ "$code" = 0 ] && [ ! -s "$out/err" ] &&
	grep -q '^family  *bert, BertModel, bidirectional encoder$' "$out/out" &&
	grep -q '^shape  *2 layers, width 40, at most 512 tokens, windows of 512$' "$out/out" &&
	grep -q '^tokenizer  *wordpiece, 102 tokens, tokenizer.json$' "$out/out" &&
	grep -q '^missing  *none$' "$out/out" && grep -q '^complete  *yes$' "$out/out"
ok $? "a model"
model "$golden/bert-model-bf16-sharded" --format json
[ "$code" = 0 ] && [ "$(wc -l <"$out/out")" = 1 ] && grep -q '"types":{"BF16":[0-9]*}' "$out/out" &&
	grep -q '"files":[2-9]' "$out/out" && grep -q '"complete":true}$' "$out/out"
ok $? "shards of BF16, as JSON"
model "$golden/bert-seqcls-h100"
[ "$code" = 0 ] && grep -q '^head  *cls: negative, neutral, positive$' "$out/out" &&
	grep -q '^classes .*BertForTokenClassification' "$out/out"
ok $? "the head of the class with its labels; the classes of the family"
for precision in fp32 int8; do
	eval "$precision=$(sed -n "s/^memory.*$precision \([0-9]*\)\.\([0-9]*\) MB.*/\1\2/p" "$out/out")"
done
[ "$int8" -lt "$fp32" ]
ok $? "less memory at int8"
model "$golden/bert-mlm-tied-h40"
[ "$code" = 0 ] && grep -q '^head  *fill-mask$' "$out/out"
ok $? "a head that has no labels is shown without"

mkdir "$out/m"
cp "$golden/bert-model-h40"/* "$out/m"
sed -i 's/"num_hidden_layers": *2/"num_hidden_layers": 3/' "$out/m/config.json"
model "$out/m"
[ "$code" = 65 ] && grep -q '^complete  *no$' "$out/out" &&
	grep -q '^missing .*encoder.layer.2.attention.self.query.weight \[40,40\]' "$out/out" &&
	[ "$(grep '^missing' "$out/out" | tr ',' '\n' | grep -c 'layer.2')" = 16 ] &&
	grep -q '^tenon: .*/m: 16 tensors are missing$' "$out/err"
ok $? "a layer that the file does not have: all its tensors, exit 65"
sed -i 's/"num_hidden_layers": *3/"num_hidden_layers": 1/' "$out/m/config.json"
model "$out/m" -v
[ "$code" = 0 ] && grep '^unused' "$out/out" | grep -q 'encoder.layer.1.output.dense.weight'
ok $? "a layer too many is unused"
sed -i 's/"intermediate_size": *[0-9]*/"intermediate_size": 44/' "$out/m/config.json"
model "$out/m"
[ "$code" = 65 ] && grep -q 'has the shape \[.*,40\], .* needs \[44,40\]' "$out/err"
ok $? "another size: which tensor, and both shapes"
sed -i 's/"model_type": *"bert"/"model_type": "bort"/' "$out/m/config.json"
model "$out/m"
[ "$code" = 69 ] && grep -q 'model-bort' "$out/err"
ok $? "a family that is not there, exit 69"
model "$out/none"
[ "$code" = 66 ]
ok $? "no directory, exit 66"
model
[ "$code" = 64 ]
ok $? "no argument, exit 64"
plan
