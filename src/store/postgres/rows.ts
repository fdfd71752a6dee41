import type { Json, JsonObject } from '../../core/json.ts';
import type { AggregateKind, Document } from '../store.ts';

/** Asks the database; a statement is prepared once for each connection, under its name. */
export type Ask = (name: string, text: string, ...values: unknown[]) => Promise<Row[]>;

/** Every column that some query here gives back. */
export interface Row {
  kind: AggregateKind & string;
  id: string;
  node: string | null;
  fixed: JsonObject | null;
  state: Json;
  version: number;
  summary: JsonObject;
  due: number;
  next: number | null;
  value: number;
  start: number;
  size: number;
  text: Buffer;
  project: string;
  name: string;
  body: JsonObject;
  created_at: number;
  updated_at: number;
}

/** Named one by one: a prepared statement outlives a column that a newer version adds, `*` does not. */
export const documentColumns = 'kind, id, project, name, body, created_at, updated_at';
export const columnsOf = (document: Document): unknown[] => {
  const { kind, id, project, name, body, createdAt, updatedAt } = document;
  return [kind, id, project, name, JSON.stringify(body), createdAt, updatedAt];
};

export const documentOf = (row: Row | undefined): Document | undefined =>
  row && {
    kind: row.kind,
    id: row.id,
    project: row.project,
    name: row.name,
    body: row.body,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };

/** The row of each kind and id, in their order. By their key: no plan may read the whole table for a few of them. */
export async function rowsByKey(
  ask: Ask,
  name: string,
  selection: string,
  keys: [kind: string, id: string][],
): Promise<(Row | undefined)[]> {
  const [only, ...others] = keys;
  // What is asked for alone, as most is, needs no join, which takes longer to plan than to carry out.
  if (only && others.length === 0) return ask(`${name} one`, `${selection} WHERE kind = $1 AND id = $2`, ...only);
  const rows = await ask(
    name,
    `SELECT found.* FROM unnest($1::text[], $2::text[]) AS wanted (of, key)
     CROSS JOIN LATERAL (${selection} WHERE kind = wanted.of AND id = wanted.key LIMIT 1) AS found`,
    keys.map(([kind]) => kind),
    keys.map(([, id]) => id),
  );
  const found = new Map(rows.map((row) => [`${row.kind}/${row.id}`, row]));
  return keys.map((key) => found.get(key.join('/')));
}
