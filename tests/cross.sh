#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cross.sh FOLDER - by hand: tenon built for 64-bit ARM in FOLDER, with the backends that are plain C; its unit
# tests and the demo run under qemu.  Needs, after dpkg --add-architecture arm64: gcc-aarch64-linux-gnu
# qemu-user-static libconfig-dev:arm64 libjansson-dev:arm64 libsmartcols-dev:arm64 check:arm64 libgomp1:arm64.
build=${1:?usage: tests/cross.sh FOLDER}
top_srcdir=$(cd "$(dirname "$0")/.." && pwd)
. "$top_srcdir/tests/tap.sh"
[ -x "$top_srcdir/configure" ] || (cd "$top_srcdir" && ./autogen.sh) >"$out/log" 2>&1
mkdir -p "$build" && cd "$build" || exit 1
export PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig
{ [ -f Makefile ] || "$top_srcdir/configure" -q --host=aarch64-linux-gnu --without-openblas --without-onednn \
	--without-ffi; } >"$out/log" 2>&1 && make -s -j"$(nproc)" >>"$out/log" 2>&1 &&
	make -s -j"$(nproc)" check TESTS= >>"$out/log" 2>&1
ok $? "the build"
export top_srcdir top_builddir=$PWD LD_LIBRARY_PATH=$PWD/core/.libs OMP_WAIT_POLICY=passive
export TENON_PLUGIN_PATH=$PWD/heads/.libs:$PWD/plugins/.libs:$PWD/backends/.libs CK_DEFAULT_TIMEOUT=600
emulate="qemu-aarch64-static -E LD_LIBRARY_PATH=$LD_LIBRARY_PATH"
unset LD_LIBRARY_PATH
for program in tests/.libs/test_* tests/test_*; do
	[ "$(head -c 4 "$program")" = "$(printf '\177ELF')" ] || continue
	case $program in
	# of broken plugins, which are built for this machine; of eight threads; bounds of time
	*/test_loader | */test_host | */test_safetensors) continue ;;
	esac
	$emulate "$program" >"$out/log" 2>&1
	ok $? "$(basename "$program"): $(tail -n 1 "$out/log" | cut -c 1-100)"
done
$emulate core/.libs/tenon run "$top_srcdir/examples/ner.cfg" "Angela Merkel met the band in London." >"$out/out" 2>"$out/err"
grep -q '"text":"London"' "$out/out"
ok $? "the demo model answers"
plan
