# SPDX-License-Identifier: Apache-2.0
# examples/setup.sh - sourced by quickstart.sh and tests/run.sh: the Debian packages that
# are missing, and the build in build/.

PACKAGES="autoconf automake libtool pkg-config make gcc g++ libc6-dev libconfig-dev \
libjansson-dev libsmartcols-dev libopenblas-dev libdnnl-dev check"

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

# setup_build FOLDER LOG [CONFIGURE ARGUMENT ...]: builds into FOLDER.
setup_build()
{
	folder=$1 log=$2
	shift 2
	mkdir -p "$folder" || return 1
	{
		{ [ -x "$top/configure" ] && [ "$top/configure" -nt "$top/configure.ac" ]; } ||
			"$top/autogen.sh"
	} >"$log" 2>&1 &&
	(
		cd "$folder" &&
		{ [ -f Makefile ] || "$top/configure" ${1+"$@"}; } &&
		make -j2
	) >>"$log" 2>&1 || {
		tail -15 "$log" >&2
		echo "building failed; the whole log is $log" >&2
		return 1
	}
}
