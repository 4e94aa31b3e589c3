/** Loaded when first needed, and outside Jest's sandbox, which would load them anew for every test file, or not at all. */
const load = process.getBuiltinModule('node:module').createRequire(__filename);

export const kubernetesClient = () =>
  load('@kubernetes/client-node') as typeof import('@kubernetes/client-node');
export const postgresClient = () => load('pg') as typeof import('pg');
export const logUpdate = () => load('log-update') as typeof import('log-update');
export const yaml = () => load('yaml') as typeof import('yaml');
export const processes = () => load('execa') as typeof import('execa');
export const jsonPaths = () => load('jsonpath-plus') as typeof import('jsonpath-plus');
export const tar = () => load('tar-fs') as TarFs;

/** What is used of tar-fs, whose types need a package of their own. */
interface TarFs {
  pack(
    folder: string,
    options: TarOptions & { entries: string[]; dereference: boolean },
  ): AsyncIterable<Buffer>;
  extract(
    folder: string,
    options: TarOptions & { chown: boolean },
  ): NodeJS.WritableStream & { destroy(): void };
}
interface TarOptions {
  map: (header: TarHeader) => TarHeader;
}
export interface TarHeader {
  name: string;
  type: string;
  linkname?: string;
  uid: number;
  gid: number;
}
