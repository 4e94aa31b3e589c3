import { formatAge } from '../../../src/report/index.js';

test.each([
  [0, '0 s'],
  [12_400, '12 s'],
  [303_000, '5 min 3 s'],
  [3 * 3600_000, '3 h'],
  [3 * 3600_000 + 61_000, '3 h 1 min'],
  [(2 * 24 + 4) * 3600_000 + 59_000, '2 d 4 h'],
])('%i ms is an age of %s', (milliseconds, words) => {
  expect(formatAge(milliseconds)).toBe(words);
});
