#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/debian.sh FOLDER - by hand: Debian's packages are built in FOLDER from what git tracks, lintian finds no
# error in them, and unpacked there, without being installed, they run a pipeline and build a program.
# Needs debhelper and lintian.
folder=${1:?usage: tests/debian.sh FOLDER}
top_srcdir=$(cd "$(dirname "$0")/.." && pwd)
. "$top_srcdir/tests/tap.sh"
unset TENON_PLUGIN_PATH
mkdir -p "$folder" && folder=$(cd "$folder" && pwd) && rm -rf "${folder:?}/tenon-0.1.0" "$folder/root" || exit 1
mkdir "$folder/tenon-0.1.0" && cd "$top_srcdir" && git ls-files -z | xargs -0 cp --parents -t "$folder/tenon-0.1.0"

cd "$folder/tenon-0.1.0" && dpkg-buildpackage -us -uc -b -d >"$folder/log" 2>&1
status=$?
tail -n 30 "$folder/log" >"$out/log"
ok $status "dpkg-buildpackage"
cd "$folder" || exit 1
lintian --fail-on error --tag-display-limit 0 ./*.changes >"$out/log" 2>&1
ok $? "lintian: no error, $(grep -c '^W:' "$out/log") warnings"
sed 's/^/# /' "$out/log"
for deb in tenon tenon-plugins libtenon0 libtenon-dev; do
	dpkg -x "$deb"_0.1.0-1_*.deb root
	ok $? "$deb: $(dpkg -c "$deb"_0.1.0-1_*.deb | grep -vc '/$') files"
done
lib=$(dirname "$(ls root/usr/lib/*/libtenon.so.0)")
export LD_LIBRARY_PATH=$folder/$lib TENON_PLUGIN_PATH=$folder/$lib/tenon-1
root/usr/bin/tenon run "$top_srcdir/examples/ner.cfg" "Angela Merkel met the band in London." >"$out/out" 2>"$out/err"
grep -q '"text":"London"' "$out/out"
ok $? "the unpacked command answers"
cc -o "$out/hello" "$top_srcdir/examples/hello.c" -I root/usr/include -L "$lib" -ltenon >"$out/log" 2>&1
ok $? "a program builds with the unpacked headers"
! strings -a "$lib"/tenon-1/*.so "$lib"/libtenon.so.0 root/usr/bin/tenon | grep -F "$folder"
ok $? "no directory of the build in what is installed"
plan
