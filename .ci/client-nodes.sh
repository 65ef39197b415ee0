#!/bin/sh
# Runs the packed client under Node 20, 22 and 24, Deno and Bun. They come from npm, some 100 MB each, which is why they
# are no devDependencies.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server"; rm -rf "$work"' EXIT
cd "$root"
npm run --silent build
npm pack --silent --ignore-scripts --pack-destination "$work" > /dev/null
# The versions that are tested elsewhere: what is published tomorrow is no news of this commit.
locked () { echo "$1@$(node -p "require('$root/package-lock.json').packages['node_modules/$1'].version")"; }
fastify=$(locked fastify)
typebox=$(locked @sinclair/typebox)
arch=$(node -p process.arch)
nodes=npm:node-linux-$arch
deno=@deno/linux-$arch-glibc
bun=@oven/bun-linux-$(echo "$arch" | sed s/arm/aarch/)
cd "$work"
npm init --yes > /dev/null
install () { npm install --silent --no-save ./fastify-typed-sse-*.tgz "$fastify" "$typebox" "node20@$nodes@20" "node22@$nodes@22" "node24@$nodes@24" "$deno@2" "$bun@1"; }
# What comes over the network may come at the second or third time of asking.
install || { sleep 5; install; } || { sleep 30; install; }
cp "$root/.ci/client-smoke.mjs" .
for major in 20 22 24; do
  timeout 60 "node_modules/node$major/bin/node" client-smoke.mjs
done
timeout 60 "node_modules/$deno/deno" run --allow-all client-smoke.mjs
# Under Bun the server of node:http does not cut its connections: the client is what is tried.
node client-smoke.mjs serve > url &
server=$!
until test -s url; do kill -0 "$server"; sleep 0.1; done
timeout 60 "node_modules/$bun/bin/bun" client-smoke.mjs "$(cat url)"
