import {
  type Deployment,
  type DeploymentEdits,
  type DeploymentEvent,
  type DeploymentPlan,
  isBusy,
  isDeleted,
  type ResourceState,
  resourceId,
} from '../blueprint/deployment.ts';
import { type Change, driftOf } from '../blueprint/difference.ts';
import type { PastRequest } from '../blueprint/history.ts';
import { planOperations } from '../blueprint/operation.ts';
import { MillraceError } from '../core/error.ts';
import { toIso } from '../core/instant.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import type { DeploymentReport, DeploymentRequest, Deployments } from '../sdk/powers.ts';
import type { Document } from '../store/store.ts';
import {
  checkedInputs,
  chosen,
  deploymentOffers,
  editsOf,
  type Offer,
  powerOperations,
  resourceOf,
  resourceOffers,
} from './day-two.ts';
import { readHistory, readRequests } from './definitions.ts';
import { reportOn } from './deployment-record.ts';
import { findingsOf } from './locate.ts';
import { withNumbers } from './machine-names.ts';
import type { EngineParts } from './parts.ts';
import { actionPlanner } from './plan-action.ts';
import { deploymentPlanner } from './plan-deployment.ts';
import type { FunctionRuns } from './resource-powers.ts';
import type { Mailbox } from './transact.ts';

export interface Accepted {
  deploymentId: string;
  requestId: string;
}

/** An action on a deployment, or on one of its resources. */
export interface ActionRequest {
  actionId: string;
  /** Instance of the resource; undefined: the deployment itself. */
  instance?: string;
  inputs: JsonObject;
  requestedBy: string;
}

export interface DeploymentDesk extends Deployments {
  byName(project: string, name: string): Promise<Deployment | undefined>;
  read(id: string): Promise<Deployment | undefined>;
  /** What a request would do, or why it cannot be; nothing is touched. */
  plan(request: DeploymentRequest): Promise<DeploymentPlan>;
  /** @throws MillraceError action.invalid, input.invalid, not.found */
  act(key: string, id: string, request: ActionRequest): Promise<Accepted>;
  /** Calls a request off that is under way: what can be stopped is stopped, nothing new begins. @throws MillraceError action.invalid */
  cancel(id: string, request: string, by: string): Promise<void>;
  offers(id: string, instance?: string): Promise<Offer[]>;
  edit(id: string, changes: DeploymentEdits, by: string): Promise<Deployment>;
  /** How each resource is otherwise than it was left; `gone`: it is not there any more. */
  drift(id: string): Promise<Record<string, Change[] | 'gone'>>;
  /** What was asked of it, oldest first. */
  requests(id: string): Promise<PastRequest[]>;
  history(id: string): Promise<DeploymentEvent[]>;
  /** A resource of any deployment, by its id. */
  resource(id: string): Promise<{ deployment: Deployment; resource: ResourceState } | undefined>;
  /** What happens at the end of a lease. */
  expire(key: string, id: string): Promise<void>;
  /** Writes a notice into the history of a deployment, once. */
  tell(id: string, notice: string, message: string): Promise<void>;
}

/** How often a plan is made anew because another was accepted meanwhile. */
const mostPlans = 100;

/** Requests for deployments: checked, placed and planned before anything is touched. */
export function deploymentDesk(parts: EngineParts, mailbox: Mailbox, functions: FunctionRuns): DeploymentDesk {
  const { store } = parts;
  const planFor = deploymentPlanner(parts, functions);
  const planAction = actionPlanner(parts, planFor);

  return {
    byName,
    read,

    async request(key, request) {
      const requestId = idOfKey(`${key}/request`);
      const known = await store.get('deployment-request', requestId);
      if (known) return { deploymentId: String(known.body.deploymentId), requestId };
      const existing = await byName(request.project, request.deploymentName);
      const deploymentId = existing?.id ?? idOfKey(`${key}/deployment`);
      const { deploymentName: name, project } = request;
      await planned(key, { id: deploymentId, name, project, host: existing?.host }, async () => {
        const standing = await byName(project, name);
        return { standing, plan: await planFor(request, standing, { id: deploymentId, requestId }) };
      });
      return { deploymentId, requestId };
    },

    async plan(request) {
      const existing = await byName(request.project, request.deploymentName);
      return planFor(request, existing, { id: existing?.id ?? '', requestId: '' });
    },

    async act(key, id, { actionId, instance, inputs, requestedBy }) {
      const deployment = await mustRead(id);
      const requestId = idOfKey(`${key}/request`);
      if (await store.get('deployment-request', requestId)) return { deploymentId: id, requestId };
      const resource = instance === undefined ? undefined : resourceOf(deployment, instance);
      const offer = chosen(
        resource ? await resourceOffers(parts, deployment, resource) : deploymentOffers(deployment),
        actionId,
      );
      const given = checkedInputs(offer, inputs);
      const edits = resource ? undefined : editsOf(offer.name, given);
      if (edits) {
        await edit(id, edits, requestedBy);
        await store.put(recordOf(key, { deploymentId: id, plan: 'EDIT', actionId: offer.id, requestedBy }));
        return { deploymentId: id, requestId };
      }
      if (offer.name === 'Cancel') {
        await cancel(id, deployment.plan.request, requestedBy);
        await store.put(recordOf(key, { deploymentId: id, plan: 'CANCEL', actionId: offer.id, requestedBy }));
      } else {
        await planned(
          key,
          deployment,
          async () => {
            const standing = await mustRead(id);
            const one = instance === undefined ? undefined : resourceOf(standing, instance);
            return { standing, plan: await planAction(offer, standing, one, given, { id, requestId, requestedBy }) };
          },
          offer.id,
        );
      }
      return { deploymentId: id, requestId };
    },

    cancel,

    async offers(id, instance) {
      const deployment = await mustRead(id);
      return instance === undefined
        ? deploymentOffers(deployment)
        : resourceOffers(parts, deployment, resourceOf(deployment, instance));
    },

    edit,

    async drift(id) {
      const deployment = await mustRead(id);
      const findings = Object.entries(await findingsOf(parts, functions, deployment));
      return Object.fromEntries(
        findings.map(([instance, found]) => [
          instance,
          found === 'gone' ? found : driftOf(deployment.resources[instance]!.properties, found),
        ]),
      );
    },

    requests: (id) => readRequests(parts, id),
    history: (id) => readHistory(parts, id),

    async resource(wanted) {
      for (const { id, zones } of await store.summaries('deployment')) {
        if (!Array.isArray(zones) || !zones.some((one) => isObject(one) && one.id === wanted)) continue;
        const deployment = await read(String(id));
        const resource = Object.values(deployment?.resources ?? {}).find(
          (one) => resourceId(String(id), one) === wanted,
        );
        if (deployment && resource) return { deployment, resource };
      }
      return undefined;
    },

    async expire(key, id) {
      const deployment = await mustRead(id);
      const operations = await powerOperations(parts, deployment, 'PowerOff');
      const request = idOfKey(`${key}/request`);
      if (operations.length === 0 || (await store.get('deployment-request', request))) return;
      const asked = { request, requestedBy: 'system', requestedAt: toIso(parts.moment.now()) };
      const plan = planOperations(deployment, operations, asked);
      await planned(key, deployment, async () => ({ standing: deployment, plan }), 'Deployment.PowerOff');
    },

    async tell(id, notice, message) {
      await mailbox.deployment(id, { type: 'notice', notice, message });
    },

    /** A request that came while another was under way, and lost the race, is known and is none of the deployment's. */
    async status(deploymentId, requestId): Promise<DeploymentReport> {
      const state = await read(deploymentId);
      if (!state)
        return {
          status: 'failed',
          message: `There is no deployment ${deploymentId}.`,
          deploymentName: '',
          details: {},
        };
      if (state.plan.request === requestId) return reportOn(state, state);
      const past = (await readRequests(parts, deploymentId)).find(({ plan }) => plan.request === requestId);
      const message = `Deployment ${state.name} was busy with another request.`;
      return reportOn(state, past ?? { status: `${state.plan.kind}_FAILED`, message });
    },
  };

  /** Plans, and accepts the plan where no other was accepted meanwhile that might have taken its room; else plans again. */
  async function planned(
    key: string,
    {
      id,
      name,
      project,
      host = parts.node.host,
    }: Pick<Deployment, 'id' | 'name' | 'project'> & { host?: string | undefined },
    make: () => Promise<{ standing: Deployment | undefined; plan: DeploymentPlan }>,
    actionId?: string,
  ): Promise<void> {
    for (let tries = 0; tries < mostPlans; tries++) {
      const ground = await mailbox.ground();
      const { standing, plan: made } = await make();
      const plan = await withNumbers(parts, made);
      const { kind, actions, requestedBy } = plan;
      const action = actionId ?? `Deployment.${kind[0]}${kind.slice(1).toLowerCase()}`;
      const record = recordOf(key, { deploymentId: id, plan: kind, actionId: action, requestedBy });
      const along = { documents: [{ ...record, project }] };
      const after = standing ? { after: standing.plan.request } : {};
      const common = { type: 'request' as const, id, name, project, host, ...after };
      const message = { ...common, plan: { ...plan, actionId: action } };
      if (!actions.some(({ does }) => does === 'create')) return void (await mailbox.deployment(id, message, along));
      if (await mailbox.accept(id, message, along, ground)) return;
    }
    throw new MillraceError('deployment.busy', {
      message: `Deployment ${name} could not be planned: others took the room ${mostPlans} times meanwhile.`,
      hint: 'Ask again.',
    });
  }

  function recordOf(key: string, body: JsonObject): Document {
    const id = idOfKey(`${key}/request`);
    const now = parts.moment.now();
    return {
      kind: 'deployment-request',
      id,
      project: '',
      name: id,
      body: { key, ...body },
      createdAt: now,
      updatedAt: now,
    };
  }

  async function edit(id: string, changes: DeploymentEdits, by: string): Promise<Deployment> {
    const before = await mustRead(id);
    if (changes.name !== undefined && changes.name !== before.name) {
      if (isBusy(before))
        throw new MillraceError('deployment.busy', { message: `Deployment ${before.name} is busy: ${before.status}.` });
      if (await byName(before.project, changes.name))
        throw new MillraceError('name.taken', {
          message: `A deployment ${changes.name} exists in project ${before.project}.`,
          hint: 'Choose another name.',
        });
    }
    return (await mailbox.deployment(id, { type: 'edit', by, changes }))!;
  }

  /** Its steps hear of it at once. */
  async function cancel(id: string, request: string, by: string): Promise<void> {
    const before = await mustRead(id);
    if (!isBusy(before) || before.plan.request !== request)
      throw new MillraceError('action.invalid', {
        message: `Request ${request} of deployment ${before.name} has ended: it cannot be cancelled.`,
      });
    await mailbox.deployment(id, { type: 'cancel', request, by });
    await store.hasten(`${request}/`, parts.moment.now());
  }

  async function byName(project: string, name: string): Promise<Deployment | undefined> {
    const document = await store.find('deployment-name', project, name);
    const state = document && (await read(document.id));
    return state && !isDeleted(state) ? state : undefined;
  }

  async function mustRead(id: string): Promise<Deployment> {
    const state = await read(id);
    if (state && !isDeleted(state)) return state;
    throw new MillraceError('deployment.unknown', { message: `There is no deployment ${id}.` });
  }

  async function read(id: string): Promise<Deployment | undefined> {
    return (await store.load('deployment', id))?.state as unknown as Deployment | undefined;
  }
}
