# SPDX-License-Identifier: Apache-2.0
# examples/setup.sh - sourced by quickstart.sh and tests/run.sh: the Debian packages that
# are missing, and the build in build/.

PACKAGES="autoconf automake libtool pkg-config make gcc g++ libc6-dev libconfig-dev \
libjansson-dev libsmartcols-dev libopenblas-dev libdnnl-dev libffi-dev check"

# Installs what is missing, printing the exact command first.
setup_packages()
{
	command -v dpkg-query >/dev/null 2>&1 || return 0
	missing=
	for package in $PACKAGES; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
			grep -q 'install ok installed' || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	install="apt-get install -y --no-install-recommends$missing"
	if [ "$(id -u)" != 0 ]; then
		if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
			install="sudo $install"
		else
			echo "missing Debian packages; as root, run:" >&2
			echo "$install" >&2
			return 1
		fi
	fi
	echo "\$ $install"
	# An old list of packages may name files that are gone: then fetch it anew.
	$install >"$1" 2>&1 || { ${install%%apt-get*}apt-get update >>"$1" 2>&1 &&
		$install >>"$1" 2>&1; } || {
		tail -5 "$1" >&2
		echo "installing failed; the whole log is $1" >&2
		return 1
	}
}

# setup_build FOLDER LOG [CONFIGURE ARGUMENT ...]: builds into FOLDER.  In a checkout that
# is configured in place, automake refuses another build: then a copy is built.
setup_build()
{
	folder=$1 log=$2 source=$top
	shift 2
	mkdir -p "$folder" || return 1
	if [ -f "$top/config.status" ]; then
		source=$folder/source
		mkdir -p "$source" && (cd "$top" && git ls-files -z | xargs -0 cp --parents -t "$source") ||
			return 1
	fi
	{
		if ! [ -x "$source/configure" ] || [ "$source/configure.ac" -nt "$source/configure" ]; then
			"$source/autogen.sh"
		fi &&
		cd "$folder" &&
		{ [ -f Makefile ] || "$source/configure" ${1+"$@"}; } &&
		make -j2
	} >"$log" 2>&1 || {
		cd "$top"
		tail -15 "$log" >&2
		echo "building failed; the whole log is $log" >&2
		return 1
	}
	cd "$top"
}

# setup_command FOLDER: ./tenon at the top runs the command built there.
setup_command()
{
	[ ! -f "$top/config.status" ] || return 0
	printf '#!/bin/sh\n# made by the set-up: runs the built command\nexec "%s/tenon" "$@"\n' "$1" >"$top/tenon" &&
		chmod +x "$top/tenon"
}
