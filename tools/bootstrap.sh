#!/bin/sh
# Makes a checkout ready to run on a machine that has only Node >= 20 and npm: installs the locked packages (the
# pinned Node among them) and builds the WebAssembly kernel, the protobuf code and the console. Silent and quick when nothing
# changed. Progress goes to stderr, at least one line every five seconds.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
pnpm_version=12.21.0

inputs() {
  cat pnpm-lock.yaml pnpm-workspace.yaml package.json packages/*/package.json test/package.json bench/package.json \
    tools/package.json tools/bootstrap.sh tools/build.ts packages/*/build.ts packages/protocol/proto/*.proto
  find packages/erasure/assembly packages/console/src -type f 2>/dev/null | LC_ALL=C sort | xargs cat
}
digest() { if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1; }

stamp=$(inputs | digest)
is_ready() { [ "$(cat .cache/bootstrap-stamp 2>/dev/null)" = "$stamp" ] && [ -x node_modules/.bin/node ]; }
is_ready && exit 0

node_major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
if [ "$node_major" -lt 20 ]; then
  echo "kakera: needs Node 20 or later and npm to set itself up (found: $(node --version 2>/dev/null || echo none))." >&2
  exit 1
fi

started=$(date +%s)
say() { echo "kakera: setup: $1 ($(($(date +%s) - started)) s)" >&2; }
run() { # run LABEL COMMAND...: a line now, and one every 3 s while it runs; its output only when it fails
  label=$1
  shift
  say "$label"
  log=$(mktemp)
  "$@" >"$log" 2>&1 &
  pid=$!
  waited=0
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    waited=$((waited + 1))
    [ $((waited % 15)) -ne 0 ] || say "$label ..."
  done
  if wait "$pid"; then
    rm -f "$log"
  else
    status=$?
    cat "$log" >&2
    rm -f "$log"
    echo "kakera: setup failed at: $label. Try: check the network and npm's registry setting, then run it again." >&2
    exit "$status"
  fi
}

# Servers that start together in a fresh checkout: one sets it up, the others wait. A lock whose owner is gone counts for nothing.
mkdir -p .cache
lock=.cache/bootstrap-lock
waited=0
until mkdir "$lock" 2>/dev/null; do
  owner=$(cat "$lock/owner" 2>/dev/null || true)
  if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then rm -rf "$lock"; fi
  if [ -z "$owner" ] && [ "$waited" -ge 25 ]; then rm -rf "$lock"; fi
  [ $((waited % 15)) -ne 0 ] || say "waiting for another setup of this checkout"
  sleep 0.2
  waited=$((waited + 1))
done
trap 'rm -rf "$lock"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
echo "$$" >"$lock/owner"
is_ready && exit 0

run "installing packages" npx --yes "pnpm@$pnpm_version" install --frozen-lockfile
run "building the kernel, the record code and the console" env PATH="$root/node_modules/.bin:$PATH" node tools/build.ts
echo "$stamp" >.cache/bootstrap-stamp
say "done"
