import type { KeyboardEvent } from 'react';
import { type Execution, type TaskState, taskKey } from '../pipeline/execution.ts';
import type { Stage } from '../pipeline/model.ts';
import { Duration, Sign, toneOf, wordsOf } from './status.tsx';

interface GraphProps {
  run: Execution;
  now: number;
  chosen: string | undefined;
  choose(task: string): void;
}

/** Stages from left to right, their tasks from top to bottom, what runs at the same time side by side. */
export function Graph({ run, now, chosen, choose }: GraphProps) {
  return (
    <ol className="graph" aria-label="Stages and tasks" onKeyDown={walk}>
      {run.plan.pipeline.stages.map((stage) => (
        <li key={stage.name} className={`stage ${stage.millrace.runs === 'on-success' ? '' : 'aside'}`}>
          <h2>
            <Sign status={run.stages[stage.name]!.status} /> {stage.name}
            <span className="hidden">: {wordsOf(run.stages[stage.name]!.status)}</span>
            {stage.millrace.runs === 'on-success' ? null : (
              <span className="when">{stage.millrace.runs === 'always' ? 'always' : 'on failure'}</span>
            )}
          </h2>
          <ol className="steps">
            {stage.steps.map((names) => (
              <li key={names.join()} className="step">
                {names.map((name) => (
                  <Node key={name} {...{ run, stage, name, now, chosen, choose }} />
                ))}
              </li>
            ))}
          </ol>
        </li>
      ))}
    </ol>
  );
}

function Node({ run, stage, name, now, chosen, choose }: GraphProps & { stage: Stage; name: string }) {
  const key = taskKey(stage.name, name);
  const state = run.tasks[key]!;
  const { type } = stage.tasks[name]!;
  return (
    <button
      type="button"
      className={`node ${toneOf(state.status)}`}
      aria-current={key === chosen}
      aria-label={`${name}, ${type}: ${wordsOf(state.status)}`}
      onClick={() => choose(key)}
    >
      <Sign status={state.status} />
      <span className="name">{name}</span>
      <span className="type">{type}</span>
      <Spent state={state} now={now} />
    </button>
  );
}

export function Spent({ state, now }: { state: TaskState; now: number }) {
  if (!('startedAt' in state)) return null;
  return <Duration from={state.startedAt} to={'endedAt' in state ? state.endedAt : now} />;
}

/** Arrows walk through the graph as one reads it: down and up within a stage, right and left between them. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const here = event.target as HTMLElement;
  const stages = [...event.currentTarget.querySelectorAll<HTMLElement>('.stage')].map((stage) => [
    ...stage.querySelectorAll<HTMLElement>('.node'),
  ]);
  const column = stages.findIndex((nodes) => nodes.includes(here));
  if (column < 0) return;
  const row = stages[column]!.indexOf(here);
  const moves: Record<string, [number, number]> = {
    ArrowDown: [0, 1],
    ArrowUp: [0, -1],
    ArrowRight: [1, 0],
    ArrowLeft: [-1, 0],
  };
  const move = moves[event.key];
  if (!move) return;
  const nodes = stages[column + move[0]];
  const next = move[0] === 0 ? nodes![row + move[1]] : nodes?.[Math.min(row, nodes.length - 1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
