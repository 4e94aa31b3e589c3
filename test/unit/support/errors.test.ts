import { readFileSync } from 'node:fs';
import path from 'node:path';

import { JestKubernetesError } from '../../../src/support/errors.js';
import { errorPage } from '../../../src/support/pages.js';

test('an error that is told otherwise keeps what is not said anew, and what it was caused by', () => {
  const cause = new Error('connect ECONNREFUSED');
  const error = new JestKubernetesError('STALLED', 'nothing moved', { evidence: ['a line'], cause });
  const told = error.with({ code: 'POD_CRASHED', message: 'the pod ends', bundle: '/shop/bundle' });
  expect(told).toMatchObject({ code: 'POD_CRASHED', evidence: ['a line'], bundle: '/shop/bundle', cause });
  expect(told.stack).toContain('the pod ends (POD_CRASHED)\n    a line\n  everything that was seen: ');
  expect(error).toMatchObject({ code: 'STALLED', message: 'nothing moved', bundle: undefined });
});

test('an error that nothing has caused has no cause when it is told otherwise', () => {
  const told = new JestKubernetesError('STALLED', 'nothing moved').with({ remedy: 'Look at the node.' });
  expect(Object.hasOwn(told, 'cause')).toBe(false);
  expect(told.remedy).toBe('Look at the node.');
});

test('the last line that a reader sees is the address of what is told of the code', () => {
  const error = new JestKubernetesError('POD_CRASHED', 'the pod ends', { remedy: 'Look.', bundle: '/shop' });
  expect(error.format().split('\n').slice(-2)).toEqual([
    '  everything that was seen: /shop',
    `  ${errorPage('POD_CRASHED')}`,
  ]);
});

test('that address is of the repository which package.json names', () => {
  const manifest = JSON.parse(readFileSync(path.join(__dirname, '../../../package.json'), 'utf8')) as {
    repository: { url: string };
  };
  const repository = manifest.repository.url.replace(/^git\+|\.git$/g, '');
  expect(errorPage('POD_CRASHED')).toBe(`${repository}/blob/main/docs/errors.md#pod_crashed`);
});
