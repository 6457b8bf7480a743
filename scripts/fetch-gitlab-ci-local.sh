#!/bin/sh
# Puts gitlab-ci-local, which runs GitLab pipelines without GitLab, into pxelab's cache and prints the path of its program. Where
# there is no npm it does nothing: the test that needs it is skipped then, unless PXELAB_REQUIRE names npm. With --cached it
# fetches nothing, and prints nothing if it is not there.
# usage: scripts/fetch-gitlab-ci-local.sh [--cached]
set -eu

here=$(dirname "$0")/../tools/gitlab-ci-local
folder=${XDG_CACHE_HOME:-${HOME:?}/.cache}/pxelab/gitlab-ci-local
command -v npm >/dev/null 2>&1 || exit 0
if ! cmp -s "$here/package-lock.json" "$folder/package-lock.json"; then
	[ "${1-}" != --cached ] || exit 0
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	cp "$here/package.json" "$here/package-lock.json" "$work"
	(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund >&2) || { echo 'fetch-gitlab-ci-local: npm could not fetch it: is there a network?' >&2; exit 1; }
	mkdir -p "${folder%/*}"
	rm -rf "$folder"
	mv "$work" "$folder"
fi
echo "$folder/node_modules/gitlab-ci-local/src/index.js"
