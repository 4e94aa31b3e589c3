/**
 * Makes sure of a browser of Chromium's kind: one that is there, by CHROME_BIN or its usual names, else, on a Debian
 * machine, Debian's own.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const answers = (command) =>
  spawnSync(command, ['--version'], { encoding: 'utf8', timeout: 30_000 }).status === 0;

function install() {
  const isDebian = /^ID="?debian"?$/m.test(readFileSync('/etc/os-release', 'utf8'));
  if (!isDebian || process.getuid?.() !== 0) return 'it can be installed here only by hand';
  process.stderr.write('there is no browser: installing Debian’s chromium\n');
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium'],
  ]) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const { status, stderr } = spawnSync('apt-get', args, { encoding: 'utf8', env });
    if (status !== 0) return `apt-get ${args[0]}: ${stderr.trim().split('\n').at(-1)}`;
  }
  return undefined;
}

/**
 * @returns the command of a browser
 * @throws where there is none, and none can be had: what needs one cannot be tested, and says so
 */
export function browser() {
  const { CHROME_BIN } = process.env;
  const find = () => [CHROME_BIN, ...names].find((command) => command && answers(command));
  const found = find();
  if (found !== undefined) return found;
  let why;
  try {
    why = install();
  } catch (error) {
    why = error.message;
  }
  const installed = find();
  if (installed !== undefined) return installed;
  throw new Error(
    `There is no browser (${names.join(', ')}), and a page cannot be looked at without one${why ? `: ${why}` : ''}. Install Chromium or Chrome, or name one by CHROME_BIN.`,
  );
}

console.log(browser());
