import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { existingContext } from '../../../src/cluster/existing/kubeconfig.js';

const folder = mkdtempSync(join(tmpdir(), 'jest-kubernetes-context-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const kubeconfig = join(folder, 'config');
const context = (name: string) => ({ name, context: { cluster: 'c', user: 'u' } });
const write = (current: string | undefined): void => {
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      ...(current === undefined ? {} : { 'current-context': current }),
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:6443' } }],
      users: [{ name: 'u', user: {} }],
      contexts: [context('production'), context('minikube')],
    }),
  );
};
const taken = (wanted: string | undefined, env: NodeJS.ProcessEnv = {}): string =>
  existingContext({ kubeconfig, context: wanted }, env).name;

test('the current context is not taken by itself: it may be production', () => {
  write('production');
  expect(() => taken(undefined)).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: "cluster.context is asked for with provider 'existing': the current context may be production",
      evidence: [
        'the current context is production',
        `read: ${kubeconfig}`,
        'contexts in it: production, minikube',
      ],
    }) as Error,
  );
});

test('one that is named is taken, whichever is current', () => {
  write('production');
  expect(taken('minikube')).toBe('minikube');
});

test('on a laptop the current one is taken where it is allowed by name, and no other', () => {
  write('minikube');
  const env = { JEST_KUBERNETES_ALLOW_CONTEXT: 'minikube' };
  expect(taken(undefined, env)).toBe('minikube');
  write('production');
  expect(() => taken(undefined, env)).toThrow('The current context is not the one that is allowed, minikube');
  write(undefined);
  expect(() => taken(undefined, env)).toThrow('not the one that is allowed');
});
