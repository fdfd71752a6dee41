import Anser from 'anser';
import { useEffect, useId, useRef, useState } from 'react';
import type { JsonObject } from '../core/json.ts';
import { type Execution, taskKey } from '../pipeline/execution.ts';
import { Figures } from './figures.tsx';
import { Spent } from './graph.tsx';
import { useLog } from './live.ts';
import { Reports } from './reports.tsx';
import { useSignedIn } from './root.tsx';
import { Status } from './status.tsx';

/** One task: how it stands, what it printed, what went in and what came out. */
export function TaskDetail({ run, name, now }: { run: Execution; name: string; now: number }) {
  const state = run.tasks[name]!;
  const task = taskOf(run, name);
  const attempts = 'attempt' in state ? state.attempt : 0;
  const heading = useId();
  return (
    <section className="card task" aria-labelledby={heading}>
      <h2 id={heading}>
        {name} <span className="type">{task?.type}</span>
      </h2>
      <p className="facts">
        <Status status={state.status} />
        <Spent state={state} now={now} />
        {attempts > 1 ? <span>attempt {attempts}</span> : null}
        {'message' in state ? <span className="message">{state.message}</span> : null}
      </p>
      {task?.preCondition ? (
        <p className="facts small">
          Only if <code>{task.preCondition}</code>
        </p>
      ) : null}
      {attempts > 0 ? (
        <Log
          run={run.plan.execution}
          name={name}
          attempts={attempts}
          since={'startedAt' in state ? state.startedAt : 0}
        />
      ) : null}
      {'output' in state ? <Reports output={state.output} /> : null}
      {'input' in state && state.input ? <Values title="Input" values={state.input} /> : null}
      {'output' in state ? <Values title="Output" values={state.output} isOpen /> : null}
    </section>
  );
}

function taskOf({ plan }: Execution, name: string) {
  const stage = plan.pipeline.stages.find((one) => one.steps.flat().some((task) => taskKey(one.name, task) === name));
  return stage?.tasks[name.slice(stage.name.length + 1)];
}

/** What a task printed, as it comes; each attempt has a log of its own. */
function Log({ run, name, attempts, since }: { run: string; name: string; attempts: number; since: number }) {
  const { client } = useSignedIn();
  const [asked, ask] = useState<number>();
  const attempt = asked ?? attempts;
  const { value } = useLog(client, run, name, attempt);
  const box = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what came last is to be seen
  useEffect(() => {
    if (isAtEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [value]);
  if (!value && attempts === 1) return null;
  return (
    <>
      {attempts > 1 ? (
        <label className="filter">
          Log of attempt
          <select value={attempt} onChange={({ target }) => ask(Number(target.value))}>
            {Array.from({ length: attempts }, (_, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: attempts count
              <option key={index} value={index + 1}>
                {index + 1}
              </option>
            ))}
          </select>
        </label>
      ) : null}
      <Figures log={value} since={since} />
      <pre
        className="log"
        role="log"
        aria-label={`Log of ${name}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        tabIndex={0}
        ref={box}
        onScroll={() => (isAtEnd.current = isScrolledDown(box.current!))}
      >
        {Anser.ansiToJson(value, { use_classes: true, remove_empty: true }).map(
          ({ content, fg, decorations }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: text only grows at its end
            <span key={index} className={[fg, ...decorations].filter(Boolean).join(' ') || undefined}>
              {content}
            </span>
          ),
        )}
      </pre>
    </>
  );
}

const isScrolledDown = ({ scrollHeight, scrollTop, clientHeight }: HTMLElement): boolean =>
  scrollHeight - scrollTop - clientHeight < 24;

export function Values({ title, values, isOpen = false }: { title: string; values: JsonObject; isOpen?: boolean }) {
  if (Object.keys(values).length === 0) return null;
  return (
    <details open={isOpen}>
      <summary>{title}</summary>
      <dl className="values">
        {Object.entries(values).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{typeof value === 'string' ? value : JSON.stringify(value, null, 2)}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
