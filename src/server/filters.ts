import { MillraceError } from '../core/error.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { pageOf } from './request.ts';

/** By what a list can be narrowed: the parameter, how people call it, and where its values stand in what is listed. */
interface Filter {
  id: string;
  name: string;
  value(item: JsonObject): string;
  /** How a value is called; as it is, where this is absent. */
  label?(item: JsonObject): string;
}

const projects: Filter = {
  id: 'projects',
  name: 'Project',
  value: ({ projectId }) => String(projectId),
  label: ({ project }) =>
    project && typeof project === 'object' ? String((project as JsonObject).name) : String(project),
};

export const deploymentFilters: readonly Filter[] = [
  projects,
  { id: 'status', name: 'Status', value: ({ status }) => String(status) },
  { id: 'ownedBy', name: 'Owner', value: ({ ownedBy }) => String(ownedBy) },
];
export const resourceFilters: readonly Filter[] = [
  projects,
  { id: 'resourceTypes', name: 'Resource type', value: ({ type }) => String(type) },
];

export function filtersOf(items: readonly JsonObject[], filters: readonly Filter[]): JsonObject[] {
  return filters.map(({ id, name, ...filter }) => {
    const { content, ...page } = pageOf(values(items, { id, name, ...filter }), {});
    return { id, name, type: 'MULTISELECT', content: content as JsonObject[], ...page };
  });
}

/** A page of what one filter can be set to. @throws MillraceError not.found */
export function entriesOf(
  items: readonly JsonObject[],
  filters: readonly Filter[],
  wanted: string,
  query: Record<string, string>,
): JsonObject {
  const filter = filters.find(({ id }) => id === wanted);
  if (filter) return pageOf(values(items, filter), query);
  throw new MillraceError('not.found', {
    message: `There is no filter ${wanted}.`,
    hint: `There are: ${filters.map(({ id }) => id).join(', ')}.`,
  });
}

function values(items: readonly JsonObject[], { value, label = value }: Filter): JsonObject[] {
  return [...Map.groupBy(items, value)]
    .map(([id, same]) => ({ id, name: label(same[0]!), count: same.length }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A parameter that lists what is wanted; none: all. Repeated parameters come joined. */
export const isAmong = (wanted: string | undefined, value: Json | undefined): boolean =>
  !wanted || wanted.split(/,| and /).includes(String(value));

/** With one of the tags that are wanted, each a key or `key:value`. */
export function isTagged(wanted: string | undefined, properties: Json | undefined): boolean {
  if (!wanted) return true;
  const { tags = [] } = isObject(properties) ? properties : {};
  const all = (Array.isArray(tags) ? tags.filter(isObject) : []).flatMap(({ key, value }) => [
    String(key),
    `${String(key)}:${String(value)}`,
  ]);
  return wanted.split(/,| and /).some((one) => all.includes(one));
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
