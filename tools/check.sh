#!/bin/sh
# pnpm check: every gate that a change must pass before it is offered, in under a minute.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
tools/bootstrap.sh
PATH="$root/node_modules/.bin:$PATH"
export PATH
exec node tools/check.ts "$@"
