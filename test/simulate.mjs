/**
 * The simulations of shared clusters at length; `npm test` runs a share of each.
 *
 *   npm run simulate [-- HISTORIES]     default: 10000, and as many rounds of real processes
 *
 * MODEL_SEED=<seed> runs the one history that a failure names.
 */
import { spawn } from 'node:child_process';

const [count = '10000'] = process.argv.slice(2);
const child = spawn(
  'npx',
  ['jest', 'test/unit/leases/model', 'test/integration/leases/simulation', '--runInBand', '--silent=false'],
  {
    stdio: 'inherit',
    env: { MODEL_HISTORIES: count, SIMULATION_ROUNDS: count, ...process.env },
  },
);
child.on('close', (status) => {
  process.exitCode = status ?? 1;
});
