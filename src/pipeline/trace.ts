import type { Instant } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import { type Execution, type Status, taskKey } from './execution.ts';

/** A span in the words of OTLP's JSON encoding (opentelemetry-proto 1.x); times are nanoseconds as text. */
export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  /** 1: internal; 5: it takes up what somebody else has sent. */
  kind: 1 | 5;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: { stringValue: string } | { intValue: string } }[];
  status: { code: 0 | 1 | 2; message?: string };
  links?: { traceId: string; spanId: string }[];
}

/**
 * A run as a trace: the run, its stages and its tasks, each a span. All ids follow from keys, so that sending a trace twice is
 * sending it once, and a nested run finds its place below the task that asked for it. What a push has started is linked to the
 * push, which has a trace of its own.
 */
export function spansOf(execution: Execution): Span[] {
  const { plan, startedAt, requestedAt, endedAt } = execution;
  const end = endedAt ?? requestedAt;
  const traceId = traceIdOf(plan.root ?? plan.execution);
  const common = {
    'cicd.pipeline.name': plan.pipeline.name,
    'cicd.pipeline.run.id': plan.execution,
    'millrace.project': plan.project,
  };
  const run = span({
    key: plan.execution,
    ...(plan.parent ? { parent: plan.parent.key } : {}),
    name: `${plan.pipeline.name} #${plan.index}`,
    from: startedAt ?? requestedAt,
    to: end,
    status: execution.status,
    message: execution.message,
    attributes: {
      ...common,
      'cicd.pipeline.result': resultOf(execution.status),
      'enduser.id': plan.requestedBy,
      'vcs.repository.url.full': String(plan.input.GIT_REPO_HTTP_URL ?? ''),
      'vcs.ref.head.name': String(plan.input.GIT_BRANCH_NAME ?? ''),
      'vcs.ref.head.revision': String(plan.input.GIT_COMMIT_ID ?? ''),
    },
  });
  const { push, links } = causes(execution);
  return [...push, { ...run, ...(links.length > 0 ? { links } : {}) }, ...plan.pipeline.stages.flatMap(stageSpans)];

  function stageSpans({ name, steps, tasks }: (typeof plan.pipeline.stages)[number]): Span[] {
    const state = execution.stages[name]!;
    if (!('startedAt' in state)) return [];
    const stage = span({
      key: `${plan.execution}/${name}`,
      parent: plan.execution,
      name,
      from: state.startedAt,
      to: 'endedAt' in state ? state.endedAt : end,
      status: state.status,
      message: 'message' in state ? state.message : '',
      attributes: { ...common, 'millrace.stage': name },
    });
    return [stage, ...steps.flat().flatMap((task) => taskSpan(name, task, tasks[task]!.type))];
  }

  function taskSpan(stage: string, task: string, type: string): Span[] {
    const state = execution.tasks[taskKey(stage, task)]!;
    if (!('startedAt' in state)) return [];
    const key = `${plan.execution}/${stage}.${task}/${state.attempt}`;
    return [
      span({
        key,
        parent: `${plan.execution}/${stage}`,
        name: `${stage}.${task}`,
        from: state.startedAt,
        to: 'endedAt' in state ? state.endedAt : end,
        status: state.status,
        message: 'message' in state ? state.message : '',
        attributes: {
          ...common,
          'cicd.pipeline.task.name': `${stage}.${task}`,
          'cicd.pipeline.task.run.id': key,
          'cicd.pipeline.task.run.result': resultOf(state.status),
          'millrace.task.type': type,
          'millrace.task.attempt': state.attempt,
        },
      }),
    ];
  }

  function span(given: Sketch): Span {
    const { key, parent, name, from, to, status, message, attributes } = given;
    const isBad = status === 'FAILED' || status === 'ROLLBACK_FAILED' || status === 'ROLLBACK_COMPLETED';
    return {
      traceId,
      spanId: spanIdOf(key),
      ...(parent ? { parentSpanId: spanIdOf(parent) } : {}),
      name,
      kind: 1,
      startTimeUnixNano: nanoseconds(from),
      endTimeUnixNano: nanoseconds(to),
      attributes: attributesOf(attributes),
      status: isBad ? { code: 2, message } : { code: status === 'COMPLETED' ? 1 : 0 },
    };
  }
}

interface Sketch {
  key: string;
  parent?: string;
  name: string;
  from: Instant;
  to: Instant;
  status: Status;
  message: string;
  attributes: JsonObject;
}

/** What started the run: a push, as a span of its own trace, and whatever trace the caller said it belongs to. */
function causes({ plan, requestedAt }: Execution): { push: Span[]; links: NonNullable<Span['links']> } {
  const caller = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(plan.cause?.traceparent ?? '');
  const links = caller ? [{ traceId: caller[1]!, spanId: caller[2]! }] : [];
  if (!plan.cause?.push) return { push: [], links };
  const key = plan.cause.push;
  const push: Span = {
    traceId: traceIdOf(key),
    spanId: spanIdOf(key),
    name: `push to ${String(plan.input.GIT_BRANCH_NAME ?? '')}`,
    kind: 5,
    startTimeUnixNano: nanoseconds(requestedAt),
    endTimeUnixNano: nanoseconds(requestedAt),
    attributes: attributesOf({
      'vcs.repository.url.full': String(plan.input.GIT_REPO_HTTP_URL ?? ''),
      'vcs.ref.head.revision': String(plan.input.GIT_COMMIT_ID ?? ''),
      'millrace.git-event': key,
    }),
    status: { code: 1 },
  };
  return { push: [push], links: [{ traceId: push.traceId, spanId: push.spanId }, ...links] };
}

export const traceIdOf = (execution: string): string => idOfKey(`trace/${execution}`).replaceAll('-', '');
const spanIdOf = (key: string): string => traceIdOf(`span/${key}`).slice(0, 16);
const nanoseconds = (at: Instant): string => `${at}000000`;

const attributesOf = (given: JsonObject): Span['attributes'] =>
  Object.entries(given)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => ({
      key,
      value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: String(value) },
    }));

/** The words of OpenTelemetry's conventions for CI/CD. */
function resultOf(status: Status): string {
  if (status === 'COMPLETED') return 'success';
  if (status === 'CANCELED') return 'cancellation';
  if (status === 'SKIPPED') return 'skip';
  return 'failure';
}
