import { Writable } from 'node:stream';

import { formatBytes, formatBytesInTenths, formatSeconds, Report } from '../../../src/report/index.js';
import { JestKubernetesError } from '../../../src/support/errors.js';
import { errorPage } from '../../../src/support/pages.js';

function captured(env: NodeJS.ProcessEnv = {}): { report: Report; text: () => string } {
  const chunks: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString());
      done();
    },
  });
  return { report: new Report(stream as unknown as NodeJS.WriteStream, env), text: () => chunks.join('') };
}

test.each([
  [90, '0.1 s'],
  [24_300, '24.3 s'],
  [59_949, '59.9 s'],
  [59_950, '1 min 00 s'],
  [125_000, '2 min 05 s'],
])('%d ms are written %s', (milliseconds, text) => {
  expect(formatSeconds(milliseconds)).toBe(text);
});

test.each([
  [0, '0 B'],
  [512, '512 B'],
  [1500, '1.5 kB'],
  [98_300_000, '98 MB'],
  [999_600_000, '1.0 GB'],
])('%d bytes are written %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [512, '512 B'],
  [98_300_000, '98.3 MB'],
  [25_340_000_000, '25.3 GB'],
])('%d bytes that are compared are written %s', (bytes, text) => {
  expect(formatBytesInTenths(bytes)).toBe(text);
});

test('in a log each phase is one line with its outcome, duration and detail', () => {
  const { report, text } = captured();
  report.headline('creating cluster shop');
  report.phase('create cluster').end('done', 'kindest/node:v1.37.2');
  report.phase('pull redis:7').end('failed', 'no such image');
  expect(text().split('\n')).toEqual([
    'jest-kubernetes creating cluster shop',
    expect.stringMatching(/^ ✓ create cluster +\d\.\d s {2}kindest\/node:v1\.37\.2$/),
    expect.stringMatching(/^ ✗ pull redis:7 +\d\.\d s {2}no such image$/),
    '',
  ]);
});

describe('a wait of more than ten seconds', () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick'] }));
  afterEach(() => jest.useRealTimers());

  test('says in the log what it waits for, and not again every second', () => {
    const { report, text } = captured();
    const line = report.phase('postgres');
    line.waitingFor('the pod postgres-0 to be ready');
    jest.advanceTimersByTime(9000);
    expect(text()).toBe('');
    jest.advanceTimersByTime(9000);
    expect(text().match(/waiting for the pod postgres-0 to be ready/g)).toHaveLength(1);
    jest.advanceTimersByTime(4000);
    expect(text().match(/waiting for/g)).toHaveLength(2);
    line.end('done');
  });
});

test('no secret is printed: not in an error, an annotation, a note or a phase’s line', () => {
  const { report, text } = captured({ GITHUB_ACTIONS: 'true' });
  const build = 'docker build --build-arg NPM_TOKEN=s3cr3t .';
  report.error(new JestKubernetesError('IMAGE_BUILD_FAILED', 'it failed', { remedy: `Try: ${build}` }));
  report.note(build);
  const line = report.phase('build shop');
  line.moved(build);
  line.end('failed', build);
  expect(text().match(/NPM_TOKEN=\*\*\*/g)).toHaveLength(4);
  expect(text()).not.toContain('s3cr3t');
});

test('in GitHub Actions an error is an annotation too', () => {
  const { report, text } = captured({ GITHUB_ACTIONS: 'true' });
  report.error(new JestKubernetesError('KIND_MISSING', 'kind was not found', { remedy: 'install it' }));
  expect(text()).toContain(
    `::error title=jest-kubernetes::kind was not found (KIND_MISSING)%0A  → install it%0A  ${errorPage('KIND_MISSING')}\n`,
  );
});
