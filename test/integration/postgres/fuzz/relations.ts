import { columns, type Maker } from './choice.js';

/** Schemas and what holds rows. */
export const relations = {
  schema: (c) => `CREATE SCHEMA ${c.of('s1', '"S 2"', 's3')}`,
  'schema dropped': (c) => `DROP SCHEMA ${c.of('s1', '"S 2"', 's3')} ${c.of('', 'CASCADE')}`,
  'schema owner': (c) => `ALTER SCHEMA ${c.schema} OWNER TO ${c.owner}`,
  'schema renamed': (c) => `ALTER SCHEMA ${c.of('s1', 's3')} RENAME TO ${c.of('s3', 's1')}`,
  'schema granted': (c) => `GRANT ${c.of('USAGE', 'CREATE')} ON SCHEMA ${c.schema} TO ${c.role}`,
  'schema revoked': (c) => `REVOKE ALL ON SCHEMA ${c.schema} FROM ${c.role}`,

  table: (c) => `CREATE ${c.of('', 'UNLOGGED ')}TABLE ${c.table} (${columns})`,
  'table of rows': (c) => `CREATE TABLE ${c.table} AS SELECT g AS id, g AS n FROM generate_series(1, 30) g`,
  'table, generated column': (c) =>
    `CREATE TABLE ${c.table} (${columns}, twice int GENERATED ALWAYS AS (n * 2) STORED)`,
  'table, always an identity': (c) =>
    `CREATE TABLE ${c.table} (id int GENERATED ALWAYS AS IDENTITY, n int, word text, b bytea, f float8, i interval, j jsonb, a int[])`,
  'table, serial': (c) => `CREATE TABLE ${c.table} (id serial PRIMARY KEY, n int, word text)`,
  'table, partitioned': (c) => `CREATE TABLE ${c.table} (id int, n int, word text) PARTITION BY RANGE (id); `,
  'table, partition': (c) =>
    `CREATE TABLE ${c.table} PARTITION OF ${c.parent} ${c.of('DEFAULT', 'FOR VALUES FROM (0) TO (100)', 'FOR VALUES FROM (200) TO (300)')}`,
  'table, child': (c) => `CREATE TABLE ${c.table} (more int) INHERITS (${c.table})`,
  'partition attached': (c) => `ALTER TABLE ${c.parent} ATTACH PARTITION ${c.whole} DEFAULT`,
  'partition detached': (c) => `ALTER TABLE ${c.parent} DETACH PARTITION ${c.partition}`,
  'table, partitioned otherwise': (c) =>
    `CREATE TABLE ${c.table} (id int, n int, word text) PARTITION BY ${c.of('LIST (n)', 'HASH (id)')}`,
  'table, partition otherwise': (c) =>
    `CREATE TABLE ${c.table} PARTITION OF ${c.of('"S 2".t3', c.table)} FOR VALUES ${c.of('IN (1, 2)', 'WITH (MODULUS 2, REMAINDER 0)')}`,
  'table like another': (c) => `CREATE TABLE ${c.table} (LIKE ${c.table} INCLUDING ALL)`,
  'table of a type': (c) => `CREATE TABLE ${c.table} OF ${c.type}`,
  'table of a type or not': (c) =>
    `ALTER TABLE ${c.of('"S 2".t2', c.table)} ${c.of('NOT OF', `OF ${c.of('public.c1', c.type)}`)}`,
  'table of an access method': (c) => `ALTER TABLE ${c.table} SET ACCESS METHOD ${c.of('heap', 'am1')}`,
  'table in a tablespace': (c) =>
    `ALTER ${c.of('TABLE', 'INDEX', 'MATERIALIZED VIEW')} ${c.of(c.table, c.materialized, 'public.i1', 'public.t1_pkey')} SET TABLESPACE ${c.of('fuzz_space', 'pg_default')}`,
  'partition attached to a range': (c) =>
    `ALTER TABLE ${c.parent} ATTACH PARTITION ${c.whole} FOR VALUES FROM (100) TO (200)`,
  'partition detached at leisure': (c) =>
    `ALTER TABLE ${c.parent} DETACH PARTITION ${c.partition} ${c.of('CONCURRENTLY', 'CONCURRENTLY', 'FINALIZE')}`,
  inheritance: (c) => `ALTER TABLE ${c.table} INHERIT ${c.table}`,
  'inheritance gone': (c) => `ALTER TABLE ${c.table} NO INHERIT ${c.table}`,
  'table dropped': (c) => `DROP TABLE ${c.table} ${c.of('', 'CASCADE')}`,
  'table renamed': (c) => `ALTER TABLE ${c.table} RENAME TO ${c.plain}`,
  'table moved': (c) => `ALTER TABLE ${c.table} SET SCHEMA ${c.schema}`,
  'table owner': (c) => `ALTER TABLE ${c.table} OWNER TO ${c.owner}`,
  'table logged': (c) => `ALTER TABLE ${c.table} SET ${c.of('LOGGED', 'UNLOGGED')}`,
  'table options': (c) =>
    `ALTER TABLE ${c.table} ${c.of('SET (fillfactor = 70)', 'RESET (fillfactor)', 'SET (autovacuum_enabled = false)', 'SET (toast.autovacuum_enabled = false)')}`,
  'replica identity': (c) => `ALTER TABLE ${c.table} REPLICA IDENTITY ${c.of('FULL', 'NOTHING', 'DEFAULT')}`,
  'row security': (c) =>
    `ALTER TABLE ${c.table} ${c.of('ENABLE', 'DISABLE', 'FORCE', 'NO FORCE')} ROW LEVEL SECURITY`,
  policy: (c) => `CREATE POLICY p${c.number(2)} ON ${c.table} USING (n > 0)`,
  'policy changed': (c) => `ALTER POLICY p${c.number(2)} ON ${c.table} TO ${c.role}`,
  'policy dropped': (c) => `DROP POLICY p${c.number(2)} ON ${c.table}`,
  'clustered on': (c) => `ALTER TABLE ${c.table} ${c.of('CLUSTER ON t1_pkey', 'SET WITHOUT CLUSTER')}`,

  column: (c) =>
    `ALTER TABLE ${c.table} ADD COLUMN added ${c.of('int', 'text DEFAULT 7', 'jsonb', 'timestamptz DEFAULT clock_timestamp()')}`,
  'column dropped': (c) => `ALTER TABLE ${c.table} DROP COLUMN ${c.column} ${c.of('', 'CASCADE')}`,
  'column renamed': (c) => `ALTER TABLE ${c.table} RENAME COLUMN ${c.column} TO ${c.column}`,
  'column type': (c) =>
    `ALTER TABLE ${c.table} ALTER COLUMN ${c.column} TYPE ${c.of('bigint', 'text', 'varchar(40)')}`,
  'column default': (c) => `ALTER TABLE ${c.table} ALTER COLUMN n ${c.of('SET DEFAULT 3', 'DROP DEFAULT')}`,
  'column not null': (c) => `ALTER TABLE ${c.table} ALTER COLUMN n ${c.of('SET', 'DROP')} NOT NULL`,
  'column statistics': (c) => `ALTER TABLE ${c.table} ALTER COLUMN n SET STATISTICS ${c.number()}`,
  'column storage': (c) =>
    `ALTER TABLE ${c.table} ALTER COLUMN word SET STORAGE ${c.of('PLAIN', 'EXTERNAL')}`,
  'column options': (c) => `ALTER TABLE ${c.table} ALTER COLUMN n SET (n_distinct = ${c.number()})`,
  'column identity': (c) =>
    `ALTER TABLE ${c.table} ALTER COLUMN id ${c.of('SET GENERATED ALWAYS', 'SET GENERATED BY DEFAULT', 'DROP IDENTITY', 'RESTART', 'RESTART WITH 500')}`,
  'column an identity': (c) =>
    `ALTER TABLE ${c.table} ALTER COLUMN n ADD GENERATED ${c.of('ALWAYS', 'BY DEFAULT')} AS IDENTITY (${c.of('START 7', 'CACHE 9')})`,
  'column compression': (c) =>
    `ALTER TABLE ${c.table} ALTER COLUMN word SET COMPRESSION ${c.of('pglz', 'lz4', 'default')}`,
  'column not generated any more': (c) =>
    `ALTER TABLE ${c.of('public.t2', c.table)} ALTER COLUMN twice DROP EXPRESSION`,
  'column revoked': (c) => `REVOKE SELECT (n) ON ${c.table} FROM ${c.role}`,
  'column granted': (c) => `GRANT SELECT (n) ON ${c.table} TO ${c.role}`,

  'check constraint': (c) =>
    `ALTER TABLE ${c.table} ADD CONSTRAINT c1 CHECK (n ${c.of('<> -1', '< 5')}) ${c.of('', 'NOT VALID')}`,
  'unique constraint': (c) =>
    `ALTER TABLE ${c.table} ADD CONSTRAINT c2 UNIQUE (id, n) ${c.of('', 'DEFERRABLE')}`,
  'foreign key': (c) =>
    `ALTER TABLE ${c.table} ADD CONSTRAINT c3 FOREIGN KEY (n) REFERENCES ${c.table} (id) ${c.of('', 'NOT VALID')} ${c.of('', 'DEFERRABLE INITIALLY DEFERRED', 'ON DELETE CASCADE')}`,
  exclusion: (c) => `ALTER TABLE ${c.table} ADD CONSTRAINT c4 EXCLUDE (word WITH =)`,
  'constraint validated': (c) => `ALTER TABLE ${c.table} VALIDATE CONSTRAINT c${c.number(3)}`,
  'constraint renamed': (c) => `ALTER TABLE ${c.table} RENAME CONSTRAINT c${c.number(3)} TO c${c.number(3)}`,
  'constraint deferred': (c) => `ALTER TABLE ${c.table} ALTER CONSTRAINT c3 DEFERRABLE`,
  'constraint dropped': (c) =>
    `ALTER TABLE ${c.of('public.t2', c.table)} DROP CONSTRAINT ${c.of('c1', 'c3', `c${c.number(4)}`)} ${c.of('', 'CASCADE')}`,

  index: (c) =>
    `CREATE ${c.of('', 'UNIQUE ')}INDEX ${c.of('', 'i1', 'i2')} ON ${c.table} ${c.of('(n)', '(word) WHERE n > 2', '(lower(word))', 'USING brin (at)', '(id) INCLUDE (n)', 'USING hash (n)')}`,
  'index made at leisure': (c) => `CREATE INDEX CONCURRENTLY i2 ON ${c.table} (n)`,
  'index anew at leisure': (c) =>
    `REINDEX ${c.of('TABLE', 'INDEX')} CONCURRENTLY ${c.of(c.table, 'public.i1', 'public.t1_pkey')}`,
  'index of a parent alone': (c) => `CREATE INDEX i1 ON ONLY ${c.table} (id)`,
  'index attached': (c) =>
    `ALTER INDEX ${c.of('public.i3', `${c.schema}.i1`)} ATTACH PARTITION ${c.of('s1.i4', `${c.schema}.i2`)}`,
  'index as a constraint': (c) =>
    `ALTER TABLE ${c.of('public.t2', c.table)} ADD CONSTRAINT c2 ${c.of('UNIQUE', 'PRIMARY KEY')} USING INDEX ${c.of('i1', 'i5')}`,
  'index dropped': (c) => `DROP INDEX ${c.schema}.${c.of('i1', 'i2', 't1_n_idx', 't2_n_idx')}`,
  'index renamed': (c) => `ALTER INDEX ${c.schema}.i1 RENAME TO i2`,
  'index options': (c) => `ALTER INDEX ${c.schema}.${c.of('i1', 't1_pkey')} SET (fillfactor = 60)`,
  'index statistics': (c) => `ALTER INDEX ${c.schema}.i1 ALTER COLUMN 1 SET STATISTICS ${c.number()}`,

  sequence: (c) =>
    `CREATE SEQUENCE ${c.sequence} ${c.of('', 'CACHE 10', 'CYCLE MAXVALUE 9', 'START 40 INCREMENT -2 MAXVALUE 50', 'AS smallint')}`,
  'sequence changed': (c) =>
    `ALTER SEQUENCE ${c.sequence} ${c.of('INCREMENT 3', 'RESTART', 'RESTART WITH 12', 'CACHE 5', 'MAXVALUE 100000')}`,
  'sequence logged': (c) => `ALTER SEQUENCE ${c.sequence} SET ${c.of('LOGGED', 'UNLOGGED')}`,
  'sequence moved': (c) => `ALTER SEQUENCE ${c.of('public.q1', c.sequence)} SET SCHEMA ${c.schema}`,
  'sequence renamed': (c) => `ALTER SEQUENCE ${c.sequence} RENAME TO q${c.number(2)}`,
  'sequence owner': (c) => `ALTER SEQUENCE ${c.sequence} OWNER TO ${c.owner}`,
  'sequence owned': (c) =>
    `ALTER SEQUENCE ${c.of('public.q1', c.sequence)} OWNED BY ${c.of('NONE', 'public.t1.n', `${c.table}.n`)}`,
  'sequence dropped': (c) => `DROP SEQUENCE ${c.sequence} ${c.of('', 'CASCADE')}`,
  'sequence granted': (c) => `GRANT USAGE ON SEQUENCE ${c.sequence} TO ${c.role}`,

  view: (c) =>
    `CREATE OR REPLACE VIEW ${c.view} AS SELECT ${c.of('id', 'id, n', 'count(*)')} FROM ${c.table} ${c.of('', 'GROUP BY id')}`,
  'view, recursive': (c) =>
    `CREATE RECURSIVE VIEW ${c.schema}.v2 (n) AS SELECT 1 UNION ALL SELECT n + 1 FROM v2 WHERE n < 3`,
  'view renamed': (c) => `ALTER VIEW ${c.view} RENAME TO v${c.number(2)}`,
  'view default': (c) => `ALTER VIEW ${c.view} ALTER COLUMN n ${c.of('SET DEFAULT 5', 'DROP DEFAULT')}`,
  'view rule': (c) => `CREATE OR REPLACE RULE r1 AS ON INSERT TO ${c.view} DO INSTEAD NOTHING`,
  'view trigger': (c) =>
    `CREATE TRIGGER g1 INSTEAD OF INSERT ON ${c.view} FOR EACH ROW EXECUTE FUNCTION public.refuse()`,
  'view dropped': (c) => `DROP VIEW ${c.view} ${c.of('', 'CASCADE')}`,
  'view options': (c) => `ALTER VIEW ${c.view} SET (security_barrier = ${c.of('true', 'false')})`,
  'materialized view': (c) =>
    `CREATE MATERIALIZED VIEW ${c.materialized} AS SELECT ${c.of('id, word', `n, 'x' AS word`, 'id, clock_timestamp() AS word', 'id, random() AS word')} FROM ${c.table} ${c.of('', 'WITH NO DATA')}`,
  'materialized view changed': (c) =>
    `ALTER MATERIALIZED VIEW ${c.materialized} ${c.of('RENAME TO m2', 'SET (fillfactor = 50)', 'ALTER COLUMN word SET STATISTICS 9', `SET SCHEMA ${c.schema}`, `OWNER TO ${c.owner}`)}`,
  'materialized view, each row once': (c) =>
    `CREATE UNIQUE INDEX ON ${c.of('public.m1', c.materialized)} (id)`,
  'materialized view anew at leisure': (c) =>
    `REFRESH MATERIALIZED VIEW CONCURRENTLY ${c.of('public.m1', c.materialized)}`,
  'materialized view indexed': (c) => `CREATE INDEX ON ${c.materialized} (word)`,
  'materialized view dropped': (c) => `DROP MATERIALIZED VIEW ${c.materialized} CASCADE`,
  rule: (c) =>
    `CREATE RULE r1 AS ON ${c.of('INSERT', 'DELETE', 'UPDATE')} TO ${c.table} DO ${c.of('ALSO', 'INSTEAD')} ${c.of('NOTHING', `DELETE FROM ${c.table} WHERE n < 0`)}`,
  'rule enabled': (c) =>
    `ALTER TABLE ${c.table} ${c.of('DISABLE', 'ENABLE ALWAYS', 'ENABLE REPLICA')} RULE r1`,
  'rule dropped': (c) => `DROP RULE r1 ON ${c.table}`,
  trigger: (c) =>
    `CREATE ${c.of('', 'OR REPLACE ')}TRIGGER g${c.number(2)} ${c.of('BEFORE', 'AFTER')} INSERT OR UPDATE OR DELETE ON ${c.table} FOR EACH ROW EXECUTE FUNCTION public.${c.of('log', 'refuse')}()`,
  'trigger enabled': (c) =>
    `ALTER TABLE ${c.table} ${c.of('DISABLE', 'ENABLE ALWAYS', 'ENABLE REPLICA', 'ENABLE')} TRIGGER ${c.of('ALL', 'g1', 'g2')}`,
  'trigger of a statement': (c) =>
    `CREATE TRIGGER g2 AFTER INSERT ON ${c.table} REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.log()`,
  'trigger of a constraint': (c) =>
    `CREATE CONSTRAINT TRIGGER g1 AFTER INSERT ON ${c.table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.log()`,
  'trigger renamed': (c) => `ALTER TRIGGER g1 ON ${c.table} RENAME TO g2`,
  'trigger dropped': (c) => `DROP TRIGGER g${c.number(2)} ON ${c.table}`,
  'event trigger': (c) =>
    `CREATE EVENT TRIGGER eg${c.number(2)} ON ${c.of('ddl_command_end', 'sql_drop', 'ddl_command_start')} EXECUTE FUNCTION public.log_ddl()`,
  'event trigger enabled': (c) =>
    `ALTER EVENT TRIGGER eg${c.number(2)} ${c.of('DISABLE', 'ENABLE ALWAYS', 'ENABLE')}`,
  'event trigger renamed': () => `ALTER EVENT TRIGGER eg1 RENAME TO eg2`,
  'event trigger dropped': (c) => `DROP EVENT TRIGGER eg${c.number(2)}`,
} as const satisfies Record<string, Maker>;
