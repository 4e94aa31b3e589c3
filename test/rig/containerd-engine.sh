#!/usr/bin/env bash
# A second Docker Engine beside this machine's own, with the image store that a
# new installation of Docker 29 has: images in containerd. Nothing is shared with
# the first one but its settings (registry mirrors, runtimes) and the kernel, and
# nothing outlives `stop`. FOLDER is its own, absolute, and short (sockets lie in it).
#
#   containerd-engine.sh start FOLDER   prints its DOCKER_HOST; one that answers there already is used
#   containerd-engine.sh stop FOLDER    removes its containers, networks, processes, mounts, and FOLDER
#
# DOCKERD names another dockerd than the one on PATH.
set -euo pipefail

die() {
  echo "containerd-engine: $*" >&2
  exit 1
}

# our DOCKER-ARGUMENT...: the docker command, of this engine.
our() { DOCKER_HOST=$HOST DOCKER_CONTEXT='' docker "$@"; }

answers() { our version >/dev/null 2>&1; }

# alive NAME: whether the process that `daemon NAME` started still runs; another may have got its number since.
alive() { [ -s "$FOLDER/$1.pid" ] && grep --quiet --text --fixed-strings "$FOLDER/" "/proc/$(cat "$FOLDER/$1.pid")/cmdline" 2>/dev/null; }

# daemon NAME COMMAND ARGUMENT...: starts it in a session of its own, and keeps its process id.
daemon() {
  local name=$1
  shift
  setsid "$@" >"$FOLDER/$name.log" 2>&1 </dev/null &
  echo $! >"$FOLDER/$name.pid"
}

# A containerd of its own: with one of the machine's, both engines would take each other's containers for theirs.
write_containerd_config() {
  cat >"$FOLDER/containerd.toml" <<TOML
version = 2
root = "$FOLDER/containerd"
state = "$FOLDER/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$FOLDER/containerd.sock"
gid = $GROUP
TOML
}

# Without iptables: both would write, and flush, the same chains. Ports are published by docker-proxy alone then,
# which kind's are content with. The default network needs a bridge of another name than docker0, which dockerd does
# not make by itself (and testcontainers takes no engine without that network); no network has an address that
# Docker gives by default.
write_engine_config() {
  local theirs='{}'
  [ -s /etc/docker/daemon.json ] && theirs=$(cat /etc/docker/daemon.json)
  jq --arg folder "$FOLDER" --arg bridge "$BRIDGE" --arg group "$GROUP" '{"registry-mirrors", "insecure-registries", runtimes, "default-runtime"}
    | with_entries(select(.value != null)) + {
      features: {"containerd-snapshotter": true},
      hosts: ["unix://\($folder)/docker.sock"], group: $group, containerd: "\($folder)/containerd.sock",
      "data-root": "\($folder)/docker", "exec-root": "\($folder)/run/docker", pidfile: "\($folder)/run/docker.pid",
      bridge: $bridge, iptables: false, ip6tables: false,
      "default-address-pools": [{base: "10.213.0.0/16", size: 24}],
    }' <<<"$theirs" >"$FOLDER/daemon.json" || die '/etc/docker/daemon.json is not valid JSON'
}

start() {
  answers && return
  mkdir -p "$FOLDER/run"
  write_containerd_config
  write_engine_config
  alive containerd || daemon containerd containerd --config "$FOLDER/containerd.toml"
  [ -e "/sys/class/net/$BRIDGE" ] || ip link add "$BRIDGE" type bridge
  ip address replace "$ADDRESS" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  rm -f "$FOLDER/run/docker.pid"
  daemon dockerd "${DOCKERD:-dockerd}" --config-file "$FOLDER/daemon.json"
  for _ in $(seq 300); do
    answers && return
    alive dockerd || break
    sleep 0.2
  done
  tail -5 "$FOLDER/containerd.log" "$FOLDER/dockerd.log" >&2
  die 'the engine does not answer'
}

# end NAME: ends the process that `daemon NAME` started.
end() {
  alive "$1" || return 0
  local pid
  pid=$(cat "$FOLDER/$1.pid")
  kill "$pid"
  for _ in $(seq 100); do
    alive "$1" || return 0
    sleep 0.1
  done
  kill -KILL "$pid"
}

stop() {
  [ -d "$FOLDER" ] || return 0
  [ -e "$FOLDER/daemon.json" ] || die "$FOLDER is no folder of an engine"
  local left
  start # one that has died alone knows what it has made
  mapfile -t left < <(our ps --all --quiet)
  [ ${#left[@]} = 0 ] || our rm --force --volumes "${left[@]}" >/dev/null
  mapfile -t left < <(our network ls --quiet --filter type=custom)
  [ ${#left[@]} = 0 ] || our network rm "${left[@]}" >/dev/null
  end dockerd
  end containerd
  ip link delete "$BRIDGE"
  # the deepest first
  mapfile -t left < <(findmnt --raw --noheadings --output TARGET | awk -v below="$FOLDER/" 'index($0, below) == 1' | sort --reverse)
  [ ${#left[@]} = 0 ] || umount --lazy "${left[@]}"
  rm -rf "$FOLDER"
}

COMMAND=${1:-} FOLDER=${2:-} HOST=unix://${2:-}/docker.sock
KEY=$(md5sum <<<"$FOLDER" | head -c 8)
GROUP=${SUDO_GID:-0} # whoever came by sudo may talk to it
BRIDGE=rig-$KEY ADDRESS=10.214.$((16#${KEY:0:2})).1/24
[[ $COMMAND =~ ^(start|stop)$ && $FOLDER == /?* ]] || die 'start or stop, and an absolute folder'
[ "$(id -u)" = 0 ] || die 'run this as root'
$COMMAND
[ "$COMMAND" = stop ] || echo "$HOST"
