#!/bin/sh
# Fetches what the page of `pxelab studio` uses that is not ours, its terminal, puts the built files and their licences where the
# binary takes them from, and prints the folder of all packages, those of the page's tests among them. Where there is no npm, or no
# network and nothing was fetched before, it says so and does nothing: the page then shows consoles as plain text. With --cached it
# fetches nothing, and prints nothing if they are not there.
# usage: scripts/fetch-web.sh [--cached]
set -eu

studio=$(cd "$(dirname "$0")/../lab/studio" && pwd)
lock=$studio/web/package-lock.json
folder=${XDG_CACHE_HOME:-${HOME:?}/.cache}/pxelab/studio-web
vendor=$studio/page/vendor

without() { # reason
	echo "fetch-web: $1: the page of pxelab studio will show consoles as plain text" >&2
	exit 0
}

if ! cmp -s "$lock" "$folder/package-lock.json"; then
	[ "${1-}" != --cached ] || exit 0
	command -v npm >/dev/null 2>&1 || without 'there is no npm'
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	cp "$studio/web/package.json" "$lock" "$work"
	(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund >&2) || without 'npm could not fetch xterm.js (is there a network?)'
	mkdir -p "${folder%/*}"
	rm -rf "$folder"
	mv "$work" "$folder"
fi
if ! cmp -s "$lock" "$vendor/package-lock.json"; then
	rm -rf "$vendor"
	mkdir -p "$vendor"
	from=$folder/node_modules/@xterm
	for file in xterm/lib/xterm.js addon-fit/lib/addon-fit.js; do # without the line that has a browser look for a source map
		sed '/^\/\/# sourceMappingURL=/d' "$from/$file" >"$vendor/${file##*/}"
	done
	cp "$from/xterm/css/xterm.css" "$vendor"
	cp "$from/xterm/LICENSE" "$vendor/LICENSE.xterm"
	cp "$from/addon-fit/LICENSE" "$vendor/LICENSE.addon-fit"
	cp "$lock" "$vendor" # last: with it the folder is whole
fi
echo "$folder/node_modules"
