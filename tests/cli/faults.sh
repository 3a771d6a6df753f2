#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/faults.sh [STEP] - memory runs out, or reading and writing fail, at the k-th time in a
# whole `tenon run`: exit 71 or 74 with a sentence, or the answer as it should be; nothing is left
# behind, nothing dies.  Each STEP-th k is tried, all of them with 1 (from a build directory, some
# minutes), both once and from there on.
#
# Faults of libraries, counted apart: libconfig 1.5 does not look at what malloc gives it and its
# scanner calls exit(2); jansson drops a character that it has no room for, may then write behind
# the text, or give another one; libgomp calls exit(1).
: "${TENON:=./tenon}" "${top_srcdir:=.}" "${top_builddir:=.}"
case $TENON in /*) ;; *) TENON=$PWD/$TENON ;; esac
step=${1:-23}
faults=$(cd "$top_builddir/tests/.libs" && pwd)/faults.so
model=$(cd "$top_srcdir/tests/golden/bert-seqcls-h100" && pwd)
export OMP_WAIT_POLICY=passive LC_ALL=C
. "$top_srcdir/tests/tap.sh"
cd "$out" || exit 1
# What bash says of processes that die is not of interest.
exec 2>/dev/null
echo "model = \"$model\";" >p.cfg
printf 'abc cat\na mat\n' >in

# run FAULT
run() {
	rm -f count within
	(FAULTS=$1 FAULTS_COUNT=count FAULTS_IN=within LD_PRELOAD=$faults exec "$TENON" run "$pipeline" \
		--set backends=reference --set threads=1 --format jsonl --input in \
		--tensors t.safetensors >answers 2>said </dev/null)
}

# sweep FAULT CODE PIPELINE DESCRIPTION: every step-th k, once and from there on.
sweep() {
	local fault=$1 code=$2 k calls=0 base=0 left status tried=0 fine=0 whole=0 theirs=0 bad=
	pipeline=$3
	run "$fault:0"
	read -r calls base <count
	cp answers right
	for ((k = 1; k <= calls; k += step)); do
		for more in '' +; do
			# What is always interrupted never ends.
			[ "$more${fault#*-}" != +EINTR ] || continue
			run "$fault:$k$more"
			status=$?
			tried=$((tried + 1))
			left=0
			[ ! -s count ] || read -r _ left <count
			if [ "$left" -gt "$base" ]; then
				bad="$bad $k$more:left$((left - base))"
			elif [ $status = "$code" ] && grep -q '^tenon: ' said; then
				fine=$((fine + 1))
			elif [ $status = 0 ] && cmp -s answers right; then
				whole=$((whole + 1))
			elif [ "$fault" = alloc ] && their_fault $status; then
				theirs=$((theirs + 1))
			else
				bad="$bad $k$more:exit$status"
			fi
		done
	done
	echo "# $4: $calls calls, $tried runs: $fine end with $code, $whole answer, $theirs of libraries"
	[ $calls -gt 0 ] && [ $((fine + whole + theirs)) = $tried ]
	ok $? "$4: $((fine + whole + theirs)) of $tried$bad" /dev/null
}
# their_fault STATUS: libgomp's own words; a death, exit(2) or a wrong text (65) while libconfig or
# jansson was under way.
their_fault() {
	grep -q '^libgomp: ' said ||
		{ [ -e within ] && { [ "$1" = 2 ] || [ "$1" = 65 ] || [ "$1" -gt 128 ]; }; }
}

sweep alloc 71 "$model" "memory, a model directory"
sweep alloc 71 p.cfg "memory, a configuration"
for how in EIO EINTR short; do
	sweep read-$how 74 p.cfg "reading, $how"
done
for how in EIO ENOSPC EINTR short; do
	sweep write-$how 74 p.cfg "writing, $how"
done
sweep flush-ENOSPC 74 p.cfg "standard output, ENOSPC"
plan
