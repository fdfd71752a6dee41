import type { Instant, Moment } from '../core/instant.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { ExpressionError } from '../lang/tokens.ts';
import {
  type Action,
  type Deployment,
  type DeploymentEdits,
  type DeploymentEvent,
  type DeploymentPlan,
  effective,
  environmentOf,
  evolveDeployment,
  isBusy,
} from './deployment.ts';
import { keptOverrides } from './difference.ts';
import { evaluateOutputs, evaluateProperties, type Facts } from './properties.ts';
import { sameProperties } from './recreate.ts';

export type DeploymentMessage =
  | {
      type: 'request';
      id: string;
      name: string;
      project: string;
      host: string;
      plan: DeploymentPlan;
      /** The request that the deployment stood on when this was planned: a plan for what stands no more is not taken. */
      after?: string;
    }
  | { type: 'edit'; by: string; changes: DeploymentEdits }
  | { type: 'notice'; notice: string; message: string }
  | { type: 'cancel'; request: string; by: string }
  | { type: 'report'; request: string; action: string; report: ActionReport };

export type ActionReport =
  | { kind: 'running'; ticket: Json; pollAfter: number }
  | { kind: 'done'; properties: JsonObject }
  | { kind: 'failed'; message: string; properties?: JsonObject };

/** What the hands shall do with one resource. The key names deployment, instance, generation and, for changes, the request. */
export type DeploymentCommand = { key: string; due: Instant } & (
  | { do: 'start-action'; request: string; action: string }
  | { do: 'poll-action'; request: string; action: string; ticket: Json }
  | { do: 'tell-owner'; message: string }
);

/** What follows from a message: independent resources at once, each as soon as all it needs stands. Pure. */
export function decideDeployment(
  before: Deployment | null,
  message: DeploymentMessage,
  { now }: Moment,
): { state: Deployment; events: DeploymentEvent[]; commands: DeploymentCommand[] } {
  const events: DeploymentEvent[] = [];
  const commands: DeploymentCommand[] = [];
  let state = before as Deployment;

  if (message.type === 'request') {
    if (!before || (!isBusy(before) && (message.after ?? before.plan.request) === before.plan.request)) {
      emit({
        type: 'deployment-requested',
        id: message.id,
        name: message.name,
        project: message.project,
        host: message.host,
        plan: message.plan,
      });
      advance();
    }
  } else if (message.type === 'edit') {
    if (before) emit({ type: 'deployment-edited', by: message.by, changes: message.changes });
  } else if (message.type === 'notice') {
    if (before && !before.notices?.includes(message.notice)) {
      emit({ type: 'deployment-notice', notice: message.notice, message: message.message });
      const key = `${before.id}/notice/${message.notice}/${now}`;
      commands.push({ do: 'tell-owner', message: message.message, key, due: now });
    }
  } else if (before && isBusy(before) && before.plan.request === message.request) {
    if (message.type === 'cancel') cancel(message.by);
    else if (!before.done[message.action]) report(message.action, message.report);
  }
  return { state, events, commands };

  function emit(
    event: DeploymentEvent extends infer E ? (E extends { at: Instant } ? Omit<E, 'at'> : never) : never,
  ): void {
    const full = { ...event, at: now } as DeploymentEvent;
    state = evolveDeployment(state, full);
    events.push(full);
  }

  function report(action: string, told: ActionReport): void {
    if (told.kind === 'running') {
      emit({ type: 'action-running', action, ticket: told.ticket });
      commands.push({
        do: 'poll-action',
        request: state.plan.request,
        action,
        ticket: told.ticket,
        key: `${state.plan.request}/${action}/poll`,
        due: now + told.pollAfter,
      });
      return;
    }
    if (told.kind === 'failed') {
      const { message, properties } = told;
      emit({ type: 'action-failed', action, message, ...(properties ? { properties } : {}) });
    } else emit({ type: 'action-done', action, properties: told.properties, unchanged: false });
    advance();
  }

  /** What is under way is stopped by the hands, or ends: only then is the request over. */
  function cancel(by: string): void {
    if (state.cancelled) return;
    emit({ type: 'deployment-cancelled', by });
    advance();
  }

  /** After a failure nothing new begins, except that a delete removes whatever it can; after a cancel nothing at all. */
  function advance(): void {
    for (let progress = true; progress; ) {
      progress = false;
      const failed = Object.values(state.done).includes('failed');
      for (const action of state.plan.actions) {
        const isOpen = !state.started.includes(action.id) && !state.done[action.id];
        if (!isOpen || state.cancelled || (failed && state.plan.kind !== 'DELETE')) continue;
        if (!action.after.every((id) => state.done[id] === 'done')) continue;
        begin(action);
        progress = true;
      }
    }
    const isRunning = state.started.some((id) => !state.done[id]);
    if (!isRunning) finish();
  }

  function begin(action: Action): void {
    if (action.does === 'delete') return start(action, {}, {}, state.resources[action.instance]?.generation ?? 1);
    if (action.does === 'act') return act(action);
    const planned = state.plan.target.find(({ instance }) => instance === action.instance)!;
    const { ignoreChanges, ignoredProperties = [] } = state.plan.blueprint.resources[planned.node]!;
    if (action.does === 'update' && ignoreChanges)
      return emit({ type: 'action-done', action: action.id, properties: {}, unchanged: true });
    let desired: JsonObject;
    try {
      desired = evaluateProperties(facts(), planned.node, planned.index, planned.name ?? planned.instance);
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      return emit({
        type: 'action-failed',
        action: action.id,
        message: `Resource ${action.instance}: ${thrown.message}`,
      });
    }
    const standing = state.resources[action.instance];
    if (action.does === 'create' || !standing) return start(action, desired, {}, nextGeneration(action.instance));
    desired = withKept(desired, standing.desired, ignoredProperties);
    const overrides = keptOverrides(standing.overrides ?? {}, standing.desired, desired);
    const hasDrifted = action.changes?.some(({ actual, kept }) => actual !== undefined && !kept);
    if (
      standing.status === 'OK' &&
      !hasDrifted &&
      !action.refresh &&
      sameProperties(effective(standing), { ...desired, ...overrides })
    )
      return emit({ type: 'action-done', action: action.id, properties: {}, unchanged: true });
    start(action, desired, overrides, standing.generation);
  }

  function act(action: Action): void {
    const standing = state.resources[action.instance];
    if (!standing)
      return emit({ type: 'action-failed', action: action.id, message: `There is no resource ${action.instance}.` });
    start(action, standing.desired, standing.overrides ?? {}, standing.generation);
  }

  function start(action: Action, desired: JsonObject, overrides: JsonObject, generation: number): void {
    const deadline = now + timeoutOf(action);
    const set = Object.keys(overrides).length > 0 ? { overrides } : {};
    emit({ type: 'action-started', action: action.id, desired, ...set, generation, deadline });
    commands.push({
      do: 'start-action',
      request: state.plan.request,
      action: action.id,
      key: `${state.plan.request}/${action.id}`,
      due: now,
    });
  }

  /** As the project says, else the resource, else the original's two hours. */
  function timeoutOf({ instance, does }: Action): number {
    const { node } = state.resources[instance] ?? state.plan.target.find((one) => one.instance === instance)!;
    const { timeouts = {} } = state.plan.blueprint.resources[node] ?? {};
    return state.plan.operationTimeout || (timeouts[does === 'act' ? 'update' : does] ?? 2 * 3_600_000);
  }

  /** Requests are unique, so a generation taken from the time of the request never repeats in the life of a deployment. */
  function nextGeneration(instance: string): number {
    const last = state.resources[instance]?.generation ?? 0;
    return Math.max(last + 1, Date.parse(state.plan.requestedAt) || 1);
  }

  function finish(): void {
    const isCut = state.cancelled && state.plan.actions.some(({ id }) => state.done[id] !== 'done');
    const reasons = [...(isCut ? [`Cancelled by ${state.cancelled!.by}.`] : []), ...Object.values(state.failures)];
    if (reasons.length > 0) {
      return emit({
        type: 'deployment-finished',
        status: `${state.plan.kind}_FAILED`,
        message: reasons.join(' '),
        outputs: state.outputs,
      });
    }
    emit({
      type: 'deployment-finished',
      status: `${state.plan.kind}_SUCCESSFUL`,
      message: '',
      outputs: state.plan.kind === 'DELETE' ? {} : outputs(),
    });
  }

  function outputs(): JsonObject {
    try {
      return evaluateOutputs(facts());
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      return { error: thrown.message };
    }
  }

  /** Surplus instances are not part of what others see, so a balancer lets go of them before they are removed. */
  function facts(): Facts {
    const wanted = new Set(state.plan.target.map(({ instance }) => instance));
    return {
      blueprint: state.plan.blueprint,
      inputs: state.plan.inputs,
      constants: state.plan.constants,
      env: environmentOf(state, state.plan),
      resources: Object.fromEntries(Object.entries(state.resources).filter(([instance]) => wanted.has(instance))),
      addresses: Object.fromEntries(state.plan.target.map(({ instance, addresses = [] }) => [instance, addresses])),
      now: state.plan.requestedAt,
    };
  }
}

/** Some properties stay as they are, whatever the blueprint says now. */
function withKept(desired: JsonObject, before: JsonObject, keys: string[]): JsonObject {
  const kept = keys.filter((key) => Object.hasOwn(before, key)).map((key) => [key, before[key]!]);
  return { ...desired, ...Object.fromEntries(kept) };
}
