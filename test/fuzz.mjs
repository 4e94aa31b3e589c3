/**
 * The reset of databases under random statements, at length; `npm test` runs a handful.
 *
 *   npm run fuzz [-- ROUNDS]     default: 100, of other statements each time; about four minutes
 *
 * FUZZ_SEED=<seed> FUZZ_ROUNDS=1 runs the round that a failure names, FUZZ_IMAGE=postgres:17-alpine
 * takes another PostgreSQL than the machine's own.
 */
import { spawn } from 'node:child_process';

const [count = '100'] = process.argv.slice(2);
const child = spawn(
  'npx',
  ['jest', 'test/integration/postgres/reset-fuzz', '--selectProjects', 'integration', '--silent=false'],
  {
    stdio: 'inherit',
    env: { FUZZ_SEED: String(Math.floor(Math.random() * 2 ** 31)), FUZZ_ROUNDS: count, ...process.env },
  },
);
child.on('close', (status) => {
  process.exitCode = status ?? 1;
});
