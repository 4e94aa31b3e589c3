import { deepImport, deepModule } from '../../../src/jest/deep-imports.js';

test('each module within the client library has a path of its own in the sandbox, always the same', () => {
  const shim = (file: string): string =>
    deepImport(`@kubernetes/client-node/dist/${file}`, () => `/node_modules/k8s/dist/${file}`) ?? '';
  const paths = ['a.js', 'b.js', 'c.js'].map(shim);
  expect(new Set(paths).size).toBe(3);
  expect(shim('b.js')).toBe(paths[1]);
  expect(paths.map(deepModule)).toEqual(
    ['a.js', 'b.js', 'c.js'].map((file) => `/node_modules/k8s/dist/${file}`),
  );
});

test.each([
  '@kubernetes/client-node',
  '@kubernetes/client-node/package.json',
  './dist/a.js',
  'client-node/dist/a.js',
])('%s is none', (path) => {
  expect(deepImport(path, () => 'found')).toBeUndefined();
});

test('one that is not there is told as ever', () => {
  const resolve = (): string => {
    throw new Error('Cannot find module');
  };
  expect(() => deepImport('@kubernetes/client-node/dist/none.js', resolve)).toThrow('Cannot find module');
  expect(() => deepModule('/elsewhere.js')).toThrow('/elsewhere.js stands for no module');
});
