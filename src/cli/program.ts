import { Argument, Command, CommanderError } from 'commander';

import { JestKubernetesError } from '../support/errors.js';
import { down, env, prune, snapshot, status, up } from './commands.js';
import { clusterNames, completion, type Shell, shells } from './completion/index.js';
import { doctor } from './doctor/index.js';
import { images } from './images.js';
import { init } from './init/index.js';
import { kubectl } from './kubectl.js';
import { logs } from './logs.js';
import { inOneSentence, misuse } from './misuse.js';
import { ownPackage } from './own-package.js';

const program = new Command('jest-kubernetes')
  .description('The clusters that jest-kubernetes makes: have one up while you work, see them, delete them')
  .version(ownPackage().version, '-v, --version', 'print the version of jest-kubernetes')
  .exitOverride()
  .configureOutput({ outputError: inOneSentence })
  // that an option is off until it is there goes without saying
  .configureHelp({ optionDescription: ({ description }) => description })
  .enablePositionalOptions();

program
  .command('init')
  .description('write a Jest config and a first test, beside what is there')
  .action(init);
program
  .command('doctor')
  .description('look at everything that a run needs, and say how to mend it; changes nothing')
  .option('--json', 'as JSON', false)
  .action(doctor);
program
  .command('up')
  .description('create the cluster that the tests of this folder use, and keep it')
  .action(up);
program
  .command('down')
  .description('delete a cluster, kept or not')
  .argument('[name]', 'default: the one that the tests of this folder use')
  .option('--all', 'every cluster of the state directory', false)
  .option('--force', 'even when a run uses it now', false)
  .action((name: string | undefined, options: Parameters<typeof down>[1]) => {
    if (options.all && name !== undefined) throw misuse('--all goes without a name');
    return down(name, options);
  });
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
  .command('kubectl')
  .usage('[--name <name>] -- <args...>')
  .description('run kubectl, found or fetched, with a cluster’s kubeconfig: kubectl -- get pods')
  .argument('[args...]', 'what kubectl is given')
  .option('--name <name>', 'the cluster; default: the one that the tests of this folder use')
  .passThroughOptions()
  .action(kubectl);
program
  .command('logs')
  .description('write down all that can be seen of a cluster that is up, and print where')
  .argument('[name]', 'default: the one that the tests of this folder use')
  .action(logs);
program
  .command('images')
  .description('print the node image and the images that the tests of this folder pull')
  .option('--json', 'as JSON', false)
  .action(images);
program
  .command('prune')
  .description('delete what runs that died have left behind')
  .option('--json', 'as JSON', false)
  .action(prune);
program
  .command('completion')
  .description('print what makes a shell complete: eval "$(npx jest-kubernetes completion bash)"')
  .addArgument(new Argument('<shell>').choices(shells))
  .action((shell: Shell) => {
    completion(program, shell);
  });
// what completion asks
program.command('cluster-names', { hidden: true }).action(clusterNames);

program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    // commander has printed it; help and version are no misuse
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    return;
  }
  process.exitCode = 1;
  console.error(error instanceof JestKubernetesError ? error.format() : error);
});
