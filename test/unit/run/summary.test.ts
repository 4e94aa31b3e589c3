import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { writeSummary } from '../../../src/run/summary.js';
import { JestKubernetesError } from '../../../src/support/errors.js';

let folder: string;
let env: NodeJS.ProcessEnv;
const summary = (): string => readFileSync(path.join(folder, 'summary.md'), 'utf8');
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'summary-'));
  env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: path.join(folder, 'summary.md') };
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const timeline = [
  { phase: 'pull a|b', start: 0, end: 1200, outcome: 'done' as const, detail: '98 MB\nof it' },
  { phase: 'cluster', start: 100, end: 20_100, outcome: 'failed' as const, detail: '' },
];

test('a green run is a table of its phases', () => {
  writeSummary({ cluster: 'shop', timeline: timeline.slice(0, 1), files: [] }, env);
  expect(summary()).toBe(`### jest-kubernetes: the cluster shop was ready after 1.2 s

| | Phase | Begun after | Took | |
| --- | --- | ---: | ---: | --- |
| ✅ | pull a\\|b | 0.0 s | 1.2 s | 98 MB of it |

`);
});

test('one that was not set up says why, and what is a secret is none of it', () => {
  const failure = new JestKubernetesError('CLUSTER_CREATE_FAILED', 'kind failed', {
    evidence: ['```', 'docker build --build-arg NPM_TOKEN=s3cr3t .'],
  });
  writeSummary({ cluster: 'shop', timeline, failure, files: [], page: '/shop/index.html' }, env);
  expect(summary()).toContain(
    '### jest-kubernetes: the cluster shop was not set up\n\n````\nkind failed (CLUSTER_CREATE_FAILED)\n',
  );
  expect(summary()).toContain('| ❌ | cluster | 0.1 s | 20.0 s |  |');
  expect(summary()).toContain('on one page: `/shop/index.html`');
  expect(summary()).not.toContain('s3cr3t');
});

test('red tests stand there with their causes', () => {
  const one = { startedAt: 0, endedAt: 1, failed: true };
  const tests = [
    { ...one, name: 'is ready', cause: 'the image is not there' },
    { ...one, name: 'adds up' },
    { ...one, name: 'passes', failed: false },
  ];
  const files = [{ kind: 'file' as const, file: 'a.test.ts', startedAt: 0, endedAt: 1, tests }];
  writeSummary({ cluster: 'shop', timeline: [], files }, env);
  expect(summary()).toContain('❌ **a.test.ts**: is ready\n\n```\nthe image is not there\n```\n');
  expect(summary()).toContain('❌ **a.test.ts**: adds up\n');
  expect(summary()).not.toContain('passes');
});

test('elsewhere nothing is written', () => {
  writeSummary({ cluster: 'shop', timeline, files: [] }, { ...env, GITHUB_ACTIONS: '' });
  expect(() => summary()).toThrow('ENOENT');
});
