import { readFileSync } from 'node:fs';

import { JestKubernetesError } from '../support/errors.js';
import { sha256 } from '../support/sha256.js';
import type { Hook, HookFunction } from './config.js';
import { readDefault } from './read-file.js';

/**
 * A hook's function, and a short digest of it: of its module's text, or of its own and its file's path.
 * @throws JestKubernetesError CONFIG_INVALID where its module cannot be loaded, or exports no function
 */
export async function readHook({ file, call }: Hook): Promise<{ call: HookFunction; digest: string }> {
  const digestOf = (text: string): string => sha256(`${file ?? ''}\n${text}`).slice(0, 12);
  if (call !== undefined) return { call, digest: digestOf(call.toString()) };
  if (file === undefined) throw new Error('a hook is a function or has a file');
  const loaded = await readDefault('hook', file);
  if (typeof loaded === 'function')
    return { call: loaded as HookFunction, digest: digestOf(readFileSync(file, 'utf8')) };
  throw new JestKubernetesError('CONFIG_INVALID', `The hook ${file} exports no function`, {
    remedy: /\.c[jt]s$/.test(file)
      ? 'Write module.exports = async (cluster) => { … }'
      : 'Write export default async (cluster) => { … }',
  });
}
