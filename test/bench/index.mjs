/**
 * The speeds that the project holds, as ratios and differences within one run: machines differ, and so do moments.
 *
 *   npm run bench [-- ROUNDS]     rounds of cluster creations, 2 if nothing is said; the medians count
 *
 * It prints figures and judges none: a slow day fails nobody.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { removeSnapshotsBesides, snapshotImages } from '../snapshot-images.mjs';
import { install } from '../packed/install.mjs';
import { projects, writeProject } from './projects.mjs';

const rounds = Number(process.argv[2] ?? 2);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error('usage: npm run bench [-- ROUNDS]');
  process.exit(2);
}

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'jest-kubernetes-bench-'));
const clusters = { bare: `bench-bare-${process.pid}`, ours: `bench-ours-${process.pid}` };
const node = `${clusters.bare}-control-plane`;
const nodeImage = process.env['JEST_KUBERNETES_NODE_IMAGE'];
const postgresImage = 'postgres:17-alpine';

const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(2)} s`;

/** Runs it, and says how long it took, in milliseconds. */
async function timed(title, work) {
  const start = performance.now();
  const end = (await work()) ?? performance.now();
  console.log(`  ${title.padEnd(58)} ${seconds(end - start)}`);
  return end - start;
}

const project = (name) => writeProject(name, folder);

async function jest(cwd, args = [], env = {}) {
  const script = join(folder, 'node_modules/jest/bin/jest.js');
  const { exitCode, all } = await execa(process.execPath, [...(env.NODE_FLAGS ?? []), script, ...args], {
    cwd,
    env: {
      ...process.env,
      CI: 'true',
      JEST_KUBERNETES_STATE_DIR: join(folder, 'state'),
      JEST_KUBERNETES_NAME: clusters.ours,
      JEST_KUBERNETES_SNAPSHOT: 'off',
      ...env.variables,
    },
    extendEnv: false,
    all: true,
    reject: false,
  });
  if (exitCode !== 0) throw new Error(`jest failed in ${cwd}:\n${all}`);
  return all;
}

/** Until the first line of the first test: the test writes down when that was. */
async function untilFirstTest(cwd, variables = {}) {
  const origin = performance.timeOrigin;
  await jest(cwd, ['--runInBand'], { variables });
  return Number(await readFile(join(cwd, 'first'), 'utf8')) - origin;
}

/** Of clusters from snapshots, in bytes. */
const disk = [];

async function makeSnapshot(cwd) {
  const script = join(folder, 'node_modules/jest-kubernetes/dist/cli/index.js');
  const env = { JEST_KUBERNETES_STATE_DIR: join(folder, 'state'), JEST_KUBERNETES_NAME: clusters.ours };
  await execa(process.execPath, [script, 'snapshot'], { cwd, env });
}

const cli = (...args) =>
  execa(process.execPath, [join(folder, 'node_modules/jest-kubernetes/dist/cli/index.js'), ...args], {
    env: { JEST_KUBERNETES_STATE_DIR: join(folder, 'state') },
    reject: false,
  });

/** As the packages of a monorepo do whose tests begin at once. */
const sixAtOnce = (title, cwd, variables) =>
  timed(title, async () => {
    await Promise.all(Array.from({ length: 6 }, () => jest(cwd, ['--runInBand'], { variables })));
  });

const units = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 };

/** What a node's container and its volumes take besides its image, in bytes. */
async function diskOf(container) {
  const inspect = ['inspect', '--size', '--format', '{{json .}}', container];
  const { SizeRw, Mounts } = JSON.parse((await execa('docker', inspect)).stdout);
  const list = ['system', 'df', '--verbose', '--format', '{{json .Volumes}}'];
  const volumes = JSON.parse((await execa('docker', list)).stdout);
  const own = volumes.filter((volume) => Mounts.some((mount) => mount.Name === volume.Name));
  const bytes = own.map(({ Size }) => {
    const [, figure, unit] = /^([\d.]+)(\w+)$/.exec(Size);
    return Number(figure) * units[unit];
  });
  return bytes.reduce((sum, each) => sum + each, SizeRw);
}

/** Until a run finds its cluster ready, which the run before has left on standby; before that, what this takes of the disk. */
async function fromStandby(cwd) {
  const variables = { JEST_KUBERNETES_SNAPSHOT: 'on', CI: '' };
  await jest(cwd, ['--runInBand'], { variables });
  const list = [
    'ps',
    '--quiet',
    '--filter',
    'status=paused',
    '--filter',
    `name=^${clusters.ours}-control-plane$`,
  ];
  const end = performance.now() + 120_000;
  while ((await execa('docker', list)).stdout === '') {
    if (performance.now() > end) throw new Error('no cluster is on standby after two minutes');
    await sleep(200);
  }
  disk.push(await diskOf(`${clusters.ours}-control-plane`));
  // in CI none is left for the next
  return timed('the same, from standby', () => untilFirstTest(cwd, { ...variables, CI: 'true' }));
}

const kind = await (async () => {
  await install(path('../e2e/fixtures/project'), folder);
  const { stdout } = await execa('node', [path('../e2e/support/kind-path.mjs'), folder]);
  return (...args) => execa(stdout, args, { env: { KUBECONFIG: join(folder, 'bare.kubeconfig') } });
})();

const inNode = (args, options = {}) =>
  execa(
    'docker',
    ['exec', '-i', node, 'kubectl', '--kubeconfig', '/etc/kubernetes/admin.conf', ...args],
    options,
  );

async function bare() {
  await kind(
    'create',
    'cluster',
    '--name',
    clusters.bare,
    '--wait',
    '5m',
    ...(nodeImage ? ['--image', nodeImage] : []),
  );
  while ((await inNode(['get', 'serviceaccount', 'default'], { reject: false })).exitCode !== 0);
}

/** What people write: one step after the other. */
async function script() {
  await bare();
  await execa('docker', ['pull', postgresImage]);
  await kind('load', 'docker-image', postgresImage, '--name', clusters.bare);
  await inNode(['apply', '-f', '-'], { input: projects.script['postgres.yaml'] });
  await inNode(['wait', '--for=condition=available', 'deployment/postgres', '--timeout=5m']);
  await inNode([
    'exec',
    'deployment/postgres',
    '--',
    'psql',
    '-U',
    'postgres',
    '-h',
    '127.0.0.1',
    '-c',
    'SELECT 1',
  ]);
}

const deleteBare = () => kind('delete', 'cluster', '--name', clusters.bare);

const results = [];
const record = (what, figure, limit, holds) => results.push({ what, figure, limit, holds });

const snapshotsBefore = await snapshotImages();
try {
  await execa('docker', ['pull', '--quiet', postgresImage]);
  // kind's own node image is known to kind alone
  if (nodeImage) await execa('docker', ['pull', '--quiet', nodeImage]);
  else await bare().then(deleteBare);

  console.log('\n8 test files that import @kubernetes/client-node, in band');
  const files = await project('client');
  const load = {};
  for (const [how, env] of Object.entries({
    'transformed, as other ESM-only packages are': { config: 'transformed.config.js' },
    'under --experimental-vm-modules': {
      config: 'modules.config.js',
      NODE_FLAGS: ['--experimental-vm-modules'],
    },
    'with the preset: loaded once': { config: 'preset.config.js', variables: { JEST_KUBERNETES: 'off' } },
  })) {
    const run = () => jest(files, ['--runInBand', '--config', env.config], env).then(() => undefined);
    await run(); // what Jest keeps between runs is there
    load[how] = median([await timed(how, run), await timed(how, run), await timed(how, run)]);
  }
  const [transformed, modules, once] = Object.values(load);
  record('client loaded once, of it transformed', once / transformed, '< 1', once < transformed);
  record('client loaded once, of it under --experimental-vm-modules', once / modules, '< 1', once < modules);

  console.log('\n8 test files that import jest-kubernetes and use none of it, in band');
  const imports = await project('imports');
  const took = { with: [], without: [] };
  const [first, later] = [[], []];
  // the first of each is for what Jest keeps between runs
  for (let round = 0; round < 4; round += 1) {
    for (const how of ['with', 'without']) {
      let output = '';
      const whole = await timed(`${how} the import`, async () => {
        const variables = { JEST_KUBERNETES: 'off' };
        output = await jest(imports, ['--runInBand', `/imports/${how}/`], { variables });
      });
      if (round === 0) continue;
      took[how].push(whole);
      const [cold, ...warm] = [...output.matchAll(/^IMPORT ([\d.]+)$/gm)].map(([, ms]) => Number(ms));
      if (how === 'with') (first.push(cold), later.push(median(warm)));
    }
  }
  const ofImports = median(took.with) / median(took.without);
  record('files that import it, of those that do not', ofImports, '≤ 1.10', ofImports <= 1.1);
  record('the first import of a worker, in ms', median(first), '≤ 10', median(first) <= 10);
  record('an import in a later file, in ms', median(later), '≤ 10', median(later) <= 10);

  console.log('\ncold starts, the images on the host');
  const times = { bare: [], script: [], first: [], query: [], snapshot: [], standby: [] };
  const [cold, query] = [await project('cold'), await project('postgres')];
  const standby = await project('standby');
  const fromSnapshot = { JEST_KUBERNETES_SNAPSHOT: 'on' };
  await timed('jest-kubernetes snapshot, once', () => makeSnapshot(query));
  for (let round = 1; round <= rounds; round += 1) {
    times.bare.push(await timed('kind create cluster --wait, and the default ServiceAccount', bare));
    await deleteBare();
    times.first.push(await timed('jest, to the first test', () => untilFirstTest(cold)));
    times.script.push(await timed('the sequential script, to the first query', script));
    await deleteBare();
    times.query.push(
      await timed('jest with postgres: true, to the first query', () => untilFirstTest(query)),
    );
    times.snapshot.push(await timed('the same, from a snapshot', () => untilFirstTest(query, fromSnapshot)));
    times.standby.push(await fromStandby(standby));
  }
  const booted = await sixAtOnce('six such packages at once', query, {});
  const cloned = await sixAtOnce('the same, from a snapshot', query, fromSnapshot);
  const ratio = (one, other) => median(one) / median(other);
  const holds = (what, value, limit) => record(what, value, `≤ ${limit.toFixed(2)}`, value <= limit);
  holds('to the first test, of a bare kind create', ratio(times.first, times.bare), 1.2);
  holds('to the first query, of a bare kind create', ratio(times.query, times.bare), 1.3);
  holds('to the first query, of the sequential script', ratio(times.query, times.script), 0.75);
  holds('from a snapshot, of a bare kind create', ratio(times.snapshot, times.bare), 0.45);
  holds('from a snapshot, of the sequential script', ratio(times.snapshot, times.script), 0.25);
  holds('six packages at once from a snapshot, of the same booted', cloned / booted, 1);
  record('disk of a cluster from a snapshot, in MB', median(disk) / 1e6, '≤ 150', median(disk) <= 150e6);
  record('from standby, in seconds', median(times.standby) / 1000, '≤ 2.00', median(times.standby) <= 2000);

  console.log('\na cluster that is kept');
  const joined = await project('join');
  await jest(joined, ['--runInBand'], { variables: { JEST_KUBERNETES_KEEP: 'always' } });
  const joining = [];
  for (let round = 0; round < 5; round += 1) {
    const off = { variables: { JEST_KUBERNETES: 'off' } };
    const without = await timed('the tests with JEST_KUBERNETES=off', () =>
      jest(joined, ['--runInBand'], off).then(() => undefined),
    );
    const on = { variables: { JEST_KUBERNETES_KEEP: 'always' } };
    const withIt = await timed('the same, joining', () =>
      jest(joined, ['--runInBand'], on).then(() => undefined),
    );
    joining.push(withIt - without);
  }
  record('joining adds, in seconds', median(joining) / 1000, '≤ 1.00', median(joining) <= 1000);

  const databases = await project('databases');
  const measured = await jest(databases, ['--runInBand'], { variables: { JEST_KUBERNETES_KEEP: 'always' } });
  for (const [, what, limit, list] of measured.matchAll(/BENCH (.*): limit (\d+): ([\d. ]+)/g)) {
    const value = median(list.trim().split(' ').map(Number));
    console.log(`  ${what.padEnd(58)} ${value.toFixed(0)} ms`);
    record(`${what}, in ms`, value, `≤ ${limit}`, value <= Number(limit));
  }
} finally {
  await deleteBare().catch(() => undefined);
  await cli('down', clusters.ours);
  await removeSnapshotsBesides(snapshotsBefore);
  await rm(folder, { recursive: true, force: true });
}

console.log('\n━━ what is held');
for (const { what, figure, limit, holds } of results) {
  console.log(`${holds ? '✓' : '✗'} ${what.padEnd(62)} ${figure.toFixed(2).padStart(8)}   ${limit}`);
}
