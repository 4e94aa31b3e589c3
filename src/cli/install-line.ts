import { existsSync } from 'node:fs';
import path from 'node:path';

interface PackageManager {
  lock: string;
  /** Adds what is for development. */
  add: string;
  /** Runs a program of the project's. */
  run: string;
}

const npm: PackageManager = { lock: 'package-lock.json', add: 'npm install --save-dev', run: 'npx' };
const managers: readonly PackageManager[] = [
  { lock: 'pnpm-lock.yaml', add: 'pnpm add --save-dev', run: 'pnpm exec' },
  { lock: 'yarn.lock', add: 'yarn add --dev', run: 'yarn' },
  npm,
];

/** A folder's package manager, by the lock file that is nearest above it; npm where there is none. */
export function packageManager(folder: string): PackageManager {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const found = managers.find(({ lock }) => existsSync(path.join(at, lock)));
    if (found !== undefined) return found;
    if (path.dirname(at) === at) return npm;
  }
}

/** The command that adds packages to a folder's project. */
export const installLine = (packages: readonly string[], folder: string): string =>
  `${packageManager(folder).add} ${packages.join(' ')}`;
