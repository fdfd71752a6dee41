import { isDeleted } from '../../blueprint/deployment.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import {
  deploymentFilters,
  entriesOf,
  filtersOf,
  isAmong,
  isFound,
  isJust,
  isTagged,
  isWithin,
  type Listed,
  narrowed,
  resourceFilters,
  wantedIn,
} from '../filters.ts';
import type { HandlerParts } from '../handlers.ts';
import { accountsByZone } from '../regions.ts';
import { type Handler, pageOf } from '../request.ts';
import { deploymentView, listedDeployment, withDeployment } from '../views.ts';

/** What of a deployment is not in its summary. */
const inside = ['resources', 'lastRequest', 'inprogressRequests'];

/** Deployments and resources as lists, and by what these can be narrowed. */
export function deploymentListHandlers({ parts, engine }: HandlerParts): Record<string, Handler> {
  const { store } = parts;
  const { deployments } = engine;

  return {
    'deployments.list': async ({ query }) => {
      const page = pageOf(shownOf(await deploymentsFor(query)), query);
      return wantedIn(query.expand)?.some((part) => inside.includes(part)) ? expanded(page) : page;
    },
    'deployments.filters': async () => ({ filters: filtersOf(await deploymentsFor({}), deploymentFilters) }),
    'deployments.filter': async ({ params, query }) =>
      entriesOf(await deploymentsFor({ projects: query.projects ?? '' }), deploymentFilters, params.filterId!, query),
    'deployments.count': async ({ params }) => ({
      totalElements: (await deploymentsFor({ projects: params.id! })).length,
    }),
    'resources.list': async ({ query }) =>
      pageOf(
        shownOf(await resourcesFor(query)).filter(
          ({ name, properties }) => isTagged(query.tags, properties) && isFound(query.search, name),
        ),
        query,
      ),
    'resources.filters': async ({ query }) => ({ filters: filtersOf(await resourcesFor(query), resourceFilters) }),
    'resources.filter': async ({ params, query }) =>
      entriesOf(await resourcesFor(query), resourceFilters, params.filterId!, query),
  };

  async function resourcesFor(query: Record<string, string>): Promise<Listed[]> {
    const accounts = await accountsByZone(store);
    const all: Listed[] = [];
    for (const { id } of await store.summaries('deployment')) {
      const deployment = await deployments.read(String(id));
      if (!deployment || isDeleted(deployment)) continue;
      for (const resource of Object.values(deployment.resources))
        all.push({
          shown: withDeployment(deployment, resource),
          resources: [{ type: resource.type, account: accounts.get(resource.zone) }],
        });
    }
    return narrowed(all, resourceFilters, query);
  }

  async function deploymentsFor(query: Record<string, string>): Promise<Listed[]> {
    const accounts = await accountsByZone(store);
    const listed = (await store.summaries('deployment')).map((summary) => ({
      shown: listedDeployment(summary),
      resources: standing(summary).map(({ type, zone }) => ({
        ...{ type: String(type), account: accounts.get(String(zone)) },
      })),
    }));
    const holders = query.tags ? await holdersOf(query) : undefined;
    return narrowed(listed, deploymentFilters, query).filter(
      ({ shown: { id, name, deleted, createdAt, lastUpdatedAt, leaseExpireAt } }) =>
        (query.deleted === 'true') === deleted &&
        isJust(query.name, name) &&
        isFound(query.search, name) &&
        isAmong(query.ids, id) &&
        isWithin(query.createdAt, createdAt) &&
        isWithin(query.lastUpdatedAt, lastUpdatedAt) &&
        isWithin(query.expiresAt, leaseExpireAt) &&
        (!holders || holders.has(String(id))),
    );
  }

  /** Deployments with a resource that has a tag, and all else that is asked of resources. */
  async function holdersOf(query: Record<string, string>): Promise<Set<string>> {
    const wanted = shownOf(await resourcesFor(query)).filter(({ properties }) => isTagged(query.tags, properties));
    return new Set(wanted.map(({ deploymentId }) => String(deploymentId)));
  }

  async function expanded({ content, ...page }: JsonObject): Promise<JsonObject> {
    const whole = (content as JsonObject[]).map(async (one) => {
      const deployment = await deployments.read(String(one.id));
      return deployment ? deploymentView(deployment) : one;
    });
    return { content: await Promise.all(whole), ...page };
  }
}

const shownOf = (listed: readonly Listed[]): JsonObject[] => listed.map(({ shown }) => shown);

/** What stands of a deployment, as its summary has it; what is planned has no id. */
const standing = ({ zones }: JsonObject): JsonObject[] =>
  Array.isArray(zones) ? zones.filter(isObject).filter(({ id }) => id !== '') : [];
