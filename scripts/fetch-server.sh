#!/bin/sh
# Puts a server that is not ours into pxelab's cache and prints the path of its program. It is not installed: its package
# would start a service on the host, and some cannot be beside each other. Labs and tests find it there. Without apt-get the
# host's own is named.
# usage: scripts/fetch-server.sh PACKAGE PROGRAM
set -eu

[ $# -eq 2 ] || { echo "usage: $0 PACKAGE PROGRAM" >&2; exit 2; }
package=$1
program=usr/sbin/$2
folder=${XDG_CACHE_HOME:-${HOME:?}/.cache}/pxelab/servers/$package
if [ ! -x "$folder/$program" ]; then
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "/$program"
		exit 0
	fi
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	cd "$work"
	apt-get -o APT::Sandbox::User="$(id -un)" download -q "$package" >&2 || { echo "fetch-server: cannot download $package: is there a network?" >&2; exit 1; }
	mkdir -p "${folder%/*}"
	dpkg-deb -x "$package"_*.deb "$work/there"
	rm -rf "$folder"
	mv "$work/there" "$folder"
fi
echo "$folder/$program"
