/**
 * Runs examples/postgres in a terminal (tmux), as `npm run demo` does, and keeps what stands on its screen at the end in
 * docs/pictures/run.ansi. The pictures are made from that by `npm run docs:generate`.
 *
 *   node test/rig/with.mjs node test/docs/record.mjs
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';

import { install } from '../packed/install.mjs';
import { root } from './natively.mjs';

const columns = 110;
const session = 'run';
/** How long the run may take, in milliseconds. */
const patience = 5 * 60 * 1000;

const parent = await mkdtemp(join(tmpdir(), 'jest-kubernetes-picture-'));
const socket = join(parent, 'tmux');
const tmux = (...args) => {
  const { status, stdout, stderr } = spawnSync('tmux', ['-S', socket, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`tmux ${args.join(' ')}: ${stderr}`);
  return stdout;
};
const asked = (format) => tmux('display-message', '-p', '-t', session, format).trim();

try {
  const folder = await install(join(root, 'examples/postgres'), join(parent, 'shop'));
  const jest = [process.execPath, join(folder, 'node_modules/jest/bin/jest.js')];
  // a person's terminal, whatever this is run from
  const env = [
    '-u',
    'CI',
    '-u',
    'GITHUB_ACTIONS',
    '-u',
    'NO_COLOR',
    'JEST_KUBERNETES_NAME=docs-shop',
    'JEST_KUBERNETES_SNAPSHOT=off',
  ];
  const size = ['-x', String(columns), '-y', '60'];
  tmux(
    '-f',
    '/dev/null',
    'start-server',
    ';',
    'set-option',
    '-g',
    'remain-on-exit',
    'on',
    ';',
    ...['new-session', '-d', '-s', session, ...size, '-c', folder, 'env', ...env, ...jest],
  );
  const end = performance.now() + patience;
  while (asked('#{pane_dead}') !== '1') {
    if (performance.now() > end) throw new Error('the run has not ended');
    await pause(500);
  }
  // from its beginning: tmux says at the end, in a line of its own, that nothing runs there any more
  const screen = tmux('capture-pane', '-e', '-J', '-p', '-S', '-', '-t', session);
  // tmux may not have learnt its status yet
  if (!/^Tests: +\d+ passed, \d+ total$/m.test(stripVTControlCharacters(screen)))
    throw new Error(`the run failed:\n${screen}`);
  const text = screen
    .replace(/^.*Pane is dead.*$/m, '')
    .replace(/ +$/gm, '')
    .trim();
  await writeFile(join(root, 'docs/pictures/run.ansi'), `${text}\n`);
  console.log(text);
} finally {
  spawnSync('tmux', ['-S', socket, 'kill-server']);
  await rm(parent, { recursive: true, force: true });
}
