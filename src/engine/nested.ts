import { MillraceError } from '../core/error.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import { withoutSeals } from '../core/secret.ts';
import type { Execution, Parent } from '../pipeline/execution.ts';
import { isOver } from '../pipeline/execution.ts';
import type { Executions } from '../sdk/powers.ts';
import type { Document } from '../store/store.ts';
import type { StartRequest } from './engine.ts';
import type { EngineParts } from './parts.ts';
import type { Mailbox } from './transact.ts';

/** Deeper than this nobody nests on purpose: a pipeline that runs itself without end is stopped here. */
const mostDepth = 20;

type Start = (request: StartRequest) => Promise<{ id: string; index: number }>;

/** The runs that a task of a run asks for. */
export function nestedRuns(parts: EngineParts, mailbox: Mailbox, start: Start) {
  const { store } = parts;

  return (parent: Execution, stage: string, task: string, mask: (text: string) => string): Executions => ({
    async request(key, name, input) {
      const { plan } = parent;
      const pipelines = [...(plan.parent?.pipelines ?? []), plan.pipelineId];
      if (pipelines.length > mostDepth)
        throw new MillraceError('pipeline.not-runnable', {
          message: `Pipeline ${name} would be nested deeper than ${mostDepth} runs.`,
          hint: 'Does a pipeline run itself without end?',
        });
      const { id } = await start({
        id: idOfKey(key),
        pipeline: await find(plan.project, name),
        input: sealSecrets(input, mask) as JsonObject,
        comments: `Executed by ${plan.pipeline.name}#${plan.index}`,
        tags: [`Executed by ${plan.execution}~${placeOf(parent, stage, task)}#${plan.index}`],
        requestedBy: plan.requestedBy,
        triggeredBy: plan.triggeredBy,
        source: `/codestream/api/executions/${plan.execution}`,
        parent: { execution: plan.execution, key, pipelines, as: 'nested' },
      });
      return id;
    },

    async report(id) {
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
    },

    async cancel(id) {
      const by = `${parent.plan.pipeline.name}#${parent.plan.index}`;
      await mailbox.execution(id, { type: 'cancel', by, reason: '' });
    },
  });

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
