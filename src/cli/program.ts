import { Command, CommanderError } from 'commander';

import { JestKubernetesError } from '../support/errors.js';
import { down, env, prune, snapshot, status, up } from './commands.js';

const program = new Command('jest-kubernetes')
  .description('The clusters that jest-kubernetes makes: have one up while you work, see them, delete them')
  .exitOverride()
  .configureHelp({ showGlobalOptions: true });

program
  .command('up')
  .description('create the cluster that the tests of this folder use, and keep it')
  .action(up);
program
  .command('down')
  .description('delete a cluster, kept or not')
  .argument('[name]', 'default: the one that the tests of this folder use')
  .option('--force', 'even when a run uses it now', false)
  .action(down);
program
  .command('status')
  .description('show the clusters and who uses them')
  .option('--json', 'as JSON', false)
  .action(status);
program
  .command('env')
  .description('print what makes this shell use a cluster: eval "$(npx jest-kubernetes env)"')
  .argument('[name]', 'default: the one that the tests of this folder use')
  .option('--json', 'as JSON', false)
  .action(env);
program
  .command('snapshot')
  .description(
    'make what the tests of this folder start from, in seconds, now rather than after their next run',
  )
  .action(snapshot);
program
  .command('prune')
  .description('delete what runs that died have left behind')
  .option('--json', 'as JSON', false)
  .action(prune);

program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    // commander has printed it; help and version are no misuse
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    return;
  }
  process.exitCode = 1;
  console.error(error instanceof JestKubernetesError ? error.format() : error);
});
