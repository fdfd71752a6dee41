import { regionIdOf } from '../blueprint/infrastructure.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import type { Document, Store } from '../store/store.ts';

/** A region of an account, as profiles and zones name it. */
export interface RegionRecord {
  id: string;
  name: string;
  externalRegionId: string;
  account: AccountRecord;
}

export interface AccountRecord {
  id: string;
  name: string;
  type: string;
  /** Undefined for those that only zone files name: this machine, as a rule. */
  document: Document | undefined;
}

const accountOf = ({ account }: JsonObject): string => String(account ?? 'local');

/** All accounts and regions: those that were made, and those that zone files name. */
export async function readRegions(store: Store): Promise<{ accounts: AccountRecord[]; regions: RegionRecord[] }> {
  const accounts = new Map<string, AccountRecord>();
  const regions = new Map<string, RegionRecord>();
  for (const document of await store.list('cloud-account')) {
    const type = String(document.body.cloudAccountType);
    const account = { id: document.id, name: document.name, type, document };
    accounts.set(document.name, account);
    for (const region of Array.isArray(document.body.regions) ? document.body.regions.filter(isObject) : [])
      add(account, String(region.externalRegionId), String(region.name ?? region.externalRegionId));
  }
  for (const { body } of await store.list('cloud-zone')) {
    const name = accountOf(body);
    const type = String(body.accountType ?? 'local');
    const known = accounts.get(name) ?? { id: idOfKey(`account/${name}`), name, type, document: undefined };
    accounts.set(name, known);
    add(known, String(body.region ?? 'local'), String(body.region ?? 'local'));
  }
  return { accounts: [...accounts.values()], regions: [...regions.values()] };

  function add(account: AccountRecord, externalRegionId: string, name: string): void {
    const id = regionIdOf(account.name, externalRegionId);
    if (!regions.has(id)) regions.set(id, { id, name, externalRegionId, account });
  }
}

/** The account that each zone belongs to, by the name of the zone. */
export async function accountsByZone(store: Store): Promise<Map<string, AccountRecord>> {
  const { accounts } = await readRegions(store);
  const byName = new Map(accounts.map((account) => [account.name, account]));
  return new Map((await store.list('cloud-zone')).map(({ name, body }) => [name, byName.get(accountOf(body))!]));
}

/** Links and names that objects of the infrastructure service have of their region. */
export const regionFields = (region: RegionRecord | undefined): JsonObject =>
  region
    ? { externalRegionId: region.externalRegionId, cloudAccountId: region.account.id }
    : { externalRegionId: '', cloudAccountId: '' };

export const regionLinks = (region: RegionRecord | undefined): JsonObject =>
  region
    ? {
        region: { href: `/iaas/api/regions/${region.id}` },
        'cloud-account': { href: `/iaas/api/cloud-accounts/${region.account.id}` },
      }
    : {};

/** A region as clients read it. */
export const regionView = ({ id, name, externalRegionId, account }: RegionRecord): JsonObject => ({
  ...{
    id,
    name,
    externalRegionId,
    cloudAccountId: account.id,
    ...base(account.document?.createdAt ?? 0, account.document?.updatedAt ?? 0),
  },
  _links: {
    self: { href: `/iaas/api/regions/${id}` },
    'cloud-account': { href: `/iaas/api/cloud-accounts/${account.id}` },
  },
});

/** What every object of the service has. Dates are days, as in the original. */
export const base = (createdAt: number, updatedAt: number): JsonObject => ({
  orgId: 'default',
  organizationId: 'default',
  createdAt: dayOf(createdAt),
  updatedAt: dayOf(updatedAt),
});

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);
