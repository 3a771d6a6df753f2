#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/docs/completion.sh - what bash offers behind tenon: all that the command names itself.
: "${TENON:=./tenon}" "${top_srcdir:=.}"
case $TENON in /*) ;; *) TENON=$PWD/$TENON ;; esac
. "$top_srcdir/tests/tap.sh"
. "$top_srcdir/docs/tenon.bash"

# offers WORD...: what is offered for the last word, a line each.
offers() {
	COMP_WORDS=("$TENON" "$@") COMP_CWORD=$# COMPREPLY=()
	_tenon
	printf '%s\n' "${COMPREPLY[@]}" >"$out/out"
}

offers ''
"$TENON" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p' >"$out/verbs"
[ -s "$out/verbs" ] && cmp -s "$out/verbs" "$out/out"; ok $? "every verb"
offers ru
[ "$(cat "$out/out")" = run ]; ok $? "a verb that was begun"
while read -r verb; do
	offers "$verb" --
	"$TENON" "$verb" --help </dev/null | grep -o -e '^  *\(-.,\)\{0,1\} *--[a-z0-9-]*' |
		sed 's/.*--/--/' | sort >"$out/options"
	[ -s "$out/options" ] && sed 's/=$//' "$out/out" | sort | cmp -s "$out/options"
	ok $? "every option of $verb"
done <"$out/verbs"
offers run --inp
[ "$(cat "$out/out")" = --input= ]; ok $? "an option with a value"
cd "$out" && mkdir model && : >model.cfg
offers run mod
[ "$(sort <out | tr '\n' ' ')" = "model model.cfg " ]; ok $? "files"
offers run --input = mod
[ "$(sort <out | tr '\n' ' ')" = "model model.cfg " ]; ok $? "files as values"
offers plugins sh
[ "$(cat out)" = show ]; ok $? "what plugins does"
offers plugins show bio
[ "$(cat out)" = bio-crf ]; ok $? "a plugin"
plan
