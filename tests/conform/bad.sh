#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes plugins that are wrong in one place each, out of those that `tenon plugins new` writes:
# bad.sh KIT-DIRECTORY DIRECTORY COMPILER-COMMAND ...
set -e
kit=$1 out=$2
shift 2
compile="$*" libs="-lm"
mkdir -p "$out"

# bad KIND-NAME SED-EXPRESSION: what is changed of the good one.
bad() {
	kind=${1%%-*} name=${1#*-}
	sed "s/sample-name/$name/g" "$kit/$kind.c" >"$out/$1.good"
	sed "$2" "$out/$1.good" >"$out/$1.c"
	! cmp -s "$out/$1.good" "$out/$1.c" || [ "$name" = good ] || { echo "$1: nothing changed" >&2; exit 1; }
	$compile -fPIC -shared "$out/$1.c" -o "$out/$1.so" $libs -O3
}

for kind in tokenizer backend model head; do
	bad $kind-good ''
done
bad tokenizer-reads-beyond 's/byte = (unsigned char)text.text\[i\]/byte = (unsigned char)text.text[i + 1]/'
bad tokenizer-wrong-end 's/word, i, i + 1 }/word, i, i + 2 }/'
bad tokenizer-wrong-id 's/{ N_SPECIAL + byte, word/{ N_SPECIAL + 2 * byte, word/'
bad tokenizer-hangs 's/^	int32_t word = 0;/&\n	while (!text.len) sleep(1);/; s/<stdio.h>/&\n#include <unistd.h>/'
bad tokenizer-own-state 's/^	int32_t word = 0;/&\n	((struct sample *)self)->pieces[0][0]++;/'
bad tokenizer-leaks 's/^	struct sample \*t = (struct sample \*)self;/&\n	static void *volatile kept; kept = malloc(100);/; s/<stdio.h>/&\n#include <stdlib.h>/'
bad tokenizer-any-piece 's/return id < 0 || id >= N_IDS ? NULL :/return id < 0 ? NULL : id >= N_IDS ? "" :/'
bad tokenizer-exits 's/^	int32_t word = 0;/&\n	_exit(0);/; s/<stdio.h>/&\n#include <unistd.h>/'
bad backend-no-bias 's/(bias ? bias\[o\] : 0)/0 * (bias ? bias[o] : 0)/'
bad backend-by-rows 's/dot(x + r \* I, weight + o \* I, I)/(1 + (float)(R % 3) * 1e-6f) * &/'
bad backend-crashes 's/y\[r \* O + o\] =/((volatile float *)0)[r] =/'
bad model-divides 's/"num_attention_heads", -1, 1,/"num_attention_heads", -1, 0,/'
bad model-silent 's/return tn_fail(call, TN_EDATA, "%s: hidden_size/return tn_note(call, "%s: hidden_size/; s/path, m->width, m->heads);/path, m->width, m->heads), TN_EDATA;/'
bad head-aborts 's/^	size_t best = 0;/&\n	if (!scores->example->text.len) abort();/; s/<math.h>/&\n#include <stdlib.h>/'
bad head-changes 's/score = 1 \/ sum;/static int calls; score = 1 \/ (sum + calls++);/'
bad head-trusts 's/(number < 0 || (size_t)number >= h->env->n_labels)/!h->env->labels[number][0]/'
touch "$out/built"
