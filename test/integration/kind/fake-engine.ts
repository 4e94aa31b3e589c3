import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { ContainerRuntime } from '../../../src/runtime/index.js';

/** A docker whose containers are files, each holding what `docker inspect` tells of it. */
const docker = `#!/bin/sh
echo "$@" >>"$FAKE/docker.log"
ps -o pgid= -p $$ >>"$FAKE/groups"
[ -e "$FAKE/fails-once" ] && { rm "$FAKE/fails-once"; exit 130; }
cd "$FAKE/containers" || exit 1
case $1 in
  ps) ls ;;
  inspect)
    shift 3
    separator=[
    for container; do printf '%s' "$separator"; cat "$container"; separator=,; done
    echo ']' ;;
  rm)
    [ -e "$FAKE/rm-fails" ] && { echo 'unable to remove filesystem: device or resource busy' >&2; exit 1; }
    shift 3
    rm -f "$@" ;;
  info) [ -e "$FAKE/id" ] || { echo 'Cannot connect to the Docker daemon' >&2; exit 1; }
    printf '{"ID":"%s","OSType":"linux","Architecture":"x86_64"}' "$(cat "$FAKE/id")" ;;
  exec) [ "$3" = cat ] && { cat "$FAKE/owner.json"; exit; }
    exec sleep 60 ;;
  run) . "$FAKE/run.sh" ;;
  start) [ -e "$FAKE/start-fails" ] && { cat "$FAKE/start-fails" >&2; exit 1; }
    shift; for container; do sed -i 's/"exited"/"running"/' "$container"; done ;;
esac
`;

export interface FakeEngine extends Disposable {
  folder: string;
  runtime: ContainerRuntime;
  env: NodeJS.ProcessEnv;
  /** What `kind create cluster` does, as a shell script; \`start_node\` makes the node's container. */
  kindDoes(script: string): void;
  /** What `docker run` does, as a shell script; `start_node` as above. */
  runDoes(script: string): void;
  /** A container as it stands; without a mark it is somebody else's. `owner` is what its mark's file says in it. */
  container(name: string, markedBy?: string, owner?: object): void;
  containers(): string[];
  kindRan(): boolean;
  /** As another engine at the same address does; undefined: there is none. */
  answersAs(id: string | undefined): void;
  /** What its command was asked, one line each. */
  asked(): string[];
  deletionFails(): void;
  /** A container stands still, as after the machine's restart; where `start` is to fail, what it says. */
  stops(name: string, startFails?: string): void;
  /** Its next command fails, whatever that is. */
  failsOnce(): void;
  /** The process groups that its commands ran in. */
  groups(): number[];
}

/** kind and docker as two scripts in a folder: for what a real engine does only when something breaks. */
export function fakeEngine(): FakeEngine {
  const folder = mkdtempSync(path.join(tmpdir(), 'fake-engine-'));
  const bin = path.join(folder, 'bin');
  const containers = path.join(folder, 'containers');
  for (const made of [bin, containers]) mkdirSync(made);
  const program = (name: string, script: string) => {
    writeFileSync(path.join(bin, name), script);
    chmodSync(path.join(bin, name), 0o755);
  };
  const inspected = (name: string, markedBy?: string) => {
    // that of a state directory with an id has it in its name
    const mark = markedBy === undefined || /owner-/.test(markedBy) ? markedBy : `${markedBy}/owner`;
    return JSON.stringify({
      Id: name,
      Name: `/${name}`,
      Created: '2026-01-01T00:00:00Z',
      Config: { Labels: { 'io.x-k8s.kind.role': 'control-plane' } },
      State: { Status: 'running' },
      HostConfig: {
        Binds: mark === undefined ? null : [`${mark}:/etc/jest-kubernetes/owner:ro`],
      },
      NetworkSettings: { Ports: { '6443/tcp': [{ HostIp: '127.0.0.1', HostPort: '1' }], '80/tcp': null } },
    });
  };
  const start = `start_node() { echo '${inspected('shop-control-plane', path.join(folder, 'state'))}' >"$FAKE/containers/shop-control-plane"; }`;
  program('docker', docker);
  const answersAs = (id: string | undefined): void => {
    if (id === undefined) rmSync(path.join(folder, 'id'));
    else writeFileSync(path.join(folder, 'id'), id);
  };
  answersAs('its-own-id');
  return {
    folder,
    runtime: {
      ...{ name: 'docker', command: path.join(bin, 'docker'), env: { FAKE: folder }, version: '28.0.0' },
      ...{ platform: 'linux/amd64', cpus: 2, memoryBytes: 1e9, cgroupVersion: 2 },
      ...{ id: 'its-own-id', host: '127.0.0.1' },
    },
    env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` },
    kindDoes(script) {
      program(
        'kind',
        `#!/bin/sh\n[ "$1" = version ] && { echo kind v0.33.0; exit; }\necho "$@" >"$FAKE/kind.log"\n${start}\n${script}\n`,
      );
    },
    runDoes: (script) => {
      writeFileSync(path.join(folder, 'run.sh'), `${start}\n${script}\n`);
    },
    container: (name, markedBy, owner = {}) => {
      writeFileSync(path.join(folder, 'owner.json'), JSON.stringify(owner));
      writeFileSync(path.join(containers, name), inspected(name, markedBy));
    },
    containers: () => readdirSync(containers),
    kindRan: () => existsSync(path.join(folder, 'kind.log')),
    answersAs,
    asked: () => read(path.join(folder, 'docker.log')).trim().split('\n'),
    stops: (name, startFails) => {
      const file = path.join(containers, name);
      writeFileSync(file, read(file).replace('"running"', '"exited"'));
      if (startFails !== undefined) writeFileSync(path.join(folder, 'start-fails'), startFails);
    },
    deletionFails: () => {
      writeFileSync(path.join(folder, 'rm-fails'), '');
    },
    failsOnce: () => {
      writeFileSync(path.join(folder, 'fails-once'), '');
    },
    groups: () => read(path.join(folder, 'groups')).trim().split(/\s+/).map(Number),
    [Symbol.dispose]: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const read = (file: string): string => readFileSync(file, 'utf8');
