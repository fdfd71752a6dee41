import { z } from 'zod';
import type { Deployment, DeploymentEdits, ResourceState } from '../blueprint/deployment.ts';
import { effective, isBusy } from '../blueprint/deployment.ts';
import type { Operation } from '../blueprint/operation.ts';
import { dependentsOf, protectedIn } from '../blueprint/removal.ts';
import { isMachine } from '../blueprint/type-families.ts';
import type { Zone } from '../blueprint/zone.ts';
import { MillraceError } from '../core/error.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { ResourceAction } from '../sdk/cloud.ts';
import type { DeploymentRequest } from '../sdk/powers.ts';
import { customActions, customInput } from './custom-actions.ts';
import { readZones } from './definitions.ts';
import { definitionFor } from './locate.ts';
import type { EngineParts } from './parts.ts';

/** An action as people are offered it, whether it can be performed now or not. */
export interface Offer {
  /** `Cloud.Machine.PowerOff`, `Deployment.ChangeLease`. */
  id: string;
  /** The last part of it. */
  name: string;
  title: string;
  summary: string;
  input: z.ZodObject;
  /** Why it cannot be performed now. */
  refusal: string | undefined;
  /** Undefined for those that every resource or deployment has. */
  action?: ResourceAction;
  /** The request for a deployment that it comes down to, where it is none of its own. */
  asks?: DeploymentRequest['action'];
}

const nothing = z.object({});
const common: Record<string, Pick<Offer, 'title' | 'summary' | 'input' | 'asks'>> = {
  Update: {
    ...{ title: 'Update', asks: 'UPDATE', input: z.looseObject({}) },
    summary: 'Asks for the same blueprint with other inputs.',
  },
  Delete: {
    ...{ title: 'Delete', asks: 'DELETE', input: nothing },
    summary: 'Removes everything, what depends on others first.',
  },
  Retry: {
    ...{ title: 'Retry', asks: 'UPDATE', input: nothing },
    summary: 'Asks for the same again after a failure: what stands stays, what is missing is made.',
  },
  Rollback: {
    ...{ title: 'Roll back', asks: 'ROLLBACK', input: nothing },
    summary: 'Goes back to the last good request before what stands.',
  },
  Cancel: {
    ...{ title: 'Cancel', input: nothing },
    summary: 'Calls off the request that is under way: what can be stopped is stopped, and nothing new begins.',
  },
  ChangeLease: {
    title: 'Change lease',
    summary: 'Says when the deployment ends; an empty date is never.',
    input: z.looseObject({ 'Lease Expiration Date': z.string().describe('A time, ISO 8601.').default('') }),
  },
  ChangeOwner: {
    title: 'Change owner',
    summary: 'Gives the deployment to somebody else.',
    input: z.looseObject({ 'New Owner': z.string().min(1).describe('Name of a user.') }),
  },
  EditDeployment: {
    title: 'Edit deployment',
    summary: 'Changes its name or its description.',
    input: z.looseObject({
      Name: z.string().min(1).optional().describe('Its new name.'),
      Description: z.string().optional().describe('What it is for.'),
    }),
  },
  PowerOn: { title: 'Power on', summary: 'Switches all its machines on.', input: nothing },
  PowerOff: { title: 'Power off', summary: 'Switches all its machines off.', input: nothing },
};

/** What can be done to a deployment. */
export function deploymentOffers(deployment: Deployment): Offer[] {
  const busy = isBusy(deployment) ? `${deployment.name} is busy: ${deployment.status}.` : undefined;
  const machines = Object.values(deployment.resources).filter(({ type }) => isMachine(type));
  const edits = ['ChangeLease', 'ChangeOwner', 'EditDeployment'];
  return Object.entries(common).map(([name, offer]) => {
    const isPower = name.startsWith('Power');
    const own = isPower
      ? powerRefusal(name, machines)
      : name === 'Retry' && !deployment.status.endsWith('_FAILED')
        ? `Its last request has not failed: ${deployment.status}.`
        : undefined;
    const refusal = name === 'Cancel' ? cancelRefusal(deployment) : edits.includes(name) ? undefined : (busy ?? own);
    const retried = name === 'Retry' && deployment.status === 'DELETE_FAILED' ? { asks: 'DELETE' as const } : {};
    return { id: `Deployment.${name}`, name, ...offer, ...retried, refusal };
  });
}

function cancelRefusal(deployment: Deployment): string | undefined {
  const { name, cancelled } = deployment;
  if (!isBusy(deployment)) return `${name} has no request under way.`;
  return cancelled && `${cancelled.by} has called it off already.`;
}

function powerRefusal(name: string, machines: readonly ResourceState[]): string | undefined {
  const wanted = name === 'PowerOn' ? 'OFF' : 'ON';
  return machines.some(({ properties }) => properties.powerState === wanted)
    ? undefined
    : `None of its machines is ${wanted.toLowerCase()}.`;
}

/** One of its resources, by its instance. @throws MillraceError not.found */
export function resourceOf(deployment: Deployment, instance: string): ResourceState {
  const found = deployment.resources[instance];
  if (found) return found;
  throw new MillraceError('not.found', {
    message: `Deployment ${deployment.name} has no resource ${instance}.`,
    hint: `It has: ${Object.keys(deployment.resources).join(', ') || 'none'}.`,
  });
}

/** What can be done to one of its resources. */
export async function resourceOffers(
  parts: EngineParts,
  deployment: Deployment,
  resource: ResourceState,
): Promise<Offer[]> {
  const own = offersOf(parts, await readZones(parts), deployment, resource);
  const busy = isBusy(deployment) ? `${deployment.name} is busy: ${deployment.status}.` : undefined;
  const made = (await customActions(parts, resource.type)).map((document): Offer => {
    const { displayName, description } = document.body;
    const told = { title: String(displayName ?? document.name), summary: String(description ?? '') };
    return { id: document.id, name: document.id, ...told, input: customInput(document), refusal: busy };
  });
  return [...own, ...made];
}

function offersOf(
  parts: EngineParts,
  zones: readonly Zone[],
  deployment: Deployment,
  resource: ResourceState,
): Offer[] {
  const cloud = zones.find(({ name }) => name === resource.zone)?.accountType ?? 'local';
  const known = { ...effective(resource), ...resource.properties };
  const state =
    (isBusy(deployment) ? `${deployment.name} is busy: ${deployment.status}.` : undefined) ??
    (resource.status === 'OK' ? undefined : `${resource.instance} is ${resource.status}.`);
  const own = Object.entries(definitionFor(parts, resource.type, cloud)?.actions ?? {}).map(
    ([name, action]): Offer => ({
      ...{ id: `${resource.type}.${name}`, name, title: action.title, summary: action.summary, input: action.input },
      ...{ refusal: state ?? action.refusal?.(known), action },
    }),
  );
  const rebuild: Offer = {
    ...{ id: `${resource.type}.Rebuild`, name: 'Rebuild', title: 'Rebuild', input: nothing, asks: 'UPDATE' },
    summary: 'Removes it and makes it anew, as its blueprint says.',
    refusal: isBusy(deployment) ? state : undefined,
  };
  const dependents = dependentsOf(deployment, resource.instance);
  const removal: Offer = {
    ...{ id: `${resource.type}.Delete`, name: 'Delete', title: 'Delete resource', input: nothing },
    summary: 'Removes it alone; its blueprint still asks for it, so an update would make it anew.',
    refusal: isBusy(deployment)
      ? state
      : protectedIn(deployment).includes(resource.instance)
        ? 'it has `preventDelete`.'
        : dependents.length > 0
          ? `${dependents.join(', ')} ${dependents.length === 1 ? 'needs' : 'need'} it.`
          : undefined,
  };
  return [...own, rebuild, removal];
}

/** An action of a resource with its inputs, checked. @throws MillraceError */
export function operationOf(offer: Offer, resource: ResourceState, inputs: JsonObject): Operation {
  const { id, name, action } = offer;
  const given = checkedInputs(offer, inputs);
  const known = { ...effective(resource), ...resource.properties };
  const refusal = action?.refusalOf?.(given, known);
  if (refusal)
    throw new MillraceError('action.invalid', {
      message: `${id} cannot be performed on ${resource.instance}: ${refusal}`,
    });
  const sets = action?.sets?.(given, known) ?? {};
  return { ...{ id, name, instance: resource.instance, inputs: given, sets } };
}

/** @throws MillraceError where there is no such action, it cannot be performed now, or its inputs are none. */
export function chosen(offers: readonly Offer[], id: string): Offer {
  const found = offers.find((offer) => offer.id === id || offer.name === id);
  if (!found)
    throw new MillraceError('not.found', {
      message: `There is no action ${id} here.`,
      hint: `There are: ${offers.map((offer) => offer.id).join(', ')}.`,
    });
  if (found.refusal)
    throw new MillraceError('action.invalid', {
      message: `${found.id} cannot be performed now: ${found.refusal}`,
      hint: 'Its state may change; ask for its actions again.',
    });
  return found;
}

export function checkedInputs({ id, input }: Offer, inputs: JsonObject): JsonObject {
  const result = input.safeParse(inputs);
  if (result.success) return result.data as JsonObject;
  const faults = result.error.issues.map(({ path, message }) => `\`${path.join('.') || 'inputs'}\`: ${message}`);
  throw new MillraceError('input.invalid', { message: `${id}: ${faults.join(' ')}` });
}

/** What an action changes of the deployment alone; undefined for those that touch what stands. */
export function editsOf(name: string, inputs: JsonObject): DeploymentEdits | undefined {
  const text = (key: string) => String(inputs[key] ?? '').trim();
  if (name === 'ChangeOwner') return { owner: text('New Owner') };
  if (name === 'EditDeployment')
    return {
      ...(inputs.Name === undefined ? {} : { name: text('Name') }),
      ...(inputs.Description === undefined ? {} : { description: text('Description') }),
    };
  if (name !== 'ChangeLease') return undefined;
  const date = text('Lease Expiration Date');
  if (date === '') return { leaseExpiresAt: null };
  const at = Date.parse(date);
  if (Number.isFinite(at)) return { leaseExpiresAt: at };
  throw new MillraceError('input.invalid', {
    message: `\`Lease Expiration Date: ${date}\` is no time.`,
    hint: 'Write for example 2027-01-31T12:00:00Z; an empty one is never.',
  });
}

/** A day-2 action on all machines that it can be performed on. */
export async function powerOperations(parts: EngineParts, deployment: Deployment, name: string): Promise<Operation[]> {
  const zones = await readZones(parts);
  return Object.values(deployment.resources).flatMap((resource) => {
    const offer = offersOf(parts, zones, deployment, resource).find((one) => one.name === name && one.action);
    return offer && !offer.refusal ? [operationOf(offer, resource, {})] : [];
  });
}

/** The JSON Schema of the inputs of an action, for forms. */
export function schemaOf({ input }: Offer): JsonObject {
  const schema = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }) as JsonObject;
  const { $schema: _, additionalProperties: __, ...rest } = schema;
  return isObject(rest.properties) && Object.keys(rest.properties).length === 0 ? { type: 'object' } : rest;
}
