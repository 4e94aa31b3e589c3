/** TypeScript without its compiler: Node.js takes the types away, and Babel, Jest's own, makes CommonJS of the modules. */
import { stripTypeScriptTypes } from 'node:module';

import type { SyncTransformer, TransformOptions } from '@jest/transform';
import { createTransformer } from 'babel-jest';

import { JestKubernetesError, messageOf } from '../support/errors.js';

const own = { babelrc: false, configFile: false } as const;

/** For files that Jest runs as ES modules, and for all others. */
const asModule = createTransformer(own) as SyncTransformer;
const asCommonJs = createTransformer({
  ...own,
  plugins: [
    require.resolve('@babel/plugin-transform-modules-commonjs'),
    require.resolve('@babel/plugin-transform-dynamic-import'),
  ],
}) as SyncTransformer;

/**
 * Types are not checked: `tsc --noEmit` does that. What is more than types (`enum`, `namespace`, parameter properties) is
 * compiled; JSX is refused.
 */
export const stripping = {
  process: (source, path, options) => babelFor(options).process(javaScriptOf(source, path), path, options),
  getCacheKey: (source, path, options) =>
    babelFor(options).getCacheKey?.(`${process.version}\n${source}`, path, options) ?? '',
} satisfies SyncTransformer;

const babelFor = ({ supportsStaticESM }: TransformOptions): SyncTransformer =>
  supportsStaticESM ? asModule : asCommonJs;

function javaScriptOf(source: string, path: string): string {
  try {
    return quietly(() => stripTypeScriptTypes(source, { mode: 'strip' }));
  } catch (error) {
    if (codeOf(error) !== 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') throw refused(path, error);
  }
  try {
    return quietly(() =>
      stripTypeScriptTypes(source, { mode: 'transform', sourceMap: true, sourceUrl: path }),
    );
  } catch (error) {
    throw refused(path, error);
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Node.js says of it, in each worker, that it is experimental. */
function quietly<T>(work: () => T): T {
  const emitWarning: unknown = Reflect.get(process, 'emitWarning');
  process.emitWarning = () => undefined;
  try {
    return work();
  } finally {
    Reflect.set(process, 'emitWarning', emitWarning);
  }
}

function refused(path: string, error: unknown): JestKubernetesError {
  return new JestKubernetesError(
    'CONFIG_INVALID',
    `${path} is no TypeScript that Node.js can take the types of`,
    {
      evidence: messageOf(error).split('\n').slice(0, 6),
      remedy: path.endsWith('x')
        ? 'JSX needs a transform of your own for .tsx files, such as @swc/jest, or TypeScript 6.'
        : 'See what npx tsc --noEmit says of it.',
      cause: error,
    },
  );
}
