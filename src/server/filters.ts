import { MillraceError } from '../core/error.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import type { AccountRecord } from './regions.ts';
import { pageOf } from './request.ts';

/** What is listed: as it is shown, and the resources that it has, or is. */
export interface Listed {
  shown: JsonObject;
  resources: readonly { type: string; account: AccountRecord | undefined }[];
}

interface Value {
  id: string;
  name: string;
}

/** By what a list can be narrowed: the parameter, how people call it, and what of it something in the list has. */
interface Filter {
  id: string;
  name: string;
  values(listed: Listed): Value[];
}

const field = (id: string, name: string): Filter => ({ id, name, values: ({ shown }) => [plain(shown[id])] });
const plain = (value: Json | undefined): Value => ({ id: String(value ?? ''), name: String(value ?? '') });

const projects: Filter = {
  id: 'projects',
  name: 'Project',
  values: ({ shown: { projectId, project } }) => [
    { id: String(projectId), name: isObject(project) ? String(project.name) : '' },
  ],
};
const ofResources: readonly Filter[] = [
  { id: 'resourceTypes', name: 'Resource type', values: ({ resources }) => resources.map(({ type }) => plain(type)) },
  {
    id: 'cloudAccounts',
    name: 'Cloud account',
    values: ({ resources }) => resources.flatMap(({ account }) => account ?? []),
  },
  {
    id: 'cloudTypes',
    name: 'Cloud type',
    values: ({ resources }) => resources.flatMap(({ account }) => (account ? plain(account.type) : [])),
  },
];

/** Adding one is one line: lists take its parameter, and tell what it can be set to. */
export const deploymentFilters: readonly Filter[] = [
  projects,
  field('status', 'Status'),
  field('lastRequestStatus', 'Last request'),
  field('ownedBy', 'Owner'),
  field('requestedBy', 'Requested by'),
  ...ofResources,
];
export const resourceFilters: readonly Filter[] = [projects, ...ofResources];

/** Those that have one of the values of each filter that a query names, by id or by name; the case of letters does not matter. */
export function narrowed(
  items: readonly Listed[],
  filters: readonly Filter[],
  query: Record<string, string>,
): Listed[] {
  const set = filters.flatMap(({ id, values }) => {
    const wanted = wantedIn(query[id]?.toLowerCase());
    return wanted ? [(item: Listed) => values(item).some((value) => wanted.some((one) => isValue(one, value)))] : [];
  });
  return items.filter((item) => set.every((isMet) => isMet(item)));
}

const isValue = (wanted: string, { id, name }: Value): boolean =>
  [id.toLowerCase(), name.toLowerCase()].includes(wanted);

export function filtersOf(items: readonly Listed[], filters: readonly Filter[]): JsonObject[] {
  return filters.map((filter) => {
    const { content, ...page } = pageOf(entries(items, filter), {});
    return { id: filter.id, name: filter.name, type: 'MULTISELECT', content: content as JsonObject[], ...page };
  });
}

/** A page of what one filter can be set to. @throws MillraceError not.found */
export function entriesOf(
  items: readonly Listed[],
  filters: readonly Filter[],
  wanted: string,
  query: Record<string, string>,
): JsonObject {
  const filter = filters.find(({ id }) => id === wanted);
  if (filter)
    return pageOf(
      entries(items, filter).filter(({ name }) => isFound(query.search, name)),
      query,
    );
  throw new MillraceError('not.found', {
    message: `There is no filter ${wanted}.`,
    hint: `There are: ${filters.map(({ id }) => id).join(', ')}.`,
  });
}

/** What a filter can be set to, and how much of the list that leaves. */
function entries(items: readonly Listed[], { values }: Filter): JsonObject[] {
  const found = new Map<string, { name: string; count: number }>();
  for (const item of items)
    for (const [id, name] of new Map(values(item).map((value) => [value.id, value.name])))
      found.set(id, { name, count: (found.get(id)?.count ?? 0) + 1 });
  return [...found].map(([id, entry]) => ({ id, ...entry })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether a name has the part that is searched for; none: every name has. */
export const isFound = (search: string | undefined, name: Json | undefined): boolean =>
  !search || String(name).toLowerCase().includes(search.toLowerCase());

/** A parameter may list several values, and a value may look like such a list. Repeated parameters come joined. */
export const wantedIn = (parameter: string | undefined): string[] | undefined =>
  parameter ? [parameter, ...parameter.split(/,| and /).map((one) => one.trim())] : undefined;

/** Whether a parameter is a value; none: every value is wanted. */
export const isJust = (wanted: string | undefined, value: Json | undefined): boolean =>
  !wanted || String(value) === wanted;

/** Whether a parameter lists a value; none: all. */
export const isAmong = (wanted: string | undefined, value: Json | undefined): boolean =>
  wantedIn(wanted)?.includes(String(value)) ?? true;

/** With one of the tags that are wanted, each a key or `key:value`. */
export function isTagged(wanted: string | undefined, properties: Json | undefined): boolean {
  if (!wanted) return true;
  const { tags = [] } = isObject(properties) ? properties : {};
  const all = (Array.isArray(tags) ? tags.filter(isObject) : []).flatMap(({ key, value }) => [
    String(key),
    `${String(key)}:${String(value)}`,
  ]);
  return wantedIn(wanted)!.some((one) => all.includes(one));
}

/** In an interval: two instants of ISO 8601, parted by a comma, of which one may be left out. @throws MillraceError request.invalid */
export function isWithin(interval: string | undefined, at: Json | undefined): boolean {
  if (!interval) return true;
  const [from = '', to = ''] = interval.split(',').map((part) => part.trim());
  const wrong = [from, to].find((part) => part !== '' && Number.isNaN(Date.parse(part)));
  if (wrong !== undefined)
    throw new MillraceError('request.invalid', {
      message: `"${wrong}" is no instant.`,
      hint: 'An interval is two of them, such as `2026-01-01T00:00:00Z,2026-02-01T00:00:00Z`.',
    });
  const instant = Date.parse(String(at));
  return (from === '' || instant >= Date.parse(from)) && (to === '' || instant <= Date.parse(to));
}
