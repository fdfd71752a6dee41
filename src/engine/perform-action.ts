import { mergedCloudConfig } from '../blueprint/cloud-config-merge.ts';
import type { ActionReport } from '../blueprint/deploy.ts';
import { type Action, type Deployment, effective, type ResourceState, withSets } from '../blueprint/deployment.ts';
import { isOfOurs, MillraceError, messageOf } from '../core/error.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { CloudOutcome, ResourceContext } from '../sdk/cloud.ts';
import type { Command } from '../store/store.ts';
import { customAction, customPoll, runCustomAction } from './custom-actions.ts';
import { type Located, locate } from './locate.ts';
import { openSecrets } from './open-secrets.ts';
import type { EngineParts } from './parts.ts';
import type { FunctionRuns } from './resource-powers.ts';
import type { Mailbox } from './transact.ts';

interface Step extends Located {
  action: Action;
  resource: ResourceState;
}

const cannotMake = ({ action, resource, cloud }: Step): string =>
  `${action.instance}: this server cannot make ${resource.type} on accounts of the type ${cloud}.`;

/** Performs the steps of a deployment on the cloud of their zone. */
export function actionPerformer(parts: EngineParts, mailbox: Mailbox, functions: FunctionRuns) {
  return { start, poll };

  async function start(command: Command, deployment: Deployment): Promise<void> {
    const found = await stepOf(command, deployment);
    if (!found) return void (await mailbox.settle({ settles: { command: command.id, fence: command.fence } }));
    const { action } = found;
    if (deployment.cancelled) return report(command, calledOff(found));
    const outcome = await attemptTo(() => perform(found), command);
    parts.crashPoint(`${action.does} ${action.instance}:started`);
    if ('again' in outcome) return isOverdue(found) ? giveUp(command, found) : later(command, outcome, command.body);
    await report(command, outcome);
  }

  async function poll(command: Command, deployment: Deployment): Promise<void> {
    const found = await stepOf(command, deployment);
    if (!found) return void (await mailbox.settle({ settles: { command: command.id, fence: command.fence } }));
    const { definition, context } = found;
    const ticket = command.body.ticket ?? null;
    const isCustom = found.action.operation?.id.includes('.custom.') === true;
    const canStop = !isCustom && definition?.cancel !== undefined;
    const outcome = await attemptTo(async () => {
      if (deployment.cancelled && canStop) await definition.cancel!(ticket, context);
      return (
        (await customPoll(parts, found.action.operation?.id, ticket, context)) ??
        definition?.poll?.(ticket, context) ?? { failed: cannotMake(found) }
      );
    }, command);
    const isOpen = 'wait' in outcome || 'again' in outcome;
    if (isOpen && isOverdue(found)) return giveUp(command, found);
    if (isOpen && deployment.cancelled && !canStop) return report(command, calledOff(found));
    if ('again' in outcome) return later(command, outcome, command.body);
    if ('wait' in outcome)
      return later(command, { again: outcome.seconds, tries: 0 }, { ...command.body, ticket: outcome.wait });
    await report(command, outcome);
  }

  function isOverdue({ resource: { deadline = Number.POSITIVE_INFINITY } }: Step): boolean {
    return parts.moment.now() >= deadline;
  }

  function giveUp(command: Command, { action }: Step): Promise<void> {
    return report(command, { failed: `${action.instance} was not ready in time: its step is given up.` });
  }

  /** What was being changed is changed again by the next request; what was being made or removed is made anew. */
  function calledOff({ action, resource }: Step): CloudOutcome {
    const failed = `${action.instance} was left as it was then.`;
    return action.does === 'update' ? { failed, known: resource.properties } : { failed };
  }

  /** The same step again, after a while. */
  async function later(command: Command, { again, tries }: Again, body: JsonObject): Promise<void> {
    const next = { due: parts.moment.now() + again * 1000, body: { ...body, tries } };
    await mailbox.settle({ settles: { command: command.id, fence: command.fence, again: next } });
  }

  async function perform(step: Step): Promise<CloudOutcome> {
    const { action, resource, definition, context } = step;
    if (!definition) return { failed: cannotMake(step) };
    const known: JsonObject = { ...effective(resource), ...resource.properties };
    const own = action.operation && (await customAction(parts, action.operation.id));
    if (own) return runCustomAction(own, action.operation!.inputs, known, context);
    const open = async (value: JsonObject): Promise<JsonObject> =>
      definition.keepsSeals ? value : (await openSecrets(parts, context.project, value)).value;
    if (action.does === 'delete') return definition.destroy(await open(known), context);
    if (action.does === 'act') {
      const { name, inputs } = action.operation!;
      const operation = definition.actions?.[name];
      if (!operation) return { failed: `${action.instance}: ${resource.type} knows no action ${name}.` };
      return operation.run(operation.input.parse(await open(inputs)), await open(known), context);
    }
    const properties = definition.properties.parse(await open(configured(effective(resource), context)));
    return action.does === 'create'
      ? definition.create(properties, context)
      : definition.update(properties, await open(resource.properties), context);
  }

  async function stepOf(command: Command, deployment: Deployment): Promise<Step | undefined> {
    const action = deployment.plan.actions.find(({ id }) => id === command.body.action);
    if (!action || deployment.plan.request !== command.body.request || deployment.done[action.id]) return undefined;
    const standing = deployment.resources[action.instance];
    const resource = standing && withSets(standing, action);
    return (
      resource && {
        action,
        resource,
        ...(await locate(parts, functions, deployment, resource, `${deployment.plan.request}/${action.id}`)),
      }
    );
  }

  async function report(command: Command, outcome: CloudOutcome): Promise<void> {
    const { request, action } = command.body as { request: string; action: string };
    const told: ActionReport =
      'wait' in outcome
        ? { kind: 'running', ticket: outcome.wait, pollAfter: outcome.seconds * 1000 }
        : 'failed' in outcome
          ? { kind: 'failed', message: outcome.failed, ...(outcome.known ? { properties: outcome.known } : {}) }
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
}

/** Nothing is known of what came of a step: it is taken again, which must find what the first one did. */
interface Again {
  again: number;
  tries: number;
}

/** A cloud that does not answer is asked so often, after 1, 2, 4 and so on up to 30 seconds: about two minutes. */
const mostTries = 8;

async function attemptTo(work: () => Promise<CloudOutcome>, { body }: Command): Promise<CloudOutcome | Again> {
  try {
    return await work();
  } catch (thrown) {
    if (isOfOurs(thrown)) throw thrown;
    const tries = Number(body.tries ?? 0) + 1;
    const isLost = thrown instanceof MillraceError && lost.includes(thrown.code);
    return isLost && tries < mostTries
      ? { again: Math.min(30, 2 ** (tries - 1)), tries }
      : { failed: messageOf(thrown) };
  }
}

const lost: readonly string[] = ['endpoint.unreachable', 'endpoint.throttled'];

/** The image of a machine may bring along a cloud configuration of its own. */
function configured(properties: JsonObject, { image }: ResourceContext): JsonObject {
  const given = image?.cloudConfig;
  if (given === undefined || given === null) return properties;
  const { cloudConfig = '' } = properties;
  return { ...properties, cloudConfig: mergedCloudConfig(textOf(cloudConfig), textOf(given)) };
}

const textOf = (config: Json): string =>
  typeof config === 'string' ? config : `#cloud-config\n${JSON.stringify(config)}\n`;
