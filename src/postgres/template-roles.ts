import type { Client } from 'pg';

import { quoted, sqlState, sqlStateOf } from './connection.js';

/*
 * Roles are a server's, not a database's: what a template's scripts add of them stays when its database is dropped, and
 * the scripts could not run again. So the server knows which roles which template has added. Only who makes a template,
 * one at a time, reads and writes this.
 */

const table = `
  CREATE SCHEMA IF NOT EXISTS jest_kubernetes;
  CREATE TABLE IF NOT EXISTS jest_kubernetes.roles (template text PRIMARY KEY, newest oid NOT NULL, added oid[])`;

/** Before a template's scripts run; until `rolesAdded`, what is newer than the newest role is taken for theirs. */
export async function addsRoles(admin: Client, template: string): Promise<void> {
  await admin.query(table);
  await admin.query(
    `INSERT INTO jest_kubernetes.roles (template, newest) SELECT $1, max(oid) FROM pg_roles
     ON CONFLICT (template) DO UPDATE SET newest = excluded.newest, added = NULL`,
    [template],
  );
}

export async function rolesAdded(admin: Client, template: string): Promise<void> {
  await admin.query(
    `UPDATE jest_kubernetes.roles SET added = ARRAY(SELECT oid FROM pg_roles WHERE oid > newest) WHERE template = $1`,
    [template],
  );
}

/** Templates that have added roles, or were about to. */
export async function templatesWithRoles(admin: Client): Promise<string[]> {
  await admin.query(table);
  const { rows } = await admin.query<{ template: string }>('SELECT template FROM jest_kubernetes.roles');
  return rows.map(({ template }) => template);
}

/** Drops the roles that a template has added, whose databases are gone; those that others depend on stay. */
export async function dropRoles(admin: Client, template: string): Promise<void> {
  await admin.query(table);
  const { rows } = await admin.query<{ role: string }>(
    `SELECT rolname AS role FROM jest_kubernetes.roles r
     JOIN pg_roles ON CASE WHEN added IS NULL THEN pg_roles.oid > newest ELSE pg_roles.oid = ANY (added) END
     WHERE template = $1 AND NOT EXISTS (
       SELECT FROM jest_kubernetes.roles other WHERE other.template <> $1 AND pg_roles.oid = ANY (other.added)
     ) ORDER BY pg_roles.oid DESC`,
    [template],
  );
  for (const { role } of rows) {
    await admin.query(`DROP ROLE ${quoted(role)}`).catch((error: unknown) => {
      if (sqlStateOf(error) !== sqlState.dependedOn) throw error;
    });
  }
  await admin.query('DELETE FROM jest_kubernetes.roles WHERE template = $1', [template]);
}
