#!/usr/bin/env bash
# Helm, compiled from its Go module, for the tests of charts. Prints where it is.
# shellcheck source=test/rig/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VERSION=v3.19.0
bin=$CACHE/helm-$VERSION
if [ ! -x "$bin/helm" ]; then
  mkdir -p "$CACHE"
  exec 9>"$CACHE/lock"
  flock 9
  need_go
  log "compiling helm $VERSION (a minute or two)"
  CGO_ENABLED=0 GOBIN=$bin go install "helm.sh/helm/v3/cmd/helm@$VERSION" >"$CACHE/go.log" 2>&1 || {
    tail -5 "$CACHE/go.log" >&2
    die 'could not compile helm'
  }
fi
echo "$bin/helm"
