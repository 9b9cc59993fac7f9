#!/bin/sh
# npm start: the server, with four drive folders here unless others are named, and open metrics for a first look.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
KAKERA_METRICS_AUTH="${KAKERA_METRICS_AUTH:-public}"
export KAKERA_METRICS_AUTH
exec bin/kakera server --fallback-drives "./data/drive{1...4}" "$@"
