/** How the files of a project are written. */
export interface Style {
  /** package.json's "type". */
  isModule: boolean;
  isTypeScript: boolean;
}

const config = "{ preset: 'jest-kubernetes' }";

export const jestConfigText = ({ isModule }: Style): string =>
  isModule ? `export default ${config};\n` : `module.exports = ${config};\n`;

const imports = {
  import: `import { client, namespace } from 'jest-kubernetes';
import * as k8s from '@kubernetes/client-node';
`,
  require: `const { client, namespace } = require('jest-kubernetes');
const k8s = require('@kubernetes/client-node');
`,
} as const;

const tests = `
test('the cluster has a node', async () => {
  const { items } = await client(k8s.CoreV1Api).listNode();
  expect(items.length).toBeGreaterThan(0);
});

test('what a test makes is in a namespace of its own', async () => {
  const api = client(k8s.CoreV1Api);
  const own = await namespace(); // this test file's, gone at its end
  await api.createNamespacedConfigMap({
    namespace: own,
    body: { metadata: { name: 'greeting' }, data: { text: 'hello' } },
  });
  const { data } = await api.readNamespacedConfigMap({ namespace: own, name: 'greeting' });
  expect(data).toEqual({ text: 'hello' });
});
`;

export const testText = ({ isModule, isTypeScript }: Style): string =>
  imports[isModule || isTypeScript ? 'import' : 'require'] + tests;
