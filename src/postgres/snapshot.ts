/**
 * What lets a database give itself back as its template was, with its connections left open: a schema of its
 * own, made in the template, that holds a copy of the template's rows, its sequences, and a fingerprint of its
 * catalogs. `jest_kubernetes.reset()` empties the tables that have rows, brings the template's rows back where
 * they were changed, and sets the sequences; it returns false where the schema itself is no longer the
 * template's, and does nothing then.
 *
 * Every row of a catalog tells the transaction that wrote it (`xmin`), and copies of a database keep that: number
 * and sum of them change with any DDL. TRUNCATE, ANALYZE and VACUUM write to pg_class and pg_statistic alone.
 */
const catalogs: Readonly<Record<string, readonly string[]>> = {
  // each with what names the relation that a row belongs to: those of temporary tables do not count
  pg_attribute: ['attrelid'],
  pg_attrdef: ['adrelid'],
  pg_constraint: ['conrelid'],
  pg_enum: [],
  pg_event_trigger: [],
  pg_extension: [],
  pg_index: ['indrelid'],
  pg_inherits: ['inhrelid'],
  pg_largeobject_metadata: [],
  pg_policy: ['polrelid'],
  pg_proc: [],
  pg_rewrite: ['ev_class'],
  pg_sequence: ['seqrelid'],
  pg_trigger: ['tgrelid'],
  // the array of a row type knows the relation by its element
  pg_type: [
    'typrelid',
    'coalesce((SELECT element.typrelid FROM pg_type element WHERE element.oid = pg_type.typelem), 0)',
  ],
};

const temporary = `SELECT oid FROM pg_class WHERE relpersistence = 't'`;

const catalogParts = Object.entries(catalogs).map(([catalog, relations]) => {
  const conditions = relations.map((relation) => `${relation} NOT IN (${temporary})`);
  return `SELECT '${catalog}' || count(*) || ':' || coalesce(sum(xmin::text::bigint), 0) AS part
    FROM ${catalog} WHERE ${['true', ...conditions].join(' AND ')}`;
});

/** Tables smaller than this are emptied row by row, which is faster than new files for table and indexes. */
const smallTable = 256 * 1024;

export const snapshotSql = `
CREATE SCHEMA jest_kubernetes;
CREATE TABLE jest_kubernetes.template (fingerprint text NOT NULL);
CREATE TABLE jest_kubernetes.seeds (
  relation oid PRIMARY KEY, name text NOT NULL, rows text NOT NULL, columns text NOT NULL, state text
);
CREATE TABLE jest_kubernetes.sequences (sequence oid PRIMARY KEY, value bigint NOT NULL, called boolean NOT NULL);

CREATE VIEW jest_kubernetes.relations AS
  SELECT c.oid, format('%I.%I', nspname, relname) AS name, relkind, relispopulated
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relpersistence <> 't' AND nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'jest_kubernetes');

CREATE FUNCTION jest_kubernetes.fingerprint() RETURNS text LANGUAGE sql AS $$
  SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM (
    ${catalogParts.join('\n    UNION ALL ')}
    UNION ALL SELECT string_agg(oid || relname || relrowsecurity || coalesce(relacl::text, ''), ' ' ORDER BY oid)
    FROM pg_class WHERE oid >= 16384 AND relpersistence <> 't' AND relkind <> 't'
  ) AS parts
$$;

CREATE FUNCTION jest_kubernetes.state(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  EXECUTE format('SELECT count(*) || '':'' || coalesce(sum(xmin::text::bigint), 0) FROM ONLY %s', name) INTO result;
  RETURN result;
END $$;

CREATE FUNCTION jest_kubernetes.reset() RETURNS boolean LANGUAGE plpgsql
  SET session_replication_role = replica SET lock_timeout = '3s' SET client_min_messages = warning AS $$
DECLARE item record; changed boolean := false;
BEGIN
  IF jest_kubernetes.fingerprint() IS DISTINCT FROM (SELECT fingerprint FROM jest_kubernetes.template) THEN
    RETURN false;
  END IF;
  FOR item IN
    SELECT r.name, pg_relation_size(r.oid) AS size
    FROM jest_kubernetes.relations r LEFT JOIN jest_kubernetes.seeds s ON s.relation = r.oid
    WHERE relkind = 'r' AND s.relation IS NULL AND pg_relation_size(r.oid) > 0
    ORDER BY size DESC, r.oid
  LOOP
    changed := true;
    IF item.size > ${smallTable} THEN
      EXECUTE 'TRUNCATE ONLY ' || item.name || ' CASCADE';
    ELSE
      EXECUTE 'DELETE FROM ONLY ' || item.name;
    END IF;
  END LOOP;
  FOR item IN SELECT * FROM jest_kubernetes.seeds LOOP
    CONTINUE WHEN jest_kubernetes.state(item.name) = item.state;
    changed := true;
    EXECUTE 'DELETE FROM ONLY ' || item.name;
    EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM %3$s', item.name, item.columns, item.rows);
    UPDATE jest_kubernetes.seeds SET state = jest_kubernetes.state(name) WHERE relation = item.relation;
  END LOOP;
  PERFORM setval(sequence::regclass, value, called) FROM jest_kubernetes.sequences
  WHERE pg_sequence_last_value(sequence) IS DISTINCT FROM CASE WHEN called THEN value END;
  IF changed THEN
    FOR item IN SELECT name FROM jest_kubernetes.relations WHERE relkind = 'm' AND relispopulated ORDER BY oid LOOP
      EXECUTE 'REFRESH MATERIALIZED VIEW ' || item.name;
    END LOOP;
  END IF;
  RETURN true;
END $$;

DO $$
DECLARE item record; found boolean;
BEGIN
  FOR item IN
    SELECT r.oid, name, 'jest_kubernetes.rows_' || r.oid AS rows,
      (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
       WHERE attrelid = r.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '') AS columns
    FROM jest_kubernetes.relations r WHERE relkind = 'r' AND pg_relation_size(r.oid) > 0
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s)', item.name) INTO found;
    CONTINUE WHEN NOT found OR item.columns IS NULL;
    EXECUTE format('CREATE TABLE %s AS SELECT * FROM ONLY %s', item.rows, item.name);
    INSERT INTO jest_kubernetes.seeds
    VALUES (item.oid, item.name, item.rows, item.columns, jest_kubernetes.state(item.name));
  END LOOP;
  FOR item IN SELECT oid, name FROM jest_kubernetes.relations WHERE relkind = 'S' LOOP
    EXECUTE format('INSERT INTO jest_kubernetes.sequences SELECT %s, last_value, is_called FROM %s', item.oid, item.name);
  END LOOP;
END $$;

INSERT INTO jest_kubernetes.template SELECT jest_kubernetes.fingerprint();
`;
