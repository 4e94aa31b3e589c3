import { Pool } from 'pg';

/** The database of DATABASE_URL: in a test, this worker's own. */
export function connect(): Pool {
  return new Pool({ connectionString: process.env['DATABASE_URL'] });
}
