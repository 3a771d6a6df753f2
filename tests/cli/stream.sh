#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/stream.sh - texts without end: memory does not grow with what went by, and the first
# answer comes while the input goes on.  FEW=10000 MANY=1000000 tests/cli/stream.sh for more.
: "${TENON:=./tenon}" "${top_srcdir:=.}" "${FEW:=1000}" "${MANY:=10000}"
. "$top_srcdir/tests/tap.sh"
export OMP_WAIT_POLICY=passive
small=$top_srcdir/tests/golden/bert-seqcls-h100

# A model of 2 layers and width 64, its weights 0.
model=$out/model
mkdir "$model"
cp "$small"/*tok* "$small/vocab.txt" "$model"
vocab=$(wc -l <"$model/vocab.txt")
cat >"$model/config.json" <<END
{"architectures":["BertForSequenceClassification"],"model_type":"bert","vocab_size":$vocab,
"hidden_size":64,"num_hidden_layers":2,"num_attention_heads":4,"intermediate_size":256,
"hidden_act":"gelu","max_position_embeddings":128,"type_vocab_size":2,"layer_norm_eps":1e-12,
"id2label":{"0":"no","1":"yes"}}
END
awk -v V="$vocab" '
	function tensor(name, rows, cols,  n) {
		n = 4 * rows * (cols ? cols : 1)
		printf "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%d%s],\"data_offsets\":[%d,%d]}", at ? "," : "{",
			name, rows, cols ? "," cols : "", at, at + n
		at += n
	}
	function linear(name, rows, cols) { tensor(name ".weight", rows, cols); tensor(name ".bias", rows) }
	function norm(name) { tensor(name ".weight", 64); tensor(name ".bias", 64) }
	BEGIN {
		e = "bert.embeddings."
		tensor(e "word_embeddings.weight", V, 64)
		tensor(e "position_embeddings.weight", 128, 64)
		tensor(e "token_type_embeddings.weight", 2, 64)
		norm(e "LayerNorm")
		for (i = 0; i < 2; i++) {
			l = "bert.encoder.layer." i "."
			linear(l "attention.self.query", 64, 64)
			linear(l "attention.self.key", 64, 64)
			linear(l "attention.self.value", 64, 64)
			linear(l "attention.output.dense", 64, 64)
			norm(l "attention.output.LayerNorm")
			linear(l "intermediate.dense", 256, 64)
			linear(l "output.dense", 64, 256)
			norm(l "output.LayerNorm")
		}
		linear("bert.pooler.dense", 64, 64)
		linear("classifier", 2, 64)
		print "}"
		print at >"/dev/stderr"
	}' >"$out/header" 2>"$out/bytes"
n_header=$(wc -c <"$out/header")
{
	printf "\\x$(printf %02x $((n_header & 255)))\\x$(printf %02x $((n_header >> 8)))\0\0\0\0\0\0"
	cat "$out/header"
	head -c "$(cat "$out/bytes")" /dev/zero
} >"$model/model.safetensors"

# lines N: texts of 1 to 40 words.
lines() {
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) { line = "the";
		for (k = 0; k < i % 40; k++) line = line " cat"; print line } }'
}
# peak N: kB of memory at the most once N answers have been given, while more could be asked.
peak() {
	rm -f "$out/in" "$out/answers"
	mkfifo "$out/in" "$out/answers"
	"$TENON" run "$model" --set threads=1 --format jsonl <"$out/in" >"$out/answers" 2>"$out/err" &
	pid=$!
	exec 3>"$out/in" 4<"$out/answers"
	lines "$1" >&3 &
	head -n "$1" <&4 | tail -n 1 >"$out/last"
	sed -n 's/^VmHWM:[ \t]*\([0-9]*\).*/\1/p' /proc/$pid/status
	exec 3>&- 4<&-
	wait $pid
	echo $? >"$out/code"
}

few=$(peak "$FEW")
many=$(peak "$MANY")
echo "# peak: $few kB after $FEW texts, $many kB after $MANY"
grep -q "^{\"input\":$((MANY - 1)),.*\"result\"" "$out/last" && [ "$(cat "$out/code")" = 0 ]
ok $? "$MANY texts are answered" "$out/err" "$out/last"
[ "$few" -gt 0 ] && [ $((many * 100)) -le $((few * 105)) ]
ok $? "their peak of memory is that of $FEW, within 5 %" "$out/err"

# The first answer, and when a run without texts ends.
lines "$MANY" >"$out/texts"
now() {
	date +%s%N
}
begin=$(now)
"$TENON" run "$model" --set threads=1 </dev/null >"$out/out" 2>"$out/err"
loaded=$(($(now) - begin))
begin=$(now)
"$TENON" run "$model" --set threads=1 --format jsonl --input "$out/texts" 2>"$out/err" | head -n 1 >"$out/out"
first=$(($(now) - begin))
echo "# a run without texts takes $((loaded / 1000000)) ms, the first answer of $MANY comes after $((first / 1000000)) ms"
grep -q '^{"input":0,.*"result"' "$out/out" && [ ! -s "$out/err" ]
ok $? "a reader of one answer leaves quietly"
plan
