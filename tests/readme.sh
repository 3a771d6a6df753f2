#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/readme.sh - runs the commands of README.md's sh blocks as they stand, from the top of
# a checkout that has ./tenon.  TAP, one line for each command.
cd "$(dirname "$0")/.." || exit 1
n=0
while IFS= read -r command; do
	n=$((n + 1))
	if output=$(bash -c "$command" 2>&1 </dev/null); then
		echo "ok $n - $command"
	else
		echo "not ok $n - $command"
		printf '%s\n' "$output" | sed 's/^/# /'
	fi
done < <(awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on && NF' README.md)
echo "1..$n"
[ $n -gt 0 ]
