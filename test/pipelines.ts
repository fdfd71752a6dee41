import type { Moment } from '../src/core/instant.ts';
import { parseYaml } from '../src/lang/yaml.ts';
import { type Decision, decide } from '../src/pipeline/decide.ts';
import type { Execution, ExecutionEvent, Plan } from '../src/pipeline/execution.ts';
import type { ExecutionCommand, ExecutionMessage, TaskReport } from '../src/pipeline/messages.ts';
import type { Pipeline } from '../src/pipeline/model.ts';
import { parsePipeline } from '../src/pipeline/parse.ts';

/** The pipeline that a text of YAML describes. */
export function pipelineOf(yaml: string): Pipeline {
  const { pipeline, diagnostics } = parsePipeline(parseYaml(yaml).documents[0]!);
  if (!pipeline) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return pipeline;
}

export const planOf = (yaml: string, given: Partial<Plan> = {}): Plan => ({
  execution: 'run-1',
  index: 1,
  project: 'Tito',
  pipelineId: 'pipeline-1',
  pipeline: pipelineOf(yaml),
  input: {},
  requestedBy: 'ann',
  triggeredBy: '',
  source: '',
  comments: '',
  tags: [],
  ...given,
});

/** An execution in the hand: what is said to it is decided at once, and everything that came of it is kept. */
export class Rehearsal {
  state: Execution;
  events: ExecutionEvent[] = [];
  commands: ExecutionCommand[] = [];
  now = 1000;

  constructor(yaml: string, { queued = false, ...given }: Partial<Plan> & { queued?: boolean } = {}) {
    this.state = this.take(decide(null, { type: 'create', plan: planOf(yaml, given), queued }, this.#moment()));
  }

  say(message: ExecutionMessage): Decision {
    this.now += 1000;
    const decision = decide(this.state, message, this.#moment());
    this.state = this.take(decision);
    return decision;
  }

  report(where: string, report: TaskReport, attempt = 1): Decision {
    const [stage, task] = where.split('.') as [string, string];
    return this.say({ type: 'report', stage, task, attempt, report });
  }

  succeed(where: string, output = {}): Decision {
    return this.report(where, { kind: 'ended', ok: true, input: {}, output, message: '' });
  }

  fail(where: string, message = 'it broke', attempt = 1): Decision {
    return this.report(where, { kind: 'ended', ok: false, input: {}, output: {}, message }, attempt);
  }

  run(where: string, ticket = 'ticket'): Decision {
    return this.report(where, { kind: 'running', input: {}, ticket, pollAfter: 500 });
  }

  ask(where: string, expiresAt: number | null = null, about: 'approval' | 'uncertain' = 'approval'): Decision {
    const question = {
      id: `question-${where}`,
      index: 'abcdef',
      approvers: [],
      approverGroups: [],
      summary: 'Go on?',
      description: '',
      expiresAt,
      about,
    };
    return this.report(where, { kind: 'asks', input: {}, question });
  }

  answer(where: string, approved: boolean): Decision {
    return this.say({ type: 'answer', question: `question-${where}`, approved, by: 'bob', comment: '', output: {} });
  }

  /** `Stage.Task` to status. */
  get tasks(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.state.tasks).map(([key, { status }]) => [key, status]));
  }

  get stages(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.state.stages).map(([key, { status }]) => [key, status]));
  }

  /** What the hands were asked to do, as `start-task Build.Deploy`. */
  get asked(): string[] {
    return this.commands.map((command) =>
      'task' in command ? `${command.do} ${command.stage}.${command.task}` : command.do,
    );
  }

  private take(decision: Decision): Execution {
    this.events.push(...decision.events);
    this.commands.push(...decision.commands);
    return decision.state;
  }

  #moment(): Moment {
    return { now: this.now, newId: () => 'id' };
  }
}
