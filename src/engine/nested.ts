import { MillraceError } from '../core/error.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import { withoutSeals } from '../core/secret.ts';
import { resolveDeep } from '../lang/binding.ts';
import type { Execution, Parent } from '../pipeline/execution.ts';
import { isOver } from '../pipeline/execution.ts';
import type { ExecutionReport, Executions } from '../sdk/powers.ts';
import type { Command, Document } from '../store/store.ts';
import type { StartRequest } from './engine.ts';
import type { EngineParts } from './parts.ts';
import { openScope } from './scope.ts';
import type { Mailbox } from './transact.ts';

/** Deeper than this nobody nests on purpose: a pipeline that runs itself without end is stopped here. */
const mostDepth = 20;

type Start = (request: StartRequest) => Promise<{ id: string; index: number }>;

/** Runs that other runs ask for: by a task, or as a rollback. */
export function nestedRuns(parts: EngineParts, mailbox: Mailbox, start: Start) {
  const { store } = parts;

  return { forTask, startRollback, tellParent };

  function forTask(parent: Execution, stage: string, task: string, mask: (text: string) => string): Executions {
    return {
      request: (key, name, input) =>
        startUnder(parent, 'nested', key, name, placeOf(parent, stage, task), sealSecrets(input, mask)),
      report,
      async cancel(id) {
        const by = `${parent.plan.pipeline.name}#${parent.plan.index}`;
        await mailbox.execution(id, { type: 'cancel', by, reason: '' });
      },
    };
  }

  /** Starts the run of a rollback, which tells its parent when it ends; one that cannot start has failed at once. */
  async function startRollback(command: Command, parent: Execution): Promise<void> {
    const settles = { command: command.id, fence: command.fence };
    const number = Number(command.body.number);
    const { name, inputs } = parent.plan.pipeline.rollbacks[number]!;
    try {
      const { lookup, mask } = await openScope(parts, parent);
      const resolved = sealSecrets(resolveDeep(inputs, lookup), mask);
      const pipeline = String(resolveDeep(name, lookup));
      await startUnder(parent, 'rollback', command.key, pipeline, `rollback ${number}`, resolved);
      parts.crashPoint(`rollback ${number}:started`);
      await mailbox.settle({ settles });
    } catch (thrown) {
      if (!(thrown instanceof MillraceError) || thrown.status >= 500) throw thrown;
      const message = `Rollback ${name} could not start: ${thrown.message}`;
      const ended = { type: 'rollback-ended', number, ok: false, message, run: null } as const;
      await mailbox.execution(parent.plan.execution, ended, { settles });
    }
  }

  /** What waits for a run hears of its end. Saying it twice does no harm. */
  async function tellParent(run: Execution): Promise<void> {
    const { plan, status, message, output } = run;
    if (!plan.parent) return;
    if (plan.parent.as === 'nested') return store.hasten(`${plan.parent.key}/poll`, parts.moment.now());
    await mailbox.execution(plan.parent.execution, {
      type: 'rollback-ended',
      number: Number(plan.parent.key.split('/rollback/')[1]?.split('/')[0]),
      ok: status === 'COMPLETED',
      message,
      run: { id: plan.execution, index: plan.index, output },
    });
  }

  async function startUnder(
    { plan }: Execution,
    as: Parent['as'],
    key: string,
    name: string,
    place: string,
    input: Json,
  ): Promise<string> {
    const pipelines = [...(plan.parent?.pipelines ?? []), plan.pipelineId];
    if (pipelines.length > mostDepth)
      throw new MillraceError('pipeline.not-runnable', {
        message: `Pipeline ${name} would be nested deeper than ${mostDepth} runs.`,
        hint: 'Does a pipeline run itself without end?',
      });
    const { id } = await start({
      id: idOfKey(key),
      pipeline: await find(plan.project, name),
      input: input as JsonObject,
      comments: `Executed by ${plan.pipeline.name}#${plan.index}`,
      tags: [`Executed by ${plan.execution}~${place}#${plan.index}`],
      requestedBy: plan.requestedBy,
      triggeredBy: plan.triggeredBy,
      source: `/codestream/api/executions/${plan.execution}`,
      ...(plan.host ? { host: plan.host } : {}),
      root: plan.root ?? plan.execution,
      parent: { execution: plan.execution, key, pipelines, as },
    });
    return id;
  }

  async function report(id: string): Promise<ExecutionReport> {
    const run = await read(id);
    return {
      isOver: isOver(run),
      status: run.status,
      message: run.message,
      index: run.plan.index,
      link: `/codestream/api/executions/${id}`,
      input: withoutSeals(run.plan.input),
      output: run.output,
    };
  }

  async function read(id: string): Promise<Execution> {
    const loaded = await store.load('execution', id);
    if (!loaded) throw new MillraceError('not.found', { message: `There is no execution ${id}.` });
    return loaded.state as unknown as Execution;
  }

  /** A pipeline of the project, or one that another project shares with all. */
  async function find(project: string, name: string): Promise<Document> {
    const own = await store.find('pipeline', project, name);
    const shared = async () =>
      (await store.list('pipeline')).find((other) => other.name === name && other.body.global === true);
    const found = own ?? (await shared());
    if (found) return found;
    throw new MillraceError('not.found', {
      message: `There is no pipeline ${name} in project ${project}.`,
      hint: 'Import it, or name another one in the task.',
    });
  }

  /** What is secret in the inputs of another run lies sealed in its record. */
  function sealSecrets(value: Json, mask: (text: string) => string): Json {
    if (Array.isArray(value)) return value.map((item) => sealSecrets(item, mask));
    if (isObject(value))
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sealSecrets(item, mask)]));
    return typeof value === 'string' && mask(value) !== value ? parts.seal.close(value) : value;
  }
}

/** Stage, step and place in the step, counted from 0, as the original's tags have them. */
function placeOf({ plan }: Execution, stage: string, task: string): string {
  const stageNumber = plan.pipeline.stages.findIndex(({ name }) => name === stage);
  const { steps } = plan.pipeline.stages[stageNumber]!;
  const step = steps.findIndex((names) => names.includes(task));
  return `${stageNumber}.${step}.${steps[step]!.indexOf(task)}`;
}

/** A run of a pipeline that an ancestor runs holds no turn of its own: the ancestor, which waits for it, holds one already. */
export const needsTurn = (parent: Parent | undefined, pipelineId: string): boolean =>
  !parent?.pipelines.includes(pipelineId);
