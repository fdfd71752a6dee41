import { parseFilter, parseOrder } from '../api/filter.ts';
import { MillraceError } from '../core/error.ts';
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
  const top = wholeNumber(query, ['$top', '$size', 'size', 'count']) ?? 25;
  return { top, skip: wholeNumber(query, ['$skip']) ?? (wholeNumber(query, ['page', '$page']) ?? 0) * top };
}

/** The first of these parameters that is given. @throws MillraceError request.invalid where it is no whole number. */
function wholeNumber(query: Record<string, string>, names: string[]): number | undefined {
  const name = names.find((one) => query[one]);
  if (!name) return undefined;
  const value = Number(query[name]);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new MillraceError('request.invalid', { message: `\`${name}=${query[name]}\` is no whole number from 0 on.` });
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

/** The list envelope of the other services: `$top` (100 where nobody says), `$skip` or `page`, `$filter`, `$orderby`, `$select`. */
export function pageOf(records: JsonObject[], query: Record<string, string>): JsonObject {
  const found = filtered(records, query);
  const size = wholeNumber(query, ['size', '$size', '$top']) || 100;
  const skip = wholeNumber(query, ['$skip']) ?? (wholeNumber(query, ['page', '$page']) ?? 0) * size;
  const content = selected(ordered(found, query.$orderby).slice(skip, skip + size), query.$select);
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

/** The list of the infrastructure service: `$top` (100 where nobody says), `$skip`, `$count`, `$filter`, `$orderby`, `$select`. */
export function listOf(records: JsonObject[], query: Record<string, string>): JsonObject {
  const found = ordered(filtered(records, query), query.$orderby ?? query.$orderBy);
  const top = wholeNumber(query, ['$top', 'size', '$size']) ?? 100;
  const skip = wholeNumber(query, ['$skip']) ?? (wholeNumber(query, ['page']) ?? 0) * top;
  const content = selected(found.slice(skip, skip + top), query.$select);
  return {
    content: query.$count === 'true' && top === 0 ? [] : content,
    totalElements: found.length,
    numberOfElements: content.length,
  };
}

/** Only the fields that are asked for; none: all. */
function selected(records: JsonObject[], select: string | undefined): JsonObject[] {
  const wanted = select?.split(',').map((key) => key.trim());
  return wanted
    ? records.map((record) => Object.fromEntries(wanted.flatMap((key) => (key in record ? [[key, record[key]!]] : []))))
    : records;
}

function filtered(records: JsonObject[], { $filter }: Record<string, string>): JsonObject[] {
  return $filter ? records.filter(parseFilter($filter)) : records;
}

function ordered(records: JsonObject[], by: string | undefined): JsonObject[] {
  return by?.trim() ? [...records].sort(parseOrder(by)) : records;
}
