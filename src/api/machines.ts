import { z } from 'zod';
import { json, operation } from './define.ts';
import type { Operation } from './operation.ts';

const machine = '/iaas/api/machines/{id}';
const disk = '/iaas/api/block-devices/{id}';
const balancer = '/iaas/api/load-balancers/{id}';
const deployments = '/iaas/api/deployments';
const text = z.string();

/** An action on what stands, answered by a request tracker. */
const started = (id: string, route: string, summary: string, body: Operation['body'] = undefined): Operation =>
  operation(id, route, 'execute', summary, { ...(body ? { body } : {}), status: 202 });

/** What belongs to one machine, disk or balancer, in the words of the infrastructure service. */
export const machineOperations: readonly Operation[] = [
  operation('machines.change', `PATCH ${machine}`, 'execute', 'Changes its description, tags and custom properties.', {
    body: z.looseObject({
      description: text.optional(),
      tags: z.array(z.looseObject({ key: text, value: text.default('') })).optional(),
      customProperties: z.record(text, z.json()).optional(),
    }),
  }),
  operation('machine-disks.list', `GET ${machine}/disks`, 'read', 'The disks of a machine.'),
  operation('machine-disks.get', `GET ${machine}/disks/{diskId}`, 'read', 'One of them.'),
  started(
    'machine-disks.attach',
    `POST ${machine}/disks`,
    'Attaches a disk: `{blockDeviceId}`.',
    z.looseObject({ blockDeviceId: text.min(1) }),
  ),
  started(
    'machine-disks.detach',
    `DELETE ${machine}/disks/{diskId}`,
    'Detaches a disk, or removes one that was added.',
  ),
  operation(
    'machine-nics.get',
    `GET ${machine}/network-interfaces/{nicId}`,
    'read',
    'How it is joined to one network.',
  ),
  operation('machine-snapshots.list', `GET ${machine}/snapshots`, 'read', 'The snapshots of a machine.'),
  operation('machine-snapshots.get', `GET ${machine}/snapshots/{snapshotId}`, 'read', 'One of them.'),
  started('machine-snapshots.create', `POST ${machine}/operations/snapshots`, 'Keeps what it has written.', json),
  started('machine-snapshots.revert', `POST ${machine}/operations/revert/{snapshotId}`, 'Puts it back.'),
  started('machine-snapshots.delete', `DELETE ${machine}/snapshots/{snapshotId}`, 'Forgets a snapshot.'),
  started('block-devices.resize', `POST ${disk}`, 'Gives a disk another capacity: `?capacityInGB=`.'),
  started('load-balancers.remove', `POST ${balancer}/operations/delete`, 'Deletes a balancer with its deployment.'),
  operation('iaas-deployments.list', `GET ${deployments}`, 'read', 'Lists deployments.'),
  operation('iaas-deployments.create', `POST ${deployments}`, 'execute', 'Makes one that holds nothing yet.', {
    body: z.looseObject({
      name: text.trim().min(1),
      description: text.optional(),
      projectId: text.optional(),
    }),
    status: 202,
  }),
  operation('iaas-deployments.get', `GET ${deployments}/{id}`, 'read', 'One deployment.'),
  started('iaas-deployments.delete', `DELETE ${deployments}/{id}`, 'Removes all that stands in it.'),
];
