import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { messageOf } from '../core/error.ts';
import type { Execution } from '../pipeline/execution.ts';
import { Actions } from './actions.tsx';
import { Away } from './frame.tsx';
import { Graph } from './graph.tsx';
import { isGone, useExecution, useNow } from './live.ts';
import { Questions } from './questions.tsx';
import { useSignedIn } from './root.tsx';
import { Duration, Moment, Status } from './status.tsx';
import { TaskDetail, Values } from './task.tsx';

export function ExecutionPage() {
  const { client } = useSignedIn();
  const { id } = useParams({ from: '/inside/executions/$id' });
  const record = useQuery({
    queryKey: ['execution', id],
    queryFn: () => client.json('GET', `/codestream/api/executions/${id}`),
  });
  const { value: run, isConnected, error } = useExecution(client, id);
  const fault = error || (record.error && !run ? messageOf(record.error) : '');
  return (
    <main>
      <Away isConnected={isConnected} />
      <nav className="crumbs" aria-label="Where you are">
        <Link to="/" search={{ page: 1, status: '' }}>
          Executions
        </Link>
      </nav>
      {fault ? (
        <p className="fault" role="alert">
          {isGone(record.error) ? 'There is no such run; it may have been removed.' : fault}
        </p>
      ) : null}
      {run ? <Run run={run} waitsFor={String(record.data?._waitsFor ?? '')} /> : null}
    </main>
  );
}

function Run({ run, waitsFor }: { run: Execution; waitsFor: string }) {
  const { plan } = run;
  const { starred } = plan.pipeline;
  const purpose = String(plan.input[String(starred.input ?? '')] ?? '');
  const now = useNow(run.endedAt === null);
  const { task: asked } = useSearch({ from: '/inside/executions/$id' });
  const navigate = useNavigate({ from: '/executions/$id' });
  const chosen = asked && Object.hasOwn(run.tasks, asked) ? asked : noteworthy(run);
  document.title = `${plan.pipeline.name} #${plan.index} ${run.status} · Millrace`;
  return (
    <>
      <div className="heading">
        <h1>
          {plan.pipeline.name} <span className="number">#{plan.index}</span>
        </h1>
        <Actions run={run} />
      </div>
      <p className="facts" role="status">
        <Status status={run.status} />
        <span className="message">{run.message}</span>
      </p>
      <p className="facts small">
        {purpose ? <strong className="words">{purpose}</strong> : null}
        {plan.comments ? <span className="words">{plan.comments}</span> : null}
        <span>{plan.project}</span>
        <span>by {plan.triggeredBy}</span>
        <Moment at={run.requestedAt} />
        <Duration from={run.requestedAt} to={run.endedAt ?? now} />
      </p>
      {waitsFor ? <p className="away">{waitsFor}</p> : null}
      <Questions run={run} />
      <Graph
        run={run}
        now={now}
        chosen={chosen}
        choose={(task) => void navigate({ search: { task }, replace: true }).then(showDetail)}
      />
      {chosen ? <TaskDetail key={chosen} run={run} name={chosen} now={now} /> : null}
      <section className="card" aria-label="Input and output of the run">
        <Values title="Input of the run" values={plan.input} />
        <Values title="Output of the run" values={run.output} isOpen />
      </section>
    </>
  );
}

/** On a small screen the graph is longer than it. */
function showDetail(): void {
  requestAnimationFrame(() =>
    document.querySelector('.task')?.scrollIntoView({ block: 'nearest', behavior: 'smooth' }),
  );
}

/** What people look for first: who asks, what failed, what runs. Where all went well, nothing. */
function noteworthy({ tasks }: Execution): string | undefined {
  const named = Object.entries(tasks);
  const of = (...statuses: string[]) => named.find(([, { status }]) => statuses.includes(status))?.[0];
  return of('WAITING') ?? of('FAILED') ?? of('RUNNING', 'STARTED', 'CANCELING');
}
