/**
 * The functions of the first schema. Servers of that schema write by `apply` and count by `count_up`, which stay as long as they may go on
 * beside newer ones; `write_batch` (`write-function.ts`) has taken their place and calls what is here: the lock of all writers, the
 * answer that is kept with its node, and logs.
 */
export const applyFunction = `
CREATE FUNCTION append_log(into_stream text, at bigint, bytes bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  there bigint := coalesce((SELECT start + size FROM logs WHERE stream = into_stream ORDER BY start DESC LIMIT 1), 0);
  fresh bytea := substring(bytes FROM greatest(0, there - at)::integer + 1);
BEGIN
  IF length(fresh) > 0 THEN
    INSERT INTO logs (stream, start, size, text) VALUES (into_stream, greatest(there, at), length(fresh), fresh);
  END IF;
END $$;

CREATE FUNCTION lock_writers() RETURNS void LANGUAGE sql AS $$ SELECT pg_advisory_xact_lock(hashtext('millrace writers')) $$;

CREATE FUNCTION keep_answer(me text, previous text, batch_id text, given json) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE nodes SET batch = batch_id, answer = given WHERE name = me AND batch = previous;
  IF NOT FOUND THEN RAISE EXCEPTION 'not a member' USING ERRCODE = 'MR003'; END IF;
END $$;

CREATE FUNCTION apply(me text, here text, previous text, batch_id text, transitions json) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  t record;
  a record;
  last bigint;
  last_before bigint;
  written bigint;
  claimed json;
  handed json;
  settled text;
  answers json[] := '{}';
BEGIN
  PERFORM lock_writers();
  SELECT value INTO last FROM counters WHERE name = 'events';
  FOR t IN SELECT * FROM json_to_recordset(transitions)
    AS x (command bigint, fence bigint, due bigint, body json, keep boolean, aggregates json, documents json, log json, commands json)
  LOOP
    last_before := last;
    BEGIN
      settled := '';
      IF t.command IS NOT NULL THEN
        IF t.due IS NULL THEN
          DELETE FROM commands WHERE id = t.command AND fence = t.fence RETURNING lane INTO settled;
        ELSE
          UPDATE commands SET due = t.due, body = t.body, node = NULL, tries = CASE WHEN t.keep THEN tries ELSE 0 END
          WHERE id = t.command AND fence = t.fence;
        END IF;
        IF NOT FOUND THEN RAISE EXCEPTION 'fenced' USING ERRCODE = 'MR001'; END IF;
      END IF;
      FOR a IN SELECT * FROM json_to_recordset(t.aggregates)
        AS x (kind text, id text, version bigint, fixed json, state json, summary json, events json)
      LOOP
        IF a.version = 0 THEN
          INSERT INTO aggregates (kind, id, version, fixed, state, summary)
          VALUES (a.kind, a.id, 1, a.fixed, a.state, a.summary)
          ON CONFLICT DO NOTHING;
        ELSE
          UPDATE aggregates SET version = version + 1, state = a.state, summary = a.summary
          WHERE kind = a.kind AND id = a.id AND version = a.version;
        END IF;
        IF NOT FOUND THEN RAISE EXCEPTION 'conflict' USING ERRCODE = 'MR002'; END IF;
        INSERT INTO events (sequence, kind, aggregate, body) SELECT last + ordinality, a.kind, a.id, value FROM json_array_elements(a.events) WITH ORDINALITY;
        GET DIAGNOSTICS written = ROW_COUNT;
        last := last + written;
      END LOOP;
      IF t.documents IS NOT NULL THEN
        INSERT INTO documents (kind, id, project, name, body, created_at, updated_at) SELECT x.* FROM json_to_recordset(t.documents)
          AS x (kind text, id text, project text, name text, body json, created_at bigint, updated_at bigint)
        ON CONFLICT (kind, id) DO UPDATE SET project = excluded.project, name = excluded.name, body = excluded.body,
          updated_at = excluded.updated_at;
      END IF;
      IF t.log IS NOT NULL THEN
        PERFORM append_log(x.stream, x.at, decode(x.bytes, 'base64'))
        FROM json_to_recordset(t.log) AS x (stream text, at bigint, bytes text);
      END IF;
      claimed := '[]';
      IF t.commands IS NOT NULL THEN
        WITH asked AS (
          INSERT INTO commands (key, kind, aggregate, lane, project, host, body, due, fence, tries, node)
          SELECT key, kind, aggregate, lane, project, host, body, due, mine::integer, mine::integer, CASE WHEN mine THEN me END
          FROM (
            SELECT x.*, x.due = 0 AND x.host IN ('', here) AND (x.lane = '' OR
              row_number() OVER (PARTITION BY x.lane ORDER BY x.turn) = 1
              AND NOT EXISTS (SELECT FROM commands AS c WHERE c.lane <> '' AND c.lane = x.lane)) AS mine
            FROM ROWS FROM (json_to_recordset(t.commands)
              AS (key text, kind text, aggregate text, lane text, project text, host text, body json, due bigint))
              WITH ORDINALITY AS x (key, kind, aggregate, lane, project, host, body, due, turn)
          ) AS wanted ORDER BY turn
          ON CONFLICT (key) DO NOTHING RETURNING id, key, node
        )
        SELECT coalesce(json_agg(json_build_object('id', id, 'key', key) ORDER BY id), '[]') INTO claimed
        FROM asked WHERE node IS NOT NULL;
      END IF;
      handed := '[]';
      IF settled <> '' THEN
        -- Whoever settled the one before is handed the next of its lane, where that is due at once: no second trip.
        WITH taken AS (
          UPDATE commands SET fence = fence + 1, tries = tries + 1, node = me
          WHERE id = (SELECT min(id) FROM commands WHERE lane = settled AND lane <> '')
            AND node IS NULL AND due = 0 AND host IN ('', here)
          RETURNING id, key, kind, aggregate, lane, project, host, body, due, fence, tries
        )
        SELECT coalesce(json_agg(taken), '[]') INTO handed FROM taken;
      END IF;
      answers := answers || json_build_object('result', 'applied', 'claimed', claimed, 'handed', handed);
    EXCEPTION
      WHEN SQLSTATE 'MR001' OR SQLSTATE 'MR002' THEN
        last := last_before;
        answers := answers || json_build_object('result', SQLERRM);
      WHEN data_exception OR integrity_constraint_violation THEN
        last := last_before;
        answers := answers || json_build_object('result', 'failed', 'message', SQLERRM);
    END;
  END LOOP;
  UPDATE counters SET value = last WHERE name = 'events' AND value <> last;
  PERFORM keep_answer(me, previous, batch_id, array_to_json(answers));
  RETURN array_to_json(answers);
END $$;

CREATE FUNCTION claim(me text, here text, previous text, batch_id text, at bigint, crowded text[], most_of_one integer, most integer)
RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  claimed json;
BEGIN
  PERFORM lock_writers();
  WITH ranked AS (
    SELECT id, due, row_number() OVER (PARTITION BY project ORDER BY due, id) AS turn FROM (
      SELECT id, due, project, host FROM commands WHERE node IS NULL AND due <= at AND lane = ''
      UNION ALL
      SELECT id, due, project, host FROM commands WHERE node IS NULL AND due <= at
        AND id IN (SELECT min(id) FROM commands WHERE lane <> '' GROUP BY lane)
    ) AS candidates WHERE host IN ('', here) AND NOT project = ANY (crowded)
  ), taken AS (
    UPDATE commands SET fence = fence + 1, tries = tries + 1, node = me
    WHERE id IN (SELECT id FROM ranked WHERE turn <= most_of_one ORDER BY turn, due, id LIMIT most)
    RETURNING id, key, kind, aggregate, lane, project, host, body, due, fence, tries
  )
  SELECT coalesce(json_agg(taken ORDER BY due, id), '[]') INTO claimed FROM taken;
  IF json_array_length(claimed) > 0 THEN PERFORM keep_answer(me, previous, batch_id, claimed); END IF;
  RETURN claimed;
END $$;

CREATE FUNCTION outcome_of(me text, batch_id text, bar text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  n nodes%ROWTYPE;
BEGIN
  PERFORM lock_writers();
  SELECT * INTO n FROM nodes WHERE name = me;
  IF NOT FOUND THEN RAISE EXCEPTION 'not a member' USING ERRCODE = 'MR003'; END IF;
  IF n.batch = batch_id THEN RETURN n.answer; END IF;
  UPDATE nodes SET batch = bar WHERE name = me;
  RETURN NULL;
END $$;

CREATE FUNCTION count_up(counter text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  counted bigint;
BEGIN
  -- Is on disk with the transition that uses the number, which is written later to the same log.
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO counters VALUES (counter, 1) ON CONFLICT (name) DO UPDATE SET value = counters.value + 1
  RETURNING value INTO counted;
  RETURN counted;
END $$;

CREATE FUNCTION take_over(dead text) RETURNS void LANGUAGE sql AS $$
  SELECT lock_writers();
  DELETE FROM nodes WHERE name = dead;
  UPDATE commands SET node = NULL WHERE node = dead;
$$;

CREATE FUNCTION hasten(prefix text, at bigint) RETURNS void LANGUAGE sql AS $$
  SELECT lock_writers();
  UPDATE commands SET due = at WHERE node IS NULL AND due > at AND key >= prefix AND key < prefix || U&'\\FFFF';
$$;
`;
