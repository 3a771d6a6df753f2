#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/cli/bench.sh - what `tenon bench` counts and how it writes it; nothing here depends on
# how fast the machine is.
: "${TENON:=./tenon}" "${top_srcdir:=.}"
golden=$top_srcdir/tests/golden
model=$golden/bert-seqcls-h100
. "$top_srcdir/tests/tap.sh"
export OMP_WAIT_POLICY=passive

# bench ARGUMENT...: one pass over each work.
bench() {
	"$TENON" bench "$@" --time 0 >"$out/out" 2>"$out/err" </dev/null
	code=$?
}
# member NAME [FILE]: the values of a member, one a line.
member() {
	sed -n "s/.*[{,]\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p" ${2:-"$out/out"}
}
# has FILE PATTERN: a line of the output.
has() {
	grep -q -e "$2" "$out/$1"
}
# number NAME: of the model's config.json.
number() {
	sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" "$model/config.json" | head -n 1
}
# in_order FILE-OF-THREE-COLUMNS: no value is less than the one before it.
in_order() {
	awk 'NF != 3 || $1 > $2 || $2 > $3 { bad = 1 } END { exit bad || !NR }' "$1"
}

cat >"$out/texts" <<'END'
The ferry leaves at seven.
It rained all week, and nothing in the report explains why.
No.
END
"$TENON" tokenize "$model" --format jsonl <"$out/texts" | tr '{' '\n' | grep -c '"id"' >"$out/tokens"
bench "$model" --input "$out/texts" --repeat 3 --batch 1,2,8 --format jsonl
[ $code = 0 ] && [ "$(member batch | tr '\n' ' ')" = "1 2 8 " ]; ok $? "a row for each batch"
[ "$(member tokens | sort -u)" = "$(cat "$out/tokens")" ] && [ "$(member texts | sort -u)" = 3 ]
ok $? "tokens are those of tenon tokenize ($(cat "$out/tokens"))"
[ "$(member passes | sort -u)" = 3 ]; ok $? "--repeat says how many passes there are"
for what in batch text; do
	for p in 50 90 99; do
		member "${what}_ms_p$p" >"$out/p$p"
	done
	paste "$out/p50" "$out/p90" "$out/p99" >"$out/all"
	in_order "$out/all"; ok $? "p50, p90 and p99 of a $what are in order"
done
member tokens_per_s_low >"$out/a"; member tokens_per_s >"$out/b"; member tokens_per_s_high >"$out/c"
paste "$out/a" "$out/b" "$out/c" >"$out/all"
in_order "$out/all"; ok $? "the quartiles of the speed are in order"
[ ! -s "$out/err" ]; ok $? "no progress where there is no terminal"
"$TENON" bench "$model" --time 0 --repeat 1 'A ferry.' 'No.' --format jsonl >"$out/out" 2>"$out/err"
[ $? = 0 ] && [ "$(member texts)" = 2 ]; ok $? "texts on the command line"
"$TENON" bench "$model" --time 0 --repeat 1 --input - --format jsonl <"$out/texts" >"$out/out" 2>"$out/err"
[ $? = 0 ] && [ "$(member tokens)" = "$(cat "$out/tokens")" ]; ok $? "texts from standard input"

bench "$model" --lengths 5,16,31 --batch 3 --repeat 1 --format jsonl
[ $code = 0 ] && [ "$(member tokens | tr '\n' ' ')" = "15 48 93 " ]
ok $? "--lengths gives texts of exactly so many tokens"
bench "$top_srcdir/examples/qa.cfg" --lengths 40 --batch 2 --repeat 1 --format jsonl
[ $code = 0 ] && [ "$(member tokens)" = 80 ]; ok $? "the same of a question and its context"
bench "$model" --lengths "$out/texts" --texts 9 --repeat 1 --format jsonl
[ $code = 0 ] && [ "$(member texts)" = 9 ] && [ "$(member source)" = "$out/texts" ]
ok $? "--lengths draws from a file"

reference=$("$TENON" plugins list | awk '$1 == "backend" && $2 == "reference" { print $2; exit }')
bench "$model" --lengths 16 --backends "$reference,$reference" --repeat 1 --format jsonl
[ $code = 0 ] && [ "$(member largest_difference | tr '\n' ' ')" = "0.0 0.0 " ] &&
	[ "$(member ratio | head -n 1)" = 1.0 ]
ok $? "the reference does not differ from itself"
backends=$("$TENON" plugins list | awk '$1 == "backend" && $5 == "ok" { print $2 }' | paste -sd,)
bench "$model" --lengths 16 --backends "$backends" --repeat 1 --format jsonl
[ $code = 0 ] && member largest_difference | awk '$1 >= 1e-4 { bad = 1 } END { exit bad || !NR }'
ok $? "the others ($backends) differ by less than 1e-4"

# ops OP KEY: a number of the rows of an op, summed.
ops() {
	grep "\"op\":\"$1\"" "$out/out" | member "$2" - | awk '{ s += $1 } END { printf "%.0f\n", s }'
}
# A layer of width h, inner width i; of n tokens in t texts of the length l: products of
# n x h with 4 h x h and 2 h x i, scores and sums of n x l in h columns; pooler and classifier.
h=$(number hidden_size) i=$(number intermediate_size) layers=$(number num_hidden_layers)
bench "$model" --lengths 13 --batch 4 --texts 9 --repeat 1 --explain --format jsonl
linear=$((2 * 9 * 13 * layers * h * (4 * h + 2 * i) + 2 * 9 * h * (h + 3)))
[ $code = 0 ] && [ "$(ops linear flop)" = $linear ]; ok $? "linears are $linear operations"
attention=$((4 * 9 * 13 * 13 * layers * h))
[ "$(ops attention flop)" = $attention ]; ok $? "attention is $attention operations"
[ "$(ops '[a-z0-9_]*' flop)" = "$(grep '"row":"work"' "$out/out" | member flop -)" ]
ok $? "the ops make the whole"
bench "$golden/bert-model-h40" --input "$out/texts" --repeat 1 --explain --format jsonl
grep '"row":"op"' "$out/out" | member time_share - |
	awk '{ s += $1 } $1 < 0 { bad = 1 } END { exit bad || s < 0.999999 || s > 1.000001 }'
ok $? "the shares of time sum to 1"
bench "$golden/bert-model-h40" --repeat 1 --texts 4 --explain
[ $code = 0 ] && has out '^attention .* attention\.\*  *[a-z]*  *2 '
ok $? "the same op of each layer is one line"
if [ -d "$top_builddir/tests/mock" ]; then
	usual=$TENON_PLUGIN_PATH
	TENON_PLUGIN_PATH=$usual:$top_builddir/tests/mock
	bench "$model" --backends picky --repeat 1 --texts 4 --explain --format jsonl
	[ $code = 0 ] && [ "$(grep -c '"row":"op".*"backend":"reference"' "$out/out")" -gt 5 ] &&
		[ "$(grep -c '"why":"picky: it knows' "$out/out")" = \
			"$(grep -c '"row":"op".*"backend":"reference"' "$out/out")" ]
	ok $? "--explain says why a backend did not run an op"
	TENON_PLUGIN_PATH=$usual
fi

# well_formed FILE: one root, every element closed in its turn, no bare < or &.
well_formed() {
	tr '\n' ' ' <"$1" | sed 's/<?xml[^>]*?>//; s/</\n</g' | awk '
		/^ *$/ { next }
		!/^<[\/a-z][^<>]*>[^<>]*$/ || (!depth && roots) { bad = 1 }
		{ rest = $0; gsub(/&(lt|gt|amp);/, "", rest); if (rest ~ /&/) bad = 1 }
		/^<\// { name = $1; gsub(/[<\/>]/, "", name); sub(/>.*/, "", $1)
			if (name != open[depth--]) bad = 1; roots += !depth; next }
		/\/> *$/ { next }
		{ name = $1; gsub(/[<>].*/, "", name); sub(/^</, "", $1); sub(/>.*/, "", $1)
			open[++depth] = $1 }
		END { exit bad || depth || roots != 1 }'
}
# A name that must be escaped in the title of the plot.
model=$out/'a<b&c'
cp -r "$golden/bert-model-h40" "$model"
bench "$model" --growth --format jsonl --plot "$out/plot.svg"
[ $code = 0 ] && [ "$(grep '"row":"finding"' "$out/out" | member by - | tr '\n' ' ')" = \
	"texts length batch threads " ]; ok $? "--growth finds something in four ways"
grep '"by":"texts"' "$out/out" | grep '"row":"growth"' | member at - | tr '\n' ' ' >"$out/a"
[ "$(cat "$out/a")" = "100 200 400 " ]; ok $? "100 texts and more"
grep '"by":"length"' "$out/out" | grep '"row":"growth"' >"$out/lengths"
[ "$(member at "$out/lengths" | tail -n 1)" = "$(number max_position_embeddings)" ]
ok $? "lengths up to the model's"
# What grows with the length is attention alone, by as much for each token of it.
member at "$out/lengths" >"$out/a"
member predicted "$out/lengths" >"$out/b"
paste "$out/a" "$out/b" | awk '
	{ at[NR] = $1; p[NR] = $2; if ($2 == 1) base = NR }
	END { for (k = 2; k < NR; k++) {
		slope = (p[k + 1] - p[k]) / (at[k + 1] - at[k])
		first = (p[2] - p[1]) / (at[2] - at[1])
		if (slope < first * 0.98 || slope > first * 1.02 || slope <= 0) bad = 1 }
		exit bad || !base || NR < 4 }'
ok $? "the predicted time per token is a straight line over the length"
well_formed "$out/plot.svg"; ok $? "the plot is well-formed"
[ "$(grep -c '<g>' "$out/plot.svg")" = 4 ]; ok $? "the plot has four panels"
bench "$model" --lengths 5,16 --batch 2 --texts 2 --repeat 1 --explain --format jsonl --plot "$out/roof.svg"
[ $code = 0 ] && well_formed "$out/roof.svg"; ok $? "--explain --plot is well-formed"
[ "$(grep -c '<g>' "$out/roof.svg")" = 2 ] && [ "$(grep -c '>[ 0-9.]* % [a-z0-9_]*' "$out/roof.svg")" = 12 ]
ok $? "a panel for each length, with six ops"
grep '"row":"op".*"flop_per_byte":[0-9]' "$out/out" | member time_share - | sort -rg | head -n 1 |
	awk '{ printf "%.1f %%", 100 * $1 }' >"$out/a"
grep -q ">$(cat "$out/a") " "$out/roof.svg"; ok $? "the op of arithmetic that takes most time ($(cat "$out/a")) is one of them"
printf '<svg><g></svg></g>' >"$out/bad.svg"
! well_formed "$out/bad.svg"; ok $? "(the check of plots sees an element closed out of turn)"
printf '<svg>a & b</svg>' >"$out/bad.svg"
! well_formed "$out/bad.svg"; ok $? "(and a bare &)"

bench "$model" --lengths 8 --repeat 1 --format csv --batch 1,2
tr -d '\r' <"$out/out" | awk -F, 'NR == 1 { n = NF } NF != n || !n { bad = 1 }
	END { exit bad || NR != 3 }' && [ $code = 0 ]
ok $? "csv: a heading and as many fields in each record"
bench "$model" --lengths 8 --repeat 1 --format markdown
grep '^|' "$out/out" | awk -F'|' 'NR == 1 { n = NF } NF != n { bad = 1 } END { exit bad || NR != 3 }'
ok $? "markdown: a table"

# exits CODE PATTERN ARGUMENT...: the exit code and what stderr says.
exits() {
	expected=$1 pattern=$2
	shift 2
	bench "$@"
	[ $code = "$expected" ] && grep -q -e "$pattern" "$out/err"
	ok $? "exit $expected: $pattern"
}
exits 64 'the pipeline is missing'
exits 64 'exclude one another' "$model" --lengths 16 'A text.'
exits 64 'plot is for --growth' "$model" --plot "$out/x.svg"
exits 64 'makes its texts' "$model" --growth --batch 3
exits 74 'nowhere' "$model" --growth --plot "$out/nowhere/x.svg"
exits 64 'expected whole numbers' "$model" --batch 1,,2
exits 64 'expected whole numbers' "$model" --batch 0
exits 64 'expected seconds' "$model" --time x
exits 64 'expected text, markdown, csv or jsonl' "$model" --format xml
exits 64 'takes at most' "$model" --lengths 100000
exits 64 'special tokens alone' "$model" --lengths 2
exits 66 'missing.txt' "$model" --input "$out/missing.txt"
exits 66 'missing' "$out/missing"
exits 69 'nowhere' "$model" --backends nowhere
: >"$out/empty"
exits 65 'holds no text' "$model" --input "$out/empty"
for how in "--lengths 24" "--batch 3"; do
	bench "$golden/bert-mlm-tied-h40" $how --format jsonl
	[ $code = 0 ] && [ -n "$(member tokens)" ]; ok $? "a masked language model, $how: texts with a mask"
done
plan
