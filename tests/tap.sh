# SPDX-License-Identifier: Apache-2.0
# tests/tap.sh - what the scripts of tests begin with: a folder $out, which goes with them, and
# lines of TAP.  They end with `plan`.

out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
n=0

# ok RESULT DESCRIPTION [FILE...]: a check that was passed if RESULT is 0.  Of one that was not,
# the beginning of each file is shown; when none is named, of those in $out that the scripts name
# so.
ok() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
		return
	fi
	echo "not ok $n - $2"
	shift 2
	[ $# != 0 ] || set -- "$out/out" "$out/err" "$out/rows" "$out/log"
	for shown in "$@"; do
		[ ! -f "$shown" ] || head -n 40 "$shown" | cut -c 1-500 | sed 's/^/# /'
	done
}

plan() {
	echo "1..$n"
}
