import { type InfrastructureKind, infrastructure } from '../../api/infrastructure.ts';
import { numberOf } from '../../core/address.ts';
import { MillraceError } from '../../core/error.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import { idOfKey } from '../../core/key-id.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { infrastructureView } from '../kinds/infrastructure.ts';
import { type RegionRecord, readRegions, regionView } from '../regions.ts';
import { Answer, type Handler, listOf, type Request } from '../request.ts';
import { finders } from './find.ts';

type Word = keyof typeof infrastructure;

/** Those have handlers of their own, which seal what is secret. */
const withKeys = ['cloudAccounts', 'integrations'];

/** Accounts, regions, zones, profiles and what clouds have, as the infrastructure service of the original. */
export function infrastructureHandlers(given: HandlerParts): Record<string, Handler> {
  const { store, moment } = given.parts;
  const { byId, save } = finders(store);
  const words = Object.keys(infrastructure).filter((word) => !withKeys.includes(word)) as Word[];

  return {
    ...Object.assign({}, ...words.map(handlersOf)),

    'regions.list': async ({ query }) => listOf((await readRegions(store)).regions.map(regionView), query),
    'regions.get': async ({ params }) => regionView(await regionOf(params.id!)),
    'zones.computes': async ({ params, query }) => {
      const { body } = await byId('cloud-zone', params.id!);
      const ids = Array.isArray(body.computeIds) ? body.computeIds : [];
      const computes = (await store.list('fabric-compute')).filter(({ id }) => ids.includes(id));
      const { regions } = await readRegions(store);
      return listOf(
        computes.map((one) => infrastructureView('fabricComputes', one, regions)),
        query,
      );
    },
    'images.list': async ({ query }) => listOf(await mappingsOf('image-profile', 'imageMapping', 'images'), query),
    'flavors.list': async ({ query }) => listOf(await mappingsOf('flavor-profile', 'flavorMapping', 'flavors'), query),
    'tags.list': async ({ query }) => {
      const tags = new Map<string, JsonObject>();
      for (const { kind } of Object.values(infrastructure))
        for (const { body } of await store.list(kind))
          for (const tag of Array.isArray(body.tags) ? body.tags : []) {
            const [key = '', value = ''] = isObject(tag)
              ? [String(tag.key), String(tag.value ?? '')]
              : String(tag).split(':');
            tags.set(`${key}:${value}`, { id: idOfKey(`tag/${key}:${value}`), key, value });
          }
      return listOf([...tags.values()], query);
    },
  };

  function handlersOf(word: Word): Record<string, Handler> {
    const definition: InfrastructureKind = infrastructure[word];
    const { kind, path, of } = definition;
    const isOfKind = ({ body }: Document, regions: readonly RegionRecord[]): boolean =>
      !of ||
      ('provider' in of
        ? body.provider === of.provider
        : of.accounts.includes(regions.find(({ id }) => id === body.regionId)?.account.type ?? ''));
    const one = async (id: string): Promise<Document> => {
      const found = await byId(kind, id);
      if (isOfKind(found, (await readRegions(store)).regions)) return found;
      throw new MillraceError('not.found', { message: `${found.name} is none of the ${definition.what}.` });
    };
    const show = async (document: Document) => infrastructureView(word, document, (await readRegions(store)).regions);
    return {
      [`${path}.list`]: async ({ query }) => {
        const { regions } = await readRegions(store);
        return listOf(
          (await store.list(kind))
            .filter((found) => isOfKind(found, regions))
            .map((found) => infrastructureView(word, found, regions)),
          query,
        );
      },
      [`${path}.create`]: async (request) => show(await write(word, undefined, request)),
      [`${path}.get`]: async ({ params }) => show(await one(params.id!)),
      [`${path}.change`]: async (request) => show(await write(word, await one(request.params.id!), request)),
      [`${path}.delete`]: async ({ params }) => {
        const document = await one(params.id!);
        await refuseInUse(word, document);
        await store.remove(kind, document.id);
        return new Answer(204, '');
      },
    };
  }

  async function write(word: Word, before: Document | undefined, { body, user }: Request): Promise<Document> {
    const { kind, input, of }: InfrastructureKind = infrastructure[word];
    const checked = before ? input.parse({ name: before.name, ...before.body, ...body }) : body;
    if (word === 'networkIpRanges') await checkRange(checked as JsonObject);
    const isInRegion = Object.hasOwn(input.shape, 'regionId');
    const region = isInRegion ? await regionOf(String(checked.regionId ?? regionIdIn(word, before))) : undefined;
    if (word === 'zones' && before && checked.name !== before.name)
      throw new MillraceError('request.invalid', {
        message: `Zone ${before.name} cannot be renamed: what stands in it is found by this name.`,
        hint: 'Make another zone.',
      });
    const place = region && {
      ...{ account: region.account.name, accountType: region.account.type, region: region.externalRegionId },
    };
    const at = moment.now();
    const document: Document = {
      ...{ kind, id: before?.id ?? moment.newId(), project: '', name: String(checked.name), updatedAt: at },
      createdAt: before?.createdAt ?? at,
      body: {
        createdBy: user!.name,
        ...(checked as JsonObject),
        ...(region ? { regionId: region.id } : {}),
        ...(of && 'provider' in of ? { provider: of.provider } : {}),
        ...(word === 'zones' ? { name: String(checked.name), ...place } : {}),
      },
    };
    await save(document);
    return document;
  }

  /** @throws MillraceError where it holds nothing, or belongs to networks that are not there. */
  async function checkRange({ startIPAddress, endIPAddress, ipVersion, fabricNetworkIds }: JsonObject): Promise<void> {
    const [start, end] = [numberOf(String(startIPAddress)), numberOf(String(endIPAddress))];
    if (start === undefined || end === undefined || isV6(startIPAddress) !== isV6(endIPAddress) || start > end)
      throw new MillraceError('request.invalid', {
        message: `From ${String(startIPAddress)} to ${String(endIPAddress)} is no range of addresses.`,
        hint: 'The first one comes first, and both are of one kind.',
      });
    if (isV6(startIPAddress) !== (ipVersion === 'IPv6'))
      throw new MillraceError('request.invalid', {
        message: `${String(startIPAddress)} is no ${String(ipVersion)} address.`,
        hint: 'Say `ipVersion: IPv4` or `ipVersion: IPv6`, as the addresses are.',
      });
    for (const id of Array.isArray(fabricNetworkIds) ? fabricNetworkIds : []) await byId('fabric-network', String(id));
  }

  /** What was read from a file has no id of a region. */
  function regionIdIn(word: Word, before: Document | undefined): string {
    return before ? String(before.body.regionId ?? (word === 'zones' ? zoneRegion(before) : '')) : '';
  }

  async function refuseInUse(word: Word, { name }: Document): Promise<void> {
    if (word !== 'zones') return;
    for (const { name: deployment, zones } of await store.summaries('deployment'))
      if (Array.isArray(zones) && zones.some((one) => isObject(one) && one.zone === name))
        throw new MillraceError('definition.used', {
          message: `Zone ${name} holds resources of deployment ${String(deployment)}.`,
          hint: 'Delete these first.',
        });
  }

  async function regionOf(id: string): Promise<RegionRecord> {
    const { regions } = await readRegions(store);
    const found = regions.find((one) => one.id === id);
    if (found) return found;
    throw new MillraceError('not.found', {
      message: `There is no region ${id || 'without an id'}.`,
      hint: 'GET /iaas/api/regions lists them; a cloud account brings them along.',
    });
  }

  async function mappingsOf(kind: string, key: string, path: string): Promise<JsonObject[]> {
    const { regions } = await readRegions(store);
    return (await store.list(kind)).map(({ id, name, body }) => {
      const region = regions.find((one) => one.id === body.regionId);
      return {
        ...{ id, name, externalRegionId: region?.externalRegionId ?? '', mapping: body[key] ?? {} },
        _links: {
          self: { href: `/iaas/api/${path}/${id}` },
          ...(region ? { region: { href: `/iaas/api/regions/${region.id}` } } : {}),
        },
      };
    });
  }
}

const isV6 = (address: unknown): boolean => String(address).includes(':');

const zoneRegion = ({ body }: Document): string =>
  idOfKey(`region/${String(body.account ?? 'local')}/${String(body.region ?? 'local')}`);
