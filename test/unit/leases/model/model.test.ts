import { type Figures, history } from './history.js';

/*
 * Thousands of histories in `npm run simulate`, some hundred here. One that fails names its seed:
 * MODEL_SEED=<seed> runs it alone.
 */
const seed = Number(process.env['MODEL_SEED'] ?? Number.NaN);
const first = Number.isNaN(seed) ? 1 : seed;
const count = Number.isNaN(seed) ? Number(process.env['MODEL_HISTORIES'] ?? 300) : 1;

test('no two creations, no removal under a live lease, nothing done twice, nothing lost, nothing left', async () => {
  const all: Figures = { runs: 0, lives: 0, joins: 0, killed: 0, lost: 0, byWatchdogs: 0 };
  const problems: string[] = [];
  for (let each = first; each < first + count && problems.length < 20; each += 1) {
    const { problems: found, ...figures } = await history(each);
    problems.push(...found.map((problem) => `MODEL_SEED=${String(each)}: ${problem}`));
    for (const key of Object.keys(all) as (keyof Figures)[]) all[key] += figures[key];
  }
  process.stderr.write(`model: ${String(count)} histories, ${JSON.stringify(all)}\n`);
  expect(problems).toEqual([]);
  if (count < 100) return;
  // what the histories are about has happened
  for (const figure of Object.values(all)) expect(figure).toBeGreaterThan(count / 20);
}, 3_600_000);
