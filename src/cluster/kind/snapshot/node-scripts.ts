/*
 * What is done inside of a node, by its own shell, with what every node image has. The rest is asked of the API server
 * (rest.ts).
 */

/**
 * All images, those too that nothing has started from yet: what is packed does not go into a snapshot. One that is mounted
 * is unpacked.
 */
export const unpackImages = `
set -e
for image in $(ctr --namespace k8s.io images ls --quiet | grep -v '^sha256:'); do
  folder=$(mktemp -d)
  ctr --namespace k8s.io images mount "$image" "$folder" >/dev/null
  ctr --namespace k8s.io images unmount --rm "$folder" >/dev/null
  rmdir "$folder"
done
`;

/** `end NAME…`: containers by the names that Kubernetes gives them; 20 s to end in order. */
const end = `
ctr() { command ctr --namespace k8s.io "$@"; }
running() { ctr tasks ls | awk '$3 == "RUNNING" { print $1 }'; }
named() { for name; do ctr containers ls --quiet "labels.\\"io.kubernetes.container.name\\"==$name"; done; }
end() {
  ids=$(named "$@")
  for id in $ids; do ctr tasks kill --signal SIGTERM "$id" 2>/dev/null || true; done
  for tenth in $(seq 200); do
    left=; now=$(running)
    for id in $ids; do case "$now" in *$id*) left=$id ;; esac; done
    [ -n "$left" ] || return 0
    sleep 0.1
  done
}
`;

/** The kubelet first: nothing that ends is started again by it. */
export const stopKubelet = `${end} systemctl stop kubelet; end kube-scheduler`;

/** Whoever makes objects anew, or holds a lease. */
export const stopControllers = `${end} end kube-controller-manager`;

/**
 * Everything else. First those that watch the API server, for whom it would wait as it ends. Then the API server, before its
 * store: as it ends in order, it takes its address out of the Service \`kubernetes\`. Then nothing runs any more, and what the
 * node has of its own goes: each clone makes it anew.
 */
export const stopTheRest = `${end}
servers=$(named kube-apiserver etcd)
for id in $(ctr containers ls --quiet 'labels."io.cri-containerd.kind"==container'); do
  case "$servers" in *$id*) ;; *) ctr tasks kill --signal SIGKILL "$id" 2>/dev/null || true ;; esac
done
end kube-apiserver
end etcd
for id in $(running); do ctr tasks kill --signal SIGKILL "$id" || true; done
for tenth in $(seq 100); do [ -n "$(running)" ] || break; sleep 0.1; done
for id in $(ctr containers ls --quiet); do
  ctr tasks rm "$id" >/dev/null 2>&1 || true
  ctr containers rm "$id" || exit 1
done
for id in $(ctr sandboxes ls 2>/dev/null | awk 'NR > 1 { print $1 }'); do ctr sandboxes rm --force "$id" >/dev/null 2>&1 || true; done
systemctl stop containerd
for mount in $(grep -o ' /var/[^ ]*' /proc/mounts | sort -r); do umount -l "$mount" || true; done
rm -rf /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes /var/lib/containerd/io.containerd.grpc.v1.cri/containers
cd /var/lib/kubelet || exit 1
rm -rf pods checkpoints device-plugins plugins plugins_registry pod-resources pods-api pki
rm -f actuated_pods_state allocated_pods_state cpu_manager_state memory_manager_state dra_manager_state
rm -rf /var/log/pods /var/log/containers /var/log/journal /var/lib/cni /var/tmp/*
rm -f /kind/product_uuid /var/lib/systemd/random-seed
`;

interface Unit {
  /** Lines of `[Unit]`. */
  unit: readonly string[];
  /** As systemd reads them. */
  commands: readonly string[];
}

/** What a clone does once before its kubelet starts. @param order - among those that the kubelet's unit names */
const beforeKubelet = (
  order: number,
  name: string,
  { unit, commands }: Unit,
): string => `cat >/etc/systemd/system/jest-kubernetes-${name}.service <<'UNIT'
[Unit]
${unit.join('\n')}
Before=kubelet.service
[Service]
Type=oneshot
${commands.map((command) => `ExecStart=${command}`).join('\n')}
UNIT
mkdir -p /etc/systemd/system/kubelet.service.d
cat >/etc/systemd/system/kubelet.service.d/${order}-jest-kubernetes.conf <<'UNIT'
[Unit]
Wants=jest-kubernetes-${name}.service
After=jest-kubernetes-${name}.service
UNIT
`;

/**
 * No key is in a snapshot: each clone makes all of its own, with kubeadm, while containerd starts. On elliptic curves that
 * takes a tenth of a second, and more than a second with RSA.
 */
export const leaveKeysToClones = `
set -e
config=/kind/kubeadm.conf
if ! grep -q '^apiVersion: kubeadm.k8s.io/v1beta4' "$config"; then
  kubeadm config migrate --old-config "$config" --new-config "$config.new" >/dev/null
  mv "$config.new" "$config"
fi
sed -i -e '/^encryptionAlgorithm:/d' -e 's/^kind: ClusterConfiguration$/&\\nencryptionAlgorithm: ECDSA-P256/' "$config"
cd /etc/kubernetes
rm -rf pki admin.conf super-admin.conf kubelet.conf controller-manager.conf scheduler.conf
${beforeKubelet(20, 'keys', {
  unit: ["Description=Keys of this cluster's own", 'ConditionPathExists=!/etc/kubernetes/admin.conf'],
  commands: ['certs', 'kubeconfig'].map(
    (phase) => `/usr/bin/env kubeadm init phase ${phase} all --config /kind/kubeadm.conf`,
  ),
})}`;

/**
 * In a clone the first pods start together with kube-proxy. Whoever of them asks the API server by its Service before there is a
 * way to it, has begun a connection that no later rule applies to: CoreDNS then waits for 30 s, and the storage
 * provisioner ends. So the way is there before the kubelet; kube-proxy's own leads to the same place.
 * @param address - the Service's, IPv4
 */
export const leadToApiServer = (address: string): string => `
set -e
${beforeKubelet(30, 'api', {
  unit: ['Description=The way to the API server until kube-proxy makes one'],
  commands: [
    `/bin/sh -c 'node=$$(getent ahostsv4 $$(hostname) | head -n 1 | cut -d " " -f 1); for chain in PREROUTING OUTPUT; do iptables -w -t nat -A $$chain -d ${address}/32 -p tcp --dport 443 -j DNAT --to-destination $$node:6443; done'`,
  ],
})}`;

/**
 * /var is a volume, of which every container is given a copy: so what is unpacked, a gigabyte, goes into the image itself,
 * and /var has a link to each layer, which overlayfs follows in \`lowerdir\`. A layer that takes something away from those
 * below it cannot lie in another overlay: it travels as an archive, and is unpacked as a clone starts. What is packed is
 * not needed once it is unpacked; and of etcd's log, 64 MB from its first byte on, each container would copy the zeros.
 */
export const packIntoImage = `
find /var/lib/containerd/io.containerd.content.v1.content/blobs -type f -size +1M -delete
exec unshare --mount --propagation private bash -ec '
root=/run/jest-kubernetes-root layers=/jest-kubernetes/layers
snapshots=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots
mkdir -p $root
mount --bind / $root
find $root/var -mindepth 1 -delete
tar -C /var --numeric-owner --one-file-system --no-wildcards-match-slash --anchored \\
  --exclude="./lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/*/fs" -cf - . | tar -C $root/var --numeric-owner -xpf -
for log in $root/var/lib/etcd/member/wal/*.wal; do
  # data, zeros, a star for all that are the same, the end
  lines=$(od -A d -t x8 "$log" | tail -n 3)
  [ "$(sed -n 2p <<<"$lines")" = "*" ] || continue
  zeros=$(head -n 1 <<<"$lines" | cut -d " " -f 1)
  # a page of them stays: by zeros etcd knows where its log ends
  truncate -s $(((10#$zeros / 4096 + 2) * 4096)) "$log"
done
mkdir -p $root$layers
takesAway() {
  find $1 -xdev -type c -exec stat --format=%t:%T {} + | grep -qx 0:0 || find $1 -xdev -type d -print0 |
    tar --null --no-recursion --xattrs --xattrs-include="trusted.overlay.*" -T - -cPf - |
    grep -aqE "SCHILY.xattr.trusted.overlay.(opaque|redirect)="
}
cd $snapshots
for id in *; do
  # one that containerd was about to remove
  [ -d $id/fs ] || continue
  if takesAway $id/fs; then
    tar -C $id --numeric-owner --xattrs --xattrs-include="*" -cf $root$layers/$id.tar fs
  else
    cp -a $id/fs $root$layers/$id
    ln -s $layers/$id $root$snapshots/$id/fs
  fi
done
[ -n "$(find $root$layers -name "*.tar")" ] || exit 0
cat >$root/etc/systemd/system/jest-kubernetes-layers.service <<UNIT
[Unit]
Description=Layers that cannot lie in the image
Before=containerd.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c "cd $snapshots && for each in $layers/*.tar; do id=\\$\\$(basename \\$\\$each .tar); [ -e \\$\\$id/fs ] || tar -C \\$\\$id --numeric-owner --xattrs --xattrs-include=* -xpf \\$\\$each; done"
UNIT
mkdir -p $root/etc/systemd/system/containerd.service.d
cat >$root/etc/systemd/system/containerd.service.d/20-jest-kubernetes.conf <<UNIT
[Unit]
Wants=jest-kubernetes-layers.service
After=jest-kubernetes-layers.service
UNIT
'
`;
