#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/parity/metrics.sh spans GOLD FOUND ... - tags in the last column of each FOUND, scored by
# tenon and by the installed seqeval; or
# tests/parity/metrics.sh answers GOLD FOUND ... - answers by id, scored by tenon and by the rules
# of SQuAD 1.1's script.  python3, or $PYTHON.  To be run where tenon was built, or with BUILD set.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
build=${BUILD:-.}
[ $# -ge 3 ] || { echo "usage: metrics.sh spans|answers GOLD FOUND ..." >&2; exit 64; }
make -C "$build" -s tests/metrics >&2 || exit 1
exec "${PYTHON:-python3}" "$here/compare_metrics.py" "$build/tests/metrics" "$@"
