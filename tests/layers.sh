#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/layers.sh - who may include whom, what core may name and what is exported.
: "${top_srcdir:=.}" "${top_builddir:=.}"
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
n=0

# ok DESCRIPTION: passes when no fault was written to $out/faults.
ok() {
	n=$((n + 1))
	if [ -s "$out/faults" ]; then
		echo "not ok $n - $1"
		sed 's/^/# /' "$out/faults"
	else
		echo "ok $n - $1"
	fi
}

# includes DIRECTORY: the lines "FILE INCLUDED" of all quoted includes below it.
includes() {
	(cd "$1" && find . -name '*.[ch]' ! -path './include/*' | sort |
		xargs sed -n 's|^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*|\1|p;T;F') |
		awk 'NR % 2 { included = $0; next } { print substr($0, 3), included }'
}

# Includes point to a lower layer or stay in their folder.
layer_faults() {
	includes "$1" | awk '
		BEGIN {
			split("base 0 tensor 1 data 2 checkpoint 2 text 2 plugin 2 pipeline 3 " \
				"kit 3 eval 4 train 5 bench 5 conform 6 cli 7", w, " ")
			for (i = 1; i in w; i += 2)
				level[w[i]] = w[i + 1]
		}
		{
			from = to = $1
			sub("/.*", "", from)
			to = $2
			if (!sub("/.*", "", to))
				to = from
			if (!(from in level))
				print "core/" $1 ": the folder " from " is in no layer"
			else if (!(to in level))
				print "core/" $1 " includes " $2 ", which is not of core"
			else if (from != to && level[to] >= level[from])
				print "core/" $1 " includes " $2 ": " from " does not stand above " to
		}'
}

# A plugin sees the headers of tenon/ and those of its own kind, nothing of core.
plugin_faults() {
	for part in plugins backends heads; do
		[ -d "$1/$part" ] || continue
		includes "$1/$part" | while read -r file included; do
			[ -n "$(find "$1/$part" -path "*/${included#../}")" ] ||
				echo "$part/$file includes $included, which is not of $part"
		done
	done
}

# The plugins that were built: KIND-NAME.so in their .libs folders.
plugins() {
	find "$top_builddir/plugins" "$top_builddir/backends" "$top_builddir/heads" \
		-path '*/.libs/*.so' 2>/dev/null |
		grep -E '/(tokenizer|backend|model|head)-[^/]*\.so$' | sort
}

layer_faults "$top_srcdir/core" >"$out/faults"
ok "the layers of core point downwards"
plugin_faults "$top_srcdir" >"$out/faults"
ok "plugins include nothing of core but tenon/"

# The checks themselves: each sees a fault that is planted.
mkdir -p "$out/core/base" "$out/core/text" "$out/core/data" "$out/core/odd" "$out/heads/cls"
echo '#include "plugin/plugin.h"' >"$out/core/base/a.c"
echo '  # include "data/b.h"' >"$out/core/text/b.c"
echo '#include "heads/cls.h"' >"$out/core/data/c.c"
echo '#include "base/a.h"' >"$out/core/odd/d.c"
printf '#include "b.h"\n#include "base/utf8.h"\n' >"$out/core/text/good.c"
[ "$(layer_faults "$out/core" | wc -l)" = 4 ] && : >"$out/faults" || layer_faults "$out/core" >"$out/faults"
ok "an include that points upwards is seen"
echo '#include "base/utf8.h"' >"$out/heads/cls/cls.c"
[ "$(plugin_faults "$out" | wc -l)" = 1 ] && : >"$out/faults" || echo none >"$out/faults"
ok "a plugin that includes core is seen"

# What core holds as data, line by line, and the names that it must not hold.
# ("embed" is also a tensor of the files that `tenon verify` reads.)
find "$top_builddir/core" \( -path '*/.libs/*.o' -o -path "$top_builddir/core/cli/*.o" \) \
		! -name '*verify_compare.o' |
	xargs strings -d -n 3 >"$out/strings"
plugins | sed 's|.*/[a-z]*-||; s|\.so$||' | sort -u >"$out/names"
grep -Fx -f "$out/names" "$out/strings" | sort -u | sed 's/^/core names the plugin /' >"$out/faults"
[ -s "$out/strings" ] || echo "no object of core was found" >>"$out/faults"
ok "core holds the name of no plugin ($(wc -l <"$out/names") plugins)"

: >"$out/faults"
for so in $(plugins); do
	symbols=$(nm -D --defined-only "$so" | awk '{ print $3 }' | tr '\n' ' ')
	[ "$symbols" = "tn_plugin_v1 " ] || echo "$so exports $symbols" >>"$out/faults"
	readelf -d "$so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
		grep -E '^(tokenizer|backend|model|head)-' | sed "s|^|$so needs |" >>"$out/faults"
done
ok "each plugin exports tn_plugin_v1 alone and needs no other plugin"

# What prints, ends the process or changes it for all of its threads.  (_exit ends a child.)
for so in "$top_builddir/core/.libs/libtenon.so" $(plugins); do
	nm -D --undefined-only "$so" | awk '{ sub(/@.*/, "", $2); print $2 }' |
		grep -x -E 'stdout|stderr|(__)?v?printf(_chk)?|puts|putchar|perror|v?(err|warn)x?|error|exit|quick_exit|abort|__assert_fail|signal|sigaction|setlocale|umask|chdir|setenv|unsetenv|putenv|s?rand|strtok' |
		sed "s|^|$so uses |"
done >"$out/faults"
ok "neither libtenon nor a plugin prints, ends the process or changes it"

nm -D --defined-only "$top_builddir/core/.libs/libtenon.so" |
	awk '$3 !~ /^tn_/ && $2 != "A" { print "libtenon exports " $3 }' >"$out/faults"
nm -D --defined-only "$top_builddir/core/.libs/libtenon.so" | grep -q ' tn_call_create' ||
	echo "libtenon does not export tn_call_create" >>"$out/faults"
ok "libtenon exports tn_* alone"
echo "1..$n"
