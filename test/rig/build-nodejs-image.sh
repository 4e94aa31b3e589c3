#!/usr/bin/env bash
# Node.js on busybox, behind the official image's name, for images that tests build FROM it, pushed to the local registry.
# shellcheck source=test/rig/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

in_registry library/node 24-alpine && exit 0
# the one that package.json pins: Debian's would bring a whole root file system along
node=$(realpath "$RIG/../../node_modules/node/bin/node") || die 'no Node.js in node_modules: run npm ci before'
log 'building the node image'
work=$CACHE/nodejs-build
rm -rf "$work" && mkdir -p "$work/root/etc" && cd "$work/root"
install -D "$node" usr/local/bin/node
ldd usr/local/bin/node | grep -oE '/[^ ]+' | while read -r library; do install -D "$library" ".$library"; done
echo 'root:x:0:0:root:/:/bin/sh' >etc/passwd
echo 'node:x:1000:1000::/home/node:/bin/sh' >>etc/passwd
install -d -o 1000 -g 1000 home/node
cd ..
tar -C root -cf root.tar .
printf 'FROM %s\nADD root.tar /\nENV PATH=/usr/local/bin:/bin\nCMD ["node"]\n' "$REGISTRY/library/busybox" >Dockerfile
image "$REGISTRY/library/node:24-alpine" .
docker push -q "$REGISTRY/library/node:24-alpine" >/dev/null
docker rmi -f "$REGISTRY/library/node:24-alpine" >/dev/null 2>&1 || true
cd "$CACHE" && rm -rf "$work"
