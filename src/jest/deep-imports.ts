import { join } from 'node:path';

/*
 * Modules within `@kubernetes/client-node`, such as `@kubernetes/client-node/dist/informer.js`, which Jest's sandbox cannot
 * load either. One file stands for all of them there; Jest keeps a module by its path, so each has a path of its own that
 * leads to that file.
 */

const isDeep = /^@kubernetes\/client-node\/dist\/./;
const folder = join(__dirname, 'sandbox');

/** The modules' own paths; of each, the path in the sandbox has as many `./` in it as there are before. */
const modules: string[] = [];

/** What an import of such a module leads to in the sandbox; undefined for any other import. */
export function deepImport(path: string, resolve: () => string): string | undefined {
  if (!isDeep.test(path)) return undefined;
  const file = resolve();
  if (!modules.includes(file)) modules.push(file);
  return `${folder}/${'./'.repeat(modules.indexOf(file))}deep.js`;
}

/** The module that a path in the sandbox stands for. */
export function deepModule(path: string): string {
  const file = modules[(path.length - `${folder}/deep.js`.length) / 2];
  if (file === undefined) throw new Error(`${path} stands for no module`);
  return file;
}
