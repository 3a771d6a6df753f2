#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/dist.sh - what `make dist` packs is what stands in the repository.
#
# `tests/dist.sh --build` also unpacks the tarball, and there configures, builds, tests and
# installs, out of a source tree that cannot be written.  It takes minutes.
: "${top_srcdir:=.}" "${top_builddir:=.}"
out=$(mktemp -d) || exit 1
trap 'chmod -R u+w "$out"; rm -rf "$out"' EXIT
MAKEFLAGS=
export MAKEFLAGS

# Files that only a checkout needs.
only_here='^(\.ci/.*|.*\.git(ignore|attributes|keep))$'

if [ "${1-}" = --build ]; then
	echo 1..5
	step() {
		number=$((${number-0} + 1))
		name=$1
		shift
		if "$@" >"$out/log" 2>&1; then
			echo "ok $number - $name"
		else
			tail -20 "$out/log" | sed 's/^/# /'
			echo "not ok $number - $name"
			exit 1
		fi
	}
	step "make dist" make -C "$top_builddir" dist
	tar -xf "$(ls -t "$top_builddir"/tenon-*.tar.* | head -1)" -C "$out"
	mv "$out"/tenon-* "$out/source"
	chmod -R a-w "$out/source"
	mkdir "$out/build"
	cd "$out/build" || exit 1
	step "configure" ../source/configure -q --prefix=/usr
	step "make" make -j2
	step "make check" make check
	step "make install" make install DESTDIR="$out/stage"
	exit 0
fi

echo 1..1
if ! (cd "$top_srcdir" && git rev-parse --git-dir) >/dev/null 2>&1; then
	echo "ok 1 - no checkout to compare with"
	exit 0
fi
(cd "$top_srcdir" && git ls-files) | grep -Ev "$only_here" | sort >"$out/here"
if ! make -C "$top_builddir" distdir distdir="$out/packed" >"$out/log" 2>&1; then
	sed 's/^/# /' "$out/log"
	echo "not ok 1 - make distdir"
	exit 1
fi
(cd "$out/packed" && find . -type f) | sed 's|^\./||' | sort >"$out/there"
if comm -23 "$out/here" "$out/there" | grep . >"$out/missing"; then
	sed 's/^/# not packed: /' "$out/missing"
	echo "not ok 1 - make dist packs every file of the repository"
	exit 1
fi
echo "ok 1 - make dist packs every file of the repository"
