import type { Client } from 'pg';

import { quoted, sqlState, sqlStateOf } from './connection.js';
import { dropDatabase, ownComment } from './databases.js';

/*
 * Roles are a server's, not a database's, and so are other databases: what a template's scripts add of them stays when
 * its database is dropped, and the scripts could not run again. So the server knows which of them which template has
 * added. Only who makes a template, one at a time, reads and writes this.
 */

const table = `
  CREATE SCHEMA IF NOT EXISTS jest_kubernetes;
  CREATE TABLE IF NOT EXISTS jest_kubernetes.added (
    template text PRIMARY KEY, newest oid NOT NULL, roles oid[], newest_database oid NOT NULL, databases oid[]
  )`;

/** Those that are not ours. */
const databases = `pg_database WHERE datname !~ '^jk_'
  AND NOT starts_with(coalesce(shobj_description(pg_database.oid, 'pg_database'), ''), '${ownComment}')`;

/** Before a template's scripts run; until `noteAdded`, what is newer than the newest is taken for theirs. */
export async function beginAdding(admin: Client, template: string): Promise<void> {
  await admin.query(table);
  await admin.query(
    `INSERT INTO jest_kubernetes.added (template, newest, newest_database)
     SELECT $1, (SELECT max(oid) FROM pg_roles), (SELECT max(oid) FROM pg_database)
     ON CONFLICT (template) DO UPDATE SET newest = excluded.newest, roles = NULL,
       newest_database = excluded.newest_database, databases = NULL`,
    [template],
  );
}

export async function noteAdded(admin: Client, template: string): Promise<void> {
  await admin.query(
    `UPDATE jest_kubernetes.added SET roles = ARRAY(SELECT oid FROM pg_roles WHERE oid > newest),
       databases = ARRAY(SELECT oid FROM ${databases} AND oid > newest_database) WHERE template = $1`,
    [template],
  );
}

/** Templates that have added something, or were about to. */
export async function templatesThatAdd(admin: Client): Promise<string[]> {
  await admin.query(table);
  const { rows } = await admin.query<{ template: string }>('SELECT template FROM jest_kubernetes.added');
  return rows.map(({ template }) => template);
}

/** Drops what a template has added, whose own databases are gone; roles that others depend on stay. */
export async function dropAdded(admin: Client, template: string): Promise<void> {
  await admin.query(table);
  const { rows: found } = await admin.query<{ name: string }>(
    `SELECT datname AS name FROM jest_kubernetes.added, ${databases} AND template = $1
     AND CASE WHEN databases IS NULL THEN pg_database.oid > newest_database ELSE pg_database.oid = ANY (databases) END`,
    [template],
  );
  for (const { name } of found) await dropDatabase(admin, name);
  const { rows } = await admin.query<{ role: string }>(
    `SELECT rolname AS role FROM jest_kubernetes.added
     JOIN pg_roles ON CASE WHEN roles IS NULL THEN pg_roles.oid > newest ELSE pg_roles.oid = ANY (roles) END
     WHERE template = $1 AND NOT EXISTS (
       SELECT FROM jest_kubernetes.added other WHERE other.template <> $1 AND pg_roles.oid = ANY (other.roles)
     ) ORDER BY pg_roles.oid DESC`,
    [template],
  );
  for (const { role } of rows) {
    await admin.query(`DROP ROLE ${quoted(role)}`).catch((error: unknown) => {
      if (sqlStateOf(error) !== sqlState.dependedOn) throw error;
    });
  }
  await admin.query('DELETE FROM jest_kubernetes.added WHERE template = $1', [template]);
}
