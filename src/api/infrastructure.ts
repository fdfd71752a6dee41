import { z } from 'zod';
import { accountKindOperations, regionQuestions } from './cloud-account-kinds.ts';
import { json, operation } from './define.ts';
import type { Operation } from './operation.ts';

const text = (description: string) => z.string().describe(description);
const name = z.string().trim().min(1).describe('Its name.');
const description = text('What it is for.').default('');
const tags = z
  .array(z.looseObject({ key: z.string().min(1).describe('Key.'), value: z.string().describe('Value.').default('') }))
  .describe('Capabilities: constraints of blueprints are held against them.')
  .default([]);
const regionId = text('The region that it belongs to.');
const properties = z.record(z.string(), z.string()).describe('Custom properties.').default({});
const ids = (what: string) => z.array(z.string()).describe(what).default([]);
const constraints = z
  .array(z.looseObject({ mandatory: z.boolean(), expression: z.string() }))
  .describe('They join those of the machine.')
  .default([]);

/** What is sent for one kind of infrastructure: from it derive its routes, its checks and its description. */
export interface InfrastructureKind {
  /** How documents of it are kept. */
  kind: string;
  /** The last part of its addresses. */
  path: string;
  what: string;
  input: z.ZodObject;
  changedBy: 'PATCH' | 'PUT';
  /** 201 for what is made at once; 202 with a request tracker for what a cloud has to do. */
  made: 201 | 202;
  /** Those of one kind of account among documents that others have as well: their account, or what they were made with. */
  of?: { accounts: readonly string[] } | { provider: string };
}

const kind = (
  documents: string,
  path: string,
  what: string,
  shape: z.ZodRawShape,
  more: Partial<InfrastructureKind> = {},
): InfrastructureKind => ({
  ...{ kind: documents, path, what, changedBy: 'PATCH', made: 201 },
  input: z.looseObject({ name, description, ...shape }),
  ...more,
});

/** The same as a storage profile, in the words of one kind of cloud. */
const storageOf = (provider: string, shape: Record<string, string>): InfrastructureKind =>
  kind(
    'storage-profile',
    `storage-profiles-${provider}`,
    `storage profiles of ${provider}`,
    {
      regionId,
      defaultItem: z.boolean().describe('Whether it is taken where nothing is asked for.').default(false),
      supportsEncryption: z.boolean().describe('Whether its disks can be encrypted.').default(false),
      ...Object.fromEntries(Object.entries(shape).map(([key, what]) => [key, text(what).default('')])),
      tags,
    },
    { of: { provider } },
  );

/** Adding one is one line here, and how it is shown (`server/kinds/infrastructure.ts`). */
export const infrastructure = {
  zones: kind('cloud-zone', 'zones', 'cloud zones', {
    regionId,
    placementPolicy: z
      .enum(['DEFAULT', 'BINPACK', 'SPREAD', 'SPREAD_MEMORY'])
      .describe('How its computes fill.')
      .default('DEFAULT'),
    folder: text('Folder of its machines.').default(''),
    tags,
    tagsToMatch: tags,
    computeIds: ids('Computes that belong to it.'),
    customProperties: properties,
  }),
  flavorProfiles: kind('flavor-profile', 'flavor-profiles', 'flavor profiles', {
    regionId,
    flavorMapping: z
      .record(
        z.string(),
        z.looseObject({
          name: z.string().optional(),
          cpuCount: z.number().optional(),
          memoryInMB: z.number().optional(),
        }),
      )
      .describe('By the name in blueprints: what the cloud calls it, or its cores and memory.'),
  }),
  imageProfiles: kind('image-profile', 'image-profiles', 'image profiles', {
    regionId,
    imageMapping: z
      .record(
        z.string(),
        z.looseObject({
          name: z.string().optional(),
          cloudConfig: z.string().optional(),
          constraints: constraints.optional(),
        }),
      )
      .describe('By the name in blueprints: what the cloud calls it.'),
  }),
  networkProfiles: kind('network-profile', 'network-profiles', 'network profiles', {
    regionId,
    fabricNetworkIds: ids('Its networks.'),
    isolationType: z
      .enum(['NONE', 'SUBNET', 'SECURITY_GROUP'])
      .describe('How networks are made on demand.')
      .default('NONE'),
    tags,
    customProperties: properties,
  }),
  storageProfiles: kind(
    'storage-profile',
    'storage-profiles',
    'storage profiles',
    {
      regionId,
      defaultItem: z.boolean().describe('Whether it is taken where nothing is asked for.').default(false),
      supportsEncryption: z.boolean().describe('Whether its disks can be encrypted.').default(false),
      diskProperties: properties,
      tags,
    },
    { changedBy: 'PUT' },
  ),
  fabricNetworks: kind('fabric-network', 'fabric-networks', 'networks that clouds have', {
    regionId,
    cidr: text('Its range.').default(''),
    isPublic: z.boolean().describe('Whether machines in it can have public addresses.').default(false),
    isDefault: z.boolean().describe('Whether it is taken where nothing is asked for.').default(false),
    tags,
  }),
  storageProfilesAws: storageOf('aws', {
    deviceType: '`ebs` or `instance-store`.',
    volumeType: 'As EC2 names it: `gp3`, `io2`.',
    iops: 'Operations a second that are provisioned.',
  }),
  storageProfilesAzure: storageOf('azure', {
    storageAccountId: 'Where unmanaged disks are kept.',
    diskType: 'As Azure names it: `Premium_LRS`.',
    dataDiskCaching: '`None`, `ReadOnly` or `ReadWrite`.',
    osDiskCaching: '`None`, `ReadOnly` or `ReadWrite`.',
    diskEncryptionSetId: 'Whose key encrypts them.',
  }),
  storageProfilesGcp: storageOf('gcp', { persistentDiskType: 'As Google names it: `pd-ssd`.' }),
  storageProfilesVsphere: storageOf('vsphere', {
    datastoreId: 'Where disks are kept.',
    storagePolicyId: 'The policy that they follow.',
    provisioningType: '`thin`, `thick` or `eagerZeroedThick`.',
    diskMode: '`persistent`, `independent-persistent` or `independent-nonpersistent`.',
    diskType: '`standard` or `firstClass`.',
    sharesLevel: '`low`, `normal`, `high` or `custom`.',
    shares: 'Shares of a custom level.',
    limitIops: 'Operations a second at most.',
  }),
  fabricNetworksVsphere: kind(
    'fabric-network',
    'fabric-networks-vsphere',
    'networks of vSphere',
    {
      regionId,
      cidr: text('Its range.').default(''),
      ipv6Cidr: text('Its IPv6 range.').default(''),
      isPublic: z.boolean().describe('Whether machines in it can have public addresses.').default(false),
      isDefault: z.boolean().describe('Whether it is taken where nothing is asked for.').default(false),
      defaultGateway: text('Its way out.').default(''),
      defaultIpv6Gateway: text('Its way out by IPv6.').default(''),
      domain: text('Domain of its machines.').default(''),
      dnsServerAddresses: ids('Its name servers.'),
      dnsSearchDomains: ids('Where names are looked for.'),
      tags,
    },
    { of: { accounts: ['vsphere', 'vmc', 'nsxt', 'nsxv', 'vcf'] } },
  ),
  networkIpRanges: kind('network-ip-range', 'network-ip-ranges', 'ranges of addresses that are given out', {
    fabricNetworkIds: ids('The networks that they belong to.'),
    ipVersion: z.enum(['IPv4', 'IPv6']).describe('Which kind they are.').default('IPv4'),
    startIPAddress: z.union([z.ipv4(), z.ipv6()]).describe('The first address.'),
    endIPAddress: z.union([z.ipv4(), z.ipv6()]).describe('The last address.'),
    tags,
  }),
  fabricComputes: kind('fabric-compute', 'fabric-computes', 'hosts, clusters and availability zones', {
    regionId,
    type: text('What it is.').default('VM_HOST'),
    powerState: z
      .enum(['ON', 'OFF', 'UNKNOWN', 'SUSPEND'])
      .describe('Only those that are on get machines.')
      .default('ON'),
    memoryMb: z.number().describe('All its memory; 0 where nobody knows.').default(0),
    tags,
  }),
  cloudAccounts: kind(
    'cloud-account',
    'cloud-accounts',
    'cloud accounts',
    {
      cloudAccountType: text(
        '`aws`, `azure`, `gcp`, `vsphere`, `vmc`, `nsxt`; `local` and `container` are this machine.',
      ),
      privateKeyId: text('User name, or id of the key.').default(''),
      privateKey: text('Password or key; sealed, and never shown.').default(''),
      regions: z
        .array(z.looseObject({ externalRegionId: z.string().min(1), name: z.string().optional() }))
        .describe('Regions that may be used.')
        .default([]),
      createDefaultZones: z.boolean().describe('Whether each region gets a zone.').default(false),
      cloudAccountProperties: z.record(z.string(), z.json()).describe('What its kind needs.').default({}),
      customProperties: properties,
      tags,
    },
    { made: 202 },
  ),
  integrations: kind(
    'integration',
    'integrations',
    'accounts at other services',
    {
      integrationType: text('`com.github.saas`, `com.gitlab`: repositories that content sources are in.').min(1),
      integrationProperties: z.record(z.string(), z.json()).describe('`url`: where the service is.').default({}),
      privateKeyId: text('User name.').default(''),
      privateKey: text('Token or password; sealed, and never shown.').default(''),
      associatedCloudAccountIds: ids('Cloud accounts that it serves.'),
      customProperties: properties,
      tags,
    },
    { made: 202 },
  ),
} satisfies Record<string, InfrastructureKind>;

const manage = ({ path, what, input, changedBy, made }: InfrastructureKind): Operation[] => {
  const tag = path;
  const address = `/iaas/api/${path}`;
  const started = made === 202 ? { status: 202 } : {};
  return [
    operation(`${tag}.list`, `GET ${address}`, 'read', `Lists ${what}.`),
    operation(`${tag}.create`, `POST ${address}`, 'administer', `Makes one of the ${what}.`, {
      body: input,
      status: made,
    }),
    operation(`${tag}.get`, `GET ${address}/{id}`, 'read', `One of the ${what}.`),
    operation(`${tag}.change`, `${changedBy} ${address}/{id}`, 'administer', `Changes one of the ${what}.`, {
      body: json,
      ...started,
    }),
    operation(`${tag}.delete`, `DELETE ${address}/{id}`, 'administer', `Deletes one of the ${what}.`, {
      status: made === 202 ? 202 : 204,
    }),
  ];
};

const about = ['iaas', 'blueprint', 'catalog', 'deployment', 'project-service', 'content', 'form-service', 'policy'];

export const infrastructureOperations: readonly Operation[] = [
  ...about.map((service) =>
    operation(`about.${service}`, `GET /${service}/api/about`, 'public', 'Versions of this API.'),
  ),
  ...Object.values(infrastructure).flatMap(manage),
  ...accountKindOperations,
  ...regionQuestions,
  operation('regions.list', 'GET /iaas/api/regions', 'read', 'Regions of all accounts and zones.'),
  operation('regions.get', 'GET /iaas/api/regions/{id}', 'read', 'One region.'),
  operation('zones.computes', 'GET /iaas/api/zones/{id}/computes', 'read', 'The computes of a zone.'),
  operation('images.list', 'GET /iaas/api/images', 'read', 'Names of images that blueprints may use, by region.'),
  operation('flavors.list', 'GET /iaas/api/flavors', 'read', 'Names of flavors that blueprints may use, by region.'),
  operation('tags.list', 'GET /iaas/api/tags', 'read', 'All tags in use.'),
  operation('trackers.list', 'GET /iaas/api/request-tracker', 'read', 'What was asked for, and how it stands.'),
  operation('trackers.get', 'GET /iaas/api/request-tracker/{id}', 'read', 'How one request stands.'),
  operation(
    'trackers.delete',
    'DELETE /iaas/api/request-tracker/{id}',
    'execute',
    'Forgets a request that has ended.',
    {
      status: 204,
    },
  ),
];
