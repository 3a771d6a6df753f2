#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/train/kills.sh [N] - a run that is killed N times at a system call of its saving, and N
# times at any moment, goes on each time and ends with the bits of one that was not; a disk that
# is full or fails leaves the checkpoint before it.  8 by default.
: "${TENON:=./tenon}" "${top_srcdir:=.}" "${top_builddir:=.}"
kills=${1:-8}
golden=$(cd "$top_srcdir/tests/golden/training" && pwd)
fault=$(cd "$top_builddir/tests/.libs" && pwd)/fault.so
. "$top_srcdir/tests/tap.sh"
export OMP_WAIT_POLICY=passive
exec 2>/dev/null

# train DIRECTORY [--resume]; what bash says of killed ones is not of interest.
become() {
	exec "$TENON" train "$golden/tags-job.cfg" --set "output=\"$out/$1\"" \
		--set "data.dev=\"$golden/tags.conll\"" --set 'set=("threads=1")' --set dropout=true \
		--set checkpoint.every=1 "${@:2}" >"$out/rows" 2>"$out/err" </dev/null
}
train() ( become "$@" )
faulty() (
	export FAULT_IN="$out/run/" FAULT="$1" FAULT_COUNT="$out/count" LD_PRELOAD="$fault"
	train run "${@:2}"
)
same() {
	cmp -s "$out/whole/model.safetensors" "$out/run/model.safetensors" &&
		cmp -s "$out/whole/tags.safetensors" "$out/run/tags.safetensors" &&
		cmp -s "$out/whole/log.jsonl" "$out/run/log.jsonl" &&
		[ "$(ls "$out/whole")" = "$(ls "$out/run")" ]
}
# How to go on: from the checkpoint where there is one, else anew.
how() {
	if [ -e "$out/run/checkpoint.safetensors" ]; then
		echo --resume
	else
		echo --overwrite
	fi
}

train whole
ok $? "a run that nobody disturbs"
faulty none:0
calls=$(cat "$out/count")
same
ok $? "another one has the same bits; its saving makes $calls system calls"

good=0 killed=0
for ((k = 0; k < kills; k++)); do
	rm -rf "$out/run"
	# Spread over all calls; many kills hit each call of a save in the middle.  A second one hits
	# the run that goes on.
	faulty "kill:$((kills > 100 ? calls / 2 + k : 1 + k * calls / kills))"
	[ $? = 137 ] && killed=$((killed + 1))
	faulty "kill:$((1 + (k * 7919 + 1) % 200))" "$(how)"
	[ $? = 137 ] && killed=$((killed + 1))
	train run "$(how)" && same && good=$((good + 1))
done
[ $good = "$kills" ] && [ $killed -ge "$kills" ]
ok $? "killed $killed times at a system call of a save: $good of $kills runs end with the same bits"

good=0 killed=0
for ((k = 0; k < kills; k++)); do
	rm -rf "$out/run"
	for ((again = 0; again < 2; again++)); do
		become run "$(how)" &
		pid=$!
		sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
		kill -KILL $pid  && killed=$((killed + 1))
		wait $pid
	done
	[ -e "$out/run/model.safetensors" ] && [ ! -e "$out/run/checkpoint.safetensors" ] ||
		train run "$(how)"
	same && good=$((good + 1))
done
[ $good = "$kills" ]
ok $? "killed $killed times at any moment: $good of $kills runs end with the same bits"

good=0
for reason in ENOSPC EIO; do
	for ((k = 1; k <= kills / 2; k++)); do
		rm -rf "$out/run"
		faulty "$reason:$((1 + k * (calls - 10) / (kills / 2 + 1)))"
		code=$?
		[ $code = 74 ] && grep -q "^tenon: $out/run/.*\(No space left\|Input/output\)" "$out/err" ||
			{ [ $code = 0 ] && same; } || echo "# $reason at $k: exit $code, $(cat "$out/err")"
		[ $code = 0 ] || train run "$(how)"
		same && good=$((good + 1))
	done
done
[ $good = $((kills / 2 * 2)) ]
ok $? "no space or a failing disk: exit 74, and $good of $((kills / 2 * 2)) runs go on to the same bits"
plan
