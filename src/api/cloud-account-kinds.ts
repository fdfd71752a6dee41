import { z } from 'zod';
import { json, operation } from './define.ts';
import type { Operation } from './operation.ts';

/** How the accounts of one cloud are written: the original has addresses of their own for each. */
export interface AccountKind {
  /** The last part of their addresses, behind `cloud-accounts-`. */
  word: string;
  /** `cloudAccountType` of the same account in the general form. */
  type: string;
  /** The field that names us, and those that are secret; all others are properties. */
  id: string;
  secrets: string[];
  /** Fields that it needs. */
  needs: string[];
}

/** Adding one is one line. */
export const accountKinds: readonly AccountKind[] = [
  {
    word: 'aws',
    type: 'aws',
    id: 'accessKeyId',
    secrets: ['secretAccessKey'],
    needs: ['accessKeyId', 'secretAccessKey'],
  },
  {
    ...{ word: 'azure', type: 'azure', id: 'clientApplicationId', secrets: ['clientApplicationSecretKey'] },
    needs: ['subscriptionId', 'tenantId', 'clientApplicationId', 'clientApplicationSecretKey'],
  },
  {
    ...{ word: 'gcp', type: 'gcp', id: 'privateKeyId', secrets: ['privateKey'] },
    needs: ['projectId', 'clientEmail', 'privateKeyId', 'privateKey'],
  },
  { word: 'vsphere', type: 'vsphere', id: 'username', secrets: ['password'], needs: ['hostName'] },
  {
    word: 'vmc',
    type: 'vmc',
    id: 'username',
    secrets: ['password', 'apiKey'],
    needs: ['hostName', 'apiKey', 'sddcId', 'username', 'password'],
  },
  { word: 'nsx-t', type: 'nsxt', id: 'username', secrets: ['password'], needs: ['hostName', 'username', 'password'] },
  { word: 'nsx-v', type: 'nsxv', id: 'username', secrets: ['password'], needs: ['hostName', 'username', 'password'] },
  {
    ...{ word: 'vcf', type: 'vcf', id: 'vcenterUsername', secrets: ['vcenterPassword', 'nsxPassword'] },
    needs: ['vcenterHostName', 'vcenterUsername', 'vcenterPassword', 'workloadDomainId'],
  },
];

const bodyOf = ({ needs }: AccountKind) =>
  z.looseObject({
    name: z.string().trim().min(1),
    ...Object.fromEntries(needs.map((key) => [key, z.string().min(1)])),
  });

export const accountKindOperations: readonly Operation[] = accountKinds.flatMap((kind) => {
  const [tag, path] = [`cloud-accounts-${kind.word}`, `/iaas/api/cloud-accounts-${kind.word}`];
  return [
    operation(`${tag}.list`, `GET ${path}`, 'read', `Lists cloud accounts of the type ${kind.type}.`),
    operation(`${tag}.create`, `POST ${path}`, 'administer', `Makes a cloud account of the type ${kind.type}.`, {
      body: bodyOf(kind),
      status: 202,
    }),
    operation(`${tag}.get`, `GET ${path}/{id}`, 'read', `One cloud account of the type ${kind.type}.`),
    operation(
      `${tag}.change`,
      `PATCH ${path}/{id}`,
      'administer',
      `Changes a cloud account of the type ${kind.type}.`,
      { body: json, status: 202 },
    ),
    operation(
      `${tag}.delete`,
      `DELETE ${path}/{id}`,
      'administer',
      `Deletes a cloud account of the type ${kind.type}.`,
      { status: 202 },
    ),
  ];
});

/** Asked of the general form, and of that of each cloud. */
export const regionQuestions: readonly Operation[] = [
  ...['', ...accountKinds.map(({ word }) => `-${word}`)].map((word) =>
    operation(
      `regions.ask${word}`,
      `POST /iaas/api/cloud-accounts${word}/region-enumeration`,
      'administer',
      'Asks which regions an account has: `{cloudAccountId}`.',
      { body: json, status: 202 },
    ),
  ),
  operation(
    'regions.found',
    'GET /iaas/api/cloud-accounts/region-enumeration/{id}',
    'read',
    'The regions that were found, by the id of the request.',
  ),
];
