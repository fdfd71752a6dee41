import { infrastructure } from '../../api/infrastructure.ts';
import { regionIdOf } from '../../blueprint/infrastructure.ts';
import { tagsOf } from '../../blueprint/zone.ts';
import { isObject, type Json, type JsonObject } from '../../core/json.ts';
import type { Document } from '../../store/store.ts';
import { base, type RegionRecord, regionFields, regionLinks } from '../regions.ts';

type Word = keyof typeof infrastructure;

/** What objects of one kind show beside what all have. */
type Shown = (document: Document, region: RegionRecord | undefined) => JsonObject & { _links?: JsonObject };

/** What was written under these names, as it is. */
const written =
  (...keys: string[]): Shown =>
  ({ body }) =>
    Object.fromEntries(keys.map((key) => [key, body[key] ?? null]));

/** A mapping is shown one level deeper than it is sent. */
const mapping =
  (sent: string, shown: string): Shown =>
  ({ body }, region) => ({
    [shown]: {
      mapping: named(body[sent]),
      externalRegionId: region?.externalRegionId ?? '',
      _links: regionLinks(region),
    },
  });

const named = (given: Json | undefined): JsonObject =>
  Object.fromEntries(
    Object.entries(isObject(given) ? given : {}).map(([name, value]) => [
      name,
      { name, ...(isObject(value) ? value : {}) },
    ]),
  );

/** What only one kind of cloud has is said as disk properties to those who ask for all of them. */
const storage = (...keys: string[]): Shown => written('defaultItem', 'supportsEncryption', 'tags', ...keys);
const ofStorage = [
  ...['deviceType', 'volumeType', 'iops', 'storageAccountId', 'diskType', 'dataDiskCaching', 'osDiskCaching'],
  ...['diskEncryptionSetId', 'persistentDiskType', 'datastoreId', 'storagePolicyId', 'provisioningType', 'diskMode'],
  ...['sharesLevel', 'shares', 'limitIops'],
];

export const shownOf: Record<Word, Shown> = {
  zones: ({ id, body }, region) => ({
    placementPolicy: String(body.placementPolicy ?? body.policy ?? 'DEFAULT'),
    folder: String(body.folder ?? ''),
    tags: tagsOf(body.tags) as unknown as Json,
    tagsToMatch: tagsOf(body.tagsToMatch) as unknown as Json,
    customProperties: body.customProperties ?? {},
    _links: {
      ...regionLinks(region),
      computes: { href: `/iaas/api/zones/${id}/computes` },
    },
  }),
  flavorProfiles: mapping('flavorMapping', 'flavorMappings'),
  imageProfiles: mapping('imageMapping', 'imageMappings'),
  networkProfiles: ({ body }, region) => ({
    isolationType: body.isolationType ?? 'NONE',
    tags: body.tags ?? [],
    customProperties: body.customProperties ?? {},
    _links: {
      ...regionLinks(region),
      'fabric-networks': { hrefs: list(body.fabricNetworkIds).map((id) => `/iaas/api/fabric-networks/${id}`) },
      'security-groups': { hrefs: list(body.securityGroupIds).map((id) => `/iaas/api/security-groups/${id}`) },
    },
  }),
  storageProfiles: ({ body }) => ({
    ...written('defaultItem', 'supportsEncryption', 'tags')({ body } as Document, undefined),
    diskProperties: {
      ...Object.fromEntries(ofStorage.filter((key) => body[key]).map((key) => [key, body[key]!])),
      ...(isObject(body.diskProperties) ? body.diskProperties : {}),
    },
  }),
  fabricNetworks: ({ body }, region) => ({
    ...written('cidr', 'isPublic', 'isDefault', 'tags')({ body } as Document, region),
    cloudAccountIds: region ? [region.account.id] : [],
  }),
  storageProfilesAws: storage('deviceType', 'volumeType', 'iops'),
  storageProfilesAzure: storage(
    'storageAccountId',
    'diskType',
    'dataDiskCaching',
    'osDiskCaching',
    'diskEncryptionSetId',
  ),
  storageProfilesGcp: storage('persistentDiskType'),
  storageProfilesVsphere: storage(
    ...['datastoreId', 'storagePolicyId', 'provisioningType', 'diskMode', 'diskType'],
    ...['sharesLevel', 'shares', 'limitIops'],
  ),
  fabricNetworksVsphere: ({ body }, region) => ({
    ...written(
      ...['cidr', 'ipv6Cidr', 'isPublic', 'isDefault', 'tags', 'defaultGateway', 'defaultIpv6Gateway'],
      ...['domain', 'dnsServerAddresses', 'dnsSearchDomains'],
    )({ body } as Document, region),
    cloudAccountIds: region ? [region.account.id] : [],
  }),
  networkIpRanges: ({ body }) => ({
    ...written('startIPAddress', 'endIPAddress', 'ipVersion', 'tags')({ body } as Document, undefined),
    _links: {
      'fabric-networks': { hrefs: list(body.fabricNetworkIds).map((id) => `/iaas/api/fabric-networks/${id}`) },
    },
  }),
  fabricComputes: written('type', 'powerState', 'tags'),
  cloudAccounts: () => ({}),
  integrations: ({ body }) => ({
    ...written('integrationType', 'customProperties', 'tags')({ body } as Document, undefined),
    integrationProperties: {
      ...(isObject(body.integrationProperties) ? body.integrationProperties : {}),
      privateKeyId: String(body.privateKeyId ?? ''),
    },
    _links: {
      'associated-cloud-accounts': {
        hrefs: list(body.associatedCloudAccountIds).map((id) => `/iaas/api/cloud-accounts/${id}`),
      },
    },
  }),
};

const list = (value: Json | undefined): string[] => (Array.isArray(value) ? value.map(String) : []);

/** An object of the infrastructure service as clients read it. */
export function infrastructureView(word: Word, document: Document, regions: readonly RegionRecord[]): JsonObject {
  const { id, name, body, createdAt, updatedAt } = document;
  const { path } = infrastructure[word];
  const region = regions.find((one) => one.id === regionIdOfBody(word, body));
  const { _links = regionLinks(region), ...rest } = shownOf[word](document, region);
  return {
    ...rest,
    ...{
      id,
      name,
      description: String(body.description ?? ''),
      ...regionFields(region),
      ...base(createdAt, updatedAt),
    },
    owner: String(body.createdBy ?? ''),
    ownerType: 'USER',
    _links: { self: { href: `/iaas/api/${path}/${id}` }, ..._links },
  };
}

/** Zone files name their account and region; what the API made names the region by its id. */
function regionIdOfBody(word: Word, body: JsonObject): string {
  if (word !== 'zones') return String(body.regionId ?? '');
  return regionIdOf(String(body.account ?? 'local'), String(body.region ?? 'local'));
}
