#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ./tenon at the top of a build: the built command with the built library and plugins.
case $0 in
*/*) here=$(cd "${0%/*}" && pwd) ;;
*) here=$PWD ;;
esac
TENON_PLUGIN_PATH=$here/heads/.libs:$here/plugins/.libs:$here/backends/.libs${TENON_PLUGIN_PATH:+:$TENON_PLUGIN_PATH}
export TENON_PLUGIN_PATH
# Past libtool's own wrapper, which takes longer than the command to start.
if [ -x "$here/core/.libs/tenon" ]; then
	LD_LIBRARY_PATH=$here/core/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
	export LD_LIBRARY_PATH
	exec "$here/core/.libs/tenon" "$@"
fi
exec "$here/core/tenon" "$@"
