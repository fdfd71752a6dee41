import type { Json, JsonObject } from '../../core/json.ts';
import type { Command, Document } from '../store.ts';

/** Every column that some query here gives back. */
export interface Row {
  id: number & string;
  key: string;
  kind: string;
  aggregate: string;
  lane: string;
  body: string;
  due: number;
  fence: number;
  tries: number;
  fixed: string | null;
  state: string;
  version: number;
  summary: string;
  sequence: number;
  last: number;
  value: number;
  start: number;
  size: number;
  text: string;
  project: string;
  host: string;
  name: string;
  created_at: number;
  updated_at: number;
}

export const commandOf = (row: Row): Command => ({
  id: row.id,
  key: row.key,
  kind: row.kind as never,
  aggregate: row.aggregate,
  lane: row.lane,
  project: row.project,
  host: row.host,
  body: JSON.parse(row.body) as JsonObject,
  due: row.due,
  fence: row.fence,
  tries: row.tries,
});

export const documentOf = (row: Row | undefined): Document | undefined =>
  row && {
    kind: row.kind,
    id: row.id,
    project: row.project,
    name: row.name,
    body: JSON.parse(row.body) as JsonObject,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };

/** What never changes of a state is written once, apart from it. */
export const stateOf = ({ fixed, state }: Pick<Row, 'fixed' | 'state'>): Json =>
  fixed === null ? (JSON.parse(state) as Json) : { ...JSON.parse(fixed), ...JSON.parse(state) };

/** A document as the columns of its table, in their order. */
export const columnsOf = (document: Document): (string | number)[] => {
  const { kind, id, project, name, body, createdAt, updatedAt } = document;
  return [kind, id, project, name, JSON.stringify(body), createdAt, updatedAt];
};
