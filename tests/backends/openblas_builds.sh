#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance of the backend openblas under each build of OpenBLAS (pthread, OpenMP,
# serial) that the system has: they share one file name.  OPENBLAS_BUILDS adds directories
# to look in, with colons between them.  Prints TAP.
n=0
bad=0
for library in $(printf '%s' "${OPENBLAS_BUILDS}" | tr ':' '\n' | sed 's|$|/libopenblas.so.0|') \
	/usr/lib/*/openblas-*/libopenblas.so.0; do
	[ -e "$library" ] || continue
	directory=${library%/*}
	n=$((n + 1))
	if LD_LIBRARY_PATH="$directory${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
		"${top_builddir:-.}/tests/conform_backend" openblas >openblas_builds.out 2>&1 &&
		grep -q '^ok' openblas_builds.out; then
		echo "ok $n - ${directory##*/}"
	else
		bad=1
		sed 's/^/# /' openblas_builds.out
		echo "not ok $n - ${directory##*/}"
	fi
done
rm -f openblas_builds.out
[ "$n" -gt 0 ] || echo "# no build of OpenBLAS in a directory of its own"
echo "1..$n"
exit $bad
