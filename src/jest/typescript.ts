/** The preset's transform for TypeScript: ts-jest, loaded by the first TypeScript file, with defaults for a quiet first run. */
import type { SyncTransformer, TransformOptions } from '@jest/transform';

interface CompilerOptions {
  types?: string[];
}
interface TypeScript {
  version: string;
  sys: { fileExists(path: string): boolean; readFile(path: string): string | undefined };
  findConfigFile(folder: string, exists: (path: string) => boolean): string | undefined;
}

/**
 * What TypeScript says of a tsconfig.json that is right for a build, but not for Jest, which compiles one file at a time,
 * to CommonJS, and writes none.
 */
const ignoredDiagnostics = [
  1479, // an ESM-only package imported from CommonJS: that works here, natively
  5011, // outDir without rootDir
  151002, // ts-jest: module nodenext without isolatedModules
];
