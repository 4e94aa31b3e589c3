/**
 * The preset's transform for TypeScript: ts-jest, loaded by the first TypeScript file, with defaults for a quiet first run;
 * with TypeScript 7, which ts-jest cannot use, types are taken away without being checked. With options of the user's own
 * it is `jest-kubernetes/typescript`.
 */
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';

import type { SyncTransformer, TransformOptions } from '@jest/transform';
import type TypeScript from 'typescript';

import { JestKubernetesError } from '../support/errors.js';
import type * as StripTypes from './strip-types.js';

const requireLater = createRequire(__filename);

/**
 * What TypeScript says of a tsconfig.json that is right for a build, but not for Jest, which compiles file by file to
 * CommonJS and writes nothing. Type errors in tests are reported as ever.
 */
const ignoredDiagnostics = [
  1479, // an ESM-only package imported from CommonJS: that works here, natively
  5011, // outDir without rootDir
  151001, // ts-jest: esModuleInterop is not set (TypeScript 6 has it by default)
  151002, // ts-jest: module nodenext without isolatedModules
];

/** What is put over the user's compiler options, or takes their place where there is no tsconfig.json. */
function compilerOptions(ts: typeof TypeScript, rootDir: string): TypeScript.CompilerOptions {
  // TypeScript 6 has no types by default, `describe` and `process` among them; '*' is how it was before
  const types = Number.parseInt(ts.version) >= 6 ? { types: ['*'] } : {};
  const path = ts.findConfigFile(rootDir, (file) => ts.sys.fileExists(file));
  if (path === undefined) {
    return {
      ...types,
      strict: true,
      esModuleInterop: true,
      skipLibCheck: true,
      target: 'es2022' as never,
      module: 'esnext' as never,
      // the default of TypeScript 6; before, packages were not found with module esnext
      moduleResolution: 'bundler' as never,
    };
  }
  const host: TypeScript.ParseConfigHost = {
    useCaseSensitiveFileNames: ts.sys.useCaseSensitiveFileNames,
    fileExists: (file) => ts.sys.fileExists(file),
    readFile: (file) => ts.sys.readFile(file),
    // only the options are wanted, not every file of the project
    readDirectory: () => [],
  };
  const { config } = ts.readConfigFile(path, (file) => host.readFile(file)) as { config?: object };
  const { options } = ts.parseJsonConfigFileContent(config ?? {}, host, dirname(path));
  return options.types === undefined ? types : {};
}

/** ts-jest's own; of those that are here more is known. */
interface TypeScriptOptions {
  /** The path of a tsconfig.json, from Jest's rootDir; or compiler options, over those of tsconfig.json. */
  tsconfig?: string | boolean | object;
  diagnostics?: boolean | { ignoreCodes?: readonly (number | string)[] };
}

/** The user's options, over the defaults. */
function optionsFor(ts: typeof TypeScript, rootDir: string, given: TypeScriptOptions): object {
  const { tsconfig, diagnostics } = given;
  const ownDiagnostics = typeof diagnostics === 'object' ? diagnostics : {};
  return {
    // takes effect for files that Jest runs as ES modules, and no others
    useESM: true,
    ...given,
    tsconfig:
      typeof tsconfig === 'string'
        ? resolve(rootDir, tsconfig.replace(/^<rootDir>\/?/, './'))
        : typeof tsconfig === 'boolean'
          ? tsconfig
          : { ...compilerOptions(ts, rootDir), ...tsconfig },
    diagnostics: diagnostics !== false && {
      ...ownDiagnostics,
      ignoreCodes: [...ignoredDiagnostics, ...(ownDiagnostics.ignoreCodes ?? [])],
    },
  };
}

/** TypeScript 7 has no compiler that JavaScript can call; ts-jest needs one. */
const isCallable = (ts: Partial<typeof TypeScript>): boolean => ts.findConfigFile !== undefined;

function createTransformer(rootDir: string, options: TypeScriptOptions): SyncTransformer {
  const tsJestPath = requireLater.resolve('ts-jest');
  let ts: typeof TypeScript;
  try {
    ts = createRequire(tsJestPath)('typescript') as typeof TypeScript;
  } catch (cause) {
    throw new JestKubernetesError(
      'CONFIG_INVALID',
      'Cannot find the package typescript, which a test in TypeScript needs',
      {
        remedy: 'npm i -D typescript, or bring a transform of your own for .ts files',
        cause,
      },
    );
  }
  if (!isCallable(ts)) return (requireLater('./strip-types.js') as typeof StripTypes).stripping;
  const { default: tsJest } = requireLater(tsJestPath) as {
    default: { createTransformer(options: object): SyncTransformer };
  };
  return tsJest.createTransformer(optionsFor(ts, rootDir, options));
}

const transformers = new Map<string, SyncTransformer>();

function transformerFor({
  config: { rootDir },
  transformerConfig,
}: TransformOptions<TypeScriptOptions>): SyncTransformer {
  const key = JSON.stringify([rootDir, transformerConfig]);
  const known = transformers.get(key);
  if (known !== undefined) return known;
  const made = createTransformer(rootDir, transformerConfig);
  transformers.set(key, made);
  return made;
}

type Transformer = Required<SyncTransformer<TypeScriptOptions>>;

const process: Transformer['process'] = (source, path, options) =>
  transformerFor(options).process(source, path, options);

const processAsync: Transformer['processAsync'] = (source, path, options) => {
  const transformer = transformerFor(options);
  return (
    transformer.processAsync?.(source, path, options) ??
    Promise.resolve(transformer.process(source, path, options))
  );
};

const getCacheKey: Transformer['getCacheKey'] = (source, path, options) =>
  transformerFor(options).getCacheKey?.(source, path, options) ?? '';

const getCacheKeyAsync: Transformer['getCacheKeyAsync'] = (source, path, options) => {
  const transformer = transformerFor(options);
  return (
    transformer.getCacheKeyAsync?.(source, path, options) ??
    Promise.resolve(transformer.getCacheKey?.(source, path, options) ?? '')
  );
};

// by their names alone, so that Node.js finds them where an ES module imports one
export = { process, processAsync, getCacheKey, getCacheKeyAsync };
