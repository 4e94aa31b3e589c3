import { Pool } from 'pg';

/** The database of DATABASE_URL: in a test, this worker's own. */
export function connect(): Pool {
  const pool = new Pool({ connectionString: process.env['DATABASE_URL'] });
  // an idle connection that the server closes: the pool takes another when it needs one, but without a listener Node.js ends
  pool.on('error', (error) => console.warn(error.message));
  return pool;
}
