#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/cli/gradcheck.sh - the gradients of models and heads agree with differences of their
# losses; one that is off is found; what cannot be trained is refused.
: "${TENON:=./tenon}" "${top_srcdir:=.}" "${top_builddir:=.}"
golden=$top_srcdir/tests/golden
. "$top_srcdir/tests/tap.sh"
OMP_WAIT_POLICY=passive
export OMP_WAIT_POLICY

run() {
	"$TENON" gradcheck "$@" --set 'backends=("reference")' >"$out/out" 2>"$out/err" </dev/null
	code=$?
}
# rows PATTERN: how many rows of parameters.
rows() {
	grep -c -e "$1" "$out/out"
}

run "$golden/bert-qa-h40" --entries 1
[ "$code" = 0 ] && [ "$(rows 'qa_outputs')" = 2 ]
ok $? "span-qa"
run "$golden/bert-tokcls-h40" --entries 1
[ "$code" = 0 ] && [ "$(rows 'encoder.layer.\*.attention.self.key.bias')" = 1 ]
ok $? "bio-crf by token"
run "$golden/bert-mlm-tied-h40" --entries 1
[ "$code" = 0 ] && [ "$(rows 'word_embeddings')" = 1 ]
ok $? "fill-mask, its weights tied to the embedding"

"$top_builddir/tests/make_heads" 40 "$out"
cat >"$out/heads.cfg" <<EOF
model = "$(cd "$golden/bert-model-h40" && pwd)";
heads = {
	entities = { use = "bio-crf"; weights = "crf.safetensors"; word_pool = "mean"; };
	one = { use = "cls"; weights = "labels.safetensors"; pooling = "max";
		label_smoothing = 0.1; class_weights = ( "b=2.5", "c=0.5" ); };
	several = { use = "cls"; weights = "labels.safetensors"; pooling = "mean";
		problem = "multi_label"; };
	vector = "embed";
};
EOF
run "$out/heads.cfg" --entries 1
[ "$code" = 0 ] && [ "$(rows ' heads.entities.crf\.')" = 3 ] && [ "$(rows 'classifier')" = 6 ]
ok $? "a CRF and classifiers together"
grep -q 'vector is left out: embed has no loss' "$out/err"
ok $? "a head without a loss is left out, with a note"
cat >"$out/number.cfg" <<EOF
model = "$(cd "$golden/bert-model-h40" && pwd)";
heads = { number = { use = "cls"; weights = "number.safetensors"; pooling = "cls"; }; };
EOF
run "$out/number.cfg" --entries 0
[ "$code" = 0 ] && [ "$(rows 'classifier')" = 2 ]
ok $? "regression"

run "$out/number.cfg" --entries 0 --tolerance 1e-15
[ "$code" = 1 ] && [ "$(rows ' \*')" -gt 0 ]
ok $? "exit 1, with a star, when the error is larger than allowed"
run "$golden/bert-sentence-h72"
[ "$code" = 78 ] && grep -q 'no head can be trained: embed has no loss' "$out/err"
ok $? "exit 78: no head can be trained"
run "$out/heads.cfg" --set 'heads.one.class_weights=("d=1")'
[ "$code" = 78 ] && grep -q 'found "\{0,1\}d=1"\{0,1\}, expected LABEL=WEIGHT' "$out/err"
ok $? "exit 78: a weight of no label"
run
[ "$code" = 64 ]
ok $? "exit 64: no pipeline"
plan
