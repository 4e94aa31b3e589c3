/**
 * The end-to-end tests whose clusters start from snapshots, where they start from none else.
 *
 *   npm run test:snapshots [-- FILE...]     all of them if nothing is said, but those of the snapshots themselves
 *
 * The two snapshots that most of them can start from are made first, and stay no longer than the tests. Its last line says how
 * many tests passed and failed in all.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { removeSnapshotsBesides, snapshotImages } from './snapshot-images.mjs';
import { figures, jestScript } from './npm-script.mjs';
import { install } from './packed/install.mjs';
import { ensure, orEnd } from './rig/ensure.mjs';

Object.assign(process.env, await orEnd(ensure()));
const folder = await mkdtemp(join(tmpdir(), 'jest-kubernetes-snapshots-'));

process.on('SIGINT', () => {}); // the terminal tells the children itself
const before = await snapshotImages();
try {
  await install(new URL('e2e/fixtures/project', import.meta.url).pathname, folder);
  for (const config of ['{ "images": [] }', '{ "postgres": true }']) {
    console.log(`\n━━ a snapshot for ${config}`);
    await writeFile(join(folder, 'jest-kubernetes.config.json'), config);
    await execa(
      process.execPath,
      [join(folder, 'node_modules/jest-kubernetes/dist/cli/index.js'), 'snapshot'],
      {
        cwd: folder,
        env: { ...process.env, JEST_KUBERNETES_STATE_DIR: join(folder, 'state') },
        stdio: 'inherit',
      },
    );
  }
  const asked = process.argv.slice(2);
  const args = asked.length > 0 ? asked : ['--testPathIgnorePatterns', 'snapshot(-maker)?.test'];
  const result = await jestScript('test:e2e', args, { ...process.env, TEST_SNAPSHOT: 'on', TEST_E2E: 'all' });
  process.exitCode = result.ok ? 0 : 1;
  console.log(`\n${figures(result)}`);
} finally {
  await removeSnapshotsBesides(before);
  await rm(folder, { recursive: true, force: true });
}
