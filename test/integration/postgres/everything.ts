import { setTimeout as delay } from 'node:timers/promises';

import { withConnection } from '../../../src/postgres/connection.js';
import type { LocalServer } from './local-server.js';

/** Temporary tables, which pg_dump goes by in its order, go a moment after their connection. */
async function untilAlone(server: LocalServer, database: string): Promise<void> {
  const others = `SELECT FROM pg_stat_activity WHERE datname = $1`;
  await withConnection(server.address, undefined, async (client) => {
    while ((await client.query(others, [database])).rowCount !== 0) await delay(2);
  });
}

/** A dump whose rows are in an order of their own: where in its file a row lies is nobody's matter. */
function dumped(server: LocalServer, database: string): string[] {
  const lines = server.dump(database).split('\n');
  const sorted: string[] = [];
  let block: string[] | undefined;
  for (const line of lines) {
    if (block === undefined) {
      // PostgreSQL 15.14 and others: a random key in each dump
      if (!/^\\(un)?restrict /.test(line)) sorted.push(line);
      if (/^COPY .* FROM stdin;$/.test(line)) block = [];
    } else if (line === '\\.') {
      sorted.push(...block.sort(), line);
      block = undefined;
    } else block.push(line);
  }
  return sorted;
}

/** What pg_dump leaves out. */
async function contentsOfMaterializedViews({ address }: LocalServer, database: string): Promise<string[]> {
  return withConnection(address, database, async (client) => {
    const { rows: views } = await client.query<{ name: string }>(
      `SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'm' AND relispopulated ORDER BY 1`,
    );
    const contents: string[] = [];
    for (const { name } of views) {
      const { rows: found } = await client.query<{ row: string }>(
        `SELECT v::text AS row FROM ${name} v ORDER BY 1`,
      );
      contents.push(name, ...found.map(({ row }) => row));
    }
    return contents;
  });
}

/** All that a database holds, as lines. */
export async function everything(server: LocalServer, database: string): Promise<string[]> {
  await untilAlone(server, database);
  return [...dumped(server, database), ...(await contentsOfMaterializedViews(server, database))];
}

/** Lines that one has and the other has not. */
export function differences(before: readonly string[], after: readonly string[]): string[] {
  if (before.join('\n') === after.join('\n')) return [];
  const [had, has] = [new Set(before), new Set(after)];
  const lines = [
    ...before.filter((line) => !has.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !had.has(line)).map((line) => `+ ${line}`),
  ];
  const first = before.findIndex((line, n) => line !== after[n]);
  const place = [
    'in another order or number:',
    ...before.slice(first - 5, first + 5),
    'instead of which:',
    ...after.slice(first, first + 5),
  ];
  return (lines.length === 0 ? place : lines).map((line) => line.slice(0, 300));
}
