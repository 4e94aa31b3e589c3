import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

import * as k8s from '@kubernetes/client-node';

import { apply, Kinds, type KubernetesObject, openApi } from '../../../src/kubernetes/index.js';
import { as, can, client, cp, events, exec, forward, logs, proxy } from '../../../src/testing/index.js';
import { beginTest, beginTestFile, endTest, endTestFile } from '../../../src/testing/test-file.js';
import { type KindCluster, kindCluster } from '../kind-cluster.js';

jest.setTimeout(240_000);

const namespace = 'default';
const here = { namespace };

const container = (name: string, script: string, more: object = {}): object => ({
  ...{ name, image: 'busybox', imagePullPolicy: 'Never', command: ['sh', '-c', script] },
  ...more,
});
const template = (labels: object, containers: readonly object[], more: object = {}): object => ({
  metadata: { labels },
  spec: { terminationGracePeriodSeconds: 0, containers, ...more },
});

const httpd =
  'mkdir -p /srv; hostname > /srv/index.html; echo serving from $(hostname); exec httpd -f -p 8080 -h /srv';
const objects: object[] = [
  {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: template({ app: 'web' }, [
        container('web', httpd, {
          ports: [{ name: 'http', containerPort: 8080 }],
          readinessProbe: { httpGet: { port: 'http' }, periodSeconds: 1 },
        }),
        container('side', 'sleep 1000000'),
      ]),
    },
  },
  {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' } },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  },
  {
    ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'count' } },
    spec: {
      backoffLimit: 0,
      template: template(
        { job: 'count' },
        [container('count', 'for i in 1 2 3; do echo $i; sleep 1; done')],
        {
          restartPolicy: 'Never',
        },
      ),
    },
  },
  {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'crash', labels: { app: 'crash' } } },
    spec: { containers: [container('crash', 'echo about to crash; sleep 2; exit 3')] },
  },
  {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'absent' } },
    spec: { containers: [container('absent', 'true', { image: 'no-such-image:1' })] },
  },
  {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'brief' } },
    spec: { containers: [container('brief', 'sleep 6; exit 3')] },
  },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'reader' } },
  {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'reader' } },
    rules: [{ apiGroups: [''], resources: ['pods', 'pods/log'], verbs: ['get', 'list'] }],
  },
  {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'reader' } },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    subjects: [
      { kind: 'ServiceAccount', name: 'reader', namespace },
      { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'devs' },
    ],
  },
];

let cluster: KindCluster;
let folder: string;

beforeAll(async () => {
  cluster = await kindCluster('acts');
  await cluster.load('busybox');
  const { kubeconfig, context, name } = cluster.access;
  Object.assign(process.env, {
    ...{ KUBECONFIG: kubeconfig, JEST_KUBERNETES_CONTEXT: context, JEST_KUBERNETES_CLUSTER: name },
  });
  folder = mkdtempSync(join(tmpdir(), 'acts-'));
  beginTestFile(__filename);
  using api = openApi(cluster.access);
  const placed = objects.map((object) => ({
    ...object,
    metadata: { namespace, ...(object as { metadata: object }).metadata },
  }));
  const kinds = new Kinds(api);
  for (const each of placed as KubernetesObject[])
    await until(async () => (await apply(api, kinds, each)).kind === each.kind);
  await until(async () => {
    const { status } = await api.request<{ status?: { readyReplicas?: number } }>(
      `/apis/apps/v1/namespaces/${namespace}/deployments/web`,
    );
    return status?.readyReplicas === 2;
  });
});
afterAll(async () => {
  await endTestFile();
  rmSync(folder, { recursive: true, force: true });
  await cluster.remove();
});
beforeEach(() => void beginTest(expect.getState().currentTestName ?? ''));
afterEach(endTest);

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds().catch(() => false))) await pause(200);
}

const failure = (code: string, message: string | RegExp, ...evidence: readonly unknown[]): unknown =>
  expect.objectContaining({
    ...{ code, message: expect.stringMatching(message) as string },
    ...(evidence.length > 0 && { evidence }),
  });

describe('exec', () => {
  test('a text runs in a shell, a list does not; output, errors and the exit code come apart', async () => {
    expect(await exec('deployment/web', 'echo $HOSTNAME | cut -c 1-4; echo no >&2; exit 3', here)).toEqual({
      ...{ stdout: 'web-\n', stderr: 'no\n', exitCode: 3 },
    });
    expect(await exec('service/web', ['echo', '$HOSTNAME;'], here)).toMatchObject({ stdout: '$HOSTNAME;\n' });
  });

  test('what it is to read ends: a text, bytes, and a stream of 20 MB', async () => {
    const read = { ...here, container: 'side' };
    expect(await exec('deploy/web', 'cat', { ...read, stdin: 'grüße' })).toMatchObject({ stdout: 'grüße' });
    expect(await exec('deploy/web', ['wc', '-c'], { ...read, stdin: Buffer.alloc(70_000) })).toMatchObject({
      stdout: '70000\n',
    });
    const megabyte = Buffer.alloc(1_000_000);
    const stdin = Readable.from(Array.from({ length: 20 }, () => megabyte));
    expect(await exec('deploy/web', ['wc', '-c'], { ...read, stdin })).toMatchObject({
      stdout: '20000000\n',
    });
    // one that ends without reading it all may take its exit code with it: the rest is read away
    const much = { ...read, stdin: Buffer.alloc(5_000_000, 'x') };
    expect(await exec('deploy/web', 'head -c 3; cat > /dev/null', much)).toMatchObject({
      ...{ stdout: 'xxx', exitCode: 0 },
    });
    // whose output is closed, and with it, in a shell that has become it, its input
    for (const text of ['cat > /tmp/much', 'cat > /tmp/much # all of it', 'exec 3>&1; cat > /tmp/much']) {
      expect(await exec('deploy/web', text, much)).toMatchObject({ exitCode: 0 });
      expect(await exec('deploy/web', 'wc -c < /tmp/much', read)).toMatchObject({ stdout: '5000000\n' });
    }
    expect(await exec('deploy/web', 'cat > /dev/null; (exit 7)', much)).toMatchObject({ exitCode: 7 });
  });

  test('an exit code is an error only where it is asked for', async () => {
    await expect(exec('deploy/web', 'echo broken >&2; exit 4', { ...here, check: true })).rejects.toEqual(
      failure('EXEC_FAILED', /ended with exit code 4$/, 'broken'),
    );
  });

  test('a red one names its cause', async () => {
    await expect(exec('deploy/web', ['no-such-program'], here)).rejects.toEqual(
      failure(
        'EXEC_FAILED',
        /^There is no program ‘no-such-program’ in the container web of Pod default\/web-/,
      ),
    );
    await expect(exec('deploy/web', 'true', { ...here, container: 'sidecar' })).rejects.toEqual(
      failure('TARGET_INVALID', 'Deployment default/web has no container ‘sidecar’', 'it has web, side'),
    );
    await expect(exec('pod/absent', 'true', here)).rejects.toEqual(
      failure(
        'POD_NOT_READY',
        'No pod of Pod default/absent runs',
        expect.stringMatching(/ErrImageNeverPull/),
      ),
    );
    await expect(exec('deployment/wbe', 'true', here)).rejects.toMatchObject({
      ...{
        code: 'TARGET_INVALID',
        message: 'There is no Deployment default/wbe',
        remedy: 'Did you mean web?',
      },
    });
    await expect(exec('serviceaccount/reader', 'true', here)).rejects.toEqual(
      failure('TARGET_INVALID', 'selects no pods'),
    );
    await expect(exec('deploy/web', [], here)).rejects.toEqual(failure('EXEC_FAILED', 'There is no command'));
  });

  test('it ends with its test', async () => {
    const running = exec('deploy/web', ['sleep', '1000'], here);
    await pause(1000);
    await endTest();
    await expect(running).rejects.toThrow('has ended');
  });
});

describe('logs', () => {
  test('of several pods each line tells its pod; of one it does not', async () => {
    expect(await logs('deployment/web', here)).toMatch(
      /^\[(web-\S+)\] serving from \1\n\[(web-\S+)\] serving from \2\n$/,
    );
    expect(await logs({ kind: 'pods', selector: 'app=crash', namespace })).toMatch(/^about to crash\n$/m);
  });

  test('a Job is followed from its pod to its end', async () => {
    const seen: string[] = [];
    for await (const line of logs('job/count', { ...here, follow: true })) seen.push(line);
    expect(seen).toEqual(['1', '2', '3']);
    expect(await logs('job/count', { ...here, tail: 1 })).toBe('3\n');
    expect(await logs('job/count', { ...here, follow: true })).toBe('1\n2\n3\n');
  });

  test('a restart is followed, and the run before it can be read', async () => {
    let starts = 0;
    for await (const line of logs('pod/crash', { ...here, follow: true }))
      if (line === 'about to crash' && (starts += 1) === 2) break;
    expect(await logs('pod/crash', { ...here, previous: true })).toBe('about to crash\n');
  });

  test('who follows is let go at the end of the test', async () => {
    const seen: string[] = [];
    const following = (async () => {
      for await (const line of logs('deployment/web', { ...here, follow: true })) seen.push(line);
    })();
    await until(() => Promise.resolve(seen.length === 2));
    await endTest();
    await following;
  });

  test('a red one names its cause', async () => {
    await expect(logs('pod/absent', here)).rejects.toEqual(
      failure(
        'LOGS_FAILED',
        'There is no log of Pod default/absent',
        expect.stringMatching(/waiting to start/),
      ),
    );
    await expect(logs('deploy/web', { ...here, previous: true })).rejects.toEqual(
      failure('LOGS_FAILED', 'There is no log of an earlier run of Deployment default/web'),
    );
    await expect(logs('pod/nobody', here)).rejects.toEqual(
      failure('TARGET_INVALID', 'There is no Pod default/nobody'),
    );
    await expect(logs('pod/crash', { ...here, since: 'yesterday' })).rejects.toEqual(
      failure('LOGS_FAILED', 'since: yesterday'),
    );
  });
});

describe('cp', () => {
  const inSide = { ...here, container: 'side' };

  test('a folder goes in and comes back as it was, large files and links too', async () => {
    const [there, back] = [join(folder, 'there'), join(folder, 'back')];
    mkdirSync(join(there, 'deep', 'empty'), { recursive: true });
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, each) => each));
    writeFileSync(join(there, 'bytes'), bytes);
    writeFileSync(join(there, 'deep', 'large'), Buffer.alloc(30_000_000, bytes));
    writeFileSync(join(there, 'run.sh'), '#!/bin/sh\necho ran', { mode: 0o755 });
    symlinkSync('bytes', join(there, 'link'));

    const [pod = ''] = (await exec('deploy/web', 'hostname', inSide)).stdout.split('\n');
    await cp(there, `pod/${pod}:/new/folder/data`, inSide);
    expect(await exec(`pod/${pod}`, ['/new/folder/data/run.sh'], inSide)).toMatchObject({ stdout: 'ran\n' });
    expect(
      (
        await exec(
          `pod/${pod}`,
          'ls -d /new/folder/data/deep/empty; stat -c %u /new/folder/data/bytes',
          inSide,
        )
      ).stdout,
    ).toBe('/new/folder/data/deep/empty\n0\n');

    await cp({ target: `pod/${pod}`, path: '/new/folder/data' }, back, inSide);
    expect(readFileSync(join(back, 'bytes'))).toEqual(bytes);
    expect(readFileSync(join(back, 'link'))).toEqual(bytes);
    expect(readFileSync(join(back, 'deep', 'large')).equals(readFileSync(join(there, 'deep', 'large')))).toBe(
      true,
    );
    await cp(`pod/${pod}:/new/folder/data/run.sh`, `${folder}/into/`, inSide);
    expect(readFileSync(join(folder, 'into', 'run.sh'), 'utf8')).toContain('echo ran');
    await cp(join(there, 'bytes'), `pod/${pod}:/tmp/`, inSide);
    expect(
      (await exec(`pod/${pod}`, 'ls -ld /tmp | cut -c 1-10; wc -c < /tmp/bytes', inSide)).stdout,
    ).toMatch(/\n256\n$/);
  });

  test('a red one names its cause', async () => {
    await expect(cp('deploy/web:/no/such', folder, inSide)).rejects.toEqual(
      failure(
        'COPY_FAILED',
        /^Cannot copy \/no\/such to .* in the container side of Pod default\/web-/,
        expect.stringMatching(/No such file/),
      ),
    );
    await expect(cp(join(folder, 'nowhere'), 'deploy/web:/tmp', inSide)).rejects.toEqual(
      failure('COPY_FAILED', /^Cannot read .*nowhere$/, expect.stringMatching(/ENOENT/)),
    );
    await expect(cp('a', 'b', inSide)).rejects.toEqual(
      failure('TARGET_INVALID', 'neither path is in a container'),
    );
    await expect(cp('a', 'deploy/web:tmp', inSide)).rejects.toEqual(
      failure('TARGET_INVALID', 'an absolute one'),
    );
    const large = join(folder, 'large');
    writeFileSync(large, Buffer.alloc(30_000_000));
    await expect(cp(large, 'deploy/web:/proc/nothing', inSide)).rejects.toEqual(
      failure('COPY_FAILED', 'to /proc/nothing', expect.stringMatching(/nothing/)),
    );
    writeFileSync(join(folder, 'grüße'), '');
    await expect(cp(join(folder, 'grüße'), 'deploy/web:/tmp/', inSide)).rejects.toEqual(
      failure('COPY_FAILED', 'cannot be told to every tar'),
    );
  });
});

describe('a container that ends takes its commands with it', () => {
  const limit = 30_000;
  /** What a command in the container came to that ends under it; Kubernetes tells the end of most by itself. */
  const outcomeOf = async (run: () => Promise<unknown>): Promise<unknown> => {
    await until(async () => (await exec('pod/brief', 'echo runs', here)).stdout === 'runs\n');
    const started = performance.now();
    const outcome = await run().catch((error: unknown) => error);
    expect(performance.now() - started).toBeLessThan(limit);
    return outcome;
  };
  const ended = {
    code: 'POD_NOT_READY',
    message: expect.stringMatching(/the container has ended meanwhile$/) as string,
    evidence: [expect.stringMatching(/^it ended with exit code \d+/)],
  };
  /** Whichever of the two was told first. */
  const isOneOf = (outcome: unknown, other: object): void => {
    const { code } = outcome as { code?: string };
    expect(outcome).toMatchObject(code === ended.code ? ended : other);
  };

  test('what is copied into it', async () => {
    const large = join(folder, 'much');
    writeFileSync(large, '');
    truncateSync(large, 400_000_000);
    isOneOf(await outcomeOf(() => cp(large, 'pod/brief:/tmp/nobody', here)), { code: 'COPY_FAILED' });
  });

  test('what has not read its input', async () => {
    const stdin = Readable.from(Buffer.alloc(5_000_000));
    const outcome = await outcomeOf(() => exec('pod/brief', ['sleep', '1000'], { ...here, stdin }));
    isOneOf(outcome, { exitCode: 137 });
  });
});

describe('forward', () => {
  test.each([
    ['service/web', 80],
    ['service/web', 'http'],
    ['deployment/web', 'http'],
    ['deployment/web', undefined],
  ])('%s, port %s', async (target, port) => {
    const { url, host, port: local } = await forward(target, port, here);
    expect(url).toBe(`http://${host}:${local}`);
    expect(await (await fetch(url)).text()).toMatch(/^web-/);
  });

  test('new connections reach the pods that come after those that are gone', async () => {
    const { url } = await forward('service/web', 80, here);
    const before = await (await fetch(url)).text();
    using api = openApi(cluster.access);
    await api.request(`/api/v1/namespaces/${namespace}/pods?labelSelector=app%3Dweb`, { method: 'DELETE' });
    let after = before;
    await until(async () => {
      after = await (await fetch(url)).text();
      return after !== before;
    });
    expect(after).toMatch(/^web-/);
  });

  test('it ends with its test, and before where it is asked to', async () => {
    const one = await forward('service/web', 80, here);
    const other = await forward('service/web', 80, here);
    await one.close();
    await expect(fetch(one.url)).rejects.toThrow();
    expect((await fetch(other.url)).status).toBe(200);
    await endTest();
    await expect(fetch(other.url)).rejects.toThrow();
  });

  test('a red one names its cause', async () => {
    await expect(forward('service/web', 81, here)).rejects.toEqual(
      failure('TARGET_INVALID', 'Service default/web has no port 81', 'it has 80 (http)'),
    );
    await expect(forward('deployment/web', 'grpc', here)).rejects.toEqual(
      failure('TARGET_INVALID', 'Deployment default/web has no port grpc', 'it has 8080 (http)'),
    );
    const { port } = await forward('service/web', 80, here);
    await expect(forward('service/web', 80, { ...here, localPort: port })).rejects.toEqual(
      failure('PORT_TAKEN', `The port ${port} of 127.0.0.1 is in use`, expect.anything()),
    );
    const scope = beginTest('closed');
    const closed = await forward('deployment/web', 9999, here);
    await expect(fetch(closed.url)).rejects.toThrow();
    expect(scope?.traces[0]?.lacks).toMatch(/connection refused/);
  });
});

test('the events of an object are told, oldest first', async () => {
  const found = await events('pod/crash', here);
  expect(found.map(({ reason }) => reason)).toEqual(
    expect.arrayContaining(['Scheduled', 'Created', 'Started']),
  );
  expect(found[0]).toMatchObject({ object: { kind: 'Pod', name: 'crash', namespace } });
  expect(found.map(({ last }) => Number(last))).toEqual(
    found.map(({ last }) => Number(last)).sort((a, b) => a - b),
  );
  const all = await events(undefined, here);
  expect(all.map(({ object: { kind } }) => kind)).toEqual(
    expect.arrayContaining(['Pod', 'ReplicaSet', 'Deployment', 'Job']),
  );
  expect((await events({ kind: 'pods', selector: 'app=crash', namespace })).length).toBe(found.length);
  await expect(events('pod/carsh', here)).rejects.toMatchObject({ remedy: 'Did you mean crash?' });
});

test('the proxy leads to the API server, for whoever knows its path, until the test ends', async () => {
  const { url } = await proxy();
  expect(await (await fetch(`${url}/version`)).json()).toMatchObject({ major: '1' });
  const made = await fetch(`${url}/api/v1/namespaces/${namespace}/configmaps`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ metadata: { generateName: 'proxied-' } }),
  });
  expect(made.status).toBe(201);
  expect((await fetch(`${new URL(url).origin}/version`)).status).toBe(404);
  const watch = await fetch(`${url}/api/v1/namespaces/${namespace}/pods?watch=true`);
  expect(watch.status).toBe(200);
  await endTest();
  await expect(fetch(`${url}/version`)).rejects.toThrow();
});

describe('as', () => {
  const mine = { serviceAccount: 'reader', namespace };

  test('the client of a ServiceAccount may what its role says', async () => {
    const core = as(mine).client(k8s.CoreV1Api);
    const { items } = await core.listNamespacedPod(here);
    expect(items.map(({ metadata }) => metadata?.name)).toContain('crash');
    expect(await core.readNamespacedPodLog({ ...here, name: 'crash' })).toContain('about to crash');
    const { status } = await as(mine)
      .client(k8s.AuthenticationV1Api)
      .createSelfSubjectReview({ body: new k8s.V1SelfSubjectReview() });
    expect(status?.userInfo).toMatchObject({
      username: `system:serviceaccount:${namespace}:reader`,
      groups: expect.arrayContaining(['system:serviceaccounts', 'system:authenticated']) as string[],
    });
  });

  test.each([[['devs']], [['team', 'devs', 'a b,c']]])(
    'the client of a user with the groups %j',
    async (groups) => {
      const jane = as('jane', groups);
      const { status } = await jane
        .client(k8s.AuthenticationV1Api)
        .createSelfSubjectReview({ body: new k8s.V1SelfSubjectReview() });
      expect(status?.userInfo).toMatchObject({
        username: 'jane',
        groups: [...groups, 'system:authenticated'],
      });
      const { items } = await jane.client(k8s.CoreV1Api).listNamespacedPod(here);
      expect(items.length).toBeGreaterThan(0);
      // one that goes through the library's other way, of web sockets and watches
      const seen: unknown[] = [];
      const watching = await new k8s.Watch(jane.kubeConfig()).watch(
        `/api/v1/namespaces/${namespace}/secrets`,
        {},
        () => undefined,
        (error: unknown) => seen.push(error),
      );
      await until(() => Promise.resolve(seen.length > 0));
      expect(seen[0]).toMatchObject({ message: expect.stringMatching(/forbidden/i) as string });
      watching.abort();
    },
  );

  test('what it may not is refused with the verb and the resource, and what one acts as reaches no other', async () => {
    for (const [who, name] of [
      [as(mine), `system:serviceaccount:${namespace}:reader`],
      [as('jane', ['devs']), 'jane'],
    ] as const) {
      const refused = await who
        .client(k8s.CoreV1Api)
        .deleteNamespacedPod({ ...here, name: 'crash' })
        .catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 403 });
      expect((refused as Error).message.replaceAll('\\', '')).toContain(
        `User "${name}" cannot delete resource "pods"`,
      );
    }
    expect(await client(k8s.CoreV1Api).readNamespacedPod({ ...here, name: 'crash' })).toBeDefined();
    await client(k8s.CoreV1Api).listNode();
  });
});

describe('can', () => {
  test('the run’s own user may do everything; others what their roles say', async () => {
    expect(await can('create', 'deployments.apps', here)).toBe(true);
    const reader = as({ serviceAccount: 'reader', namespace });
    expect(await reader.can('list', 'pods', here)).toBe(true);
    expect(await reader.can('get', 'pods/log', here)).toBe(true);
    expect(await reader.can('get', 'pods', { ...here, subresource: 'log', name: 'crash' })).toBe(true);
    expect(await reader.can('list', 'po', { namespace: '*' })).toBe(false);
    expect(await reader.can('delete', 'pods', here)).toBe(false);
    expect(await as('jane').can('list', 'pods', here)).toBe(false);
    expect(await as('jane', ['team', 'devs']).can('list', 'pods', here)).toBe(true);
    expect(await as('jane').can('get', '/version')).toBe(true);
    expect(await as('jane').can('*', '*', here)).toBe(false);
  });

  test('a red one names its cause', async () => {
    await expect(can('list', 'podz', here)).rejects.toEqual(failure('TARGET_INVALID', 'podz'));
    await expect(can('List', 'pods', here)).rejects.toEqual(failure('TARGET_INVALID', 'the verb ‘List’'));
    await expect(as({ serviceAccount: 'raeder', namespace }).can('list', 'pods', here)).rejects.toMatchObject(
      {
        ...{
          code: 'TARGET_INVALID',
          message: 'There is no ServiceAccount default/raeder',
          remedy: 'Did you mean reader?',
        },
      },
    );
    expect(() => as('')).toThrow(expect.objectContaining({ code: 'TARGET_INVALID' }) as Error);
  });
});
