#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/docs/manual.sh - tenon(1) has a section for each verb and names each of its options;
# the page of each plugin names each of the plugin's options.
: "${TENON:=./tenon}" "${top_srcdir:=.}" "${top_builddir:=.}"
page=$top_srcdir/docs/tenon.1
. "$top_srcdir/tests/tap.sh"

for verb in $("$TENON" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
	# The verb's part of the page, with roff's escapes taken away.
	part=$(sed -n "/^\.SS $verb /,/^\.S/p" "$page" | sed 's/\\-/-/g')
	[ -n "$part" ]; ok $? "$verb has a section"
	for option in $("$TENON" "$verb" --help </dev/null |
		sed -n 's/^ .*\(--[a-z][a-z0-9-]*\).*/\1/p' | grep -vE -e '^--(help|usage)$'); do
		printf '%s\n' "$part" | grep -q -e "^\.[A-Z]* .*$option\( \|\$\)"
		ok $? "$verb $option is described"
	done
done

for man in "$top_builddir"/docs/tenon-*-*.7; do
	id=$(basename "$man" .7)
	id=${id#tenon-}
	"$TENON" plugins show "${id%%-*}/${id#*-}" --format jsonl | tr '{' '\n' |
		sed -n 's/^"name":"\([^"]*\)","type".*/\1/p' | {
		missing=0
		while read -r option; do
			sed 's/\\-/-/g' "$man" | grep -q "^.fB$option.fR (" || missing=1
		done
		exit $missing
	}
	ok $? "tenon-$id(7) has the plugin's options"
done
plan
