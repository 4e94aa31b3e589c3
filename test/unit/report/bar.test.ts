import { cut, inColumns, inWords } from '../../../src/report/bar.js';

const MB = 1_000_000;

test.each([
  [0, 442, '▱▱▱▱▱▱▱▱   0 % of 442 MB', '0 B of 442 MB'],
  [203, 442, '▰▰▰▱▱▱▱▱  45 % of 442 MB', '203 MB of 442 MB'],
  [441.9, 442, '▰▰▰▰▰▰▰▱  99 % of 442 MB', '442 MB of 442 MB'],
  [442, 442, '▰▰▰▰▰▰▰▰ 100 % of 442 MB', '442 MB of 442 MB'],
])('%d of %d MB are a bar, and in words its amounts', (done, total, bar, words) => {
  const bytes = { done: done * MB, total: total * MB };
  expect(inColumns(bytes, 24)).toBe(bar);
  expect(inWords(bytes)).toBe(words);
});

test.each([
  ['more than all of it is all of it', { done: 451 * MB, total: 442 * MB }, '▰▰▰▰▰▰▰▰ 100 % of 451 MB'],
  ['an unknown total', { done: 31 * MB }, '31 MB'],
  ['a total that has shrunk to nothing', { done: 31 * MB, total: -5 }, '31 MB'],
  ['a total of zero', { done: 0, total: 0 }, '0 B'],
  ['a total that is no number', { done: 31 * MB, total: Number.NaN }, '31 MB'],
  ['an amount that is no number', { done: Number.NaN, total: 442 * MB }, '▱▱▱▱▱▱▱▱   0 % of 442 MB'],
  ['an amount below nothing', { done: -1, total: 442 * MB }, '▱▱▱▱▱▱▱▱   0 % of 442 MB'],
  ['a total without an end', { done: 31 * MB, total: Number.POSITIVE_INFINITY }, '31 MB'],
])('%s', (_, bytes, expected) => {
  expect(inColumns(bytes, 40)).toBe(expected);
});

test('with less room less is told, and never more than there is room for', () => {
  const bytes = { done: 203 * MB, total: 442 * MB };
  const told = Array.from({ length: 26 }, (_, room) => inColumns(bytes, room));
  expect([...new Set(told)]).toEqual(['', '45 %', '45 % of 442 MB', '▰▰▰▱▱▱▱▱  45 % of 442 MB']);
  expect(told.every((text, room) => text.length <= room)).toBe(true);
});

test('words are cut, and their end told', () => {
  expect([cut('Preparing nodes', 15), cut('Preparing nodes', 14), cut('abc', 1), cut('abc', 0)]).toEqual([
    'Preparing nodes',
    'Preparing nod…',
    '…',
    '',
  ]);
  // no half of a letter
  expect(cut('🐘🐘🐘', 2)).toBe('🐘…');
});
