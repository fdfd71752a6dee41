/**
 * A batch of transitions as one call: each of its parts is one statement for all of them, and each JSON is read once. All is written
 * or nothing: where one of them is refused, the answer says which, and the others are sent again without it. Batches of all nodes
 * follow one after the other (the advisory lock), so that sequences of events are in the order of their commits and no reader of a
 * cursor ever misses one. The answer is also kept with the node: where the connection broke in the middle, the node asks for it
 * instead of guessing.
 *
 * Each part is an array of JSON, or null: `ended` and `again` settle commands, `made` and `changed` are aggregates. `many` counts
 * those of [ended, again, made, changed, happened]; `t` is the place of a transition in the batch.
 */
export const writeFunction = `
CREATE FUNCTION write_batch(
  me text, here text, previous text, batch_id text, many integer[],
  ended json, again json, made json, changed json, happened json, documents json, log json, asked json
) RETURNS json LANGUAGE plpgsql
-- Few rows are looked up in large tables, by their keys; a plan that was made when the tables were small is kept.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
  written bigint;
  last bigint;
  freed text[];
  freed_by integer[];
  claimed json := '[]';
  handed json := '[]';
  answer json;
  reason text;
BEGIN
  PERFORM lock_writers();
  BEGIN
    IF ended IS NOT NULL THEN
      WITH gone AS (
        DELETE FROM commands AS c USING json_to_recordset(ended) AS x (t integer, command bigint, fence bigint)
        WHERE c.id = x.command AND c.fence = x.fence RETURNING x.t, c.lane
      ) SELECT count(*), array_agg(lane) FILTER (WHERE lane <> ''), array_agg(t) FILTER (WHERE lane <> '')
      INTO written, freed, freed_by FROM gone;
      IF written <> many[1] THEN RAISE EXCEPTION 'refused' USING ERRCODE = 'MR004'; END IF;
    END IF;
    IF again IS NOT NULL THEN
      UPDATE commands AS c SET due = x.due, body = x.body, node = NULL, tries = CASE WHEN x.keep THEN c.tries ELSE 0 END
      FROM json_to_recordset(again) AS x (t integer, command bigint, fence bigint, due bigint, body json, keep boolean)
      WHERE c.id = x.command AND c.fence = x.fence;
      GET DIAGNOSTICS written = ROW_COUNT;
      IF written <> many[2] THEN RAISE EXCEPTION 'refused' USING ERRCODE = 'MR004'; END IF;
    END IF;
    IF made IS NOT NULL THEN
      INSERT INTO aggregates (kind, id, version, fixed, state, summary)
      SELECT x.kind, x.id, 1, x.fixed, x.state, x.summary
      FROM json_to_recordset(made) AS x (kind text, id text, fixed json, state json, summary json)
      ON CONFLICT DO NOTHING;
      GET DIAGNOSTICS written = ROW_COUNT;
      IF written <> many[3] THEN RAISE EXCEPTION 'refused' USING ERRCODE = 'MR004'; END IF;
    END IF;
    IF changed IS NOT NULL THEN
      UPDATE aggregates AS a SET version = a.version + 1, state = x.state, summary = x.summary
      FROM json_to_recordset(changed) AS x (t integer, kind text, id text, version bigint, state json, summary json)
      WHERE a.kind = x.kind AND a.id = x.id AND a.version = x.version;
      GET DIAGNOSTICS written = ROW_COUNT;
      IF written <> many[4] THEN RAISE EXCEPTION 'refused' USING ERRCODE = 'MR004'; END IF;
    END IF;
    IF happened IS NOT NULL THEN
      UPDATE counters SET value = value + many[5] WHERE name = 'events' RETURNING value - many[5] INTO last;
      INSERT INTO events (sequence, kind, aggregate, body) SELECT last + x.turn, x.kind, x.aggregate, x.body
      FROM ROWS FROM (json_to_recordset(happened) AS (kind text, aggregate text, body json))
        WITH ORDINALITY AS x (kind, aggregate, body, turn);
    END IF;
    IF documents IS NOT NULL THEN
      INSERT INTO documents AS d (kind, id, project, name, body, created_at, updated_at) SELECT x.* FROM json_to_recordset(documents)
        AS x (kind text, id text, project text, name text, body json, created_at bigint, updated_at bigint)
      ON CONFLICT (kind, id) DO UPDATE SET project = excluded.project, name = excluded.name, body = excluded.body,
        updated_at = excluded.updated_at;
    END IF;
    IF log IS NOT NULL THEN
      PERFORM append_log(x.stream, x.at, decode(x.bytes, 'base64'))
      FROM json_to_recordset(log) AS x (stream text, at bigint, bytes text);
    END IF;
    IF asked IS NOT NULL THEN
      WITH new AS (
        INSERT INTO commands (key, kind, aggregate, lane, project, host, body, due, fence, tries, node)
        SELECT key, kind, aggregate, lane, project, host, body, due, mine::integer, mine::integer, CASE WHEN mine THEN me END
        FROM (
          SELECT x.*, x.due = 0 AND x.host IN ('', here) AND (x.lane = '' OR
            row_number() OVER (PARTITION BY x.lane ORDER BY x.turn) = 1
            AND NOT EXISTS (SELECT FROM commands AS c WHERE c.lane <> '' AND c.lane = x.lane)) AS mine
          FROM ROWS FROM (json_to_recordset(asked)
            AS (key text, kind text, aggregate text, lane text, project text, host text, body json, due bigint))
            WITH ORDINALITY AS x (key, kind, aggregate, lane, project, host, body, due, turn)
        ) AS wanted ORDER BY turn
        ON CONFLICT (key) DO NOTHING RETURNING id, key, node
      )
      SELECT coalesce(json_agg(json_build_object('id', id, 'key', key) ORDER BY id), '[]') INTO claimed
      FROM new WHERE node IS NOT NULL;
    END IF;
    IF freed IS NOT NULL THEN
      -- Whoever settled the one before is handed the next of its lane, where that is due at once: no second trip.
      WITH taken AS (
        UPDATE commands AS c SET fence = c.fence + 1, tries = c.tries + 1, node = me
        FROM (SELECT t, (SELECT min(id) FROM commands WHERE lane = free AND lane <> '') AS first
              FROM unnest(freed, freed_by) AS x (free, t)) AS next
        WHERE c.id = next.first AND c.node IS NULL AND c.due = 0 AND c.host IN ('', here)
        RETURNING next.t, c.id, key, kind, aggregate, c.lane, project, host, body, due, fence, tries
      )
      SELECT coalesce(json_agg(taken), '[]') INTO handed FROM taken;
    END IF;
  EXCEPTION
    WHEN SQLSTATE 'MR004' THEN reason := 'refused';
    WHEN data_exception OR integrity_constraint_violation OR cardinality_violation THEN reason := SQLERRM;
  END;
  IF reason IS NOT NULL THEN
    RETURN json_build_object('reason', reason, 'refused', (
      SELECT coalesce(json_agg(json_build_object('t', t, 'result', result)), '[]') FROM (
        SELECT x.t, 'fenced' AS result
        FROM (SELECT * FROM json_to_recordset(ended) AS e (t integer, command bigint, fence bigint)
              UNION ALL SELECT * FROM json_to_recordset(again) AS l (t integer, command bigint, fence bigint)) AS x
        WHERE NOT EXISTS (SELECT FROM commands AS c WHERE c.id = x.command AND c.fence = x.fence)
        UNION ALL
        SELECT x.t, 'conflict' FROM json_to_recordset(made) AS x (t integer, kind text, id text)
        WHERE EXISTS (SELECT FROM aggregates AS a WHERE a.kind = x.kind AND a.id = x.id)
        UNION ALL
        SELECT x.t, 'conflict' FROM json_to_recordset(changed) AS x (t integer, kind text, id text, version bigint)
        WHERE NOT EXISTS (SELECT FROM aggregates AS a WHERE a.kind = x.kind AND a.id = x.id AND a.version = x.version)
      ) AS those));
  END IF;
  answer := json_build_object('claimed', claimed, 'handed', handed);
  PERFORM keep_answer(me, previous, batch_id, answer);
  RETURN answer;
END $$;
`;
