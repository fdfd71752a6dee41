import { parseFilter } from '../api/filter.ts';
import type { JsonObject } from '../core/json.ts';
import type { AggregateKind, Store } from '../store/store.ts';
import type { User } from './users.ts';

/** A request after the door: signed in where it must be, its body of the right shape. */
export interface Request {
  params: Record<string, string>;
  query: Record<string, string>;
  headers: Record<string, string>;
  body: JsonObject;
  raw: Buffer;
  user: User | undefined;
  /** Emitted when the client has gone. */
  signal: AbortSignal;
}

/** A plain value is sent as JSON; this is for everything else. */
export class Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Record<string, string>;

  constructor(status: number, body: unknown, headers: Record<string, string> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** Server-sent events: sends until the client goes. */
export class Stream {
  readonly run: (
    send: (event: { id?: string; event: string; data: unknown }) => void,
    signal: AbortSignal,
  ) => Promise<void>;

  constructor(run: Stream['run']) {
    this.run = run;
  }
}

export type Handler = (request: Request) => Promise<unknown>;

/** The list envelope of Code Stream: links keep the order, documents are a map. */
export function envelope(records: JsonObject[], query: Record<string, string>): JsonObject {
  const found = filtered(records, query);
  const { skip, top } = wantedPage(query);
  return envelopeOf(ordered(found, query.$orderby).slice(skip, skip + top), found.length);
}

/** The same of what is too much to be read whole: where nothing is to be found or put in order, only the page is read. */
export async function storedEnvelope(
  store: Store,
  kind: AggregateKind,
  query: Record<string, string>,
): Promise<JsonObject> {
  if (query.$filter || query.$orderby) return envelope(await store.summaries(kind), query);
  const { skip, top } = wantedPage(query);
  return envelopeOf(await store.summaries(kind, { skip, limit: top }), await store.count(kind));
}

function wantedPage(query: Record<string, string>): { skip: number; top: number } {
  const top = Number(query.$top ?? query.$size ?? query.count ?? 25) || 25;
  return { top, skip: Number(query.$skip ?? 0) || Number(query.page ?? 0) * top || 0 };
}

function envelopeOf(page: JsonObject[], totalCount: number): JsonObject {
  const linkOf = (record: JsonObject) => String(record._link ?? record.id);
  return {
    count: page.length,
    totalCount,
    links: page.map(linkOf),
    documents: Object.fromEntries(page.map((record) => [linkOf(record), record])),
  };
}

/** The list envelope of the other services. */
export function pageOf(records: JsonObject[], query: Record<string, string>): JsonObject {
  const found = filtered(records, query);
  const size = Number(query.size ?? query.$top ?? 100) || 100;
  const skip = Number(query.$skip ?? 0) || Number(query.page ?? 0) * size || 0;
  const content = ordered(found, query.$orderby).slice(skip, skip + size);
  const totalPages = Math.ceil(found.length / size);
  return {
    content,
    totalElements: found.length,
    totalPages,
    numberOfElements: content.length,
    size,
    number: Math.floor(skip / size),
    first: skip === 0,
    last: skip + size >= found.length,
    empty: content.length === 0,
  };
}

function filtered(records: JsonObject[], { $filter }: Record<string, string>): JsonObject[] {
  return $filter ? records.filter(parseFilter($filter)) : records;
}

function ordered(records: JsonObject[], by: string | undefined): JsonObject[] {
  const [field, direction = 'asc'] = (by ?? '').trim().split(/\s+/);
  if (!field) return records;
  const sign = direction.toLowerCase() === 'desc' ? -1 : 1;
  const compare = (a: JsonObject, b: JsonObject) => {
    const [left, right] = [a[field] ?? '', b[field] ?? ''];
    return typeof left === 'number' && typeof right === 'number'
      ? left - right
      : String(left).localeCompare(String(right));
  };
  return [...records].sort((a, b) => sign * compare(a, b));
}
