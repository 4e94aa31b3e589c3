import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { type CauseName, diagnose, portIn, toError } from '../../../src/diagnose/causes.js';
import type { Snapshot } from '../../../src/diagnose/snapshot.js';

/** A snapshot of a real cluster in that state, as test/e2e/diagnose-states.ts makes them. */
const recorded = (name: string) =>
  JSON.parse(readFileSync(join(__dirname, 'recorded', `${name}.json`), 'utf8')) as Snapshot;

/** Any Kubernetes object, to be changed as a test needs it. */
type Plain = Record<string, object | undefined>;
const plain = (objects: readonly object[]) => objects as readonly Plain[];
const changed = (snapshot: Snapshot, parts: { [part in keyof Snapshot]?: unknown }) =>
  ({ ...snapshot, ...parts }) as Snapshot;

/** With its node's condition set to another state. */
function withCondition(
  snapshot: Snapshot,
  type: string,
  status: string,
  message: string,
  ageMs: number,
): Snapshot {
  const lastTransitionTime = new Date(snapshot.takenAt - ageMs);
  const condition = { type, status, message, reason: 'Changed', lastTransitionTime };
  const nodes = plain(snapshot.nodes).map((node) => ({
    ...node,
    status: { ...node['status'], conditions: [condition] },
  }));
  return changed(snapshot, { nodes });
}

const nothingSeen: Snapshot = { ...recorded('never-ready'), pods: [], events: [], logs: [], nodes: [] };

describe('an image that is asked for at its registry each time', () => {
  const recordings = ['image-not-found', 'image-unauthorized', 'image-rate-limited'];
  /** As the API server sets it for `:latest`, and for an image without a tag. */
  const withPolicy = (name: string, imagePullPolicy: string): Snapshot => {
    const snapshot = recorded(name);
    const pods = plain(snapshot.pods).map((pod) => {
      const { containers = [] } = pod['spec'] as { containers?: object[] };
      const changedTo = containers.map((container) => ({ ...container, imagePullPolicy }));
      return { ...pod, spec: { ...pod['spec'], containers: changedTo } };
    });
    return changed(snapshot, { pods });
  };

  test.each(recordings)('is told what else has to change than the option images (%s)', (name) => {
    expect(diagnose(withPolicy(name, 'Always'))?.remedy).toContain('imagePullPolicy: IfNotPresent');
    expect(diagnose(withPolicy(name, 'IfNotPresent'))?.remedy).not.toContain('imagePullPolicy');
  });
});

describe('from a recorded snapshot, the cause is named', () => {
  test.each<[string, CauseName, RegExp]>([
    ['image-not-found', 'image-not-found', /image 172\.18\.0\.1:34111\/missing\/app:1 does not exist/],
    ['image-unauthorized', 'image-unauthorized', /wants credentials[^]*401 Unauthorized/],
    ['image-rate-limited', 'image-rate-limited', /rate limit[^]*429 Too Many Requests/],
    ['image-never-pulled', 'image-not-imported', /never-imported:1 is not in the node/],
    ['wrong-platform', 'wrong-platform', /not for the node's platform, linux\/amd64[^]*exec format error/],
    [
      'memory-too-large',
      'unschedulable-memory',
      /asks for 900\.0 GB of memory[^]*25\.3 GB in all, 25\.\d GB not yet/,
    ],
    ['cpu-too-large', 'unschedulable-cpu', /asks for 640 CPUs[^]*2 CPUs in all, 1\.\d+ CPUs not yet/],
    ['oom-killed', 'oom-killed', /more memory than its limit of 32Mi/],
    ['bad-init-script', 'init-script-failed', /01-schema\.sql fails at line 3: ERROR: {2}relation "shops"/],
    ['no-such-command', 'cannot-start', /"serve-shop": executable file not found/],
    ['volume-not-bound', 'volume-not-bound', /claim "rows" .* there is no storage class "ssd-fast"/],
    [
      'pods-forbidden',
      'pods-refused',
      /ReplicaSet web-\w+ can make no pod: violates PodSecurity "restricted:latest"/,
    ],
    ['missing-secret', 'misconfigured', /secret "shop-keys" not found/],
    ['missing-config-volume', 'misconfigured', /configmap "shop-settings" not found/],
  ])('%s, and waiting longer is no use', (name, cause, tells) => {
    const diagnosis = diagnose(recorded(name));
    expect(diagnosis).toMatchObject({ cause, conclusive: true });
    expect(diagnosis && toError(diagnosis, { what: 'the pod did not become ready' }).format()).toMatch(tells);
  });

  test.each([
    'failed to sync secret cache: timed out waiting for the condition',
    'services have not yet been read at least once, cannot construct envvars',
  ])('what the kubelet of a booting node lacks for a moment is waited for: %s', (message) => {
    const text = JSON.stringify(recorded('missing-secret'));
    const booting = text.replaceAll('secret \\"shop-keys\\" not found', message);
    expect(booting).not.toBe(text);
    expect(diagnose(JSON.parse(booting) as Snapshot)).toMatchObject({ conclusive: false });
  });

  test('quota-exceeded, which others may give back', () => {
    expect(diagnose(recorded('quota-exceeded'))).toMatchObject({
      cause: 'pods-refused',
      conclusive: false,
      sentence:
        'Job import can make no pod: exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=0',
    });
  });

  test('a controller that has made its pod after all is refused none', () => {
    const refused = recorded('pods-forbidden');
    const last = plain(refused.events).find(
      (event) => (event as { reason?: unknown }).reason === 'FailedCreate',
    );
    const made = { ...last, reason: 'SuccessfulCreate', lastTimestamp: new Date(refused.takenAt) };
    expect(diagnose(changed(refused, { events: [...refused.events, made] }))).toBeUndefined();
  });

  test('never-ready, with what its probe printed: it may still become ready', () => {
    expect(diagnose(recorded('never-ready'))).toMatchObject({
      cause: 'never-ready',
      conclusive: false,
      sentence: 'pod app runs but has not become ready: still migrating',
    });
  });

  test('crash-loop, conclusive only after as many restarts as the wait allows', () => {
    const snapshot = recorded('crash-loop');
    expect(diagnose(snapshot)).toMatchObject({ cause: 'crash-loop', conclusive: false });
    expect(diagnose(snapshot, { restarts: 2 })).toMatchObject({
      cause: 'crash-loop',
      conclusive: true,
      sentence: 'pod app ends with exit code 3 each time it is started: cannot read settings.json',
    });
  });
});

test.each([
  [
    '2026-11-24 19:37:19.577 GMT [1] FATAL:  unrecognized configuration parameter "shared_bufers"',
    'shared_bufers',
  ],
  ['FATAL:  parameter "fsync" requires a Boolean value', 'fsync'],
  [
    'LOG:  -5 is outside the valid range for parameter "max_connections" (1 .. 262143)\nFATAL:  configuration file "/etc/postgresql.conf" contains errors',
    'max_connections',
  ],
])('a setting that PostgreSQL refuses is named: %s', (text, setting) => {
  const snapshot = recorded('crash-loop');
  const logs = snapshot.logs.map((log) => ({ ...log, text: `PostgreSQL init process complete\n${text}\n` }));
  expect(diagnose({ ...snapshot, logs })).toMatchObject({
    cause: 'setting-refused',
    conclusive: true,
    sentence: expect.stringMatching(`^the setting ${setting} is refused: `) as string,
  });
});

test('a setting that was changed in passing is not what the server died of', () => {
  const snapshot = recorded('crash-loop');
  const text = 'LOG:  parameter "work_mem" changed to "8MB"\nFATAL:  could not write lock file\n';
  const logs = snapshot.logs.map((log) => ({ ...log, text }));
  expect(diagnose({ ...snapshot, logs })).toMatchObject({ cause: 'crash-loop' });
});

describe('what may pass ends no wait', () => {
  test.each(['image-not-found', 'image-never-pulled', 'image-unauthorized'])(
    '%s, while the run is still streaming its image in',
    (name) => {
      expect(diagnose(recorded(name), { imageComing: true })?.conclusive).toBe(false);
    },
  );

  test.each(['image-never-pulled', 'image-not-found'])(
    '%s: what the pod and its event both say is told once',
    (name) => {
      const { evidence = [] } = diagnose(recorded(name)) ?? {};
      expect(evidence).toEqual([expect.stringMatching(/^event \w+/)]);
    },
  );

  test('a pull that failed before the image had come in', () => {
    const snapshot = recorded('image-not-found');
    expect(diagnose(snapshot, { since: snapshot.takenAt })?.conclusive).toBe(false);
  });

  test('a pod unscheduled because its node is not ready yet', () => {
    const message = 'container runtime network not ready: cni plugin not initialized';
    const snapshot = withCondition(recorded('memory-too-large'), 'Ready', 'False', message, 5_000);
    const pods = plain(snapshot.pods).map((pod) => ({
      ...pod,
      spec: { ...pod['spec'], containers: [{ name: 'app', image: 'busybox' }] },
    }));
    const diagnosis = diagnose(changed(snapshot, { pods }));
    expect(diagnosis).toMatchObject({ cause: 'node-not-ready', conclusive: false });
    expect(diagnosis?.sentence).toContain('cni plugin not initialized');
  });

  test('a pod that would fit if its neighbours were gone', () => {
    const snapshot = recorded('memory-too-large');
    const nodeName = snapshot.nodes[0]?.metadata?.name;
    const sized = (memory: string, node?: string) => ({
      metadata: { name: 'app' },
      spec: { nodeName: node, containers: [{ name: 'app', resources: { requests: { memory } } }] },
    });
    const pods = plain(snapshot.pods).map((pod) => ({ ...pod, spec: sized('10G').spec }));
    const diagnosis = diagnose(changed(snapshot, { pods, neighbours: [sized('20G', nodeName)] }));
    expect(diagnosis).toMatchObject({ cause: 'unschedulable-memory', conclusive: false });
    expect(diagnosis?.sentence).toBe(
      'pod app asks for 10.0 GB of memory, and no node has that much: the largest node has 5.3 GB left',
    );
  });

  test('a node lost for a moment, as after the machine has slept', () => {
    const lost = (ageMs: number) =>
      withCondition(
        recorded('never-ready'),
        'Ready',
        'Unknown',
        'Kubelet stopped posting node status.',
        ageMs,
      );
    expect(diagnose(lost(5_000))).toMatchObject({ cause: 'node-not-ready', conclusive: false });
    expect(diagnose(lost(60_000))).toMatchObject({ cause: 'node-not-ready', conclusive: true });
  });

  test('an API server that is restarting', () => {
    const silent = { ...nothingSeen, api: { answers: false, error: 'connect ECONNREFUSED 127.0.0.1:6443' } };
    expect(diagnose(silent, { apiSilentMs: 3_000 })).toMatchObject({
      cause: 'api-not-answering',
      conclusive: false,
    });
    expect(diagnose(silent, { apiSilentMs: 60_000 })).toMatchObject({ conclusive: true });
  });
});

describe('what lies outside of the pods', () => {
  test('a full disk explains what it brings with it', () => {
    const full = withCondition(
      recorded('image-never-pulled'),
      'DiskPressure',
      'True',
      'kubelet has disk pressure',
      1_000,
    );
    expect(diagnose(full)).toMatchObject({ cause: 'disk-pressure', conclusive: true });
  });

  test("a silent API server is explained by its node's container", () => {
    const containers = [{ name: 'shop-control-plane', state: 'exited', exitCode: 137, oomKilled: true }];
    const diagnosis = diagnose({
      ...nothingSeen,
      api: { answers: false, error: 'no answer in time' },
      containers,
    });
    expect(diagnosis).toMatchObject({ cause: 'api-not-answering', conclusive: true });
    expect(diagnosis?.evidence[0]).toBe('container shop-control-plane: exited, exit code 137, out of memory');
  });

  test('a port that is taken names who has it, and its command line', () => {
    const owner = {
      port: 5433,
      address: '127.0.0.1',
      pid: 4711,
      command: 'postgres -D /srv/rows',
      uid: 1000,
    };
    const failure =
      'failed to bind host port for 127.0.0.1:5433:172.18.0.2:25432/tcp: address already in use';
    const diagnosis = diagnose(
      { ...nothingSeen, host: { ...nothingSeen.host, ports: [owner] } },
      { failure },
    );
    expect(diagnosis?.sentence).toBe(
      'port 5433 of this machine is taken by process 4711 (postgres -D /srv/rows)',
    );
  });

  test("a port that is taken on the engine's own machine has its owner there, not here", () => {
    const failure = 'Bind for 0.0.0.0:5433 failed: port is already allocated';
    const owner = { port: 5433, address: '127.0.0.1', pid: 4711, command: 'postgres', uid: 1000 };
    const snapshot = { ...nothingSeen, host: { ...nothingSeen.host, ports: [owner] } };
    const diagnosis = diagnose(snapshot, { failure, engineHost: 'docker' });
    expect(diagnosis?.sentence).toBe('port 5433 of docker, where the container engine is, is taken');
    expect(diagnosis?.evidence).toEqual([failure]);
    const own = diagnose(snapshot, {
      failure: 'listen EADDRINUSE: address already in use 127.0.0.1:5433',
      engineHost: 'docker',
    });
    expect(own?.sentence).toContain('port 5433 of this machine is taken by process 4711');
  });

  test.each([
    'failed to bind host port for 127.0.0.1:5433:172.18.0.2:25432/tcp: address already in use',
    'Bind for 0.0.0.0:5433 failed: port is already allocated',
    'cannot expose privileged port: listen tcp4 127.0.0.1:5433: bind: address already in use',
    'listen EADDRINUSE: address already in use :::5433',
  ])('the port is read from: %s', (failure) => {
    expect(portIn(failure)).toBe(5433);
  });

  test('a pull tells its bytes so far, and leaves out what an earlier one has left', () => {
    const snapshot = recorded('image-not-found');
    const image = '172.18.0.1:34111/missing/app:1';
    const [pod] = snapshot.pods;
    const lastTimestamp = new Date(snapshot.takenAt - 40_000);
    const involvedObject = { kind: 'Pod', name: 'app', uid: pod?.metadata?.uid };
    const part = { node: 'node', totalBytes: 98_000_000, ref: 'layer-sha256:574ea7c220a3ce40e4893a' };
    const state = { waiting: { reason: 'ContainerCreating' } };
    const status = {
      phase: 'Pending',
      containerStatuses: [{ name: 'app', image, ready: false, restartCount: 0, state }],
    };
    const diagnosis = diagnose(
      changed(snapshot, {
        pods: plain(snapshot.pods).map((each) => ({ ...each, status })),
        events: [
          { involvedObject, reason: 'Pulling', message: `Pulling image "${image}"`, count: 1, lastTimestamp },
        ],
        downloads: [
          { ...part, bytes: 31_000_000, idleMs: 25_000 },
          { ...part, bytes: 5_000_000, idleMs: 900_000 },
        ],
      }),
    );
    expect(diagnosis).toMatchObject({ cause: 'image-pull-slow', conclusive: false });
    expect(diagnosis?.sentence).toMatch(/for 40 s now, 31\.0 of 98\.0 MB so far$/);
    expect(diagnosis?.remedy).toMatch(/The registry has stopped sending/);
  });

  test('nothing amiss is no cause', () => {
    const snapshot = recorded('never-ready');
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    const pods = plain(snapshot.pods).map((pod) => ({ ...pod, status }));
    expect(diagnose(changed(snapshot, { pods }))).toBeUndefined();
    expect(diagnose(nothingSeen)).toBeUndefined();
  });
});

describe('a pod that is never made', () => {
  const refusedBy = (message: string, pods: readonly object[] = []): Snapshot => {
    const involvedObject = { kind: 'StatefulSet', name: 'postgres', namespace: 'shop' };
    const event = {
      reason: 'FailedCreate',
      involvedObject,
      message,
      count: 3,
      lastTimestamp: nothingSeen.takenAt - 1000,
    };
    return changed(nothingSeen, { events: [event], pods });
  };
  const forbidden =
    'create Pod postgres-0 in StatefulSet postgres failed error: pods "postgres-0" is forbidden:';
  const baseline = `${forbidden} violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)`;

  test('is told by what its owner’s events say, and the standard’s label with it', () => {
    expect(diagnose(refusedBy(baseline))).toMatchObject({
      cause: 'pods-refused',
      conclusive: true,
      sentence:
        'StatefulSet postgres can make no pod: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
      remedy: expect.stringContaining('pod-security.kubernetes.io/enforce=privileged') as string,
    });
  });

  test('is waited for where a quota or a ServiceAccount may come, or a webhook', () => {
    for (const why of [
      'exceeded quota: shop, requested: pods=1, used: pods=1, limited: pods=1',
      'error looking up service account shop/default: serviceaccount "default" not found',
      'failed calling webhook "x": connection refused',
    ]) {
      expect(diagnose(refusedBy(`${forbidden} ${why}`))).toMatchObject({
        cause: 'pods-refused',
        conclusive: false,
        sentence: `StatefulSet postgres can make no pod: ${why}`,
      });
    }
  });

  test('is no cause any more once it is made', () => {
    const pod = {
      metadata: { name: 'postgres-0', ownerReferences: [{ kind: 'StatefulSet', name: 'postgres' }] },
      status: { phase: 'Running' },
    };
    expect(diagnose(refusedBy(baseline, [pod]))?.cause).not.toBe('pods-refused');
  });
});

test('the server of ours that is killed for its memory names the option that needs less', () => {
  const killed = recorded('oom-killed');
  const labels = { 'app.kubernetes.io/name': 'postgres', 'app.kubernetes.io/managed-by': 'jest-kubernetes' };
  const pods = plain(killed.pods).map((pod) => ({ ...pod, metadata: { ...pod['metadata'], labels } }));
  expect(diagnose(killed)?.remedy).not.toContain('postgres.storage');
  expect(diagnose(changed(killed, { pods }))?.remedy).toContain('postgres.storage');
});
