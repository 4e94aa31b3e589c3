import { setTimeout as delay } from 'node:timers/promises';

import type { Client } from 'pg';

import type { Progress } from '../report/index.js';
import { type PostgresAddress, withConnection } from './connection.js';

const interval = 1000;

/**
 * Does work that others do with the server, who may say nothing for long (one CREATE INDEX, a silent migration): tells
 * for them what the server does, which counts as progress while it really does it. A connection that waits for a lock,
 * or for its client, stands still, and is what is waited for.
 */
export async function withPulse<T>(
  address: PostgresAddress,
  progress: Progress,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const pulse = withConnection(address, undefined, (client) => feel(client, progress, done.signal)).catch(
    // without it the limits are what they are
    () => undefined,
  );
  try {
    return await work();
  } finally {
    done.abort();
    await pulse;
  }
}

async function feel(client: Client, progress: Progress, signal: AbortSignal): Promise<void> {
  let before = new Map<string, string>();
  for (;;) {
    await delay(interval, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const { rows } = await client.query<{ pid: string; what: string; worked: string }>(connections);
    const news = rows.filter(({ pid, worked }) => before.get(pid) !== worked);
    before = new Map(rows.map(({ pid, worked }) => [pid, worked]));
    const [first] = news.length > 0 ? news : rows;
    if (first !== undefined) progress.waitingFor(`PostgreSQL, ${first.what}`);
    if (news.length > 0) progress.moved();
  }
}

/**
 * To databases that are being made, not those of tests; what the kernel says of the time that each has taken, as a statement of an hour does
 * not change in pg_stat_activity.
 */
const connections = String.raw`
  SELECT pid::text, concat_ws(' ', xact_start, query_start, state_change, (
      SELECT array_to_string((regexp_split_to_array(regexp_replace(stat, '^.*\) ', ''), ' '))[8:13], ' ')
      FROM pg_read_file('/proc/' || pid || '/stat', 0, 4096, true) stat
    )) AS worked,
    concat_ws(' ', 'connection', pid, 'of', datname,
      CASE WHEN wait_event_type = 'Lock'
        THEN concat('which waits for a lock of connection ', array_to_string(pg_blocking_pids(pid), ', '))
        ELSE concat('(', state, ')') END ||
      concat(': ', regexp_replace(left(query, 80), '\s+', ' ', 'g'))) AS what
  FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND datname <> current_database()
    AND datname !~ '^jk_[a-z0-9]+_[0-9]+$'
  ORDER BY state = 'active' DESC, query_start DESC`;
