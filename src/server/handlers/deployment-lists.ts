import { isDeleted } from '../../blueprint/deployment.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { deploymentFilters, entriesOf, filtersOf, isAmong, isTagged, isWithin, resourceFilters } from '../filters.ts';
import type { HandlerParts } from '../handlers.ts';
import { projectId } from '../kinds/kind.ts';
import { type Handler, pageOf } from '../request.ts';
import { withDeployment } from '../views.ts';

/** Deployments and resources as lists, and by what these can be narrowed. */
export function deploymentListHandlers({ parts, engine }: HandlerParts): Record<string, Handler> {
  const { store } = parts;
  const { deployments } = engine;

  return {
    'deployments.list': async ({ query }) => pageOf(await found(query), query),
    'deployments.filters': async () => ({ filters: filtersOf(await found({}), deploymentFilters) }),
    'deployments.filter': async ({ params, query }) =>
      entriesOf(await found({}), deploymentFilters, params.filterId!, query),
    'deployments.count': async ({ params }) => ({
      totalElements: (await found({})).filter((one) => one.projectId === params.id).length,
    }),
    'resources.list': async ({ query }) => {
      const isWanted = ({ name, type, properties, projectId: of }: JsonObject) =>
        isTagged(query.tags, properties) &&
        (!query.search || String(name).includes(query.search)) &&
        isAmong(query.resourceTypes, type) &&
        isAmong(query.projects, of);
      return pageOf((await allResources()).filter(isWanted), query);
    },
    'resources.filters': async () => ({ filters: filtersOf(await allResources(), resourceFilters) }),
    'resources.filter': async ({ params, query }) =>
      entriesOf(await allResources(), resourceFilters, params.filterId!, query),
  };

  async function allResources(): Promise<JsonObject[]> {
    const all: JsonObject[] = [];
    for (const { id } of await store.summaries('deployment')) {
      const deployment = await deployments.read(String(id));
      if (!deployment || isDeleted(deployment)) continue;
      for (const resource of Object.values(deployment.resources)) all.push(withDeployment(deployment, resource));
    }
    return all;
  }

  /** As lists show them; the original's own filters are plain parameters. */
  async function found(query: Record<string, string>): Promise<JsonObject[]> {
    const shown = (await store.summaries('deployment')).map((summary) => ({
      ...summary,
      ...{ orgId: 'default', projectId: projectId(String(summary.project)), ownedBy: summary.owner ?? '' },
      lastUpdatedAt: summary.updatedAt ?? '',
    })) as JsonObject[];
    const holders = query.resourceTypes || query.tags ? await holdersOf(query) : undefined;
    return shown.filter(
      ({ id, name, status, projectId: of, ownedBy, createdAt, lastUpdatedAt, leaseExpireAt }) =>
        (query.deleted === 'true') === (status === 'DELETE_SUCCESSFUL') &&
        (!query.name || name === query.name) &&
        (!query.search || String(name).toLowerCase().includes(query.search.toLowerCase())) &&
        isAmong(query.status, status) &&
        isAmong(query.projects, of) &&
        isAmong(query.ownedBy, ownedBy) &&
        isAmong(query.ids, id) &&
        isWithin(query.createdAt, createdAt) &&
        isWithin(query.lastUpdatedAt, lastUpdatedAt) &&
        isWithin(query.expiresAt, leaseExpireAt) &&
        (!holders || holders.has(id)),
    );
  }

  /** Deployments with a resource that is asked for. */
  async function holdersOf({ resourceTypes, tags }: Record<string, string>): Promise<Set<Json | undefined>> {
    const wanted = (await allResources()).filter(
      ({ type, properties }) => isAmong(resourceTypes, type) && isTagged(tags, properties),
    );
    return new Set(wanted.map(({ deploymentId }) => deploymentId));
  }
}
