#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# emulate.sh BUILD [COMMAND...] - runs tests by hand on an emulated CPU with AVX-512 and VNNI.
#
# BUILD is a build directory where `make check` ran.  A COMMAND is a line for sh, run in a
# guest's directory that holds ./tenon, the plugins, tests/ (programs, golden files); without
# one, the kernels, one golden model, the bits of 40 texts and both fast backends are checked.
# PROGRAMS names further programs of BUILD to take along.  CPU is a model that `bochs -help
# cpu` lists.  Prints TAP; some 25 million instructions a second, so give it little work.
#
# Needs the Debian packages bochs bochs-term bochsbios vgabios isolinux syslinux-common
# genisoimage busybox-static cpio, and a kernel: the file named by KERNEL, else the newest
# /boot/vmlinuz-*.  linux-image-*-cloud-amd64, unpacked by `dpkg-deb -x`, has one.
set -eu
usage='usage: emulate.sh BUILD [COMMAND...]'
build=$(cd "${1:?$usage}" && pwd)
source=$(cd "$(dirname "$0")/../.." && pwd)
kernel=${KERNEL:-$(ls /boot/vmlinuz-* | sort -V | tail -n 1)}
shift
[ $# -gt 0 ] || set -- \
	'tests/test_kernels' \
	'./tenon verify tests/golden/bert-seqcls-h100 --backends=onednn \
		--against tests/golden/bert-seqcls-h100/expected.safetensors' \
	'head -n 40 tests/golden/wordpiece/sample.txt >texts &&
		tests/bits tests/golden/bert-sentence-h72 texts native onednn openblas' \
	'TENON_ISA=avx512 tests/conform_backend -v native' \
	'TENON_ISA=avx512 tests/conform_backend -v openblas' \
	'TENON_ISA=avx512 tests/conform_backend -v onednn'

work=$(mktemp -d)
trap '[ ! -s "$work/pid" ] || kill -9 "$(cat "$work/pid")" 2>/dev/null || :; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
root=$work/root
mkdir -p "$root/bin" "$root/proc" "$root/dev" "$root/tmp" "$root/commands" "$root/t" "$work/iso"

# The guest's files: programs without libtool's wrappers, plugins, and their libraries.
cp "$(command -v busybox)" "$root/bin"
cp "$build/tenon" "$root/t"
(cd "$build" && cp --parents core/.libs/libtenon.so.* ./*/.libs/*-*.so "$root/t")
for program in core/tenon tests/conform_backend tests/test_kernels tests/bits ${PROGRAMS:-}; do
	mkdir -p "$root/t/${program%/*}"
	"$build/libtool" --mode=execute cp "$build/$program" "$root/t/$program"
done
cp -R "$source/tests/golden" "$root/t/tests"
LD_LIBRARY_PATH=$root/t/core/.libs ldd "$root/t/core/tenon" "$root"/t/*/.libs/*.so \
	"$root"/t/tests/* 2>/dev/null | grep -o '[ 	]/[^ ]*' | grep -v "$root" | sort -u |
	while read -r library; do cp -L --parents "$library" "$root"; done

cat >"$root/init" <<-'EOF'
	#!/bin/busybox sh
	/bin/busybox --install -s /bin
	export PATH=/bin LD_LIBRARY_PATH=/t/core/.libs
	export TENON_PLUGIN_PATH=/t/backends/.libs:/t/heads/.libs:/t/plugins/.libs
	export TENON=/t/tenon top_srcdir=. top_builddir=. OMP_WAIT_POLICY=passive
	export CK_FORK=no CK_TAP_LOG_FILE_NAME=-
	mount -t proc proc /proc
	mount -t devtmpfs dev /dev
	cd /t
	echo "# $(grep -m1 '^model name' /proc/cpuinfo)"
	echo "#" $(grep -m1 '^flags' /proc/cpuinfo | tr ' ' '\n' | grep -E 'avx|fma|amx')
	n=0
	set -o pipefail
	for command in /commands/*; do
		n=$((n + 1))
		not=
		sh "$command" 2>&1 | sed 's/^/# /' || not='not '
		echo "${not}ok $n - $(head -n 1 "$command")"
	done
	echo "1..$n"
	poweroff -f
EOF
chmod +x "$root/init"
n=100
for command; do
	n=$((n + 1))
	printf '%s\n' "$command" >"$root/commands/$n"
done

cp "$kernel" "$work/iso/linux"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$work/iso"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/iso/root.gz"
# The emulator misstates the size of compacted XSAVE areas and of PKU's part, which would
# make Linux turn AVX off; with the rest on, Linux hangs on the newer models.
echo 'default linux initrd=root.gz console=ttyS0,115200 mitigations=off idle=halt' \
	'tsc=reliable clearcpuid=pku,xsavec,xsaves,fsrm,rdpid,sha_ni lsm=' >"$work/iso/isolinux.cfg"
genisoimage -quiet -o "$work/boot.iso" -b isolinux.bin -c boot.cat -no-emul-boot \
	-boot-load-size 4 -boot-info-table "$work/iso"
cat >"$work/bochsrc" <<-EOF
	display_library: term
	cpu: model=${CPU:-corei7_icelake_u}, count=1, ips=200000000, reset_on_triple_fault=0
	memory: guest=1024, host=1024
	romimage: file=/usr/share/bochs/BIOS-bochs-latest
	vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
	ata0-master: type=cdrom, path=$work/boot.iso, status=inserted
	boot: cdrom
	com1: enabled=1, mode=file, dev=$work/serial
	clock: sync=none
	speaker: enabled=0
	sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
	error: action=ignore
	panic: action=fatal
	log: $work/log
EOF

# The emulator wants a terminal of some size, waits for a command, and draws on a second
# terminal, which somebody must read.
touch "$work/serial" "$work/out"
echo continue >"$work/go"
TERM=xterm nice script -qc "stty rows 60 cols 132; echo \$\$ >$work/pid
	exec bochs-bin -q -f $work/bochsrc -rc $work/go" /dev/null </dev/null >"$work/out" 2>&1 &
emulator=$!
while kill -0 "$emulator" && ! grep -q 'connected to screen' "$work/out"; do sleep 1; done
screen=$(sed -n 's/.*connected to screen "\([^"]*\)".*/\1/p' "$work/out")
stty -F "$screen" raw -echo
cat "$screen" >"$work/screen" 2>&1 &
tail -n +1 -f --pid="$emulator" "$work/serial" | sed -u 's/\r$//; /^1\.\./q' | tee "$work/tap"
good=$(grep -c '^[# ]*ok ' "$work/tap") || :
bad=$(grep -c '^[# ]*\(not ok\|FAILED\) ' "$work/tap") || :
echo "# in all $good ok, $bad not"
grep -q '^1\.\.' "$work/tap" && ! grep -q '^not ok' "$work/tap"
