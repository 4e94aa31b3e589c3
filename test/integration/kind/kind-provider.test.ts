import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { deleteContainers, kindProvider } from '../../../src/cluster/kind/index.js';
import { placeHere } from '../../../src/cluster/kind/name-taken.js';
import { listClusters, openCluster } from '../../../src/cluster/leases/index.js';
import type { ClusterProvider } from '../../../src/cluster/provider.js';
import { resolveNodes } from '../../../src/config/resolve-nodes.js';
import { type Progress, silent } from '../../../src/report/progress.js';
import { JestKubernetesError } from '../../../src/support/errors.js';
import { identifyProcess } from '../../../src/support/process-identity.js';
import { claimStateDirectory } from '../../../src/support/state-directory.js';
import { type FakeEngine, fakeEngine, read } from './fake-engine.js';

const cluster = {
  ...{ provider: 'kind' as const, name: 'shop', image: 'kindest/node:v1', nodes: resolveNodes(1, String) },
  ...{ config: undefined, snapshot: false, standby: false },
  ...{ kubeconfig: undefined, context: undefined, conflicts: 'refuse' as const },
};

let engine: FakeEngine;
let directory: string;

beforeEach(() => {
  engine = fakeEngine();
  directory = path.join(engine.folder, 'state');
});
afterEach(() => {
  engine[Symbol.dispose]();
});

/** Each call is another process's view of the same cluster: nothing is shared but the folder. */
function provider(): ClusterProvider {
  return kindProvider({ cluster, directory, runtime, env: engine.env });
}

const runtime = () => Promise.resolve(engine.runtime);

/** As any other process does it. */
const deleteIt = (): Promise<void> =>
  deleteContainers({
    name: cluster.name,
    directory,
    runtime: engine.runtime,
    env: engine.env,
    progress: silent,
  });

async function failure(promise: Promise<unknown>): Promise<JestKubernetesError> {
  const error: unknown = await promise.then(
    () => 'it went well',
    (reason: unknown) => reason,
  );
  if (error instanceof JestKubernetesError) return error;
  throw new Error('no JestKubernetesError', { cause: error });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

const create = (options: { signal?: AbortSignal; progress?: Progress } = {}) =>
  provider().create({ signal: new AbortController().signal, progress: silent, ...options });

test('kind is told to touch no kubeconfig but a throwaway one, and to listen on 127.0.0.1 alone', async () => {
  engine.kindDoes(
    'echo "KUBECONFIG=$KUBECONFIG" >"$FAKE/kind.env"; cp "$FAKE/state/kind.yaml" "$FAKE"; exit 1',
  );
  await failure(create().ready);
  expect(read(path.join(engine.folder, 'kind.env'))).toBe(`KUBECONFIG=${directory}/kind.kubeconfig\n`);
  expect(read(path.join(engine.folder, 'kind.log'))).toContain('--image kindest/node:v1');
  expect(read(path.join(engine.folder, 'kind.yaml'))).toContain('apiServerAddress: 127.0.0.1');
});

test('the name of a cluster that is not ours is refused, and that cluster stays', async () => {
  engine.kindDoes('');
  engine.container('shop-control-plane');
  const { nodes, api, ready } = create();
  for (const milestone of [nodes, api, ready]) {
    const error = await failure(milestone);
    expect(error.code).toBe('CLUSTER_NAME_TAKEN');
    expect(error.evidence).toEqual([
      'container shop-control-plane, running, created 2026-01-01T00:00:00Z',
      'it was not made by jest-kubernetes',
    ]);
  }
  await deleteIt();
  expect(engine.containers()).toEqual(['shop-control-plane']);
  expect(engine.kindRan()).toBe(false);
});

test('the same name under another state directory is refused too, and tells whose it is', async () => {
  engine.kindDoes('');
  engine.container('shop-control-plane', '/home/other/state/shop');
  const error = await failure(create().ready);
  expect(error.code).toBe('CLUSTER_NAME_TAKEN');
  expect(error.evidence.at(-1)).toBe(
    'made by jest-kubernetes for /home/other/state/shop: whether it is in use cannot be seen from here',
  );
});

/** What a run leaves that was killed, and its watchdog with it. */
const readyByTheDead = {
  ...{ version: 1, name: 'shop', id: 'dead', phase: 'ready', by: null, made: {}, access: null, leases: {} },
  ...{ removal: { provider: 'kind', name: 'shop', runtime: null }, ledger: {}, keep: 'never', failed: false },
  ...{ kept: null, problem: null },
};

describe('a name that another state directory on this machine has taken', () => {
  let theirs: string;
  let mark: string;
  let id: string;
  beforeEach(() => {
    theirs = path.join(engine.folder, 'theirs');
    ({ id } = claimStateDirectory(theirs));
    mark = path.join(theirs, `clusters/shop/owner-${id}`);
    engine.kindDoes('exit 1');
  });
  const removal = { provider: 'kind' as const, name: 'shop', runtime: null };
  const lease = () =>
    openCluster({ stateDir: theirs, name: 'shop', runId: 'theirs', deleteCluster: () => Promise.resolve() });
  const taken = (place: object = placeHere()): void => {
    engine.container('shop-control-plane', mark, { place });
  };
  const refused = async (): Promise<string | undefined> => {
    const error = await failure(create().ready);
    expect(error.code).toBe('CLUSTER_NAME_TAKEN');
    expect(engine.containers()).toEqual(['shop-control-plane']);
    return error.evidence.at(-1);
  };

  test('stays while a run uses it there', async () => {
    await lease().acquire({ made: {}, removal, keep: 'never' });
    taken();
    expect(await refused()).toContain(
      `, by ${placeHere().user} on ${placeHere().host}: it is in use there, or kept`,
    );
  });

  test('stays where that directory cannot be seen: another container’s, of the same path', async () => {
    rmSync(theirs, { recursive: true });
    taken({ host: 'job-17', user: 'ci', view: 'another boot/mnt:[1]' });
    expect(await refused()).toContain(', by ci on job-17: whether it is in use cannot be seen from here');
  });

  test('stays where the files that are seen here are another container’s, whose number this one has now', async () => {
    rmSync(theirs, { recursive: true });
    taken({ ...placeHere(), host: 'job-16' });
    expect(await refused()).toContain('on job-16: whether it is in use cannot be seen from here');
  });

  test('stays while a run uses it there, though that directory has lost its mark', async () => {
    await lease().acquire({ made: {}, removal, keep: 'never' });
    rmSync(path.join(theirs, 'jest-kubernetes.json'));
    taken();
    expect(await refused()).toContain('it is in use there, or kept');
  });

  test('stays where that directory has become another thing, in which its state is no longer looked for', async () => {
    await lease().acquire({ made: {}, removal, keep: 'never' });
    rmSync(path.join(theirs, 'jest-kubernetes.json'));
    writeFileSync(path.join(theirs, 'package.json'), '{}');
    taken();
    expect(await refused()).toContain('whether it is in use cannot be seen from here');
  });

  test('stays with the command that deletes it by its own state, where that can be seen', async () => {
    await lease().acquire({ made: {}, removal, keep: 'never' });
    taken();
    const { remedy } = await failure(create().ready);
    expect(remedy).toContain(`JEST_KUBERNETES_STATE_DIR=${theirs} npx jest-kubernetes down shop`);
  });

  const leftByTheDead = (): void => {
    const folder = path.join(theirs, 'clusters/shop');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'state.json'), JSON.stringify(readyByTheDead));
    writeFileSync(path.join(folder, `owner-${id}`), '{}');
  };

  test('goes by that directory’s own state, so that a run which comes there meanwhile waits, and nothing is left', async () => {
    leftByTheDead();
    writeFileSync(path.join(theirs, 'lock'), '');
    taken();
    const phases = new Set<string>();
    const waitingFor = (): void => {
      const [cluster] = listClusters(theirs);
      if (cluster !== undefined) phases.add(cluster.state.phase);
    };
    await failure(create({ progress: { ...silent, waitingFor } }).ready);
    expect(engine.containers()).toEqual([]);
    expect([...phases]).toEqual(['ready', 'deleting']);
    expect(listClusters(theirs)).toEqual([]);
    expect(readdirSync(path.join(theirs, 'clusters'))).toEqual([]);
  });

  test('goes too where its containers stand still and cannot say whose they are: the mark’s own file does', async () => {
    leftByTheDead();
    taken({ host: 'before a reboot', user: 'ci', view: 'another boot/mnt:[1]' });
    engine.stops('shop-control-plane');
    await failure(create().ready);
    expect(engine.containers()).toEqual([]);
  });

  test.each<[string, () => void]>([
    [
      'that directory is gone, as the home of a job',
      () => {
        rmSync(theirs, { recursive: true });
      },
    ],
    [
      'that directory was made anew',
      () => {
        rmSync(theirs, { recursive: true });
        claimStateDirectory(theirs);
      },
    ],
    [
      'its runs are all dead',
      () => {
        const folder = path.join(theirs, 'clusters/shop');
        mkdirSync(folder, { recursive: true });
        writeFileSync(path.join(folder, 'state.json'), JSON.stringify(readyByTheDead));
      },
    ],
  ])('goes, with a word, where nobody can use it any more: %s', async (_, happen) => {
    happen();
    taken();
    const notes: string[] = [];
    await failure(create({ progress: { ...silent, note: (line) => notes.push(line) } }).ready);
    expect(engine.containers()).toEqual([]);
    expect(notes[0]).toContain('which nobody can use any more');
  });
});

test('what is left of our own earlier cluster is deleted first, with a word', async () => {
  engine.kindDoes('ls "$FAKE/containers" >"$FAKE/seen"; exit 1');
  engine.container('shop-worker', directory);
  const notes: string[] = [];
  await failure(create({ progress: { ...silent, note: (line) => notes.push(line) } }).ready);
  expect(read(path.join(engine.folder, 'seen'))).toBe('');
  expect(notes).toEqual([expect.stringContaining('earlier cluster shop')]);
});

test('a kind that fails rejects every milestone with its own words', async () => {
  engine.kindDoes(
    'echo " • Preparing nodes" >&2; echo "ERROR: failed: port is already allocated" >&2; exit 1',
  );
  const { nodes, api, ready } = create();
  for (const milestone of [nodes, api, ready]) {
    const error = await failure(milestone);
    expect(error.code).toBe('CLUSTER_CREATE_FAILED');
    expect(error.evidence).toEqual(['kind ended with status 1', 'ERROR: failed: port is already allocated']);
  }
  expect(existsSync(path.join(directory, 'creator.json'))).toBe(false);
});

test("kind's steps are progress, and the node image that it sees to is told", async () => {
  engine.kindDoes(
    'echo " • Ensuring node image (kindest/node:v1) 🖼  ..."; echo " ✓ Preparing nodes 📦"; exit 1',
  );
  const moved: unknown[] = [];
  const watched: string[] = [];
  const watchPull = (reference: string) => Promise.resolve(watched.push(reference));
  const { ready } = kindProvider({
    ...{ cluster, directory, runtime, env: engine.env, watchPull },
  }).create({
    signal: new AbortController().signal,
    progress: { ...silent, moved: (detail) => moved.push(detail) },
  });
  await failure(ready);
  expect(moved).toEqual(expect.arrayContaining(['Ensuring node image (kindest/node:v1)', 'Preparing nodes']));
  expect(watched).toEqual(['kindest/node:v1']);
});

test('an abort ends kind and its children, and rejects with its reason; delete leaves nothing', async () => {
  engine.kindDoes(
    'start_node; sleep 60 & echo $! >"$FAKE/child.new"; mv "$FAKE/child.new" "$FAKE/child"; wait',
  );
  const abort = new AbortController();
  const { nodes, api, ready } = create({ signal: abort.signal });
  await until(() => existsSync(path.join(engine.folder, 'child')));
  const child = Number(read(path.join(engine.folder, 'child')));
  expect(identifyProcess(child)).toBeDefined();
  const enough = new Error('enough');
  abort.abort(enough);
  for (const milestone of [nodes, api, ready]) await expect(milestone).rejects.toBe(enough);
  await until(() => identifyProcess(child) === undefined);

  await deleteIt();
  expect(engine.containers()).toEqual([]);
  expect(readdirSync(directory)).toEqual([]);
});

test('another process deletes a cluster in the midst of its creation: it ends the creator first', async () => {
  engine.kindDoes('while :; do start_node; sleep 0.05; done');
  const { ready } = create();
  await until(() => engine.containers().length > 0);
  await deleteIt();
  expect(engine.containers()).toEqual([]);
  expect((await failure(ready)).evidence[0]).toBe('kind was ended by SIGKILL');
});

const running = '"$FAKE/bin/docker" run --label io.x-k8s.kind.cluster=shop';

test('a container that is being asked for when the creator is ended is waited for, and deleted', async () => {
  engine.kindDoes(`${running} &\n${running} & wait`);
  engine.runDoes(
    'touch "$FAKE/started"; n=0; while [ $n -lt 500000 ]; do n=$((n+1)); done; start_node; echo done >>"$FAKE/asked"',
  );
  const abort = new AbortController();
  const { ready } = create({ signal: abort.signal });
  await until(() => existsSync(path.join(engine.folder, 'started')));
  abort.abort(new Error('enough'));
  await expect(ready).rejects.toThrow('enough');
  await deleteIt();
  expect(read(path.join(engine.folder, 'asked'))).toBe('done\ndone\n');
  expect(engine.containers()).toEqual([]);
  expect(readdirSync(directory)).toEqual([]);
});

test('a container that the engine brings after somebody else has killed the creator is deleted too', async () => {
  engine.kindDoes('touch "$FAKE/started"; sleep 60');
  const { ready } = create();
  await until(() => existsSync(path.join(engine.folder, 'started')));
  const creator = JSON.parse(read(path.join(directory, 'creator.json'))) as { pid: number };
  process.kill(-creator.pid, 'SIGKILL');
  await failure(ready);
  expect(identifyProcess(creator.pid)).toBeUndefined();
  // as a run leaves it that was killed at the same moment: this one has seen it, and has removed the record
  writeFileSync(path.join(directory, 'creator.json'), JSON.stringify(creator));
  const deleted = deleteIt();
  await sleep(500);
  engine.container('shop-control-plane', directory);
  await deleted;
  expect(engine.containers()).toEqual([]);
});

test('a pid that another process has by now is left alone', async () => {
  const stranger = spawn('sleep', ['60'], { detached: true });
  mkdirSync(directory);
  const stale = { pid: stranger.pid, startedAt: 'long ago' };
  writeFileSync(path.join(directory, 'creator.json'), JSON.stringify(stale));
  await deleteIt();
  expect(identifyProcess(stranger.pid ?? 0)).toBeDefined();
  expect(readdirSync(directory)).toEqual([]);
  stranger.kill();
  await once(stranger, 'exit');
}, 30_000);

test('a creator of another container or machine is never ended by its number, which is another’s here', async () => {
  mkdirSync(directory);
  // a process group of that number, whose leader is gone, and which speaks of a cluster of that name
  const group = spawn('sh', ['-c', 'sh -c "sleep 60; : io.x-k8s shop" & echo $!; exit'], { detached: true });
  const [line] = (await once(group.stdout, 'data')) as [Buffer];
  await until(() => identifyProcess(group.pid ?? 0) === undefined);
  const member = Number(String(line));
  const boot = identifyProcess(process.pid)?.startedAt.split('/')[0] ?? '';
  for (const from of [
    { pidNamespace: 'pid:[1]', startedAt: `${boot}/1`, machine: 'job-17' },
    { pidNamespace: 'pid:[1]', startedAt: 'another-boot/1', machine: 'build-7/0123' },
  ]) {
    const creator = { pid: group.pid, ...from, ended: true };
    writeFileSync(path.join(directory, 'creator.json'), JSON.stringify(creator));
    await deleteIt();
    expect(identifyProcess(member)).toBeDefined();
  }
  process.kill(-Number(group.pid), 'SIGKILL');
});

describe('a cluster that was made before state directories had ids', () => {
  const made = (): string => {
    const stateDir = path.join(engine.folder, 'home/jest-kubernetes');
    claimStateDirectory(stateDir);
    directory = path.join(stateDir, 'clusters/shop');
    mkdirSync(directory, { recursive: true });
    engine.container('shop-control-plane', directory);
    return directory;
  };

  test('is deleted by the folder that has its mark', async () => {
    writeFileSync(path.join(made(), 'owner'), '{}');
    await deleteIt();
    expect(engine.containers()).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('stays where the folder has not: it may be another container’s of the same path', async () => {
    made();
    await deleteIt();
    expect(engine.containers()).toEqual(['shop-control-plane']);
  });
});

test('a deletion is out of reach of Ctrl-C, and tries again what failed in passing', async () => {
  engine.container('shop-control-plane', directory);
  engine.failsOnce();
  await deleteIt();
  expect(engine.containers()).toEqual([]);
  const own = Number(execFileSync('ps', ['-o', 'pgid=', '-p', String(process.pid)], { encoding: 'utf8' }));
  expect(engine.groups()).not.toContain(own);
});

test('a deletion that fails says what is left and the command that removes it', async () => {
  engine.container('shop-control-plane', directory);
  engine.deletionFails();
  const error = await failure(deleteIt());
  expect(error.code).toBe('CLUSTER_DELETE_FAILED');
  expect(error.evidence.join('\n')).toMatch(/left: shop-control-plane[^]*device or resource busy/);
  expect(error.remedy).toContain('docker rm -f -v shop-control-plane');
});

describe('the engine that a cluster was made on', () => {
  const made = (id: string | undefined): Promise<unknown> =>
    kindProvider({
      ...{ cluster, directory, env: engine.env },
      runtime: () => Promise.resolve({ ...engine.runtime, id }),
    }).made();

  test('is part of what it was made from, by its own id', async () => {
    await expect(made('a')).resolves.toMatchObject({ 'container engine': 'docker a' });
    await expect(made(undefined)).resolves.toMatchObject({ 'container engine': 'docker' });
  });

  test('is asked who it is before anything is deleted: another one has none of it, which is no success', async () => {
    engine.answersAs('another');
    const error = await failure(deleteIt());
    expect(error.code).toBe('CLUSTER_DELETE_FAILED');
    expect(error.evidence).toEqual([
      'it was made on docker (id its-own-id)',
      'who answers there has the id another',
    ]);
    expect(error.remedy).toContain(`rm -r '${directory}'`);
    expect(engine.asked().filter((line) => !line.startsWith('info'))).toEqual([]);
  });

  test('and does not answer: that is told, with the way to go on', async () => {
    engine.container('shop-control-plane', directory);
    engine.answersAs(undefined);
    const error = await failure(deleteIt());
    expect(error.code).toBe('CLUSTER_DELETE_FAILED');
    expect(error.message).toContain('does not answer');
    expect(error.evidence.join('\n')).toContain('Cannot connect to the Docker daemon');
    expect(error.remedy).toContain('JEST_KUBERNETES_NAME');
    expect(engine.containers()).toEqual(['shop-control-plane']);
  }, 20_000);

  test('is believed where a record of an older version names no id', async () => {
    engine.container('shop-control-plane', directory);
    engine.answersAs('another');
    await deleteContainers({
      ...{ name: cluster.name, directory, env: engine.env, progress: silent },
      runtime: { ...engine.runtime, id: undefined },
    });
    expect(engine.containers()).toEqual([]);
  });
});

test('deleting what was never created is no error', async () => {
  await deleteIt();
});

test('joining a cluster without a kubeconfig fails at once, and tells what the engine has of it', async () => {
  engine.container('shop-control-plane', directory);
  const joined = provider().join(new AbortController().signal);
  const error = await failure(joined);
  expect(error.code).toBe('CLUSTER_UNREACHABLE');
  expect(error.evidence).toContain('container shop-control-plane: running');
});

describe('joining a cluster that does not answer', () => {
  /** Nothing listens there. */
  const kubeconfig = () => {
    mkdirSync(directory, { recursive: true });
    const cluster = { server: 'https://127.0.0.1:1', 'certificate-authority-data': '' };
    const text = JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'kind-shop' },
      clusters: [{ name: 'kind-shop', cluster }],
      users: [{ name: 'kind-shop', user: {} }],
      contexts: [{ name: 'kind-shop', context: { cluster: 'kind-shop', user: 'kind-shop' } }],
    });
    writeFileSync(path.join(directory, 'kubeconfig'), text);
  };
  const notesOf = (notes: string[]): Progress => ({ ...silent, note: (line) => void notes.push(line) });

  test('says so in words where the engine cannot start its containers, so that it is made anew', async () => {
    kubeconfig();
    engine.container('shop-control-plane', directory);
    engine.stops('shop-control-plane', 'Bind for 127.0.0.1:6443 failed: port is already allocated');
    const error = await failure(provider().join(new AbortController().signal));
    expect(error.code).toBe('CLUSTER_UNREACHABLE');
    expect(error.evidence.join('\n')).toContain('port is already allocated');
  });

  test('tells what it waits for while its containers run, until they do not any more', async () => {
    kubeconfig();
    engine.container('shop-control-plane', directory);
    const notes: string[] = [];
    const joined = failure(provider().join(new AbortController().signal, notesOf(notes)));
    await until(() => notes.length > 0);
    expect(notes).toEqual(['waiting for the cluster shop to answer: its containers run']);
    rmSync(path.join(engine.folder, 'containers/shop-control-plane'));
    expect((await joined).evidence).toContain('docker has no container of it');
    expect(notes).toHaveLength(1);
  });

  test('does not say that the cluster is gone where it is the engine that does not answer', async () => {
    kubeconfig();
    const silentEngine = { ...engine.runtime, command: '/bin/false' };
    const silentOne = kindProvider({
      ...{ cluster, directory, env: engine.env, patience: 500 },
      runtime: () => Promise.resolve(silentEngine),
    });
    const error = await failure(silentOne.join(new AbortController().signal));
    expect(error.code).toBe('RUNTIME_NOT_ANSWERING');
  });

  test('starts containers that stand still, and gives up on those that end again', async () => {
    kubeconfig();
    engine.container('shop-control-plane', directory);
    engine.stops('shop-control-plane');
    const notes: string[] = [];
    const joined = failure(provider().join(new AbortController().signal, notesOf(notes)));
    await until(() => notes.length > 1);
    expect(notes[0]).toBe('starting the cluster shop again: shop-control-plane');
    engine.stops('shop-control-plane');
    expect((await joined).evidence).toContain('container shop-control-plane: exited');
  });
});

test('where a port of the node is reached', async () => {
  engine.container('shop-control-plane', directory);
  await expect(provider().published(6443)).resolves.toEqual({ host: '127.0.0.1', port: 1 });
  await expect(provider().published(80)).resolves.toBeUndefined();
});
