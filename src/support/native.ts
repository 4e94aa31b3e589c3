/** Loaded when first needed, and outside Jest's sandbox, which would load them anew for every test file, or not at all. */
const load = process.getBuiltinModule('node:module').createRequire(__filename);

export const kubernetesClient = () =>
  load('@kubernetes/client-node') as typeof import('@kubernetes/client-node');
export const postgresClient = () => load('pg') as typeof import('pg');
export const logUpdate = () => load('log-update') as typeof import('log-update');
export const yaml = () => load('yaml') as typeof import('yaml');
export const processes = () => load('execa') as typeof import('execa');
export const jsonPaths = () => load('jsonpath-plus') as typeof import('jsonpath-plus');
