#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/coprocess.sh - tenon run as a coprocess: one line in, one answer out, 1000 times,
# each answer before the next line is written; bad lines among them stop nothing.
: "${TENON:=./tenon}" "${top_srcdir:=.}"
coproc RUN { "$TENON" run "$top_srcdir/tests/golden/bert-seqcls-h100" --from jsonl \
	--format jsonl --set threads=1 2>/dev/null; echo "exit $?"; }
# bash closes and forgets the descriptors of a coprocess as soon as it has seen it end: these
# are our own.
exec {in}>&"${RUN[1]}" {out}<&"${RUN[0]}"
fd=${RUN[1]}
exec {fd}>&-
good=0 bad=0
for ((i = 0; i < 1000; i++)); do
	if ((i % 100 == 50)); then
		echo '{"text": 7}' >&"$in"
	else
		echo "{\"id\": $i, \"text\": \"the cat number $i\"}" >&"$in"
	fi
	IFS= read -r -t 30 answer <&"$out" || break
	case $answer in
	"{\"input\":$i,\"id\":$i,\"text\":\"the cat number $i\","*'"result":{'*) good=$((good + 1)) ;;
	"{\"input\":$i,\"error\":\"standard input:$((i + 1)): "*) bad=$((bad + 1)) ;;
	*) echo "# line $i: $answer" ;;
	esac
done
[ $good = 990 ] && echo "ok 1 - 990 lines were answered, each before the next was written" ||
	echo "not ok 1 - 990 lines were answered, each before the next was written: $good"
[ $bad = 10 ] && echo "ok 2 - 10 bad lines each have their own error" ||
	echo "not ok 2 - 10 bad lines each have their own error: $bad"
exec {in}>&-
answer=none
IFS= read -r -t 30 answer <&"$out"
[ "$answer" = "exit 65" ] && echo "ok 3 - the exit code tells, 65" ||
	echo "not ok 3 - the exit code tells, 65: $answer"
echo 1..3
