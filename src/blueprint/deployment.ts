import type { Instant } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import { replaced } from './actions.ts';
import type { GivenAddress } from './addresses.ts';
import type { Change } from './difference.ts';
import type { Blueprint } from './model.ts';
import type { Operation } from './operation.ts';
import type { Placement } from './placement.ts';

export type RequestKind = 'CREATE' | 'UPDATE' | 'DELETE';

/** What a request will do: fixed when it is accepted. */
export interface DeploymentPlan {
  request: string;
  kind: RequestKind;
  /** Instances of the new blueprint, in the order of the file. Empty for a delete. */
  target: PlannedInstance[];
  actions: Action[];
  blueprint: Blueprint;
  blueprintName: string;
  /** Where it is kept; empty for a text that came with the request. */
  blueprintId?: string;
  /** Empty for the draft. */
  blueprintVersion?: string;
  /** Which action of people this is: `Deployment.Create`, `Cloud.Machine.PowerOff`. */
  actionId?: string;
  inputs: JsonObject;
  /** Of the property groups that the blueprint reads, by group and name. */
  constants?: JsonObject;
  placements: Placement[];
  requestedBy: string;
  /** ISO; what `now()` gives in this request. */
  requestedAt: string;
  /** Milliseconds that a step may take, where the project says so. */
  operationTimeout?: number;
  /** The request that a rollback goes back to. */
  restores?: string;
}

/** One thing that shall stand when a request has been fulfilled. */
export interface PlannedInstance {
  instance: string;
  node: string;
  index: number;
  type: string;
  zone: string;
  /** Given by the naming template of its project. */
  name?: string;
  /** The compute of a machine, where its zone has any. */
  host?: string;
  /** What it takes of the limits of its zone. */
  size?: { memoryMb: number; cpus: number; storageGb: number };
  /** Static ones, out of the ranges of its networks. */
  addresses?: GivenAddress[];
}

/** Its own, or that of its whole cluster. */
export const placementOf = (
  placements: readonly Placement[],
  { instance, node }: Pick<PlannedInstance, 'instance' | 'node'>,
): Placement | undefined =>
  placements.find(({ resource }) => resource === instance) ?? placements.find(({ resource }) => resource === node);

/** One step of a plan, done when all steps in `after` are done. */
export interface Action {
  id: string;
  instance: string;
  does: 'create' | 'update' | 'delete' | 'act';
  after: string[];
  because: string;
  /** Of an update: what it would change, as far as it can be known before. */
  changes?: Change[];
  /** Of an update that is performed although its properties are the same: what they lead to has moved. */
  refresh?: true;
  /** Of an `act`: what is done to what stands. */
  operation?: Omit<Operation, 'instance'>;
}

export interface ResourceState extends PlannedInstance {
  /** Its name until a successor took it, which was made before this one goes. */
  was?: string;
  /** Raised with every replacement, so that keys of a dead one never name the new one. */
  generation: number;
  /** `PARTIAL`: a step failed, and what it left behind is known: the next update goes on from there. `TAINTED`: it is made anew. */
  status: 'CREATING' | 'UPDATING' | 'DELETING' | 'OK' | 'PARTIAL' | 'TAINTED';
  /** Properties as evaluated when it was last changed. */
  desired: JsonObject;
  /** What actions have changed since: it wins over `desired` until the blueprint changes its mind about it. */
  overrides?: JsonObject;
  /** What the cloud said about it: address, id and so on. */
  properties: JsonObject;
  ticket: Json;
  message: string;
  /** When the step that is under way is given up. */
  deadline?: Instant;
}

/** The id of a resource in all services: another one when it was made anew. */
export const resourceId = (
  deployment: string,
  resource: Pick<ResourceState, 'instance' | 'was' | 'generation'>,
): string => idOfKey(`${deployment}/${givenName(resource)}/${resource.generation}`);

/** The name it was made under, which clouds know it by. */
export const givenName = ({ instance, was = instance }: Pick<ResourceState, 'instance' | 'was'>): string => was;

/** What a resource shall be now: as the blueprint asked for, and as actions changed it. */
export const effective = ({ desired, overrides = {} }: ResourceState): JsonObject => ({ ...desired, ...overrides });

/** With what an action sets: so while it is performed, and from then on when it was done. */
export function withSets(resource: ResourceState, { operation }: Pick<Action, 'operation'>): ResourceState {
  const sets = operation?.sets ?? {};
  return Object.keys(sets).length === 0 ? resource : { ...resource, overrides: { ...resource.overrides, ...sets } };
}

export interface Deployment {
  id: string;
  name: string;
  project: string;
  description?: string;
  /** Who made it, or was given it. */
  owner?: string;
  /** When its lease ends; none: never. */
  leaseExpiresAt?: Instant;
  /** The machine whose local cloud it lives in. */
  host?: string;
  /** `CREATE_INPROGRESS`, `UPDATE_SUCCESSFUL` and so on. */
  status: `${RequestKind}_${'INPROGRESS' | 'SUCCESSFUL' | 'FAILED'}`;
  message: string;
  createdAt: Instant;
  updatedAt: Instant;
  plan: DeploymentPlan;
  /** Action id to its end; an action without an entry has not ended. */
  done: Record<string, 'done' | 'failed'>;
  /** Action id to the reason why it failed. */
  failures: Record<string, string>;
  started: string[];
  resources: Record<string, ResourceState>;
  outputs: JsonObject;
  /** Of what people have been told: each once. */
  notices?: string[];
  /** Who called the request off that is or was under way: nothing new begins. */
  cancelled?: { by: string; at: Instant };
}

/** What `env` is in the expressions of a deployment. */
export const environmentOf = (
  { id, name, project }: Pick<Deployment, 'id' | 'name' | 'project'>,
  { blueprintName, requestedBy, requestedAt }: Pick<DeploymentPlan, 'blueprintName' | 'requestedBy' | 'requestedAt'>,
): JsonObject => ({
  ...{ deploymentId: id, shortDeploymentId: id.slice(0, 8), deploymentName: name, projectName: project },
  ...{ projectId: idOfKey(`project/${project}`), blueprintName, requestedBy, requestedAt },
});

export type DeploymentEvent = { at: Instant } & (
  | { type: 'deployment-requested'; id: string; name: string; project: string; host?: string; plan: DeploymentPlan }
  | {
      type: 'action-started';
      action: string;
      desired: JsonObject;
      overrides?: JsonObject;
      generation: number;
      deadline?: Instant;
    }
  | { type: 'deployment-edited'; by: string; changes: DeploymentEdits }
  | { type: 'deployment-notice'; notice: string; message: string }
  | { type: 'deployment-cancelled'; by: string }
  | { type: 'action-running'; action: string; ticket: Json }
  | { type: 'action-done'; action: string; properties: JsonObject; unchanged: boolean }
  | { type: 'action-failed'; action: string; message: string; properties?: JsonObject }
  | { type: 'deployment-finished'; status: Deployment['status']; message: string; outputs: JsonObject }
);

/** What people may change of a deployment without touching what stands. A lease of null never ends. */
export interface DeploymentEdits {
  name?: string;
  description?: string;
  owner?: string;
  leaseExpiresAt?: Instant | null;
}

export function evolveDeployment(state: Deployment | null, event: DeploymentEvent): Deployment {
  if (event.type === 'deployment-requested') return requested(state, event);
  if (!state) throw new Error(`The first event of a deployment is ${event.type}.`);
  if (event.type === 'deployment-finished') {
    return {
      ...state,
      status: event.status,
      message: event.message,
      outputs: event.outputs,
      updatedAt: event.at,
    };
  }
  if (event.type === 'deployment-notice') return { ...state, notices: [...(state.notices ?? []), event.notice] };
  if (event.type === 'deployment-cancelled') return { ...state, cancelled: { by: event.by, at: event.at } };
  if (event.type === 'deployment-edited') return edited(state, event.changes, event.at);
  const action = state.plan.actions.find(({ id }) => id === event.action);
  if (!action) return state;
  const { instance } = action;
  const resource = state.resources[instance];
  switch (event.type) {
    case 'action-started': {
      const started = { ...state, started: [...state.started, event.action] };
      const aside = action.does === 'create' && resource ? setAside(started, resource) : started;
      return withResource(aside, instance, startedResource(state, action, event));
    }
    case 'action-running':
      return resource ? withResource(state, instance, { ...resource, ticket: event.ticket }) : state;
    case 'action-done': {
      const done = { ...state, done: { ...state.done, [event.action]: 'done' as const } };
      if (action.does === 'delete') return withoutResource(done, instance);
      if (!resource || event.unchanged) return done;
      const properties = action.does === 'create' ? event.properties : { ...resource.properties, ...event.properties };
      return withResource(done, instance, {
        ...withSets(resource, action),
        status: 'OK',
        properties,
        ticket: null,
        message: '',
      });
    }
    case 'action-failed': {
      const failed = {
        ...state,
        done: { ...state.done, [event.action]: 'failed' as const },
        failures: { ...state.failures, [event.action]: event.message },
      };
      return resource
        ? withResource(failed, instance, {
            ...resource,
            // An action that failed leaves behind what was there.
            status: action.does === 'act' ? 'OK' : event.properties ? 'PARTIAL' : 'TAINTED',
            properties: { ...resource.properties, ...event.properties },
            message: event.message,
            ticket: null,
          })
        : failed;
    }
  }
}

export const isBusy = ({ status }: Deployment): boolean => status.endsWith('_INPROGRESS');
export const isDeleted = ({ status }: Deployment): boolean => status === 'DELETE_SUCCESSFUL';

function requested(state: Deployment | null, event: DeploymentEvent & { type: 'deployment-requested' }): Deployment {
  const { id, name, project, host = state?.host, plan, at } = event;
  const { cancelled: _, ...before } = state ?? {};
  return {
    ...(state ? (before as Deployment) : { owner: plan.requestedBy, createdAt: at, resources: {}, outputs: {} }),
    ...{ id, name, project },
    ...(host ? { host } : {}),
    ...{ status: `${plan.kind}_INPROGRESS`, message: '', updatedAt: at, plan, done: {}, failures: {}, started: [] },
  };
}

function edited(state: Deployment, { leaseExpiresAt, ...changes }: DeploymentEdits, at: Instant): Deployment {
  const { leaseExpiresAt: before, ...rest } = state;
  const lease = leaseExpiresAt === undefined ? before : (leaseExpiresAt ?? undefined);
  const notices = leaseExpiresAt === undefined ? {} : { notices: [] };
  return { ...rest, ...changes, ...(lease === undefined ? {} : { leaseExpiresAt: lease }), ...notices, updatedAt: at };
}

function startedResource(
  state: Deployment,
  action: Action,
  { desired, overrides, generation, deadline }: DeploymentEvent & { type: 'action-started' },
): ResourceState {
  const before = state.resources[action.instance];
  const until = deadline === undefined ? {} : { deadline };
  if (action.does === 'delete' && before) return { ...before, status: 'DELETING', ...until };
  if (action.does !== 'create' && before) {
    const { overrides: _, ...rest } = before;
    return { ...rest, status: 'UPDATING', desired, ...(overrides ? { overrides } : {}), ...until };
  }
  const planned = state.plan.target.find(({ instance }) => instance === action.instance)!;
  return {
    ...planned,
    ...{ generation, status: 'CREATING', desired, properties: {}, ticket: null, message: '' },
    ...until,
  };
}

const withResource = (state: Deployment, instance: string, resource: ResourceState): Deployment => ({
  ...state,
  resources: { ...state.resources, [instance]: resource },
});

/** What is replaced gives its name to its successor, and goes by another until it is removed. */
function setAside(state: Deployment, resource: ResourceState): Deployment {
  const instance = replaced(resource.instance, state.resources);
  return withResource(state, instance, { ...resource, instance, was: resource.instance });
}

function withoutResource(state: Deployment, instance: string): Deployment {
  const { [instance]: _, ...resources } = state.resources;
  return { ...state, resources };
}
