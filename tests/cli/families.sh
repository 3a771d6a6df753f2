#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/cli/families.sh - each recorded model of the families beside BERT gives what transformers
# gave, on each backend; the fast one does all of the work; gradients agree with differences.
: "${TENON:=./tenon}" "${top_srcdir:=.}"
golden=$top_srcdir/tests/golden
. "$top_srcdir/tests/tap.sh"

# share BACKEND: per cent of the work of the plan that it runs.
share() {
	"$TENON" check "$model" --set "backends=(\"$1\", \"reference\")" 2>/dev/null |
		sed -n "s/^work for .*; $1 \([0-9.]*\) %.*/\1/p"
}

backends=$("$TENON" plugins list | awk '$1 == "backend" && $5 == "ok" { print $2 }')
[ -n "$backends" ]; ok $? "there are backends"
# What other libraries compute is no matter of sanitizers.
[ -z "${SANITIZED:-}" ] || backends="native reference"
for expected in "$golden"/*/expected.safetensors; do
	model=${expected%/*}
	name=${model##*/}
	case $name in
	bert-* | minilm) continue ;;
	esac
	for backend in $backends; do
		"$TENON" verify "$model" --against "$expected" --backends "$backend,reference" \
			>"$out/out" 2>&1 </dev/null &&
			grep -q "cases agree within 0.0001 on $backend" "$out/out"
		ok $? "$name on $backend"
	done
	# Of a family of BERT's shape one class stands for all: what is behind it is the same.
	case $name in
	deberta-* | modernbert-* | *-seqcls-*) ;;
	*) continue ;;
	esac
	part=$(share native)
	echo "native: $part % of the work" >"$out/out"
	[ "$part" = 100.0 ]; ok $? "$name: native does all"
	case $name in
	*-model-*) continue ;;
	esac
	"$TENON" gradcheck "$model" --entries 1 --set 'backends=("reference")' >"$out/out" 2>&1 \
		</dev/null
	ok $? "$name: gradients"
done
plan
