import type { Maker } from './choice.js';

/** What else comes, changes and goes, and whose it is. */
export const others = {
  function: (c) =>
    `CREATE OR REPLACE FUNCTION ${c.function}(a int) RETURNS int LANGUAGE sql ${c.of('', 'IMMUTABLE')} AS 'SELECT ${c.number()}'`,
  'function about a table': (c) => {
    const { table } = c;
    return `CREATE FUNCTION ${c.function}() RETURNS SETOF ${table} LANGUAGE sql AS 'SELECT * FROM ${table}' ROWS 3`;
  },
  'function changed': (c) =>
    `ALTER FUNCTION ${c.function}(int) ${c.of('STRICT', 'SECURITY DEFINER', 'COST 7', `SET search_path = 'public'`, 'RENAME TO f2')}`,
  'function dropped': (c) => `DROP FUNCTION ${c.function}(int) ${c.of('', 'CASCADE')}`,
  'function granted': (c) =>
    `${c.of('GRANT EXECUTE ON FUNCTION', 'REVOKE EXECUTE ON FUNCTION')} ${c.function}(int) ${c.of('TO', 'FROM')} ${c.role}`,
  'function of PostgreSQL granted': (c) =>
    `${c.of('GRANT EXECUTE', 'GRANT ALL')} ON FUNCTION pg_catalog.pg_ls_dir(text) TO ${c.role}`,
  'column by a function': (c) => `ALTER TABLE ${c.table} ALTER COLUMN n SET DEFAULT ${c.function}(1)`,
  procedure: (c) => `CREATE PROCEDURE ${c.function}(a text) LANGUAGE sql AS 'SELECT 1'`,
  aggregate: (c) => `CREATE AGGREGATE ${c.other}(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')`,
  operator: (c) => `CREATE OPERATOR ${c.schema}.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)`,
  'operator dropped': (c) => `DROP OPERATOR ${c.of('public', c.schema)}.=== (int, int) CASCADE`,
  'operator class': (c) =>
    `CREATE OPERATOR CLASS ${c.other} FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 btint4cmp(int, int)`,
  'operator family': (c) => `CREATE OPERATOR FAMILY ${c.other} USING hash`,
  'operator family changed': (c) =>
    `ALTER OPERATOR FAMILY ${c.other} USING ${c.of('hash', 'btree')} OWNER TO ${c.owner}`,
  'aggregate dropped': (c) => `DROP AGGREGATE ${c.other}(int)`,
  'operator changed': (c) =>
    `ALTER OPERATOR ${c.of('public', c.schema)}.=== (int, int) SET (RESTRICT = eqsel)`,
  'operator class dropped': (c) => `DROP OPERATOR CLASS ${c.of('public.x1', c.other)} USING btree`,
  'operator family filled': (c) =>
    `ALTER OPERATOR FAMILY ${c.other} USING hash ${c.of('ADD OPERATOR 1 = (int, int), FUNCTION 1 (int, int) hashint4(int)', 'DROP OPERATOR 1 (int, int)')}`,
  transform: () =>
    `CREATE TRANSFORM FOR int LANGUAGE plpgsql (FROM SQL WITH FUNCTION pg_catalog.prsd_lextype(internal))`,
  'transform dropped': () => `DROP TRANSFORM FOR int LANGUAGE plpgsql`,
  'cast dropped': (c) => `DROP CAST (${c.of('public.e1', c.type)} AS int)`,
  cast: (c) => `CREATE CAST (${c.type} AS int) WITH INOUT`,
  enum: (c) => `CREATE TYPE ${c.type} AS ENUM ('one', 'two')`,
  'enum value': (c) =>
    `ALTER TYPE ${c.type} ${c.of(`ADD VALUE 'three'`, `ADD VALUE 'zero' BEFORE 'one'`, `RENAME VALUE 'one' TO 'eins'`)}`,
  domain: (c) => `CREATE DOMAIN ${c.type} AS int CHECK (VALUE > 0)`,
  'domain changed': (c) =>
    `ALTER DOMAIN ${c.type} ${c.of('SET DEFAULT 4', 'SET NOT NULL', 'ADD CONSTRAINT most CHECK (VALUE < 1000) NOT VALID', 'DROP CONSTRAINT most')}`,
  composite: (c) => `CREATE TYPE ${c.type} AS (a int, b text)`,
  'composite changed': (c) => `ALTER TYPE ${c.of('public.c1', c.type)} ADD ATTRIBUTE d int CASCADE`,
  range: (c) => `CREATE TYPE ${c.type} AS RANGE (SUBTYPE = int)`,
  'shell type': (c) => `CREATE TYPE ${c.other}`,
  'type renamed': (c) => `ALTER TYPE ${c.type} RENAME TO e${c.number(2)}`,
  'type moved': (c) => `ALTER TYPE ${c.type} SET SCHEMA ${c.schema}`,
  'composite shortened': (c) => `ALTER TYPE ${c.type} DROP ATTRIBUTE b CASCADE`,
  'column of a type': (c) => `ALTER TABLE ${c.table} ADD COLUMN doc ${c.type}`,
  'type dropped': (c) => `DROP TYPE ${c.type} ${c.of('', 'CASCADE')}`,
  'type granted': (c) => `REVOKE USAGE ON TYPE ${c.type} FROM ${c.role}`,
  'type owner': (c) => `ALTER TYPE ${c.type} OWNER TO ${c.owner}`,
  collation: (c) => `CREATE COLLATION ${c.other} (LOCALE = 'C')`,
  'collation dropped': (c) => `DROP COLLATION ${c.other}`,
  conversion: (c) => `CREATE CONVERSION ${c.other} FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8`,
  'text search configuration': (c) =>
    `CREATE TEXT SEARCH CONFIGURATION ${c.other} (COPY = pg_catalog.english)`,
  'text search configuration changed': (c) =>
    `ALTER TEXT SEARCH CONFIGURATION ${c.other} ${c.of('DROP MAPPING FOR int', 'ALTER MAPPING FOR asciiword WITH simple')}`,
  'text search dictionary': (c) => `CREATE TEXT SEARCH DICTIONARY ${c.other} (TEMPLATE = simple)`,
  'text search dictionary changed': (c) =>
    `ALTER TEXT SEARCH DICTIONARY ${c.other} (ACCEPT = ${c.of('true', 'false')})`,
  'text search parser': (c) =>
    `CREATE TEXT SEARCH PARSER ${c.other} (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype)`,
  'text search template': (c) => `CREATE TEXT SEARCH TEMPLATE ${c.other} (LEXIZE = dsimple_lexize)`,
  statistics: (c) => `CREATE STATISTICS ${c.other} ${c.of('', '(ndistinct)')} ON id, n FROM ${c.table}`,
  'statistics changed': (c) => `ALTER STATISTICS ${c.other} SET STATISTICS ${c.number()}`,
  'statistics dropped': (c) => `DROP STATISTICS ${c.other}`,
  language: (c) => `CREATE ${c.of('', 'TRUSTED ')}LANGUAGE l1 HANDLER plpgsql_call_handler`,
  'language granted': (c) => `REVOKE USAGE ON LANGUAGE ${c.of('plpgsql', 'sql')} FROM ${c.role}`,
  'access method': () => `CREATE ACCESS METHOD am1 TYPE TABLE HANDLER heap_tableam_handler`,
  'access method dropped': () => `DROP ACCESS METHOD am1 CASCADE`,

  extension: (c) => `CREATE EXTENSION ${c.extension} SCHEMA ${c.schema}`,
  'extension dropped': (c) => `DROP EXTENSION ${c.extension} CASCADE`,
  'extension moved': (c) => `ALTER EXTENSION ${c.extension} SET SCHEMA ${c.schema}`,
  'extension member': (c) => `ALTER EXTENSION ${c.extension} ${c.of('ADD', 'DROP')} TABLE ${c.table}`,
  'depends on an extension': (c) =>
    `ALTER FUNCTION ${c.of('public.f1', c.function)}(int) ${c.of('', 'NO ')}DEPENDS ON EXTENSION ${c.of('hstore', c.extension)}`,
  'foreign-data wrapper': (c) => `CREATE FOREIGN DATA WRAPPER w1 ${c.of('', `OPTIONS (debug 'true')`)}`,
  'foreign-data wrapper changed': () => `ALTER FOREIGN DATA WRAPPER w1 OPTIONS (ADD more 'x')`,
  'foreign-data wrapper dropped': () => `DROP FOREIGN DATA WRAPPER w1 CASCADE`,
  server: (c) => `CREATE SERVER srv${c.number(2)} FOREIGN DATA WRAPPER w1`,
  'server changed': (c) =>
    `ALTER SERVER srv${c.number(2)} ${c.of(`VERSION '2'`, `OPTIONS (ADD host 'nowhere')`)}`,
  'user mapping': (c) => `CREATE USER MAPPING FOR ${c.role} SERVER srv${c.number(2)} OPTIONS (password 'x')`,
  'user mapping dropped': (c) => `DROP USER MAPPING FOR ${c.role} SERVER srv${c.number(2)}`,
  'foreign table': (c) => `CREATE FOREIGN TABLE ${c.table} (id int, n int) SERVER srv${c.number(2)}`,
  publication: (c) =>
    `CREATE PUBLICATION pub${c.number(2)} ${c.of('', `FOR TABLE ${c.table}`, 'FOR ALL TABLES', `FOR TABLES IN SCHEMA ${c.schema}`)}`,
  'publication changed': (c) =>
    `ALTER PUBLICATION pub${c.number(2)} ${c.of(`ADD TABLE ${c.table}`, `DROP TABLE ${c.table}`, `SET (publish = 'insert')`)}`,
  'publication in part': (c) =>
    `CREATE PUBLICATION pub${c.number(2)} FOR TABLE ${c.table} ${c.of('(id)', 'WHERE (id > 3)')}`,
  'publication of a schema': (c) =>
    `ALTER PUBLICATION pub${c.number(2)} ${c.of('ADD', 'DROP', 'SET')} TABLES IN SCHEMA ${c.schema}`,
  'publication owner': (c) => `ALTER PUBLICATION pub${c.number(2)} OWNER TO ${c.owner}`,
  'subscription changed': (c) =>
    `ALTER SUBSCRIPTION sub${c.number(2)} ${c.of(`SET (binary = true)`, `CONNECTION 'dbname=other'`, 'RENAME TO sub2')}`,
  'subscription dropped': (c) => `DROP SUBSCRIPTION sub${c.number(2)}`,
  'foreign table changed': (c) =>
    `ALTER FOREIGN TABLE ${c.of('"S 2".far', c.table)} ${c.of(`OPTIONS (ADD x 'y')`, 'ADD COLUMN added int')}`,
  'foreign things granted': (c) =>
    `GRANT USAGE ON ${c.of('FOREIGN DATA WRAPPER w1', 'FOREIGN SERVER srv1')} TO ${c.role}`,
  'server owner': (c) => `ALTER SERVER srv1 OWNER TO ${c.owner}`,
  'publication dropped': (c) => `DROP PUBLICATION pub${c.number(2)}`,
  subscription: (c) =>
    `CREATE SUBSCRIPTION sub${c.number(2)} CONNECTION 'dbname=none' PUBLICATION p WITH (connect = false, slot_name = NONE, enabled = false, create_slot = false)`,

  grant: (c) =>
    `GRANT ${c.of('SELECT', 'ALL', 'TRIGGER', 'SELECT, UPDATE')} ON ${c.table} TO ${c.role} ${c.of('', '')}`,
  revoke: (c) => `REVOKE ${c.of('SELECT', 'ALL')} ON ${c.table} FROM ${c.of(c.role, 'app')}`,
  'default privileges': (c) =>
    `ALTER DEFAULT PRIVILEGES ${c.of('', `IN SCHEMA ${c.schema}`, 'FOR ROLE fuzz_one')} ${c.of('GRANT', 'REVOKE')} ${c.of('USAGE ON SEQUENCES', 'USAGE ON SCHEMAS', 'SELECT ON TABLES', 'EXECUTE ON FUNCTIONS', 'USAGE ON TYPES')} ${c.of('TO', 'FROM')} ${c.role}`,
  comment: (c) =>
    `COMMENT ON ${c.of(`TABLE ${c.table}`, `COLUMN ${c.table}.n`, `SCHEMA ${c.schema}`, `SEQUENCE ${c.sequence}`, `TYPE ${c.type}`, `FUNCTION ${c.function}(int)`, `INDEX ${c.schema}.t1_pkey`, `CONSTRAINT t1_pkey ON ${c.schema}.t1`, `EXTENSION ${c.extension}`, `LARGE OBJECT ${c.largeObject}`, `VIEW ${c.view}`, 'FUNCTION pg_catalog.abs(int)', 'EVENT TRIGGER eg1', `POLICY p1 ON ${c.table}`, `PUBLICATION pub1`, `CAST (int AS text)`)} IS ${c.of(`'said'`, `'said again'`, 'NULL')}`,
  'comment on what is rarer': (c) =>
    `COMMENT ON ${c.of(
      'RULE r1 ON public.t2',
      'TRIGGER g1 ON public.t1',
      'OPERATOR FAMILY public.x1 USING hash',
      'OPERATOR pg_catalog.+ (int, int)',
      `AGGREGATE ${c.other}(int)`,
      `COLLATION ${c.other}`,
      `CONVERSION ${c.other}`,
      `CONSTRAINT most ON DOMAIN ${c.type}`,
      'FOREIGN DATA WRAPPER w1',
      'SERVER srv1',
      `FOREIGN TABLE ${c.table}`,
      'LANGUAGE plpgsql',
      `MATERIALIZED VIEW ${c.materialized}`,
      `STATISTICS ${c.other}`,
      `TEXT SEARCH CONFIGURATION ${c.other}`,
      `TEXT SEARCH DICTIONARY ${c.other}`,
      'ACCESS METHOD heap',
      'SUBSCRIPTION sub1',
      `PROCEDURE ${c.function}(text)`,
    )} IS ${c.of(`'rare'`, 'NULL')}`,
  'large object revoked': (c) => `REVOKE ALL ON LARGE OBJECT ${c.largeObject} FROM ${c.role}`,
  'large object owner': (c) => `ALTER LARGE OBJECT ${c.largeObject} OWNER TO ${c.owner}`,
  'large object granted': (c) => `GRANT SELECT ON LARGE OBJECT ${c.largeObject} TO ${c.role}`,

  'database setting': (c) =>
    `ALTER DATABASE :database ${c.of(`SET work_mem = '${c.number()}MB'`, `SET search_path = s1, public`, 'RESET ALL', `SET app.tenant = 'x'`, 'SET role = fuzz_one', 'SET standard_conforming_strings = off', `SET datestyle = 'SQL, DMY'`, `SET bytea_output = 'escape'`, `SET search_path = ''`, 'SET default_transaction_read_only = on', 'SET default_tablespace = fuzz_space')}`,
  'database setting of a role': (c) =>
    `ALTER ROLE ${c.of('fuzz_one', 'app')} IN DATABASE :database SET work_mem = '${c.number()}MB'`,
  'database a template': (c) => `ALTER DATABASE :database IS_TEMPLATE ${c.of('true', 'false')}`,
  'database comment': (c) => `COMMENT ON DATABASE :database IS ${c.of(`'a database'`, 'NULL')}`,
  'database granted': (c) =>
    `${c.of('GRANT', 'REVOKE')} ${c.of('CREATE', 'CONNECT', 'TEMPORARY')} ON DATABASE :database ${c.of('TO', 'FROM')} ${c.role}`,
  'database owner': (c) => `ALTER DATABASE :database OWNER TO ${c.owner}`,
  'database connections': (c) => `ALTER DATABASE :database CONNECTION LIMIT ${c.number(100)}`,
} as const satisfies Record<string, Maker>;
