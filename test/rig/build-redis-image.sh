#!/usr/bin/env bash
# Redis 8 from Debian, behind the official image's name and interface, on top of the postgres image's Debian,
# pushed to the local registry.
# shellcheck source=test/rig/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

in_registry library/redis 8-alpine && exit 0
work=$CACHE/redis-build
rm -rf "$work" && mkdir -p "$work/root" && cd "$work"
log 'building the redis image'
side_suite trixie deb
apt-get "${SIDE[@]}" download -qq redis-tools redis-server libjemalloc2 liblzf1 liblua5.1-0 libatomic1 lua-bitop lua-cjson \
  >"$CACHE/apt.log" 2>&1 || die "could not download redis: $(tail -1 "$CACHE/apt.log")"
for package in *.deb; do dpkg-deb --extract "$package" root; done
tar --owner=0 --group=0 -C root -cf root.tar usr
cat >Dockerfile <<END
FROM $REGISTRY/library/$POSTGRES_IMAGE
ADD root.tar /
WORKDIR /data
EXPOSE 6379
ENTRYPOINT []
# the official image has no protected mode either: what reaches it is the container's affair
CMD ["redis-server", "--protected-mode", "no"]
END
image "$REGISTRY/library/redis:8-alpine" .
docker push -q "$REGISTRY/library/redis:8-alpine" >/dev/null
docker rmi -f "$REGISTRY/library/redis:8-alpine" >/dev/null 2>&1 || true
cd "$CACHE" && rm -rf "$work"
