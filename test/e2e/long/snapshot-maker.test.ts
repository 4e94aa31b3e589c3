import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { execa } from 'execa';

import { type Installation, installation, nothing, type Project, until } from '../support/project.js';
import { images, on, originals, removeThoseBesides } from '../support/snapshot-images.js';

let installed: Installation;
beforeAll(async () => {
  installed = await installation();
}, 180_000);
afterAll(() => installed.remove(), 60_000);

/** There is a snapshot, and the next run's cluster is to be on standby. */
async function standsBy(project: Project, env: NodeJS.ProcessEnv): Promise<void> {
  writeFileSync(
    path.join(project.folder, 'jest-kubernetes.config.json'),
    JSON.stringify({ images: ['busybox'], cluster: { standby: true } }),
  );
  const node = `${project.cluster}-control-plane`;
  const state = async (): Promise<string> =>
    (await execa('docker', ['inspect', '--format', '{{.State.Status}}', node], { reject: false })).stdout;
  const isPaused = async (): Promise<boolean> => (await state()) === 'paused';
  const isGone = async (): Promise<boolean> => Object.values(await installed.remains()).flat().length === 0;
  const run = async (given: NodeJS.ProcessEnv): Promise<string> => {
    const { output, status } = await project.run([], given);
    expect({ output, status }).toMatchObject({ status: 0 });
    return output;
  };

  expect(await run(env)).toContain('starting from the snapshot');
  await until('the next one is paused', isPaused, 120_000);
  expect((await project.cli(['status'], env)).output).toContain(`${project.cluster}  ready, on standby`);
  expect(await run(env)).toContain(`takes the cluster ${project.cluster}, which was on standby`);

  await until('the next one is paused', isPaused, 120_000);
  const { stdout: pid } = await execa('pgrep', ['-f', `standby/main.js ${installed.stateDir}`]);
  process.kill(Number(pid), 'SIGKILL');
  await until('nothing is left of one whose process is killed', isGone, 60_000);

  await run(env);
  await until('the next one is paused', isPaused, 120_000);
  expect(await project.cli(['down'], env)).toMatchObject({ status: 0 });
  await until('nothing is left of one that is taken down', isGone, 60_000);

  await run(env);
  await until('the next one is paused', isPaused, 120_000);
  // in CI none is left for the next
  expect(await run({ ...env, CI: 'true' })).toContain('which was on standby');
  expect(await installed.remains()).toEqual(nothing);
}

test('after a run whose cluster was booted, a snapshot is made in the background, and the next run starts from it', async () => {
  const files = {
    'one.test.js': 'test("passes", () => undefined);\n',
    // a key that no other test has
    'jest-kubernetes.config.json': JSON.stringify({ images: ['busybox'] }),
  };
  const [project, other] = [installed.project('auto', files), installed.project('other', files)];
  const byHand = { ...on, CI: '' };
  const before = await images();
  const isMade = async (): Promise<boolean> => (await originals()).length > 0;
  const nothingIsLeft = async (): Promise<boolean> =>
    (await originals()).length === 0 && JSON.stringify(await installed.remains()) === JSON.stringify(nothing);
  try {
    const first = await project.run([], byHand);
    expect(first.output).toContain('a snapshot of such a cluster is made in the background');
    expect(first).toMatchObject({ status: 0 });

    await until('a snapshot is being made', isMade, 120_000);
    const disturbing = other.start([], { JEST_KUBERNETES_SNAPSHOT: 'off' });
    await until('the machine is the run’s', async () => !(await isMade()), 60_000);
    expect(disturbing.child.exitCode).toBeNull();
    expect(await disturbing.ended).toMatchObject({ status: 0 });

    await until('it is being made again', isMade, 120_000);
    const { stdout: pid } = await execa('pgrep', ['-f', `snapshot-maker/main.js ${installed.stateDir}`]);
    process.kill(Number(pid), 'SIGKILL');
    await until('nothing is left of one that is killed', nothingIsLeft, 120_000);
    expect(await images()).toEqual(before);

    const second = await project.run([], byHand);
    expect(second.output).not.toContain('starting from the snapshot');
    await until('the snapshot is made', async () => (await images()).length > before.length, 600_000);
    await until('its maker has gone', nothingIsLeft, 120_000);

    const third = await project.run([], byHand);
    expect(third.output).toContain('starting from the snapshot');
    expect(third).toMatchObject({ status: 0 });
    expect(third.output).not.toContain('is made in the background');
    expect(await installed.remains()).toEqual(nothing);

    await standsBy(project, byHand);
  } finally {
    await removeThoseBesides(before);
  }
}, 1_800_000);

test('a maker that is killed leaves nothing', async () => {
  const project = installed.project('killed', {
    'jest-kubernetes.config.json': JSON.stringify({ images: ['busybox'] }),
  });
  const before = await images();
  const maker = project.startCli(['snapshot'], on);
  await maker.prints('make the snapshot', 300_000);
  process.kill(maker.pid, 'SIGKILL');
  const isEmpty = async (): Promise<boolean> =>
    (await originals()).length === 0 && (await installed.remains()).clusters.length === 0;
  await until('nothing is left of the maker', isEmpty, 180_000);
  expect(await images()).toEqual(before);
}, 600_000);
