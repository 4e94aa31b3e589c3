import { identifyProcess, standingOf } from '../../support/process-identity.js';
import { describeHolder, type Holder, type Removal } from './state.js';

/** This process, on behalf of a run. */
export function holderOf(runId: string, command = commandLine()): Holder {
  const process_ = identifyProcess(process.pid);
  if (process_ === undefined) throw new Error('this process cannot find itself');
  return { runId, process: process_, cwd: process.cwd(), command, since: new Date().toISOString() };
}

/** Whether nobody here can know that it lives: an existing cluster tells of all machines, a folder of this one. */
export const isUnseen = (
  holder: Holder,
  { provider = 'kind' }: { provider?: Removal['provider'] | undefined },
): boolean => provider === 'kind' && standingOf(holder.process) === 'elsewhere';

/** One that stands in the way; of one that may stand there for ever, what a person can do. */
export const describeInTheWay = (
  holder: Holder,
  cluster: { name: string; provider?: Removal['provider'] | undefined },
): string =>
  describeHolder(holder) +
  (isUnseen(holder, cluster)
    ? `: it cannot be seen from here; should it be gone for good: npx jest-kubernetes down ${cluster.name} --force`
    : '');

const commandLine = () => process.argv.slice(1).map(lastPart).join(' ').slice(0, 200) || 'node';
/** `jest` of `/shop/node_modules/jest/bin/jest.js`. */
const lastPart = (argument: string) =>
  argument.slice(argument.lastIndexOf('/') + 1).replace(/^(jest|jest-kubernetes)\.js$/, '$1');
