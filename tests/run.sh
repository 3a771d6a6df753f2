#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/run.sh - everything: sets up as the quick start does, builds, runs all tests, runs
# them again with the address and undefined behaviour sanitizers, runs the commands of the
# README.  A row for each suite; a skipped test counts as a failure.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/examples/setup.sh"
PACKAGES="$PACKAGES cmake"
build=${BUILD:-$top/build}
mkdir -p "$build" || exit 1
passed=0 failed=0 skipped=0 rows=

# row NAME PASSED FAILED SKIPPED
row()
{
	rows="$rows$(printf '%-28s %6d passed %4d failed %4d skipped' "$1" "$2" "$3" "$4")
"
	passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
	printf '%-28s %6d passed %4d failed %4d skipped\n' "$1" "$2" "$3" "$4"
}

# check FOLDER NAME TARGET: its tests, then a row for each log of TAP lines.
check()
{
	OMP_WAIT_POLICY=passive make -C "$1" -j2 "$3" >"$1/check.log" 2>&1
	status=$?
	n_rows=0
	for log in $(cd "$1" && find tests -name '*.log' | sort); do
		p=$(grep -c '^ok ' "$1/$log") f=$(grep -c '^not ok ' "$1/$log")
		s=$(grep -ci '^ok .*# skip' "$1/$log")
		[ "$p$f" = 00 ] && f=1
		name=${log%.log}
		row "$2${name#tests/}" $((p - s)) "$f" "$s"
		[ "$f" = 0 ] || grep -h '^not ok' "$1/$log" | head -20
		n_rows=$((n_rows + 1))
	done
	[ $n_rows -gt 0 ] || { tail -20 "$1/check.log"; row "$2make $3" 0 1 0; }
	[ $status = 0 ] || [ $failed -gt 0 ] || { tail -20 "$1/check.log"; row "$2make $3" 0 1 0; }
}

echo "setting up"
setup_packages "$build/packages.log" || exit 1
echo "building"
setup_build "$build" "$build/build.log" || exit 1
setup_command "$build"
check "$build" "" check

echo "building with sanitizers"
if setup_build "$build-asan" "$build/build-asan.log" --disable-hardening \
	CFLAGS='-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined'; then
	SANITIZED=1 CK_FORK=no ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 LSAN_OPTIONS=suppressions=$top/tests/lsan.supp:print_suppressions=0:use_tls=0 \
		check "$build-asan" "asan/" check-code
else
	row "asan/build" 0 1 0
fi

if [ -x "$top/tests/readme.sh" ]; then
	"$top/tests/readme.sh" >"$build/readme.log" 2>&1
	row readme "$(grep -c '^ok ' "$build/readme.log")" "$(grep -c '^not ok ' "$build/readme.log")" 0
	grep -A8 '^not ok ' "$build/readme.log"
fi

echo
printf '%s' "$rows"
echo
printf '%-28s %-10s %-22s %s\n' "parity with transformers" backend "largest difference" "share of the work"
sed -n 's/^\(not \)*ok [0-9]* - \(bert-[^ ]*\) on \([a-z]*\): largest difference \([^ ,]*\), \([^ ]*\) %.*/\2 \3 \4 \5/p' \
	"$build/tests/cli/verify.log" 2>/dev/null |
	while read -r model backend difference share; do
		printf '%-28s %-10s %-22s %s %%\n' "$model" "$backend" "$difference" "$share"
	done
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] && [ $skipped = 0 ]
