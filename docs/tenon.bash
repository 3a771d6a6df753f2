# SPDX-License-Identifier: Apache-2.0
# docs/tenon.bash - completion for bash: verbs, options and plugins, as the command itself names
# them, else files.

# The long options that a verb's --help lists; those that take a value end with "=".
_tenon_options() {
	"$@" --help </dev/null 2>/dev/null |
		sed -n 's/^ *\(-.,\)\{0,1\} *\(--[a-z0-9-]*\)\(\[\{0,1\}=\).*/\2=/p; t
			s/^ *\(-.,\)\{0,1\} *\(--[a-z0-9-]*\) .*/\2/p'
}

_tenon() {
	local command=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} i verb='' sub='' choices=''

	# A value: "--input=x" comes as three words, or as one where "=" breaks none.
	if [[ $word == --*=* ]]; then
		mapfile -t COMPREPLY < <(compgen -P "${word%%=*}=" -f -- "${word#*=}")
		return
	elif [[ $word == = || ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "${word#=}")
		compopt -o filenames 2>/dev/null
		return
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-*) ;;
		*) if [[ -z $verb ]]; then verb=${COMP_WORDS[i]}; else sub=${COMP_WORDS[i]}; break; fi ;;
		esac
	done
	if [[ -z $verb ]]; then
		choices=$("$command" --help </dev/null 2>/dev/null | sed -n 's/^  \([a-z]*\)  .*/\1/p')
		[[ $word != -* ]] || choices='--help --version'
	elif [[ $word == -* ]]; then
		choices=$(_tenon_options "$command" "$verb")
		[[ -n $choices || -z $sub ]] || choices=$(_tenon_options "$command" "$verb" "$sub")
	elif [[ $verb == plugins && -z $sub ]]; then
		choices=$("$command" plugins --help </dev/null 2>/dev/null | sed '/^[A-Z].*\.$/q' |
			tr '[|' '\n\n' | awk '$1 ~ /^[a-z]+$/ { print $1 }')
	elif [[ $verb == plugins && $sub == show ]]; then
		choices=$("$command" plugins list </dev/null 2>/dev/null | awk '$5 == "ok" { print $2 }')
	elif [[ $verb == plugins && $sub == new ]]; then
		choices='tokenizer backend model head'
	elif [[ $verb == data && -z $sub ]]; then
		choices=check
	fi
	if [[ -n $choices ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
		[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		compopt -o filenames 2>/dev/null
	fi
}
complete -F _tenon tenon
