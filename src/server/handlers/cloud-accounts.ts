import { type AccountKind, accountKinds } from '../../api/cloud-account-kinds.ts';
import { infrastructure } from '../../api/infrastructure.ts';
import { MillraceError } from '../../core/error.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { type AccountRecord, base, type RegionRecord, readRegions, regionView } from '../regions.ts';
import { type Handler, listOf, type Request } from '../request.ts';
import { finders } from './find.ts';
import { requestTracker, trackers } from './trackers.ts';

const ofThisMachine = ['local', 'container'];

/** Cloud accounts, in the general form and in that of each cloud. */
export function cloudAccountHandlers(given: HandlerParts): Record<string, Handler> {
  const { store, moment, seal } = given.parts;
  const { save } = finders(store);
  const { finished, failed } = trackers(given);
  const general = accountHandlers();

  return {
    ...general,
    ...Object.assign({}, ...accountKinds.map(handlersOf)),
    'regions.ask': askRegions(''),
    ...Object.fromEntries(accountKinds.map(({ word, type }) => [`regions.ask-${word}`, askRegions(type)])),
    'regions.found': async ({ params }) => {
      const { body } = await finders(store).byId(requestTracker, params.id!);
      if (isObject(body.found)) return body.found;
      throw new MillraceError('not.found', { message: `Request ${params.id} has found no regions.` });
    },
  };

  /** Those of an account that is here are known; of another, only this machine can be asked. */
  function askRegions(type: string): Handler {
    return async ({ body }) => {
      const { accounts, regions } = await readRegions(store);
      const wanted = String(body.cloudAccountId ?? '');
      const account = accounts.find(({ id }) => id === wanted);
      if (wanted && !account) throw new MillraceError('not.found', { message: `There is no cloud-account ${wanted}.` });
      const asked = account?.type ?? (type || String(body.cloudAccountType ?? ''));
      const known = regions
        .filter((region) => region.account === account)
        .map(({ name, externalRegionId }) => ({ name, externalRegionId }));
      const found = account || !ofThisMachine.includes(asked) ? known : [{ name: 'local', externalRegionId: 'local' }];
      return found.length > 0
        ? finished('Region enumeration', [], { externalRegions: found })
        : failed(
            'Region enumeration',
            `Accounts of the type ${asked || '(none)'} cannot be asked for their regions here: name them in \`regions\`.`,
          );
    };
  }

  /** The same accounts in the words of one cloud. */
  function handlersOf(kind: AccountKind): Record<string, Handler> {
    const tag = `cloud-accounts-${kind.word}`;
    const own = async (request: Request) => {
      const account = (await general['cloud-accounts.get']!(request)) as JsonObject;
      if (account.cloudAccountType === kind.type) return toKind(kind, account);
      throw new MillraceError('not.found', { message: `There is no ${kind.type} account ${request.params.id}.` });
    };
    return {
      [`${tag}.list`]: async (request) => {
        const { accounts, regions } = await readRegions(store);
        const shown = accounts
          .filter(({ type }) => type === kind.type)
          .map((one) => toKind(kind, accountView(one, regions)));
        return listOf(shown, request.query);
      },
      [`${tag}.create`]: async (request) => {
        const body = infrastructure.cloudAccounts.input.parse(toGeneral(kind, request.body)) as JsonObject;
        return general['cloud-accounts.create']!({ ...request, body });
      },
      [`${tag}.get`]: own,
      [`${tag}.change`]: async (request) => {
        await own(request);
        const { cloudAccountProperties: before } = (await general['cloud-accounts.get']!(request)) as JsonObject;
        const { cloudAccountProperties: after = {}, ...body } = toGeneral(kind, request.body);
        const { privateKeyId: _, ...kept } = before as JsonObject;
        const properties = { ...kept, ...(after as JsonObject) };
        return general['cloud-accounts.change']!({ ...request, body: { ...body, cloudAccountProperties: properties } });
      },
      [`${tag}.delete`]: async (request) => {
        await own(request);
        return general['cloud-accounts.delete']!(request);
      },
    };
  }

  function accountHandlers(): Record<string, Handler> {
    const find = async (id: string): Promise<AccountRecord> => {
      const found = (await readRegions(store)).accounts.find((one) => one.id === id);
      if (found) return found;
      throw new MillraceError('not.found', { message: `There is no cloud-account ${id}.` });
    };
    const made = async (id: string) => {
      const { document, name } = await find(id);
      if (document) return document;
      throw new MillraceError('request.invalid', {
        message: `Cloud account ${name} is named by zone files alone, and cannot be changed.`,
        hint: 'Change the files and import them again.',
      });
    };
    return {
      'cloud-accounts.list': async ({ query }) => {
        const { accounts, regions } = await readRegions(store);
        return listOf(
          accounts.map((account) => accountView(account, regions)),
          query,
        );
      },
      'cloud-accounts.get': async ({ params }) => {
        const { accounts, regions } = await readRegions(store);
        return accountView(accounts.find(({ id }) => id === params.id) ?? (await find(params.id!)), regions);
      },
      'cloud-accounts.create': async (request) => {
        const document = await writeAccount(undefined, request);
        if (request.body.createDefaultZones === true) await defaultZones(document, request.user!.name);
        return finished('Provisioning', [`/iaas/api/cloud-accounts/${document.id}`]);
      },
      'cloud-accounts.change': async (request) => {
        const document = await writeAccount(await made(request.params.id!), request);
        return finished('Update', [`/iaas/api/cloud-accounts/${document.id}`]);
      },
      'cloud-accounts.delete': async ({ params }) => {
        const document = await made(params.id!);
        const zone = (await store.list('cloud-zone')).find(({ body }) => body.account === document.name);
        if (zone)
          throw new MillraceError('definition.used', {
            message: `Cloud account ${document.name} has the zone ${zone.name}.`,
            hint: 'Delete its zones first.',
          });
        await store.remove('cloud-account', document.id);
        return finished('Delete', [`/iaas/api/cloud-accounts/${document.id}`]);
      },
    };
  }

  async function writeAccount(before: Document | undefined, { body, user }: Request): Promise<Document> {
    const checked = before
      ? infrastructure.cloudAccounts.input.parse({ name: before.name, ...before.body, ...body })
      : body;
    const { privateKey, ...rest } = checked as JsonObject;
    const key = privateKey === undefined || privateKey === '' ? before?.body.privateKey : privateKey;
    const at = moment.now();
    const document: Document = {
      ...{
        kind: 'cloud-account',
        id: before?.id ?? moment.newId(),
        project: '',
        name: String(rest.name),
        updatedAt: at,
      },
      createdAt: before?.createdAt ?? at,
      body: {
        createdBy: user!.name,
        ...rest,
        privateKey:
          key === undefined || key === '' || key === before?.body.privateKey ? (key ?? '') : seal.close(String(key)),
      },
    };
    await save(document);
    return document;
  }

  async function defaultZones({ name, body, createdAt }: Document, createdBy: string): Promise<void> {
    for (const { externalRegionId } of (body.regions as JsonObject[]) ?? []) {
      const zone = `${name} / ${String(externalRegionId)}`;
      await store.insert({
        ...{ kind: 'cloud-zone', id: moment.newId(), project: '', name: zone, createdAt, updatedAt: createdAt },
        body: {
          name: zone,
          account: name,
          accountType: body.cloudAccountType!,
          region: externalRegionId!,
          tags: [],
          networks: [],
          createdBy,
        },
      });
    }
  }
}

const common = ['name', 'description', 'regions', 'createDefaultZones', 'tags', 'customProperties'];

/** Secrets of one kind go together: one field of the general form holds them, sealed. */
function toGeneral({ type, id, secrets }: AccountKind, body: JsonObject): JsonObject {
  const secret = secrets.flatMap((key) => (body[key] === undefined ? [] : [[key, body[key]] as const]));
  const properties = Object.entries(body).filter(([key]) => ![...common, ...secrets, 'regionIds'].includes(key));
  const regions =
    body.regions ??
    (Array.isArray(body.regionIds) ? body.regionIds.map((one) => ({ externalRegionId: String(one) })) : undefined);
  return {
    ...Object.fromEntries(common.flatMap((key) => (body[key] === undefined ? [] : [[key, body[key]!]]))),
    ...(regions === undefined ? {} : { regions }),
    ...(body[id] === undefined ? {} : { privateKeyId: String(body[id]) }),
    ...(secret.length === 0
      ? {}
      : { privateKey: secrets.length === 1 ? String(secret[0]![1]) : JSON.stringify(Object.fromEntries(secret)) }),
    ...(properties.length === 0 ? {} : { cloudAccountProperties: Object.fromEntries(properties) }),
    cloudAccountType: type,
  };
}

function toKind({ word, id }: AccountKind, { cloudAccountProperties, ...account }: JsonObject): JsonObject {
  const { privateKeyId = '', ...properties } = isObject(cloudAccountProperties) ? cloudAccountProperties : {};
  const links = isObject(account._links) ? account._links : {};
  return {
    ...properties,
    ...account,
    [id]: privateKeyId,
    _links: { ...links, self: { href: `/iaas/api/cloud-accounts-${word}/${String(account.id)}` } },
  };
}

/** Never a key. */
function accountView({ id, name, type, document }: AccountRecord, regions: readonly RegionRecord[]): JsonObject {
  const own = regions.filter(({ account }) => account.id === id);
  const body = document?.body ?? {};
  return {
    ...{ id, name, cloudAccountType: type, description: String(body.description ?? '') },
    ...base(document?.createdAt ?? 0, document?.updatedAt ?? 0),
    cloudAccountProperties: {
      ...(isObject(body.cloudAccountProperties) ? body.cloudAccountProperties : {}),
      privateKeyId: String(body.privateKeyId ?? ''),
    },
    customProperties: body.customProperties ?? {},
    tags: body.tags ?? [],
    enabledRegions: own.map(regionView),
    inMaintenanceMode: false,
    healthy: true,
    _links: {
      self: { href: `/iaas/api/cloud-accounts/${id}` },
      regions: { hrefs: own.map((region) => `/iaas/api/regions/${region.id}`) },
    },
  };
}
