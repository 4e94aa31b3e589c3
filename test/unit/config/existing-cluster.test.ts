import path from 'node:path';

import { loadConfig } from '../../../src/config/index.js';
import { configured, shownOf } from './project.js';

/* Which existing cluster is meant, and with whom it is shared, must be said: no default of these is harmless. */

const kubeconfig = {
  'current-context': 'production',
  contexts: [{ name: 'production' }, { name: 'staging' }],
};
const project = (cluster: object): string =>
  configured({ cluster: { provider: 'existing', kubeconfig: 'kubeconfig', ...cluster } }, { kubeconfig });
const load = (cluster: object, env: NodeJS.ProcessEnv = {}) => loadConfig({ rootDir: project(cluster), env });
const refusal = async (cluster: object, env: NodeJS.ProcessEnv = {}): Promise<string[]> =>
  (await shownOf(load(cluster, env), '<none>')).split('\n').slice(1);

test('without a context it is refused, with why and with the contexts that there are', async () => {
  expect(await refusal({ name: 'shop' })).toEqual([
    expect.stringMatching(
      /^ {4}cluster\.context: it is missing; needed is the context to use, as the current one may be production \(there are production, staging; the current one is production\), or/,
    ),
  ]);
});

test('without a name it is refused, with why', async () => {
  expect(await refusal({ context: 'staging' })).toEqual([
    expect.stringMatching(
      /^ {4}cluster\.name: it is missing; .*every CI machine would have the same default/,
    ),
  ]);
});

test('both are told at once', async () => {
  expect(await refusal({})).toEqual([
    expect.stringContaining('cluster.context: it is missing'),
    expect.stringContaining('cluster.name: it is missing'),
  ]);
});

test('where no kubeconfig is found, that is said', async () => {
  expect(await refusal({ name: 'shop', kubeconfig: undefined }, { HOME: '/nowhere' })).toEqual([
    expect.stringContaining('(the kubeconfig has none)'),
  ]);
});

test('the variable of a name counts as one', async () => {
  const env = { JEST_KUBERNETES_NAME: 'shop-4711' };
  expect((await load({ context: 'staging' }, env)).cluster).toMatchObject({ name: 'shop-4711' });
});

describe('JEST_KUBERNETES_ALLOW_CONTEXT', () => {
  test('lets the current context be used where it is that very one', async () => {
    const env = { JEST_KUBERNETES_ALLOW_CONTEXT: 'production' };
    expect((await load({ name: 'shop' }, env)).cluster.context).toBe('production');
  });

  test('refuses every other one', async () => {
    expect(await refusal({ name: 'shop' }, { JEST_KUBERNETES_ALLOW_CONTEXT: 'minikube' })).toEqual([
      expect.stringContaining(
        'the current one is production), and JEST_KUBERNETES_ALLOW_CONTEXT allows minikube alone',
      ),
    ]);
  });

  test('may stand in .env, and says nothing where a context is named', async () => {
    const files = { kubeconfig, '.env': 'JEST_KUBERNETES_ALLOW_CONTEXT=production' };
    const cluster = { provider: 'existing', kubeconfig: 'kubeconfig', name: 'shop' };
    const contextOf = async (given: object): Promise<string | undefined> =>
      (await loadConfig({ rootDir: configured({ cluster: given }, files), env: {} })).cluster.context;
    expect(await contextOf(cluster)).toBe('production');
    expect(await contextOf({ ...cluster, context: 'staging' })).toBe('staging');
  });

  test('of several kubeconfigs the first current context counts, as for kubectl', async () => {
    const folder = configured(
      { cluster: { provider: 'existing', name: 'shop' } },
      {
        ...{
          one: { contexts: [{ name: 'a' }] },
          two: { 'current-context': 'a' },
          three: { 'current-context': 'b' },
        },
      },
    );
    const files = ['one', 'missing', 'two', 'three'].map((name) => path.join(folder, name));
    const env = { KUBECONFIG: files.join(path.delimiter), JEST_KUBERNETES_ALLOW_CONTEXT: 'a' };
    expect((await loadConfig({ rootDir: folder, env })).cluster.context).toBe('a');
  });
});
