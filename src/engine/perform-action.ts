import type { ActionReport } from '../blueprint/deploy.ts';
import { type Action, type Deployment, placementOf, type ResourceState } from '../blueprint/deployment.ts';
import { isOfOurs, messageOf } from '../core/error.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { sealedInside } from '../core/secret.ts';
import type { CloudOutcome, CloudResourceDefinition, ResourceContext } from '../sdk/cloud.ts';
import { isSealed } from '../store/seal.ts';
import type { Command } from '../store/store.ts';
import { opened, readZones } from './definitions.ts';
import type { EngineParts } from './parts.ts';
import type { Mailbox } from './transact.ts';

interface Located {
  action: Action;
  resource: ResourceState;
  type: string;
  /** Kind of the account that its zone belongs to. */
  cloud: string;
  definition: CloudResourceDefinition | undefined;
  context: ResourceContext;
}

const cannotMake = ({ action, type, cloud }: Located): string =>
  `${action.instance}: this server cannot make ${type} on accounts of the type ${cloud}.`;

/** Performs the steps of a deployment on the cloud of their zone. */
export function actionPerformer(parts: EngineParts, mailbox: Mailbox) {
  return { start, poll };

  async function start(command: Command, deployment: Deployment): Promise<void> {
    const found = await locate(command, deployment);
    if (!found) return void (await mailbox.settle({ settles: { command: command.id, fence: command.fence } }));
    const { action, definition, context } = found;
    const outcome = await attemptTo(async () => {
      if (!definition) return { failed: cannotMake(found) };
      const resource = deployment.resources[action.instance];
      if (action.does === 'delete')
        return definition.destroy(resource ? { ...resource.desired, ...resource.properties } : {}, context);
      const properties = definition.properties.parse(await withSecrets(resource!.desired));
      return action.does === 'create'
        ? definition.create(properties, context)
        : definition.update(properties, resource!.properties, context);
    });
    parts.crashPoint(`${action.does} ${action.instance}:started`);
    await report(command, outcome);
  }

  async function poll(command: Command, deployment: Deployment): Promise<void> {
    const found = await locate(command, deployment);
    if (!found) return void (await mailbox.settle({ settles: { command: command.id, fence: command.fence } }));
    const outcome = await attemptTo(
      async () => found.definition?.poll?.(command.body.ticket ?? null, found.context) ?? { failed: cannotMake(found) },
    );
    const { deadline = Number.POSITIVE_INFINITY } = found.resource;
    if ('wait' in outcome && parts.moment.now() >= deadline) {
      return report(command, { failed: `${found.action.instance} was not ready in time: its step is given up.` });
    }
    if ('wait' in outcome) {
      const again = {
        due: parts.moment.now() + outcome.seconds * 1000,
        body: { ...command.body, ticket: outcome.wait },
      };
      return void (await mailbox.settle({ settles: { command: command.id, fence: command.fence, again } }));
    }
    await report(command, outcome);
  }

  async function locate(command: Command, deployment: Deployment): Promise<Located | undefined> {
    const action = deployment.plan.actions.find(({ id }) => id === command.body.action);
    if (!action || deployment.plan.request !== command.body.request || deployment.done[action.id]) return undefined;
    const resource = deployment.resources[action.instance];
    if (!resource) return undefined;
    const cloud = (await readZones(parts)).find(({ name }) => name === resource.zone)?.accountType ?? 'local';
    const definition = parts.catalogue.resources.find(
      ({ type, accountType }) => type === resource.type && accountType === cloud,
    );
    const placement = placementOf(deployment.plan.placements, resource);
    const context: ResourceContext = {
      key: command.key,
      identity: `${deployment.id}/${resource.instance}/${resource.generation}`,
      deploymentName: deployment.name,
      instance: resource.instance,
      zone: resource.zone,
      image: placement?.image ?? null,
      flavor: placement?.flavor ?? null,
    };
    return { action, resource, type: resource.type, cloud, definition, context };
  }

  async function report(command: Command, outcome: CloudOutcome): Promise<void> {
    const { request, action } = command.body as { request: string; action: string };
    const told: ActionReport =
      'wait' in outcome
        ? { kind: 'running', ticket: outcome.wait, pollAfter: outcome.seconds * 1000 }
        : 'failed' in outcome
          ? { kind: 'failed', message: outcome.failed }
          : { kind: 'done', properties: outcome.done };
    const after = await mailbox.deployment(
      command.aggregate,
      { type: 'report', request, action, report: told },
      { settles: { command: command.id, fence: command.fence } },
    );
    if (after && !after.status.endsWith('_INPROGRESS')) await wakeWaitingTask(request);
  }

  /** The task that asked need not wait for its next poll. */
  async function wakeWaitingTask(request: string): Promise<void> {
    const document = await parts.store.get('deployment-request', request);
    if (document) await parts.store.hasten(`${String(document.body.key)}/poll`, parts.moment.now());
  }

  /** Marks and sealed inputs become values at the last moment, and are written nowhere. */
  async function withSecrets(value: Json): Promise<Json> {
    if (Array.isArray(value)) return Promise.all(value.map(withSecrets));
    if (isObject(value)) {
      const entries = await Promise.all(
        Object.entries(value).map(async ([key, item]) => [key, await withSecrets(item)] as const),
      );
      return Object.fromEntries(entries) as JsonObject;
    }
    if (typeof value !== 'string') return value;
    if (isSealed(value)) return parts.seal.open(value);
    let text = value;
    for (const [mark, name] of value.matchAll(/\(\(secret:ref:([^)]*)\)\)/g)) {
      const secret = (await parts.store.list('variable')).find((document) => document.name === name);
      text = text.replaceAll(mark, opened(parts, secret?.body.value));
    }
    for (const [sealed] of text.matchAll(sealedInside)) text = text.replaceAll(sealed, parts.seal.open(sealed));
    return text;
  }
}

async function attemptTo(work: () => Promise<CloudOutcome>): Promise<CloudOutcome> {
  try {
    return await work();
  } catch (thrown) {
    if (isOfOurs(thrown)) throw thrown;
    return { failed: messageOf(thrown) };
  }
}
