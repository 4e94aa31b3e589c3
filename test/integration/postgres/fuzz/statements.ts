import type { Random } from '../../../random.js';
import { Choice, columns, type Maker } from './choice.js';
import { others } from './others.js';
import { relations } from './relations.js';
import { rows } from './rows.js';

/*
 * Statements over every kind of object that a database has. Names are few, so that statements meet: half of them fail
 * on what is not there, or is there already, and count for nothing.
 */

export { rows };

/** Things that come, change and go. */
export const schema = { ...relations, ...others } as const satisfies Record<string, Maker>;

/** Makes statements, each with the name of its kind. */
export function statements(random: Random) {
  const choice = new Choice(random);
  const pick = (makers: Readonly<Record<string, Maker>>) => (): { kind: string; sql: string } => {
    const kind = choice.of(...Object.keys(makers));
    return { kind, sql: makers[kind]?.(choice) ?? '' };
  };
  return { ofRows: pick(rows), ofSchema: pick(schema) };
}

/** What every database of the fuzz begins with: something to meet, and triggers' functions. */
export const beginning = `
  CREATE SCHEMA s1; CREATE SCHEMA "S 2";
  CREATE TABLE public.logged (word text);
  CREATE FUNCTION public.log() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO public.logged VALUES (TG_OP); RETURN coalesce(NEW, OLD); END $$;
  CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
  CREATE FUNCTION public.log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO public.logged VALUES (TG_TAG); END $$;
  CREATE TABLE public.t1 (${columns});
  CREATE TABLE public.t2 (${columns});
  CREATE TABLE s1.t1 (${columns});
  INSERT INTO public.t1 (n, word) SELECT g, 'seed ' || g FROM generate_series(1, 20) g;
  CREATE TABLE public.measures (id int, f float8, r real, d numeric, i interval, b bytea, a int[], j jsonb, x xml, t tsvector, m money, acl aclitem);
  INSERT INTO public.measures VALUES
    (1, 0.1::float8 + 0.2, 1.1, 1e40, '1 year 2 mons -3 days 04:05:06.7', '\\x00ff', '{1,NULL,3}', '{"a": 1}', '<a/>', 'a:1 b:2A', 12.5, 'app=r/app'),
    (2, 'NaN', '-Infinity', 'NaN', NULL, '', '{}', 'null', NULL, '', NULL, NULL);
`;

/** One of most kinds, each there in most templates, as what changes and goes needs something to meet. */
export const furniture = [
  'CREATE FUNCTION public.f1(a int) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
  `CREATE TYPE public.e1 AS ENUM ('one', 'two')`,
  'CREATE TYPE public.c1 AS (a int, b text)',
  'CREATE DOMAIN public.d1 AS int CHECK (VALUE > 0)',
  'CREATE TYPE public.d2 AS RANGE (SUBTYPE = int)',
  'CREATE VIEW public.v1 AS SELECT id, n FROM public.t1',
  'CREATE MATERIALIZED VIEW public.m1 AS SELECT id, word FROM public.t1',
  'CREATE INDEX i1 ON public.t1 (lower(word))',
  'CREATE POLICY p1 ON public.t1 USING (n > 0)',
  'CREATE RULE r1 AS ON DELETE TO public.t2 DO INSTEAD NOTHING',
  'CREATE TRIGGER g1 AFTER INSERT ON public.t1 FOR EACH ROW EXECUTE FUNCTION public.log()',
  'CREATE EVENT TRIGGER eg1 ON ddl_command_end EXECUTE FUNCTION public.log_ddl()',
  'CREATE STATISTICS public.x1 ON id, n FROM public.t1',
  `CREATE COLLATION public.x1 (LOCALE = 'C')`,
  'CREATE TEXT SEARCH CONFIGURATION public.x1 (COPY = pg_catalog.english)',
  'CREATE TEXT SEARCH DICTIONARY public.x1 (TEMPLATE = simple)',
  'CREATE OPERATOR FAMILY public.x1 USING hash',
  'CREATE SEQUENCE public.q1 CACHE 5',
  'CREATE EXTENSION hstore',
  'CREATE FOREIGN DATA WRAPPER w1',
  'CREATE SERVER srv1 FOREIGN DATA WRAPPER w1',
  'CREATE USER MAPPING FOR fuzz_one SERVER srv1',
  'CREATE PUBLICATION pub1 FOR TABLE public.t2',
  'ALTER TABLE public.t2 ADD CONSTRAINT c1 CHECK (n < 5) NOT VALID',
  'ALTER TABLE public.t2 ADD CONSTRAINT c3 FOREIGN KEY (n) REFERENCES public.t1 NOT VALID',
  'CREATE TABLE public.t3 (id int, n int, word text) PARTITION BY RANGE (id)',
  'CREATE TABLE s1.t3 PARTITION OF public.t3 FOR VALUES FROM (0) TO (100)',
  'CREATE TABLE s1.t2 (id int, n int, word text)',
  'CREATE TABLE "S 2".t1 (more int) INHERITS (public.t1)',
  'CREATE TABLE "S 2".t2 OF public.c1',
  'CREATE TABLE "S 2".t3 (id int, n int, word text) PARTITION BY LIST (n)',
  'ALTER TABLE public.t2 ADD COLUMN twice int GENERATED ALWAYS AS (n * 2) STORED',
  'CREATE INDEX i3 ON ONLY public.t3 (id)',
  'CREATE INDEX i4 ON s1.t3 (id)',
  'CREATE UNIQUE INDEX i5 ON public.t2 (id)',
  'CREATE UNIQUE INDEX ON public.m1 (id)',
  'CREATE OPERATOR public.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)',
  'CREATE OPERATOR CLASS public.x1 FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 btint4cmp(int, int)',
  'CREATE CAST (public.e1 AS int) WITH INOUT',
  'CREATE FOREIGN TABLE "S 2".far (id int) SERVER srv1',
  'ALTER TABLE public.t1 CLUSTER ON t1_pkey',
  'SELECT lo_from_bytea(7001, $$large$$)',
];

/** On the server, for all of them. */
export const roles = `
  DO $$ BEGIN CREATE ROLE fuzz_one; CREATE ROLE fuzz_two; EXCEPTION WHEN duplicate_object THEN NULL; END $$`;

/** So too, and by itself. */
export const tablespace = [
  'SET allow_in_place_tablespaces = on',
  `CREATE TABLESPACE fuzz_space LOCATION ''`,
  'GRANT CREATE ON TABLESPACE fuzz_space TO PUBLIC',
];
