/**
 * The package as its users have it: packed once, installed into a copy of an example or fixture.
 *
 *   node test/packed/install.mjs FOLDER TARGET     prints TARGET, ready for `npx jest`
 *
 * TEST_JEST=29 has that Jest in the place of the one that FOLDER asks for.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cache = join(root, 'node_modules/.cache/packed');
/** All that the packed package is made from. */
const SOURCES = [
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'jest-preset.js',
  'jest-preset.d.ts',
  'schema.json',
  'README.md',
  'LICENSE',
  'src',
];

/** Runs a command; its output is shown only when it fails. */
function run(command, args, cwd) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', failed);
    child.on('close', (status) => {
      if (status === 0) done();
      else failed(new Error(`${command} ${args.join(' ')} failed in ${cwd}:\n${output}`));
    });
  });
}

async function filesBelow(path) {
  const entries = await readdir(join(root, path), { recursive: true, withFileTypes: true }).catch((error) => {
    if (error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (entries === undefined) return [path];
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length));
}

/** Puts a finished folder in its place; where another process was faster, both hold the same. */
function keep(fresh, kept) {
  return rename(fresh, kept).catch(() => rm(fresh, { recursive: true }));
}

/** The packed package's path, a name for its content in it; it is built only when a source has changed. */
export async function pack() {
  const sources = SOURCES.filter((path) => existsSync(join(root, path)));
  const hash = createHash('sha256');
  for (const file of (await Promise.all(sources.map(filesBelow))).flat().sort()) {
    hash.update(`${file}\0`).update(await readFile(join(root, file)));
  }
  const kept = join(cache, hash.digest('hex').slice(0, 16));
  const tarball = async () =>
    join(
      kept,
      (await readdir(kept)).find((name) => name.endsWith('.tgz')),
    );
  if (existsSync(kept)) return tarball();

  // in a copy: tests that run at the same time would build into one another's dist
  const stage = await mkdtemp(join(tmpdir(), 'jest-kubernetes-pack-'));
  try {
    for (const path of sources) await cp(join(root, path), join(stage, path), { recursive: true });
    await symlink(join(root, 'node_modules'), join(stage, 'node_modules'));
    await mkdir(cache, { recursive: true });
    const packed = await mkdtemp(join(cache, 'new-'));
    await run('npm', ['pack', '--pack-destination', packed], stage);
    await keep(packed, kept);
    return await tarball();
  } finally {
    await rm(stage, { recursive: true });
  }
}

/** Removes what was kept before today: every change of a source makes another. */
async function forgetOld() {
  const oldest = Date.now() - 24 * 60 * 60_000;
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    if ((await stat(path)).mtimeMs < oldest) await rm(path, { recursive: true, force: true });
  }
}

/** A folder with the packed package and a package.json's dependencies installed, kept for the next time. */
async function installed(manifest) {
  const tarball = await pack();
  const { TEST_JEST } = process.env;
  const jest = TEST_JEST ? [`jest@${TEST_JEST}`, `@types/jest@${TEST_JEST}`] : [];
  const key = createHash('sha256')
    .update(`${[process.version, tarball, ...jest].join('\0')}\0`)
    .update(await readFile(manifest));
  const kept = join(cache, `installed-${key.digest('hex').slice(0, 16)}`);
  if (existsSync(kept)) return kept;
  const fresh = await mkdtemp(join(cache, 'new-'));
  await cp(manifest, join(fresh, 'package.json'));
  const options = ['--save-dev', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock'];
  await run('npm', ['install', tarball, ...jest, ...options], fresh);
  await keep(fresh, kept);
  await forgetOld();
  return kept;
}

/**
 * Copies a folder and installs the packed package and the folder's own dependencies into the copy.
 * The first time takes npm half a minute; as long as neither changes, further copies take a second.
 * @returns the copy's absolute path
 */
export async function install(folder, target) {
  const [from, to] = [resolve(folder), resolve(target)];
  await cp(from, to, { recursive: true, filter: (path) => !path.startsWith(join(from, 'node_modules')) });
  const source = await installed(join(from, 'package.json'));
  await cp(join(source, 'package.json'), join(to, 'package.json'));
  const modules = [join(source, 'node_modules'), join(to, 'node_modules')];
  // as hard links where the system can, which costs no disk
  await run('cp', ['-al', ...modules], to).catch(async () => {
    await rm(modules[1], { recursive: true, force: true });
    await cp(...modules, { recursive: true, verbatimSymlinks: true });
  });
  return to;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, target] = process.argv.slice(2);
  if (target === undefined) {
    console.error('usage: node test/packed/install.mjs FOLDER TARGET');
    process.exit(2);
  }
  console.log(await install(folder, target));
}
