import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { socketOf } from '../runtime/index.js';

/**
 * The same engine by an address that stays what it is when it is read as a URL, as testcontainers reads it: of a socket
 * whose path has a space or an é, that makes a file that is not there. A link to it, then, for as long as this process
 * lives.
 */
export function urlSafe(address: string): string {
  const socket = socketOf(address);
  if (socket === undefined || isSafe(socket)) return address;
  const folder = mkdtempSync(path.join(isSafe(tmpdir()) ? tmpdir() : '/tmp', 'jest-kubernetes-engine-'));
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  const link = path.join(folder, 'docker.sock');
  symlinkSync(socket, link);
  return `unix://${link}`;
}

const isSafe = (file: string): boolean => new URL(`unix://${file}`).pathname === file;
