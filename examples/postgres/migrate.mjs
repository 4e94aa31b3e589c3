/** Applies what is new in migrations/ to the database of DATABASE_URL: in a test run, and where the shop is deployed. */
import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';

const folder = new URL('migrations/', import.meta.url);
const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
try {
  await client.query('CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY)');
  const { rows } = await client.query('SELECT name FROM migrations');
  const applied = new Set(rows.map(({ name }) => name));
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  for (const name of names.filter((each) => !applied.has(each))) {
    await client.query('BEGIN');
    await client.query(await readFile(new URL(name, folder), 'utf8'));
    await client.query('INSERT INTO migrations VALUES ($1)', [name]);
    await client.query('COMMIT');
    console.log(name);
  }
} finally {
  await client.end();
}
