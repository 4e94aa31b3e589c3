import { readingVariables } from '../../../src/jest/kube-config.js';

const names = ['KUBECONFIG', 'HOME', 'KUBERNETES_SERVICE_HOST'];
const seen = (): (string | undefined)[] => names.map((name) => process.env[name]);

function reading(variables: NodeJS.ProcessEnv | undefined) {
  class KubeConfig {
    found: (string | undefined)[] = [];
    loadFromDefault(): void {
      this.found = seen();
    }
    loadFromCluster(): void {
      throw new Error(String(process.env['KUBERNETES_SERVICE_HOST']));
    }
  }
  readingVariables(KubeConfig, () => variables);
  return new KubeConfig();
}

test('what is loaded by default is what the test’s own variables say, and this process’s stay', () => {
  const before = seen();
  const config = reading({ KUBECONFIG: '/of/the/test' });
  config.loadFromDefault();
  expect(config.found).toEqual(['/of/the/test', undefined, undefined]);
  expect(seen()).toEqual(before);
});

test('also where loading fails', () => {
  const before = seen();
  const config = reading({ KUBERNETES_SERVICE_HOST: 'host' });
  expect(() => {
    config.loadFromCluster();
  }).toThrow('host');
  expect(seen()).toEqual(before);
});

test('outside of a test file it is this process’s', () => {
  const config = reading(undefined);
  config.loadFromDefault();
  expect(config.found).toEqual(seen());
});
