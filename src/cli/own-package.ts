import { readFileSync } from 'node:fs';
import path from 'node:path';

interface OwnPackage {
  version: string;
  peerDependencies: Readonly<Record<string, string>>;
}

/** What package.json says of this package. */
export const ownPackage = (): OwnPackage =>
  JSON.parse(readFileSync(path.join(__dirname, '../../package.json'), 'utf8')) as OwnPackage;
