#!/bin/sh
# Runs the server's tests under Node 22 and 24, and against the next major of Fastify under Node 24; of these only those
# that are named: server-nodes.sh [22] [24] [next]. The Nodes come from npm, some 100 MB each, which is why they are no
# devDependencies.
set -u
[ $# -gt 0 ] || set -- 22 24 next
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nodes=npm:node-linux-$(node -p process.arch)
next=fastify@6.0.0-alpha.4
cd "$work" || exit 1
install () { npm install --silent --no-save "node22@$nodes@22" "node24@$nodes@24" "$next"; }
npm init --yes > /dev/null
# Downloads may need a second or third attempt.
install || { sleep 5; install; } || { sleep 20; install; } || exit 1

rooms='schema contract encode wire response plugin log topic testing'
stores='test/store/memory.test.ts test/store/sqlite-suite.test.ts'
# better-sqlite3 was compiled for the Node that installed it: here its tests are skipped, and node:sqlite is tested.
unset CI
status=0

# run MAJOR FOLDER: the tests of a checkout, under a Node.
run () {
  cd "$2" || exit 1
  folders=$(for room in $rooms; do test -d "test/$room" && echo "test/$room"; done)
  "$work/node_modules/node$1/bin/node" --version
  # shellcheck disable=SC2086
  PATH="$work/node_modules/node$1/bin:$PATH" "$work/node_modules/node$1/bin/node" node_modules/tap/dist/esm/run.mjs --disable-coverage --jobs=2 --reporter=tap $folders $stores || status=1
}

# A copy whose node_modules are links to those of the checkout, except for Fastify.
run_next () {
  mkdir -p "$work/next/node_modules"
  cp -R "$root/lib" "$root/test" "$root/package.json" "$root/tsconfig.json" "$root/tsconfig.check.json" "$root/.taprc" "$work/next/"
  ln -s "$root/node_modules"/* "$root/node_modules/.bin" "$work/next/node_modules/"
  ln -sfn "$work/node_modules/fastify" "$work/next/node_modules/fastify"
  echo "$next"
  run 24 "$work/next"
}

for what in "$@"; do
  case $what in
    next) run_next ;;
    *) run "$what" "$root" ;;
  esac
done
exit $status
