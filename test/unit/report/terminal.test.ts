import { Writable } from 'node:stream';

import { Report } from '../../../src/report/index.js';
import { JestKubernetesError } from '../../../src/support/errors.js';

const MB = 1_000_000;

interface Terminal {
  report: Report;
  /** All that was written since it was last asked for, with what tells of colours and the cursor. */
  written: () => string;
}

function terminal(columns: number, { quiet = false } = {}): Terminal {
  let chunks: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString());
      done();
    },
  });
  Object.assign(stream, { isTTY: true, columns, rows: 40, getColorDepth: () => 8 });
  const report = new Report(stream as unknown as NodeJS.WriteStream, {}, { quiet });
  const written = (): string => {
    const text = chunks.join('');
    chunks = [];
    return text;
  };
  return { report, written };
}

const controls = /\u001B\[[?\d;]*[A-Za-z]|\r/g;

const shown = (text: string): string[] =>
  text
    .replace(controls, '')
    .split('\n')
    .filter((line) => line.trim() !== '');

beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick'] }));
afterEach(() => jest.useRealTimers());

test.each([
  [120, / {2}▰▰▰▱▱▱▱▱ {2}45 % of 442 MB$/],
  [80, / {2}▰▰▰▱▱▱▱▱ {2}45 % of 442 MB$/],
  [64, / {2}45 % of 442 MB$/],
  [55, / {2}45 %$/],
  [40, / \d\.\d s$/],
  [10, /…$/],
])('of %d columns no line takes more, and each says what it has room for', (columns, end) => {
  const { report, written } = terminal(columns);
  const titles = ['import postgres:17-alpine', 'pull registry.example/team/of/many/people/shop-api:1.2.3'];
  const lines = titles.map((title) => report.phase(title));
  for (const line of lines) line.moved({ done: 203 * MB, total: 442 * MB });
  jest.advanceTimersByTime(120);
  const running = shown(written());
  expect(running).toHaveLength(2);
  expect(running).toEqual([expect.stringMatching(end), expect.stringMatching(end)]);
  expect(running.filter((line) => line.length >= columns)).toEqual([]);
  for (const line of lines) line.end('done');
});

test('what runs stands below each other, and one line of each stays', () => {
  const { report, written } = terminal(80);
  const pull = report.phase('pull redis:8-alpine');
  const cluster = report.phase('create cluster shop');
  pull.moved({ done: 31 * MB });
  cluster.moved('Preparing nodes');
  jest.advanceTimersByTime(120);
  expect(shown(written())).toEqual([
    expect.stringMatching(/^ ⠙ pull redis:8-alpine +0\.1 s {2}31 MB$/),
    expect.stringMatching(/^ ⠙ create cluster shop +0\.1 s {2}Preparing nodes$/),
  ]);
  pull.end('done', '98 MB');
  const after = written();
  expect(shown(after)[0]).toMatch(/^ ✓ pull redis:8-alpine +\d\.\d s {2}98 MB$/);
  expect(shown(after)[1]).toMatch(/create cluster shop/);
  cluster.end('done');
  jest.advanceTimersByTime(1000);
  const end = written();
  expect(shown(end)).toEqual([expect.stringMatching(/^ ✓ create cluster shop +\d\.\d s$/)]);
  // what ran is taken away before
  expect(end.indexOf('\u001B[2K')).toBeLessThan(end.indexOf('✓'));
});

test('what a program prints moves no cursor', () => {
  const { report, written } = terminal(80);
  const line = report.phase('build shop');
  line.moved('\u001B[31mRUN\u001B[0m npm\tci\r\u001B[2K done');
  jest.advanceTimersByTime(120);
  expect(shown(written())[0]).toMatch(/ {2}RUN npm ci done$/);
  line.end('done');
});

test('colours are such as a light ground shows too', () => {
  const { report, written } = terminal(80);
  report.headline('creates the cluster shop');
  report.note('waiting for another run');
  report.warn('the variable is not known');
  report.phase('a').end('failed', 'why');
  report.phase('b').end('cancelled');
  const line = report.phase('c');
  jest.advanceTimersByTime(120);
  line.end('done');
  report.error(new Error('no'));

  const styles = [...written().matchAll(/\u001B\[([\d;]+)m/g)].map(([, style]) => style);
  // bold, red, green, cyan, and what ends them: neither yellow nor white, and nothing dim
  expect([...new Set(styles)].sort()).toEqual(['1', '22', '31', '32', '36', '39']);
});

test('notes are broken between words, below where they begin, and commands and paths are not', () => {
  const { report, written } = terminal(60);
  report.headline('creates the cluster shop-of-many-departments (once, for all of them)');
  report.note('a snapshot of such a cluster is made in the background, when no run needs the machine');
  const command = `use it:     export KUBECONFIG=/home/me/${'long/'.repeat(12)}kubeconfig`;
  report.headline(`keeps the cluster shop\n   ${command}`);
  report.note(`see /home/me/${'long/'.repeat(12)}index.html for it`);
  expect(shown(written())).toEqual([
    'jest-kubernetes creates the cluster',
    '   shop-of-many-departments (once, for all of them)',
    '   a snapshot of such a cluster is made in the background,',
    '   when no run needs the machine',
    'jest-kubernetes keeps the cluster shop',
    `   ${command}`,
    '   see',
    `   /home/me/${'long/'.repeat(12)}index.html`,
    '   for it',
  ]);
});

describe('quiet', () => {
  test('of what goes well nothing is written, not even a line that is taken away again', () => {
    const { report, written } = terminal(80, { quiet: true });
    using _group = report.group('the cluster');
    report.headline('creates the cluster shop');
    const line = report.phase('pull redis');
    line.moved({ done: 1, total: 2 });
    line.note('trying again');
    jest.advanceTimersByTime(60_000);
    line.end('done', '98 MB');
    report.phase('b').end('cancelled');
    report.note('ready in 20 s');
    jest.advanceTimersByTime(60_000);
    expect(written()).toBe('');
  });

  test('what fails, or has to be known, is told, by the package’s name', () => {
    const { report, written } = terminal(80, { quiet: true });
    report.warn('The variable JEST_KUBERNETES_KEP is not known');
    report.phase('pull redis').end('failed', 'no such image');
    report.error(new JestKubernetesError('KIND_MISSING', 'kind was not found'));
    const [warning, phase, error] = shown(written());
    expect(warning).toBe('jest-kubernetes: The variable JEST_KUBERNETES_KEP is not known');
    expect(phase).toMatch(/^ ✗ pull redis +\d\.\d s {2}no such image$/);
    expect(error).toContain('kind was not found (KIND_MISSING)');
  });
});
