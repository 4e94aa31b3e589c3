import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { writePage } from '../../../src/diagnose/page/write-page.js';
import type { TestRecord } from '../../../src/diagnose/tests/record.js';

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'page-'));
});
afterEach(() => {
  rmSync(run, { recursive: true, force: true });
});

const start = Date.parse('2026-11-25T12:00:00Z');
const known = {
  ...{ runId: '1a2b', cluster: 'shop', startedAt: start, endedAt: start + 20_000 },
  phases: [{ name: 'cluster', from: start, to: start + 9000, outcome: 'done' as const, detail: 'kind-shop' }],
  files: [
    {
      kind: 'file' as const,
      file: 'green.test.ts',
      startedAt: start + 9000,
      endedAt: start + 10_000,
      tests: [],
    },
  ],
};
const record: TestRecord = {
  ...{
    kind: 'test',
    file: 'red.test.ts',
    test: 'a <b>test</b>',
    startedAt: start + 10_000,
    endedAt: start + 15_000,
  },
  error: 'expected "</pre><script>alert(1)</script>"',
  cause: {
    code: 'POD_CRASHED',
    sentence: 'pod api ends',
    evidence: ['restarts: 3'],
    remedy: 'See `kubectl logs`.',
  },
  ...{ lacks: [], unseen: [], folder: 'red.test.ts/a-test' },
  pods: [
    {
      name: 'shop/api',
      parts: [{ from: start + 11_000, to: start + 14_000, state: 'failed', what: 'api ended' }],
    },
  ],
  events: [
    {
      at: start + 12_000,
      object: 'Pod api',
      reason: 'BackOff',
      message: 'back-off',
      times: 3,
      isWarning: true,
    },
  ],
  logs: [{ at: start + 11_500, source: 'api/api', text: 'password=hunter22 & more' }],
  changes: [{ at: start + 13_000, object: 'Pod shop/api', what: 'created' }],
};
function leave(folder: string, left: unknown): void {
  mkdirSync(join(run, folder), { recursive: true });
  writeFileSync(join(run, folder, 'record.json'), typeof left === 'string' ? left : JSON.stringify(left));
}
const page = (): string => readFileSync(writePage(run, known) ?? 'no page', 'utf8');

test('a run in which nothing failed has no page', () => {
  expect(writePage(run, known)).toBeUndefined();
  expect(writePage(join(run, 'not-there'), known)).toBeUndefined();
});

test('it has what the workers have left, and what the run knows', () => {
  leave('red.test.ts/a-test', record);
  leave('red.test.ts', {
    kind: 'file',
    file: 'red.test.ts',
    startedAt: start + 10_000,
    endedAt: start + 15_000,
    tests: [{ name: 'a <b>test</b>', startedAt: start + 10_000, endedAt: start + 15_000, failed: true }],
  });
  const text = page();
  for (const told of [
    'green.test.ts',
    'kind-shop',
    'pod api ends',
    'POD_CRASHED',
    'restarts: 3',
    '<code>kubectl logs</code>',
    'BackOff (3 times)',
    'shop/api',
  ])
    expect(text).toContain(told);
  // from the timeline to what failed
  expect(text).toContain('href="#t-red-test-ts-a-test"');
  expect(text).toContain('<article id="t-red-test-ts-a-test">');
});

test('what tests and pods say is text, and no secret', () => {
  leave('red.test.ts/a-test', record);
  const text = page();
  expect(text).toContain('a &lt;b&gt;test&lt;/b&gt;');
  expect(text).not.toMatch(/<script|<b>test/);
  expect(text).toContain('password=*** &amp; more');
});

test('events, logs and changes stand in their order', () => {
  leave('red.test.ts/a-test', record);
  const [, lines = ''] = page().split('in their order');
  expect(
    [...lines.matchAll(/<tr class="(\w+)">\s*<td>([\d.]+ s)/g)].map(
      ([, kind, at]) => `${kind ?? ''} ${at ?? ''}`,
    ),
  ).toEqual(['log 1.5 s', 'warning 2.0 s', 'change 3.0 s']);
});

test('bars stand where they belong', () => {
  leave('red.test.ts/a-test', record);
  // a run of 20 s, whose first phase took 9
  expect(page()).toMatch(
    /class="bar done" style="left:0\.000%;width:45\.000%" title="cluster: kind-shop \(0 s to 9 s, 9 s\)"/,
  );
});

test('what a worker was ended in the middle of is left out', () => {
  leave('red.test.ts/a-test', record);
  leave('red.test.ts/another', '{"kind":"te');
  expect(page()).toContain('a &lt;b&gt;test&lt;/b&gt; failed');
});
