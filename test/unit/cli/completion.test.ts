import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { execa } from 'execa';

import { commandFile, Place } from './command.js';

jest.setTimeout(60_000);

let place: Place;
let script: string;
beforeAll(async () => {
  place = new Place({}, "it's here");
  place.cluster('shop');
  place.cluster('shop-two');
  script = (await place.run(['completion', 'bash'])).stdout;
  const bin = path.join(place.parent, 'bin');
  mkdirSync(bin);
  const run = `exec '${process.execPath}' '${commandFile()}'`;
  const programs = {
    'jest-kubernetes': `${run} "$@"`,
    npx: `[ "$1" = jest-kubernetes ] || exit 1; shift; ${run} "$@"`,
  };
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(path.join(bin, name), 0o755);
  }
});

/** What a real bash has for the last of these words. */
async function completed(...words: string[]): Promise<string[]> {
  const ask = `eval "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _jest_kubernetes; printf '%s\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await execa('bash', ['--norc', '-c', ask, 'bash', script, ...words], {
    cwd: place.folder,
    env: {
      PATH: `${path.join(place.parent, 'bin')}:${process.env['PATH'] ?? ''}`,
      JEST_KUBERNETES_STATE_DIR: place.stateDir,
    },
  });
  return stdout.split('\n').filter((line) => line !== '');
}

test.each([
  [['do'], ['doctor', 'down']],
  [['--v'], ['--version']],
  [
    ['status', ''],
    ['--json', '--help'],
  ],
  [['status', 's'], []],
  [
    ['down', 'sh'],
    ['shop', 'shop-two'],
  ],
  [['down', '--a'], ['--all']],
  [['down', 'shop', '--f'], ['--force']],
  [
    ['kubectl', '--name', ''],
    ['shop', 'shop-two'],
  ],
  [
    ['kubectl', '--'],
    ['--name', '--help'],
  ],
  [
    ['completion', ''],
    ['--help', 'bash', 'zsh', 'fish'],
  ],
  [['cluster'], []],
])('bash completes %j with %j', async (words, expected) => {
  expect(await completed('jest-kubernetes', ...words)).toEqual(expected);
});

test('bash completes it after npx, and nothing else there', async () => {
  expect(await completed('npx', 'jest-kubernetes', 'down', 'shop-')).toEqual(['shop-two']);
  expect(await completed('npx', 'jest-kubernetes', 'do')).toEqual(['doctor', 'down']);
  expect(await completed('npx', 'other', 'do')).toEqual([]);
  expect(await completed('npx', 'do')).toEqual([]);
});

test('bash completes npx only where nobody else does', async () => {
  const owner = async (before: string): Promise<string> =>
    (await execa('bash', ['--norc', '-c', `${before}; eval "$1"; complete -p npx`, 'bash', script])).stdout;
  expect(await owner('true')).toContain('_jest_kubernetes npx');
  expect(await owner('complete -W theirs npx')).toBe("complete -W 'theirs' npx");
});

test.each(['zsh', 'fish'])('%s is told of every command, its options, and clusters', async (shell) => {
  const { status, stdout } = await place.run(['completion', shell]);
  expect(status).toBe(0);
  for (const each of ['doctor', 'kubectl', 'force', 'cluster-names', 'name'])
    expect(stdout).toMatch(new RegExp(`\\b${each}\\b`));
});

test.each([
  [['completion'], "missing required argument 'shell'"],
  [
    ['completion', 'tcsh'],
    "command-argument value 'tcsh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish",
  ],
])('%j is refused in one sentence', async (args, sentence) => {
  expect(await place.run(args)).toEqual({
    ...{ status: 2, stdout: '' },
    stderr: `jest-kubernetes: ${sentence}; see jest-kubernetes --help`,
  });
});
