import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { configured, natively, project, shownOf } from './project.js';

const native = natively();
const { loadConfig, loadRunConfig, readHook } = native;

test('hooks are functions and paths, one or a list, and paths start from the configuration’s folder', async () => {
  const folder = project({
    'jest-kubernetes.config.mjs': `
      export default { setup: ['hooks/a.ts', (cluster) => cluster.name], eachRun: 'hooks/b.cjs' };`,
    'hooks/a.ts': 'export default (cluster: { name: string }): string => `a ${cluster.name}`;',
    'hooks/b.cjs': "module.exports = () => 'b';",
  });
  const { setup, eachRun, file } = await loadConfig({ rootDir: folder, env: {}, forRun: false });
  expect(setup.map((hook) => hook.file)).toEqual([path.join(folder, 'hooks/a.ts'), file]);
  const cluster = { name: 'shop', kubeconfig: '', context: '', env: {} };
  const called = await Promise.all(
    [...setup, ...eachRun].map(async (hook) => (await readHook(hook)).call(cluster)),
  );
  expect(called).toEqual(['a shop', 'shop', 'b']);
});

test('a module’s digest is that of its text', async () => {
  const folder = configured({ setup: 'hook.mjs' }, { 'hook.mjs': 'export default () => 1;' });
  const { setup } = await loadConfig({ rootDir: folder, env: {} });
  const digest = async (): Promise<string> =>
    (await Promise.all(setup.map(readHook))).map((hook) => hook.digest).join();
  const before = await digest();
  expect(before).toMatch(/^[0-9a-f]{12}$/);
  expect(await digest()).toBe(before);
  writeFileSync(path.join(folder, 'hook.mjs'), 'export default () => 2;');
  expect(await digest()).not.toBe(before);
});

describe('what is wrong with a hook’s module is told before anything is made', () => {
  test.each([
    ['is not there', {}, 'eachRun: <folder>/hook.mjs is not there'],
    ['fails', { 'hook.mjs': '\nthrow new Error("broken");' }, '<folder>/hook.mjs:2: broken'],
    [
      'exports no function',
      { 'hook.mjs': 'export default { env: {} };' },
      'Write export default async (cluster) => { … }',
    ],
  ])('%s', async (_what, files, line) => {
    const folder = configured({ eachRun: 'hook.mjs' }, files);
    const env = { JEST_KUBERNETES_STATE_DIR: path.join(folder, 'state') };
    expect(await shownOf(loadRunConfig([folder], env, { forRun: true }), folder)).toContain(line);
  });
});

test('what has changed since is read anew: the configuration, what it imports, and hooks', async () => {
  const { readChangedModules } = native;
  const folder = project({
    'jest-kubernetes.config.ts':
      "import { keep } from './shared.ts';\nexport default { keep, setup: './hook.cjs' };",
    'shared.ts': "export const keep: string = 'never';",
    'hook.cjs': "module.exports = () => require('./word.cjs');",
    'word.cjs': "module.exports = 'one';",
  });
  const now = async (): Promise<unknown[]> => {
    readChangedModules();
    const { keep, setup } = await loadConfig({ rootDir: folder, env: {} });
    const [hook] = await Promise.all(setup.map(readHook));
    return [keep, hook?.call({ name: '', kubeconfig: '', context: '', env: {} })];
  };
  expect(await now()).toEqual(['never', 'one']);
  writeFileSync(path.join(folder, 'shared.ts'), "export const keep: string = 'always'; // now");
  expect(await now()).toEqual(['always', 'one']);
  writeFileSync(path.join(folder, 'hook.cjs'), "module.exports = () => 'of ' + require('./word.cjs');");
  expect(await now()).toEqual(['always', 'of one']);
  writeFileSync(path.join(folder, 'word.cjs'), "module.exports = 'another';");
  // a module that is only required when the hook is called is as it was then
  expect(await now()).toEqual(['always', expect.stringMatching(/^of (one|another)$/)]);
});
