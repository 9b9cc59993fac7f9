#!/bin/sh
# npm test: sets the checkout up, then runs every suite whose needs are met.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
tools/bootstrap.sh
PATH="$root/node_modules/.bin:$PATH"
export PATH
exec node tools/run-tests.ts "$@"
