#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# examples/quickstart.sh - installs the Debian packages that are missing, builds tenon and
# shows it at work on the demo model in examples/demo.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
. examples/setup.sh
build=${BUILD:-$top/build}
mkdir -p "$build" || exit 1
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
steps=0 good=0 started=$SECONDS

now() { date +%s%N; }

# show COMMAND: prints it, runs it, prints its answer and its time; what it printed is in
# $out/last, its exit code in $code.
show()
{
	printf '\n$ %s\n' "$1"
	t0=$(now)
	eval "$1" >"$out/last" 2>&1
	code=$?
	ms=$((($(now) - t0) / 1000000))
	cut -c1-400 "$out/last"
	printf '# %d ms\n' "$ms"
}

# expect TEXT ...: the step is as expected when the last output holds each of them.
expect()
{
	steps=$((steps + 1))
	for text; do
		grep -qF -- "$text" "$out/last" && continue
		printf '# not as expected: "%s" is missing above\n' "$text"
		return 1
	done
	good=$((good + 1))
}

setup_packages "$build/packages.log" || exit 1
printf 'building (log: %s) ... ' "$build/build.log"
t0=$(now)
setup_build "$build" "$build/build.log" || exit 1
setup_command "$build"
printf 'done in %d s\n' $((($(now) - t0) / 1000000000))

echo
echo "1. Entities and sentiment of a sentence, from one pass of one encoder."
show "./tenon run examples/ner.cfg --format text 'Angela Merkel met the band in London, and it was a wonderful evening.'"
expect entities sentiment London

echo
echo "2. The same from standard input: emoji, CJK, one line in, one answer out."
show "printf '%s\n' 'I love Paris in spring 🌸🌸' '東京 is a great city 👍' | ./tenon run examples/ner.cfg"
expect '"input":1' '"entities"' '東京'

echo
echo "3. A question over a text of several windows."
show "./tenon run examples/qa.cfg 'Who checks the batteries?' --pair-file examples/lighthouse.txt --format text"
expect 'Aoife Brennan'

echo
echo "4. One input on three backends: milliseconds, share of the work, largest difference."
input=examples/lighthouse.txt
ok=1
for backend in reference openblas onednn; do
	printf '$ %s\n' "./tenon run examples/ner.cfg --input $input --set backends=$backend --tensors $backend.safetensors"
	t0=$(now)
	./tenon run examples/ner.cfg --input "$input" --set backends="$backend" \
		--tensors "$out/$backend.safetensors" >"$out/$backend.jsonl" 2>"$out/log" || { ok=0; cat "$out/log"; continue; }
	ms=$((($(now) - t0) / 1000000))
	chain="(\"$backend\",\"reference\")"
	[ $backend != reference ] || chain='("reference")'
	share=$(./tenon check examples/ner.cfg --set "backends=$chain" |
		sed -n "s/^work .*[ ,;] $backend \([0-9.]*\) %.*/\1/p")
	# The data of a safetensors file begin behind its 8-byte length and its header.
	for b in reference $backend; do
		header=$(od -A n -t u8 -N 8 "$out/$b.safetensors")
		tail -c +$((header + 9)) "$out/$b.safetensors" | od -A n -v -t f4 -w4 >"$out/$b.values"
	done
	difference=$(paste "$out/reference.values" "$out/$backend.values" |
		awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > m) m = d } END { printf "%.1e", m }')
	printf '# %-10s %5d ms, %s %% of the work, largest difference of a score %s\n' \
		"$backend" "$ms" "${share:-?}" "$difference"
	awk -v d="$difference" 'BEGIN { exit !(d + 0 <= 1e-3) }' || ok=0
done
steps=$((steps + 1)) good=$((good + ok))

echo
echo "5. A configuration with three faults: each with its line."
show "./tenon check examples/broken.cfg"
expect 'broken.cfg:4:' 'broken.cfg:5:' 'broken.cfg:7:'

echo
echo "tenon: $good of $steps steps as expected, $((SECONDS - started)) s, build in ${build#"$top"/}, next: README.md"
[ $good = $steps ]
