/** Loaded when first needed, and outside Jest's sandbox: a wait in a test may ask for a cause too. */
const load = process.getBuiltinModule('node:module').createRequire(__filename);

export const kubernetesClient = () =>
  load('@kubernetes/client-node') as typeof import('@kubernetes/client-node');
export const processes = () => load('execa') as typeof import('execa');
export const yamlWriter = () => load('yaml') as typeof import('yaml');
