#!/usr/bin/env bash
# Debian's own PostgreSQL, server and clients, for tests that need no cluster.
# shellcheck source=test/rig/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ "$(id -u)" = 0 ] || die "run this as root: sudo $RIG/postgresql.sh"
exec 9>"$CACHE/lock"
flock 9
need postgresql
