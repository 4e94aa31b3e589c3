import { columns, type Maker } from './choice.js';

/** What a test does at every turn. */
export const rows = {
  insert: (c) =>
    `INSERT INTO ${c.table} (n, word) SELECT g, repeat('x', ${c.of(3, 3, 200, 9000)}) || g FROM generate_series(1, ${c.of(1, 3, 20, 3000)}) g`,
  'insert a number': (c) => `INSERT INTO ${c.table} (id, n) VALUES (${c.number(2000)}, ${c.number()})`,
  update: (c) => `UPDATE ${c.table} SET n = n + 1 WHERE id % ${c.number(5)} = 0`,
  'update a word': (c) => `UPDATE ${c.table} SET word = ${c.of('NULL', `'w'`, `word || '!'`)}`,
  delete: (c) => `DELETE FROM ${c.table} WHERE id % ${c.number(4)} = 0`,
  'delete and insert': (c) =>
    `WITH gone AS (DELETE FROM ${c.table} RETURNING n) INSERT INTO ${c.table} (n) SELECT n FROM gone`,
  truncate: (c) =>
    `TRUNCATE ${c.of('', 'ONLY ')}${c.table} ${c.of('', 'RESTART IDENTITY')} ${c.of('', 'CASCADE')}`,
  nextval: (c) => `SELECT nextval('${c.sequence}')`,
  setval: (c) => `SELECT setval('${c.sequence}', ${c.number()}, ${c.of('true', 'false')})`,
  refresh: (c) => `REFRESH MATERIALIZED VIEW ${c.materialized} ${c.of('', '', 'WITH NO DATA')}`,
  analyze: (c) => `ANALYZE ${c.of('', c.table)}`,
  vacuum: (c) => `VACUUM ${c.of('', 'FULL', 'FREEZE', 'ANALYZE')} ${c.table}`,
  reindex: (c) => `REINDEX TABLE ${c.table}`,
  cluster: (c) => `CLUSTER ${c.table}`,
  'temporary table': (c) => `CREATE TEMPORARY TABLE ${c.plain} (${columns})`,
  'temporary view': (c) => `CREATE TEMPORARY VIEW v9 AS SELECT * FROM ${c.table}`,
  'temporary function': () => `CREATE FUNCTION pg_temp.f9() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
  'temporary sequence': () => `CREATE TEMPORARY SEQUENCE q9 CACHE 3`,
  'temporary child': (c) => `CREATE TEMPORARY TABLE t8 () INHERITS (${c.table})`,
  'temporary rows': () => `CREATE TEMPORARY TABLE t7 ON COMMIT DROP AS SELECT 1 AS one`,
  'temporary type': () => `CREATE TYPE pg_temp.e9 AS ENUM ('one')`,
  'insert or update': (c) =>
    `INSERT INTO ${c.table} (id, n) VALUES (${c.number(20)}, 1) ON CONFLICT (id) DO UPDATE SET n = -7`,
  merge: (c) =>
    `MERGE INTO ${c.table} t USING (VALUES (${c.number(20)}, 2)) AS s (id, n) ON t.id = s.id
     WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, n) VALUES (s.id, s.n)`,
  copy: (c) => `COPY ${c.table} (n, word) FROM PROGRAM 'printf "1\\tx\\n2\\ty\\n"'`,
  'copy, frozen': (c) =>
    ((table) => `BEGIN; TRUNCATE ${table} CASCADE; COPY ${table} (n) FROM PROGRAM 'echo 1' (FREEZE); COMMIT`)(
      c.table,
    ),
  'truncate all': (c) =>
    `DO $$ BEGIN EXECUTE (SELECT 'TRUNCATE ' || string_agg(format('%I.%I', schemaname, tablename), ', ') || ' CASCADE'
     FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema'${c.of('', `, 'jest_kubernetes'`)})); END $$`,
  begin: (c) => `BEGIN ${c.of('', 'ISOLATION LEVEL SERIALIZABLE')}`,
  commit: (c) => c.of('COMMIT', 'COMMIT', 'ROLLBACK'),
  savepoint: () => 'SAVEPOINT s',
  'rows locked': (c) => `SELECT FROM ${c.table} FOR ${c.of('UPDATE', 'SHARE', 'KEY SHARE')}`,
  'advisory lock': (c) => `SELECT pg_try_advisory_lock(${c.number(3)})`,
  'prepared statement': (c) => `PREPARE s${c.number(2)} AS SELECT * FROM ${c.table}`,
  cursor: (c) => `DECLARE c${c.number(2)} CURSOR WITH HOLD FOR SELECT * FROM ${c.table}`,
  session: (c) =>
    c.of(
      'LISTEN news',
      'DISCARD ALL',
      'SET search_path = s1, public',
      'SET ROLE fuzz_one',
      'RESET ROLE',
      'SET session_replication_role = replica',
      'SET standard_conforming_strings = off',
    ),
  'large object truncated': (c) => `SELECT lo_truncate(lo_open(${c.largeObject}, 131072), 1)`,
  'large object': (c) =>
    `SELECT lo_from_bytea(${c.largeObject}, decode(repeat('ab', ${c.of(1, 5000)}), 'hex'))`,
  'large object write': (c) => `SELECT lo_put(${c.largeObject}, ${c.of(0, 3000)}, 'written')`,
  'large object unlink': (c) => `SELECT lo_unlink(${c.largeObject})`,
} as const satisfies Record<string, Maker>;
