import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { readPackage } from '../../config/index.js';

const names = ['js', 'ts', 'mjs', 'cjs', 'mts', 'cts', 'json'].map((extension) => `jest.config.${extension}`);

interface JestConfig {
  /** Absolute path; of package.json, where it is its key `jest`. */
  file: string;
  /** Whether it names jest-kubernetes: what it comes to, Jest alone knows. */
  isOurs: boolean;
}

/**
 * The configuration that a Jest of a folder takes: as Jest does, it looks upwards as far as the first package.json.
 * @throws JestKubernetesError CONFIG_INVALID where that is not JSON
 */
export function findJestConfig(folder: string): JestConfig | undefined {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const file = names.map((name) => path.join(at, name)).find((each) => existsSync(each));
    if (file !== undefined) return { file, isOurs: namesUs(readFileSync(file, 'utf8')) };
    const manifest = readPackage(at);
    if (manifest?.['jest'] !== undefined)
      return { file: path.join(at, 'package.json'), isOurs: namesUs(JSON.stringify(manifest['jest'])) };
    if (manifest !== undefined || path.dirname(at) === at) return undefined;
  }
}

const namesUs = (text: string): boolean => text.includes('jest-kubernetes');
