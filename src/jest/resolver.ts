/**
 * The preset's resolver: TypeScript's `module: nodenext` asks that `sum.ts` is imported as `./sum.js`, the name that it
 * will be compiled to, which is not there in a test; and what is within the client library leads out of the sandbox.
 * Everything else is resolved as Jest does.
 */
import { deepImport } from './deep-imports.js';

interface ResolverOptions {
  defaultResolver(path: string, options: ResolverOptions): string;
}

/** The files that TypeScript would compile to this one; none where the path is not that of a JavaScript file. */
function sourcesOf(path: string): string[] {
  const compiled = /^(\.{1,2}\/.*\.)([cm]?)js(x?)$/.exec(path);
  if (compiled === null) return [];
  const [, stem = '', format = '', x = ''] = compiled;
  return [...(x === '' ? [`${stem}${format}ts`] : []), ...(format === '' ? [`${stem}tsx`] : [])];
}

function resolve(path: string, options: ResolverOptions): string {
  const deep = deepImport(path, () => options.defaultResolver(path, options));
  if (deep !== undefined) return deep;
  try {
    return options.defaultResolver(path, options);
  } catch (error) {
    for (const source of sourcesOf(path)) {
      try {
        return options.defaultResolver(source, options);
      } catch {
        // not there either: the next one, or the error for what was asked
      }
    }
    throw error;
  }
}

export = resolve;
