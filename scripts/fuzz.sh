#!/bin/sh
# Runs every fuzz target of the module for a while, three at a time, and reports a line for each.
# usage: scripts/fuzz.sh [TIME], 30s by default
set -eu
cd "$(dirname "$0")/.."

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# go test lists the names of a package's targets and then the package: make pairs of it.
go test -list '^Fuzz' ./... >"$logs/list"
awk '/^Fuzz/ { names[n++] = $1 } /^ok/ { for (i = 0; i < n; i++) print $2, names[i]; n = 0 }' "$logs/list" >"$logs/targets"
if [ ! -s "$logs/targets" ]; then
	echo 'fuzz: no target found' >&2
	exit 1
fi

time=${1:-30s}
module=$(go list -m)
workers=$((($(getconf _NPROCESSORS_ONLN) + 2) / 3)) # each of three targets gets a third of the machine
export logs time module workers

# Without a bound, making one new input smaller may take a minute: all the time there is, on a machine that has not fuzzed
# before.
# When its time is up Go's fuzzer sometimes (up to Go 1.26, on busy machines) reports the end of its own clock as
# the failure "context deadline exceeded". A true finding says where its input was written.
# shellcheck disable=SC2016 # the inner shell expands
one='
target="${1#"$module"/} $2"
log="$logs/$(echo "$target" | tr "/ " __)"
if go test -run "^$" -fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 20x -parallel "$workers" "$1" >"$log" 2>&1; then
	mark=ok
elif grep -q "^ *context deadline exceeded$" "$log" && ! grep -qiE "failing input|panic:" "$log"; then
	mark="ok (late)"
else
	printf "FAIL       %s\n" "$target"
	cat "$log"
	exit 1
fi
printf "%-10s %-48s %s\n" "$mark" "$target" "$(grep -o "execs: [0-9]*" "$log" | tail -n 1)"'
xargs -P 3 -L 1 sh -c "$one" fuzz <"$logs/targets" # fails when one failed, after all have run
