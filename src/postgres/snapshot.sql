-- What lets a database give itself back as its template was, with its connections left open: a schema of its own,
-- made in the template, that holds a copy of the template's rows, its sequences, and a fingerprint of its catalogs.

CREATE SCHEMA jest_kubernetes;

CREATE TABLE jest_kubernetes.template (fingerprint text NOT NULL);

-- the tables that have rows in the template, and where the copies of those lie
CREATE TABLE jest_kubernetes.seeds (
  relation oid PRIMARY KEY, name text NOT NULL, rows text NOT NULL, columns text NOT NULL, state text
);

CREATE TABLE jest_kubernetes.sequences (sequence oid PRIMARY KEY, value bigint NOT NULL, called boolean NOT NULL);

CREATE VIEW jest_kubernetes.relations AS
  SELECT c.oid, format('%I.%I', nspname, relname) AS name, relkind, relispopulated
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relpersistence <> 't' AND nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'jest_kubernetes');

-- Every row of a catalog tells the transaction that wrote it (xmin), and copies of a database keep that: number and
-- sum of them change with any DDL. TRUNCATE, ANALYZE and VACUUM write to pg_class and pg_statistic alone. What belongs
-- to a temporary table does not count.
CREATE FUNCTION jest_kubernetes.fingerprint() RETURNS text LANGUAGE sql AS $$
  WITH entries (catalog, relation, writer) AS (
    SELECT 'attribute', attrelid, xmin FROM pg_attribute
    UNION ALL SELECT 'attrdef', adrelid, xmin FROM pg_attrdef
    UNION ALL SELECT 'constraint', conrelid, xmin FROM pg_constraint
    UNION ALL SELECT 'enum', 0, xmin FROM pg_enum
    UNION ALL SELECT 'event_trigger', 0, xmin FROM pg_event_trigger
    UNION ALL SELECT 'extension', 0, xmin FROM pg_extension
    UNION ALL SELECT 'index', indrelid, xmin FROM pg_index
    UNION ALL SELECT 'inherits', inhrelid, xmin FROM pg_inherits
    UNION ALL SELECT 'largeobject_metadata', 0, xmin FROM pg_largeobject_metadata
    UNION ALL SELECT 'policy', polrelid, xmin FROM pg_policy
    UNION ALL SELECT 'proc', 0, xmin FROM pg_proc
    UNION ALL SELECT 'rewrite', ev_class, xmin FROM pg_rewrite
    UNION ALL SELECT 'sequence', seqrelid, xmin FROM pg_sequence
    UNION ALL SELECT 'trigger', tgrelid, xmin FROM pg_trigger
    -- the array of a row type knows the relation by its element
    UNION ALL SELECT 'type',
      coalesce(nullif(typrelid, 0), (SELECT element.typrelid FROM pg_type element WHERE element.oid = pg_type.typelem), 0),
      xmin FROM pg_type
  ), parts AS (
    SELECT concat_ws(':', catalog, count(*), sum(writer::text::bigint)) AS part FROM entries
    WHERE relation NOT IN (SELECT oid FROM pg_class WHERE relpersistence = 't') GROUP BY catalog
    UNION ALL SELECT string_agg(oid || relname || relrowsecurity || coalesce(relacl::text, ''), ' ' ORDER BY oid)
    FROM pg_class WHERE oid >= 16384 AND relpersistence <> 't' AND relkind <> 't'
  )
  SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM parts
$$;

-- What changes with any row of a table.
CREATE FUNCTION jest_kubernetes.state(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  EXECUTE format('SELECT count(*) || '':'' || coalesce(sum(xmin::text::bigint), 0) FROM ONLY %s', name) INTO result;
  RETURN result;
END $$;

-- Empties the tables that have rows, brings the template's rows back where they were changed, and sets the sequences.
-- Returns false where the schema itself is no longer the template's, and does nothing then.
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
    -- a small table is emptied faster row by row than by new files for it and its indexes
    IF item.size > 256 * 1024 THEN
      EXECUTE 'TRUNCATE ONLY ' || item.name || ' CASCADE';
    ELSE
      EXECUTE 'DELETE FROM ONLY ' || item.name;
    END IF;
  END LOOP;
  FOR item IN SELECT * FROM jest_kubernetes.seeds LOOP
    CONTINUE WHEN jest_kubernetes.state(item.name) = item.state;
    changed := true;
    EXECUTE 'DELETE FROM ONLY ' || item.name;
    EXECUTE format(
      'INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM %3$s', item.name, item.columns, item.rows
    );
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

-- The template as it is now: its rows, its sequences, and, last of all, the fingerprint.
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
    EXECUTE format(
      'INSERT INTO jest_kubernetes.sequences SELECT %s, last_value, is_called FROM %s', item.oid, item.name
    );
  END LOOP;
END $$;

INSERT INTO jest_kubernetes.template SELECT jest_kubernetes.fingerprint();
