import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';

import { Report } from '../../../src/report/index.js';
import { Milestones, type RunContext } from '../../../src/run/context.js';
import { explain } from '../../../src/run/explain.js';
import { JestKubernetesError } from '../../../src/support/errors.js';
import { recordedCluster } from '../diagnose/recorded-cluster.js';
import type { Answer } from '../kubernetes/api-server.js';
import { json } from '../kubernetes/api-server.js';

let diagnostics: string;
beforeEach(async () => {
  diagnostics = await mkdtemp(join(tmpdir(), 'explain-'));
});
afterEach(() => rm(diagnostics, { recursive: true, force: true }));

const limits = { stall: 1000, total: 2000 };
const booting: Answer = (response, asked) => {
  const conditions = [{ type: 'Ready', status: 'False', message: 'container runtime network not ready' }];
  void json({ items: [{ metadata: { name: 'node' }, status: { conditions } }] })(response, asked);
};

/** A phase of a run on the recorded cluster has failed: the error as its reader is shown it. */
async function explained(
  phase: string,
  error: JestKubernetesError,
  changes: Record<string, Answer> = {},
): Promise<JestKubernetesError> {
  const { server } = await recordedCluster('two-runs', changes);
  await using _server = server;
  const milestones = new Milestones();
  milestones.api.reach(server.access());
  const config = {
    ...{
      cluster: { name: 'here' },
      rootDir: diagnostics,
      diagnostics: { directory: diagnostics, tests: true },
      mirrors: [],
      manifests: ['k8s'],
      services: [],
    },
    ...{
      images: [{ kind: 'build', tag: 'shop/api:test', build: '.' }],
      postgres: undefined,
      setup: [{ call: () => undefined }],
      eachRun: [],
    },
    timeouts: { cluster: limits, pull: limits, import: limits, manifests: limits, postgres: limits },
  };
  const provider = {
    ...{ stays: false, words: { phase: 'create the cluster' } },
    runtime: () => Promise.resolve({ name: 'docker', command: 'true', env: {}, host: '127.0.0.1' }),
  };
  const environment = { variables: () => ({}) };
  const context = {
    ...{ runId: 'run-1', startedAt: Date.now() },
    config,
    provider,
    environment,
    milestones,
    joined: undefined,
    done: new Set(),
  };
  const run = {
    context: context as unknown as RunContext,
    timeline: [
      { phase: 'pull', start: 0, end: 1, outcome: 'done' as const, detail: '' },
      { phase, start: 0, end: 1, outcome: 'failed' as const, detail: '' },
    ],
    report: new Report(new PassThrough().resume() as unknown as NodeJS.WriteStream, {}),
    signal: new AbortController().signal,
    ...{ env: {}, startedAt: Date.now() },
  };
  return (await explain(error, run)) as JestKubernetesError;
}

const refused = new JestKubernetesError('MANIFEST_FAILED', 'Deployment shop/web could not be applied', {
  evidence: ['web.yaml: apps/v1 Deployment', 'spec.replicas: Invalid value: -1'],
  remedy: 'Correct the manifest.',
});

test('a manifest that the API server refuses is not explained by a node that is not ready yet', async () => {
  const error = await explained('manifests', refused, { '/api/v1/nodes': booting });
  expect(error).toMatchObject({
    code: 'MANIFEST_FAILED',
    evidence: refused.evidence,
    remedy: refused.remedy,
  });
  expect(error.bundle).toMatch(/run-1$/);
});

test.each(['build shop/api:test', 'import shop/api:test'])(
  '%s, which stalls, is not explained by pods',
  async (phase) => {
    const stalled = new JestKubernetesError('STALLED', `“${phase}” has not moved for 90 s`, {
      evidence: ['last seen: 3 MB'],
    });
    expect(await explained(phase, stalled)).toMatchObject({ code: 'STALLED', evidence: ['last seen: 3 MB'] });
  },
);

test('a cause that may pass is told as evidence, and takes neither the code nor the remedy', async () => {
  const stalled = new JestKubernetesError('STALLED', '“import” has not moved', {
    remedy: 'Look at the disk.',
  });
  const error = await explained('import shop/api:test', stalled, { '/api/v1/nodes': booting });
  expect(error).toMatchObject({
    code: 'STALLED',
    message: '“import” has not moved',
    remedy: 'Look at the disk.',
  });
  expect(error.evidence[0]).toBe('meanwhile: node node is not ready: container runtime network not ready');
});

test("what a setup hook waits for is found, and another run's pods are not it", async () => {
  const late = new JestKubernetesError('TIMED_OUT', '“run the setup hook” was not done');
  const error = await explained('setup', late);
  expect(error).toMatchObject({ code: 'POD_CRASHED' });
  expect(error.message).toMatch(/pod api-\S+ ends with exit code 3 .*cannot read settings\.json/);
});
