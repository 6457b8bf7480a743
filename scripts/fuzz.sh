#!/bin/sh
# Runs every fuzz target of the module for a while, four at a time, and reports a line for each.
# usage: scripts/fuzz.sh [TIME [SERVERTIME]], 30s and 60s by default
# SERVERTIME is for what anybody on the network may send to our servers: the targets named FuzzAnswer..., which hold each
# server to answer nothing but a whole request, and FuzzVendor, the parser of option 43.
set -eu
cd "$(dirname "$0")/.."

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# go test lists the names of a package's targets and then the package: make pairs of it.
go test -list '^Fuzz' ./... >"$logs/list"
# The longest begin first, so that none of them is left to run alone at the end.
awk -v time="${1:-30s}" -v longer="${2:-60s}" '
/^Fuzz/ { names[n++] = $1 }
/^ok/ { for (i = 0; i < n; i++) print $2, names[i], (names[i] ~ /^Fuzz(Answer|Vendor$)/ ? "1 " longer : "2 " time); n = 0 }
' "$logs/list" | sort -s -k 3,3 | cut -d ' ' -f 1,2,4 >"$logs/targets"
if [ ! -s "$logs/targets" ]; then
	echo 'fuzz: no target found' >&2
	exit 1
fi

module=$(go list -m)
workers=$((($(getconf _NPROCESSORS_ONLN) + 3) / 4)) # each of four targets gets a quarter of the machine
export logs module workers

# Without a bound, making one new input smaller may take a minute: all the time there is, on a machine that has not fuzzed
# before.
# When its time is up Go's fuzzer sometimes (up to Go 1.26, on busy machines) reports the end of its own clock as
# the failure "context deadline exceeded". A true finding says where its input was written.
# shellcheck disable=SC2016 # the inner shell expands
one='
target="${1#"$module"/} $2"
log="$logs/$(echo "$target" | tr "/ " __)"
if go test -run "^$" -fuzz "^$2\$" -fuzztime "$3" -fuzzminimizetime 20x -parallel "$workers" "$1" >"$log" 2>&1; then
	mark=ok
elif grep -q "^ *context deadline exceeded$" "$log" && ! grep -qiE "failing input|panic:" "$log"; then
	mark="ok (late)"
else
	printf "FAIL       %s\n" "$target"
	cat "$log"
	exit 1
fi
printf "%-10s %-48s %s\n" "$mark" "$target" "$(grep -o "execs: [0-9]*" "$log" | tail -n 1)"'
xargs -P 4 -L 1 sh -c "$one" fuzz <"$logs/targets" # fails when one failed, after all have run
