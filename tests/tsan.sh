#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/tsan.sh FOLDER - builds there, with ThreadSanitizer, what eight threads need that share a
# pipeline on the reference backend, and runs them.  By hand: the build takes two minutes of a core.
set -e
top=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "${1:?the folder to build in}"
cd "$1"
[ -f Makefile ] || "$top/configure" -q --disable-hardening --without-onednn --without-openblas \
	--without-ffi CFLAGS='-g -O1 -fsanitize=thread'
make -s -j2 core/libtenon.la plugins/model-bert.la plugins/tokenizer-wordpiece.la \
	heads/head-bio-crf.la backends/backend-reference.la tests/test_host
TENON_PLUGIN_PATH=$PWD/heads/.libs:$PWD/plugins/.libs:$PWD/backends/.libs top_srcdir=$top \
	TSAN_OPTIONS=halt_on_error=0:exitcode=66 CK_FORK=no CK_RUN_CASE=test_threads_on_the_reference \
	CK_VERBOSITY=normal tests/test_host
