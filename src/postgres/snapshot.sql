-- What lets a database give itself back as its template was, with its connections left open: a schema of its own,
-- made in the template, that knows the template's rows, its sequences, and a fingerprint of its catalogs. The rows lie
-- in files beside the databases, once for all copies.

-- a user's own triggers and event triggers have no part in what is made here
SET session_replication_role = replica;
-- by which they are written to files, and read again
SET datestyle = iso; SET intervalstyle = postgres; SET extra_float_digits = 3; SET xmloption = content;

CREATE SCHEMA jest_kubernetes;

-- objects that are made later have higher numbers
CREATE TABLE jest_kubernetes.template (
  fingerprint text NOT NULL, catalogs text NOT NULL, last_object oid NOT NULL, in_place boolean NOT NULL, known bigint NOT NULL
);

-- the tables and materialized views that have rows in the template; `state` is what changes with any row
CREATE TABLE jest_kubernetes.seeds (
  relation oid PRIMARY KEY, name text NOT NULL, kind "char" NOT NULL, state text NOT NULL,
  columns text, file text, format text, digest numeric
);

CREATE TABLE jest_kubernetes.sequences (
  sequence oid PRIMARY KEY, name text NOT NULL, value bigint NOT NULL, called boolean NOT NULL, cached boolean NOT NULL
);

CREATE VIEW jest_kubernetes.relations AS
  SELECT c.oid, format('%I.%I', nspname, relname) AS name, relkind AS kind
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relpersistence <> 't' AND nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'jest_kubernetes')
    AND (relkind <> 'm' OR relispopulated);

-- How much is known here: tests that empty all tables that there are empty these with them.
CREATE VIEW jest_kubernetes.known AS
  SELECT (SELECT count(*) FROM jest_kubernetes.seeds) + (SELECT count(*) FROM jest_kubernetes.sequences) AS number;

-- Large objects are rows of two catalogs.
CREATE VIEW jest_kubernetes.large AS
  SELECT 'pg_largeobject'::regclass::oid AS oid, 'pg_catalog.pg_largeobject' AS name
  UNION ALL SELECT 'pg_largeobject_metadata'::regclass, 'pg_catalog.pg_largeobject_metadata';

-- The catalogs as this PostgreSQL has them: those that say what a database is, not what its rows are like (statistics,
-- large objects). `key` is the object that a row is, or is about, `place` the schema or relation that it is in.
CREATE VIEW jest_kubernetes.catalogs AS
  SELECT c.oid, relname AS name,
    (SELECT attname FROM pg_attribute a WHERE attrelid = c.oid AND attnum > 0 AND attname IN ('oid', 'objid', first.name)
     ORDER BY attname = 'oid' DESC, attname = 'objid' DESC LIMIT 1) AS key,
    (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attname ~ '(namespace|relid)$|^ev_class$'
     ORDER BY attnum LIMIT 1) AS place,
    EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'oid' AND attnum > 0) AS objects
  FROM pg_class c
  CROSS JOIN LATERAL (SELECT attname AS name FROM pg_attribute WHERE attrelid = c.oid AND attnum = 1) first
  WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared
    AND relname !~ '^pg_(statistic|statistic_ext_data|largeobject|largeobject_metadata|subscription_rel)$';

-- What PostgreSQL keeps outside of a database of the database itself.
CREATE VIEW jest_kubernetes.outside AS
  SELECT concat_ws(' ', datdba, datconnlimit, dattablespace, datistemplate, datacl,
    (SELECT description FROM pg_shdescription WHERE objoid = d.oid AND classoid = 'pg_database'::regclass
       AND NOT starts_with(description, 'jest-kubernetes:')),
    (SELECT string_agg(concat_ws(' ', setrole, setconfig), ' ' ORDER BY setrole)
     FROM pg_db_role_setting WHERE setdatabase = d.oid)) AS text
  FROM pg_database d WHERE datname = current_database();

-- Every row of a catalog tells the transaction that wrote it (xmin), and copies of a database keep that: as later ones
-- have higher numbers, rows that are as many and of the same sum are the same. (mxid_age is what makes a number of xmin
-- in the least time.)
DO $body$
DECLARE counts text; passing text; all_objects text; lasting text;
BEGIN
  SELECT
    string_agg(format('SELECT %1$L AS catalog, count(*), sum(mxid_age(xmin)) FROM %1$s', name), ' UNION ALL '),
    string_agg(format(
      'SELECT oid FROM %s WHERE %I IN (TABLE %s)', name, place,
      CASE WHEN place ~ 'namespace$' THEN 'namespaces' ELSE 'relations' END
    ), ' UNION ALL ') FILTER (WHERE objects AND place IS NOT NULL AND name <> 'pg_class'),
    string_agg(format('SELECT %1$L::regclass::oid AS class, oid AS object FROM %1$s', name), ' UNION ALL ')
      FILTER (WHERE objects),
    string_agg(format(
      'SELECT %1$L AS catalog, count(*), %2$s AS sum FROM %1$s WHERE %3$s::oid NOT IN (TABLE passing)', name,
      CASE WHEN name IN ('pg_class', 'pg_sequence') THEN (
        SELECT format('sum(hashtextextended(ROW(%s)::text, 0))', string_agg(attname, ', ' ORDER BY attnum))
        FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND attname !~
          '^rel(filenode|pages|tuples|allvisible|allfrozen|toastrelid|has\w+|frozenxid|minmxid)$'
      ) ELSE 'sum(mxid_age(xmin)) - count(*) * mxid_age(''1'')' END, key
    ), ' UNION ALL ')
  INTO counts, passing, all_objects, lasting
  FROM jest_kubernetes.catalogs c;

  -- Whether anything at all has been written to the catalogs.
  EXECUTE format($function$CREATE FUNCTION jest_kubernetes.catalogs() RETURNS text STABLE LANGUAGE sql AS $sql$
    SELECT md5(string_agg(concat_ws(':', catalog, count, sum - count * mxid_age('1')), ' ' ORDER BY catalog))
      || (TABLE jest_kubernetes.outside)
    FROM (%s) catalogs $sql$ $function$, counts);

  -- What comes and goes with a connection, and tables for long values, which are made anew with every TRUNCATE.
  EXECUTE format($$CREATE VIEW jest_kubernetes.passing AS
    WITH namespaces AS MATERIALIZED (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_(toast$|temp_|toast_temp_)'),
    relations AS MATERIALIZED (SELECT oid FROM pg_class WHERE relnamespace IN (TABLE namespaces))
    SELECT oid FROM namespaces WHERE oid <> 'pg_toast'::regnamespace UNION ALL TABLE relations UNION ALL %s$$, passing);

  EXECUTE format('CREATE VIEW jest_kubernetes.objects AS %s', all_objects);

  -- Whether what lasts has changed: not what rows are given back by (TRUNCATE, REFRESH, ALTER SEQUENCE … RESTART), and
  -- not what passes.
  EXECUTE format($function$CREATE FUNCTION jest_kubernetes.fingerprint() RETURNS text STABLE LANGUAGE sql AS $sql$
    WITH passing AS MATERIALIZED (SELECT oid FROM jest_kubernetes.passing), catalogs AS (%s)
    SELECT md5(concat_ws(' ',
      (SELECT string_agg(concat_ws(':', catalog, count, sum), ' ' ORDER BY catalog) FROM catalogs),
      (SELECT string_agg(c.oid || t.reloptions::text, ' ' ORDER BY c.oid)
       FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid WHERE c.relpersistence <> 't'),
      (TABLE jest_kubernetes.outside))) $sql$ $function$, lasting);
END $body$;

-- What changes with any row of a table.
CREATE FUNCTION jest_kubernetes.state(name text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE result text; BEGIN
  EXECUTE format('SELECT concat_ws('':'', count(*), sum(mxid_age(xmin)) - count(*) * mxid_age(''1'')) FROM ONLY %s', name)
  INTO result;
  RETURN result;
END $$;

-- The same for the same rows, whenever they were written.
CREATE FUNCTION jest_kubernetes.digest(name text) RETURNS numeric LANGUAGE plpgsql AS $$ DECLARE result numeric; BEGIN
  EXECUTE format('SELECT sum(hashtextextended(r::text, 0)) FROM %s r', name) INTO result;
  RETURN result;
END $$;

-- Waits for transactions that have written something: it would be there after a reset that did not see it.
CREATE FUNCTION jest_kubernetes.await_writers(patience interval) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  deadline timestamptz := clock_timestamp() + patience;
  own oid := (SELECT oid FROM pg_database WHERE datname = current_database());
BEGIN
  WHILE EXISTS (
    SELECT FROM pg_stat_get_activity(NULL) WHERE datid = own AND pid <> pg_backend_pid()
      AND backend_xid IS NOT NULL AND backend_type = 'client backend'
    UNION ALL SELECT FROM pg_prepared_xact() WHERE dbid = own
  ) LOOP
    IF clock_timestamp() > deadline THEN RAISE lock_not_available; END IF;
    PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
  END LOOP;
END $$;

-- Drops what the template has not. What cannot be dropped by itself goes with what it belongs to, or stays.
CREATE FUNCTION jest_kubernetes.drop_additions() RETURNS void LANGUAGE plpgsql
  SET client_min_messages = error AS $$
DECLARE item record; found record; command text;
BEGIN
  FOR item IN
    SELECT class, object FROM jest_kubernetes.objects
    WHERE object > (SELECT last_object FROM jest_kubernetes.template)
      AND object NOT IN (SELECT oid FROM jest_kubernetes.passing)
    ORDER BY class = 'pg_event_trigger'::regclass DESC, class = 'pg_extension'::regclass DESC,
      class = 'pg_namespace'::regclass DESC, object
  LOOP
    SELECT type, identity INTO found FROM pg_identify_object(item.class, item.object, 0);
    command := CASE found.type
      WHEN 'table constraint' THEN (
        SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname)
        FROM pg_constraint WHERE oid = item.object)
      WHEN 'statistics object' THEN format('DROP STATISTICS %s', found.identity)
      ELSE format('DROP %s %s CASCADE', replace(found.type, '-', ' '), found.identity) END;
    CONTINUE WHEN command IS NULL;
    BEGIN
      EXECUTE command;
    EXCEPTION
      WHEN lock_not_available OR deadlock_detected THEN RAISE;
      WHEN OTHERS THEN NULL;
    END;
  END LOOP;
END $$;

-- Empties the tables that have rows, brings the template's rows back where they were changed, and sets the sequences.
-- Returns false where that does not give the template back, and the database must be copied anew.
CREATE FUNCTION jest_kubernetes.reset() RETURNS boolean LANGUAGE plpgsql
  SET session_replication_role = replica SET lock_timeout = '3s' SET client_min_messages = warning
  SET datestyle = iso SET intervalstyle = postgres SET extra_float_digits = 3 SET xmloption = content AS $$
DECLARE item record; template jest_kubernetes.template; dirty oid[] := '{}'; value bigint; called boolean;
BEGIN
  PERFORM jest_kubernetes.await_writers('3s');
  SELECT * INTO template FROM jest_kubernetes.template;
  IF template.in_place IS NOT TRUE OR template.known <> (TABLE jest_kubernetes.known) THEN RETURN false; END IF;
  IF EXISTS (SELECT FROM pg_subscription) THEN
    DELETE FROM pg_subscription USING pg_database d WHERE d.oid = subdbid AND datname = current_database();
  END IF;
  PERFORM pg_drop_replication_slot(slot_name) FROM pg_replication_slots
  WHERE database = current_database() AND NOT active;
  IF jest_kubernetes.catalogs() <> template.catalogs THEN
    IF jest_kubernetes.fingerprint() <> template.fingerprint THEN PERFORM jest_kubernetes.drop_additions(); END IF;
    -- both as of one moment
    UPDATE jest_kubernetes.template t SET catalogs = jest_kubernetes.catalogs()
    WHERE jest_kubernetes.fingerprint() = t.fingerprint;
    IF NOT FOUND THEN RETURN false; END IF;
  END IF;

  FOR item IN
    SELECT r.oid, r.name, s.state, pg_relation_size(r.oid) AS size
    FROM jest_kubernetes.relations r LEFT JOIN jest_kubernetes.seeds s ON s.relation = r.oid
    WHERE r.kind = 'r' AND (s.relation IS NOT NULL OR pg_relation_size(r.oid) > 0)
    ORDER BY size DESC, r.oid
  LOOP
    CONTINUE WHEN CASE WHEN item.state IS NOT NULL THEN jest_kubernetes.state(item.name) = item.state END;
    dirty := dirty || item.oid;
    -- a small table is emptied faster row by row than by new files for it and its indexes
    IF item.size > 256 * 1024 THEN
      EXECUTE 'TRUNCATE ONLY ' || item.name || ' CASCADE';
    ELSE
      EXECUTE 'DELETE FROM ONLY ' || item.name;
    END IF;
  END LOOP;
  FOR item IN SELECT * FROM jest_kubernetes.seeds s WHERE kind = 'r' LOOP
    -- one that was as it should be may have been emptied with one that it refers to
    CONTINUE WHEN NOT item.relation = ANY (dirty) AND pg_relation_size(item.relation) > 0;
    EXECUTE format('COPY %s (%s) FROM %L (FORMAT %s)', item.name, item.columns, item.file, item.format);
    UPDATE jest_kubernetes.seeds SET state = jest_kubernetes.state(name) WHERE relation = item.relation;
  END LOOP;

  FOR item IN SELECT * FROM jest_kubernetes.sequences WHERE cached LOOP
    -- other connections have numbers in store, which only this takes from them
    EXECUTE format('SELECT last_value, is_called FROM %s', item.name) INTO value, called;
    CONTINUE WHEN value = item.value AND called = item.called;
    EXECUTE format('ALTER SEQUENCE %s RESTART', item.name);
  END LOOP;
  PERFORM setval(s.sequence::regclass, s.value, s.called) FROM jest_kubernetes.sequences s;

  FOR item IN SELECT * FROM jest_kubernetes.seeds WHERE kind = 'm' ORDER BY relation LOOP
    CONTINUE WHEN jest_kubernetes.state(item.name) = item.state;
    EXECUTE 'REFRESH MATERIALIZED VIEW ' || item.name;
    -- it may have been older than the tables that it is made from, or know the time
    IF jest_kubernetes.digest(item.name) IS DISTINCT FROM item.digest THEN RETURN false; END IF;
    UPDATE jest_kubernetes.seeds SET state = jest_kubernetes.state(name) WHERE relation = item.relation;
  END LOOP;

  IF EXISTS (SELECT FROM pg_largeobject_metadata UNION ALL SELECT FROM jest_kubernetes.seeds WHERE kind = 'l') AND EXISTS (
    SELECT FROM jest_kubernetes.large LEFT JOIN jest_kubernetes.seeds s ON s.relation = oid
    WHERE jest_kubernetes.state(large.name) <> coalesce(s.state, '0')
  ) THEN
    PERFORM lo_unlink(oid) FROM pg_largeobject_metadata;
    FOR item IN SELECT * FROM jest_kubernetes.seeds WHERE kind = 'l' LOOP
      EXECUTE format('COPY %s (%s) FROM %L (FORMAT %s)', item.name, item.columns, item.file, item.format);
      UPDATE jest_kubernetes.seeds SET state = jest_kubernetes.state(name) WHERE relation = item.relation;
    END LOOP;
    -- a comment on one is lost
    RETURN jest_kubernetes.fingerprint() = template.fingerprint;
  END IF;
  RETURN true;
END $$;

-- The template as it is now: its rows, its sequences, and, last of all, the fingerprint.
DO $$
DECLARE
  folder text := concat_ws('/', current_setting('data_directory'), 'jest_kubernetes',
    (SELECT oid FROM pg_database WHERE datname = current_database()));
  item record; found boolean; format text;
  -- what fires for what is given back too would do its work twice
  in_place boolean := NOT EXISTS (
    SELECT FROM pg_trigger WHERE tgenabled IN ('A', 'R')
    UNION ALL SELECT FROM pg_rewrite WHERE ev_enabled IN ('A', 'R')
    UNION ALL SELECT FROM pg_event_trigger WHERE evtenabled IN ('A', 'R')
  );
BEGIN
  EXECUTE format('COPY (SELECT WHERE false) TO PROGRAM %L', 'mkdir -p ' || quote_literal(folder));
  FOR item IN
    SELECT oid, name, kind, concat_ws('/', folder, oid) AS file,
      (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
       WHERE attrelid = r.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '') AS columns
    FROM (
      SELECT oid, name, kind FROM jest_kubernetes.relations WHERE kind = 'r' AND pg_relation_size(oid) > 0
      UNION ALL SELECT oid, name, 'l' FROM jest_kubernetes.large
    ) r
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s)', item.name) INTO found;
    CONTINUE WHEN NOT found;
    IF item.columns IS NULL THEN in_place := false; CONTINUE; END IF;
    BEGIN
      format := 'binary';
      EXECUTE format('COPY %s (%s) TO %L (FORMAT binary)', item.name, item.columns, item.file);
    EXCEPTION WHEN undefined_function THEN
      -- a type that is written as text alone
      format := 'text';
      EXECUTE format('COPY %s (%s) TO %L', item.name, item.columns, item.file);
    END;
    INSERT INTO jest_kubernetes.seeds VALUES (
      item.oid, item.name, item.kind, jest_kubernetes.state(item.name), item.columns, item.file, format
    );
  END LOOP;
  INSERT INTO jest_kubernetes.seeds (relation, name, kind, state, digest)
  SELECT oid, name, kind, jest_kubernetes.state(name), jest_kubernetes.digest(name)
  FROM jest_kubernetes.relations WHERE kind = 'm';
  FOR item IN
    SELECT oid, name, seqcache > 1 AS cached FROM jest_kubernetes.relations JOIN pg_sequence ON seqrelid = oid
  LOOP
    EXECUTE format('INSERT INTO jest_kubernetes.sequences SELECT %1$s, %2$L, last_value, is_called, %3$L FROM %2$s',
      item.oid, item.name, item.cached);
  END LOOP;
  INSERT INTO jest_kubernetes.template
  SELECT jest_kubernetes.fingerprint(), jest_kubernetes.catalogs(), max(object), in_place, (TABLE jest_kubernetes.known)
  FROM jest_kubernetes.objects;
END $$;
