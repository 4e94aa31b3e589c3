import { Random } from '../../random.js';

/**
 * Of cases that differ in little, `npm test` runs some, and `npm run test:e2e:all` all of them. TEST_SEED, a number, chooses
 * others. Default: 1.
 */
const all = process.env['TEST_E2E'] === 'all';
const seed = Number(process.env['TEST_SEED'] ?? 1);

/** As many of the cases as are to be run, in their order. */
export function share<T>(cases: readonly T[], count: number): T[] {
  if (all) return [...cases];
  const random = new Random(seed);
  const drawn = cases.map((each, index) => ({ each, index, lot: random.next() }));
  const chosen = drawn.sort((one, other) => one.lot - other.lot).slice(0, count);
  return chosen.sort((one, other) => one.index - other.index).map(({ each }) => each);
}
