import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { writePage } from '../../../src/diagnose/index.js';
import { Browser } from './browser.js';

const start = Date.parse('2026-11-25T12:00:00Z');
const long =
  'a name that is longer than its column, as those of tests in blocks of blocks are, and of their pods';
const failure = (index: number) => ({
  ...{ kind: 'test', file: 'shop.test.ts', test: `${long} ${index}`, folder: `shop.test.ts/test-${index}` },
  ...{ startedAt: start + 10_000 + index * 5000, endedAt: start + 14_000 + index * 5000 },
  error: `expect(received).toBe(expected)\n\nExpected: 3\nReceived: ${'x'.repeat(400)}`,
  cause: {
    code: 'POD_CRASHED',
    sentence: `pod web-${index} ends`,
    evidence: ['y'.repeat(300)],
    remedy: 'See `its log`.',
  },
  ...{ lacks: [], unseen: [] },
  pods: [
    {
      name: `shop/web-${index}`,
      parts: [
        {
          from: start + 10_500 + index * 5000,
          to: start + 12_000 + index * 5000,
          state: 'pending',
          what: 'starts',
        },
        {
          from: start + 12_000 + index * 5000,
          to: start + 13_000 + index * 5000,
          state: 'failed',
          what: 'ended',
        },
      ],
    },
  ],
  events: [
    {
      at: start + 12_000 + index * 5000,
      object: 'Pod web',
      reason: 'BackOff',
      message: 'z'.repeat(300),
      times: 2,
      isWarning: true,
    },
  ],
  logs: Array.from({ length: 100 }, (_, line) => ({
    at: start + 12_000 + index * 5000 + line,
    source: `web-${index}/web`,
    text: `line ${line}`,
  })),
  changes: [],
});

let run: string;
let page: string;
let browser: Browser;
beforeAll(async () => {
  run = mkdtempSync(join(tmpdir(), 'page-'));
  const leave = (folder: string, record: object): void => {
    mkdirSync(join(run, folder), { recursive: true });
    writeFileSync(join(run, folder, 'record.json'), JSON.stringify(record));
  };
  const failures = [0, 1].map(failure);
  for (const each of failures) leave(each.folder, each);
  const tests = failures.map(({ test: name, startedAt, endedAt }) => ({
    name,
    startedAt,
    endedAt,
    failed: true,
  }));
  leave('shop.test.ts', {
    kind: 'file',
    file: 'shop.test.ts',
    startedAt: start + 10_000,
    endedAt: start + 20_000,
    tests,
  });
  page = `file://${
    writePage(run, {
      ...{ runId: '1a2b', cluster: 'shop', startedAt: start, endedAt: start + 20_000, files: [] },
      phases: [{ name: 'create the cluster', from: start, to: start + 10_000, outcome: 'done', detail: '' }],
    }) ?? ''
  }`;
  browser = await Browser.open();
  await browser.look();
  await browser.goTo(page);
}, 300_000);
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  rmSync(run, { recursive: true, force: true });
});

test('it asks for nothing but itself, and no browser complains', () => {
  expect(browser.requests).toEqual([page]);
  expect(browser.complaints).toEqual([]);
});

test('bars stand in their tracks, below the marks of their axis, in the order of their times', async () => {
  const lefts = await browser.evaluate(`
    [...document.querySelector('.chart').querySelectorAll('.bar')].map((bar) => {
      const [own, track] = [bar, bar.parentElement].map((each) => each.getBoundingClientRect());
      return { isWithin: own.left >= track.left - 1 && own.right <= track.right + 3, share: Math.round(200 * (own.left - track.left) / track.width) / 2, width: Math.round(200 * own.width / track.width) / 2 };
    })`);
  expect(lefts).toEqual(
    [
      [0, 50], // the phase
      [50, 50], // the file
      [50, 20],
      [75, 20],
      [52.5, 7.5], // the first pod
      [60, 5],
      [77.5, 7.5],
      [85, 5],
    ].map(([share, width]) => ({ isWithin: true, share, width })),
  );
});

test('a red bar leads to what is told of it', async () => {
  expect(
    await browser.evaluate(`
      const link = document.querySelector('a.bar.failed');
      link.click();
      const told = document.querySelector(':target');
      told.tagName + ' ' + told.querySelector('.cause b').textContent.trim().split('\\n')[0]`),
  ).toMatch(/^ARTICLE pod web-0 ends/);
});

test.each([1280, 800, 400])('nothing is wider than a window of %i pixels', async (width) => {
  await browser.look({ width });
  expect(await browser.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
});

/** The contrast of two colours, as WCAG counts it. */
const contrast = `
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map((each) => { const c = each / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x + 0.05) / (y + 0.05); };`;

test.each(['light', 'dark'] as const)('it can be read in %s', async (scheme) => {
  await browser.look({ scheme });
  const seen = (await browser.evaluate(`(() => {${contrast}
    const paper = getComputedStyle(document.body).backgroundColor;
    const ofText = ['h1', '.soft', 'a[href$="/"]', 'pre', '.cause b', '.lines td:last-child'].map((each) => getComputedStyle(document.querySelector(each)).color);
    return { paper, isDark: light(paper) < 0.5, least: Math.min(...ofText.map((each) => contrast(each, paper))) };
  })()`)) as { isDark: boolean; least: number };
  expect(seen).toMatchObject({ isDark: scheme === 'dark' });
  expect(seen.least).toBeGreaterThan(4.5);
});
