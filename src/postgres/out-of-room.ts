import type { PostgresConfig } from '../config/index.js';

/** SQLSTATE 53100, and what programs say of it. */
const noRoom = /\b53100\b|No space left on device|could not (?:extend|write to) file/;

/** What helps where the server's files have no room, which in memory they soon have not; else undefined. */
export function roomRemedy(
  error: unknown,
  storage: PostgresConfig['storage'] = 'memory',
): string | undefined {
  const { code = '', message = String(error) } = (error ?? {}) as { code?: string; message?: string };
  if (!noRoom.test(`${code} ${message}`)) return undefined;
  return storage === 'memory'
    ? "PostgreSQL's files lie in the node's memory, of which they may take half: set postgres.storage to 'disk', or seed less; each worker's database is a copy of its own."
    : "The disk of the container engine is full: make room (docker system df), or seed less; each worker's database is a copy of its own.";
}
