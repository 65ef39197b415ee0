#!/bin/sh
# Runs the suite of the stores on node:sqlite under Node 22 and 24. They come from npm, some 100 MB each, which is why they
# are no devDependencies.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes > /dev/null
nodes=npm:node-linux-$(node -p process.arch)
install () { npm install --silent --no-save "node22@$nodes@22" "node24@$nodes@24"; }
# What comes over the network may come at the second or third time of asking.
install || { sleep 5; install; } || { sleep 30; install; }
cd "$root"
for major in 22 24; do
  # better-sqlite3 was compiled for the Node that installed it, so it is skipped here, also in CI.
  CI='' timeout 300 "$work/node_modules/node$major/bin/node" --import tsx test/store/sqlite-suite.test.ts > "$work/$major.tap" || { grep -A 20 'not ok' "$work/$major.tap" | head -80; exit 1; }
  grep '^ok .*node:sqlite' "$work/$major.tap"
done
