#!/bin/sh
# Makes docs/studio.png, the picture of the README: a lab that is held, as the page of the studio shows it in headless Chromium.
set -eu
cd "$(dirname "$0")/.."
scripts/fetch-web.sh >/dev/null
go test ./tests/studio -count=1 -run '^TestPicture$' -picture "$PWD/docs/studio.png"
