#!/usr/bin/env bash
# pgvector's image: the postgres image with the extension from Debian, pushed to the local registry.
# shellcheck source=test/rig/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

in_registry pgvector/pgvector pg17 && exit 0
work=$CACHE/pgvector-build
rm -rf "$work" && mkdir -p "$work/root" && cd "$work"
log 'building the pgvector image'
side_suite trixie deb
apt-get "${SIDE[@]}" download -qq postgresql-17-pgvector >"$CACHE/apt.log" 2>&1 || die "could not download pgvector: $(tail -1 "$CACHE/apt.log")"
dpkg-deb --extract postgresql-17-pgvector_*.deb root
tar --owner=0 --group=0 -C root -cf root.tar usr
printf 'FROM %s\nADD root.tar /\n' "$REGISTRY/library/$POSTGRES_IMAGE" >Dockerfile
image "$REGISTRY/pgvector/pgvector:pg17" .
docker push -q "$REGISTRY/pgvector/pgvector:pg17" >/dev/null
docker rmi -f "$REGISTRY/pgvector/pgvector:pg17" >/dev/null 2>&1 || true
cd "$CACHE" && rm -rf "$work"
