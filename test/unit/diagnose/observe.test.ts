import { diagnose } from '../../../src/diagnose/causes.js';
import { observe } from '../../../src/diagnose/observe.js';
import type { Scope } from '../../../src/diagnose/scope.js';
import type { Snapshot } from '../../../src/diagnose/snapshot.js';
import type { Answer } from '../kubernetes/api-server.js';
import { json, refusal } from '../kubernetes/api-server.js';
import { recordedCluster } from './recorded-cluster.js';

const late =
  (milliseconds: number, answer: Answer): Answer =>
  (response, asked) =>
    setTimeout(() => void answer(response, asked), milliseconds).unref();

/** What is seen of the recorded cluster, where only a scope counts. */
async function seen(scope: Scope, changes: Record<string, Answer> = {}, timeout = 5000) {
  const { at, server } = await recordedCluster('two-runs', changes);
  await using _server = server;
  return { at, snapshot: await observe({ access: server.access(), scope, timeout }) };
}
const podsIn = async (scope: Scope) =>
  (await seen(scope)).snapshot.pods
    .map(({ metadata }) => metadata?.name?.replace(/-[a-z0-9]{5}$/, '').replace(/-[a-z0-9]{8,10}$/, ''))
    .sort();

describe('only what belongs to the scope is seen', () => {
  test.each<[string, Scope, string[]]>([
    ['a namespace', { namespaces: ['shop'] }, ['api', 'migrate', 'migrate', 'web']],
    ['the pods of a namespace with a label', { namespaces: ['shop'], selector: 'tier=front' }, ['api']],
    [
      'what a Deployment owns, through its ReplicaSet',
      { objects: [{ kind: 'Deployment', namespace: 'shop', name: 'web' }] },
      ['web'],
    ],
    [
      'what a Job owns',
      { objects: [{ kind: 'Job', namespace: 'shop', name: 'migrate' }] },
      ['migrate', 'migrate'],
    ],
    ['what a Service selects', { objects: [{ kind: 'Service', namespace: 'shop', name: 'front' }] }, ['api']],
    [
      'pods by a selector',
      { objects: [{ kind: 'Pod', namespace: 'shop', selector: 'app in (web, api),tier!=front' }] },
      ['web'],
    ],
    [
      'all Deployments of a namespace',
      { objects: [{ kind: 'Deployment', namespace: 'shop' }] },
      ['api', 'web'],
    ],
    ['nothing', { namespaces: [] }, []],
    [
      'an object and a namespace',
      { namespaces: ['others'], objects: [{ kind: 'Deployment', namespace: 'shop', name: 'web' }] },
      ['web', 'worker'],
    ],
  ])('%s', async (_what, scope, pods) => {
    expect(await podsIn(scope)).toEqual(pods);
  });

  test('without the namespaces that tests have made', async () => {
    const pods = await podsIn({ withoutTests: true });
    expect(pods).toContain('api');
    expect(pods).not.toContain('worker');
  });

  test('and its events alone', async () => {
    const { snapshot } = await seen({ objects: [{ kind: 'Deployment', namespace: 'shop', name: 'web' }] });
    const names = snapshot.events.map(({ involvedObject }) => involvedObject.name);
    expect(names.length).toBeGreaterThan(2);
    expect(names.filter((name) => !name?.startsWith('web'))).toEqual([]);
  });
});

describe('a cause is of what belongs to it', () => {
  test("another run's crashing pod is none", async () => {
    const { snapshot } = await seen({ objects: [{ kind: 'Deployment', namespace: 'shop', name: 'web' }] });
    expect(diagnose(snapshot)).toBeUndefined();
    const { snapshot: whole } = await seen({ withoutTests: true });
    expect(diagnose(whole)).toMatchObject({
      cause: 'crash-loop',
      sentence: expect.stringMatching('pod api-') as string,
    });
  });

  test('a Job that has failed once and then succeeded is none', async () => {
    const { snapshot } = await seen({ objects: [{ kind: 'Job', namespace: 'shop', name: 'migrate' }] });
    expect(snapshot.pods.map(({ status }) => status?.phase).sort()).toEqual(['Failed', 'Succeeded']);
    expect(diagnose(snapshot)).toBeUndefined();
  });

  test('a Job that may try again has not failed for good', async () => {
    const { snapshot } = await seen({ objects: [{ kind: 'Job', namespace: 'shop', name: 'migrate' }] });
    const pods = snapshot.pods.filter(({ status }) => status?.phase === 'Failed');
    const withJob = (type: string) => {
      const plain = JSON.parse(JSON.stringify({ ...snapshot, pods })) as { jobs: object[] };
      const jobs = plain.jobs.map((job) =>
        Object.assign(job, { status: { conditions: [{ type, status: 'True' }] } }),
      );
      return Object.assign(plain, { jobs }) as unknown as Snapshot;
    };
    expect(diagnose(withJob('Suspended'))).toMatchObject({ cause: 'crash-loop', conclusive: false });
    expect(diagnose(withJob('Failed'))).toMatchObject({ cause: 'crash-loop', conclusive: true });
  });
});

describe('silent is an API server that does not even say how it is', () => {
  const slow = late(1500, json({ items: [] }));

  test('not one whose list takes long: what it would have told is noted', async () => {
    const { snapshot } = await seen({}, { '/api/v1/pods': slow }, 300);
    expect(snapshot.api).toEqual({ answers: true, error: undefined });
    expect(snapshot.unseen).toEqual(['pods: no answer within 0.3 s']);
    expect(diagnose(snapshot)).toBeUndefined();
  });

  test('nor one that refuses to say', async () => {
    const { snapshot } = await seen({ namespaces: ['shop'] }, { '/readyz': refusal(403) });
    expect(snapshot.api).toMatchObject({ answers: true });
    expect(snapshot.pods).toHaveLength(4);
  });

  test('but one that is not ready, or says nothing', async () => {
    const unready = await seen({}, { '/readyz': refusal(500, { message: '[-]etcd failed' }) });
    expect(unready.snapshot.api).toEqual({ answers: false, error: '[-]etcd failed' });
    const { snapshot } = await seen({}, { '/readyz': slow, '/api/v1/pods': slow }, 300);
    expect(diagnose(snapshot)).toMatchObject({ cause: 'api-not-answering', conclusive: false });
  });
});

describe('times are told by the API server’s clock', () => {
  test('whose machine may have another', async () => {
    const { at, snapshot } = await seen({ namespaces: ['shop'] });
    expect(Math.abs(snapshot.takenAt - at)).toBeLessThan(2000);
    // it was recorded long ago
    expect(diagnose(snapshot)?.evidence[0]).toMatch(/^restarts: \d, last ended \d{1,2} s ago/);
  });

  test('what was seen before a moment of this machine’s is compared with it', async () => {
    const { snapshot } = await seen({ namespaces: ['shop'] });
    expect(diagnose(snapshot, { since: Date.now() - 600_000 })).toMatchObject({
      cause: 'crash-loop',
      conclusive: true,
    });
    expect(diagnose(snapshot, { since: Date.now() })).toMatchObject({
      cause: 'crash-loop',
      conclusive: false,
    });
  });
});
