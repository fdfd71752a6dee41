import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Load, Observer } from '../engine/observe.ts';
import type { Execution, ExecutionEvent } from '../pipeline/execution.ts';

const seconds = [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300, 1800, 7200];

/** What Prometheus may ask of this node. Counters begin at 0 with each start of it, as Prometheus expects. */
export function openMetrics(load: () => Load, isStoreUp: () => Promise<boolean>) {
  const registers = [new Registry()];
  const [registry] = registers;
  // Ten looks a second at the delay of the event loop: a hundred would be all that a server at rest does.
  collectDefaultMetrics({ register: registry!, eventLoopMonitoringPrecision: 100 });
  const runs = new Counter({
    name: 'millrace_runs_ended_total',
    help: 'Runs of pipelines that have ended.',
    labelNames: ['project', 'pipeline', 'status'],
    registers,
  });
  const runSeconds = new Histogram({
    name: 'millrace_run_duration_seconds',
    help: 'From the start of a run to its end.',
    labelNames: ['project', 'pipeline'],
    buckets: seconds,
    registers,
  });
  const waited = new Histogram({
    name: 'millrace_run_queued_seconds',
    help: 'From the request of a run to its start.',
    labelNames: ['project'],
    buckets: seconds,
    registers,
  });
  const tasks = new Counter({
    name: 'millrace_tasks_ended_total',
    help: 'Tasks that have ended.',
    labelNames: ['type', 'status'],
    registers,
  });
  const taskSeconds = new Histogram({
    name: 'millrace_task_duration_seconds',
    help: 'From the start of a task to its end.',
    labelNames: ['type'],
    buckets: seconds,
    registers,
  });
  const requests = new Histogram({
    name: 'millrace_http_request_duration_seconds',
    help: 'HTTP requests by route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  });
  const gauge = (name: string, help: string, value: () => number | Promise<number>) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await value());
      },
    });
  gauge('millrace_commands_under_way', 'Commands that this node performs now.', () => load().underWay);
  gauge('millrace_commands_ready', 'Commands that this node holds and has not begun.', () => load().ready);
  gauge('millrace_store_up', '1 where the database answers.', async () => ((await isStoreUp()) ? 1 : 0));

  const observer: Observer = {
    happened(execution, events) {
      for (const event of events) count(execution, event);
    },
  };

  return {
    observer,
    requested: (method: string, route: string, status: number, milliseconds: number) =>
      requests.observe({ method, route, status }, milliseconds / 1000),
    text: () => registry!.metrics(),
    contentType: registry!.contentType,
  };

  function count({ plan, startedAt, requestedAt, tasks: states }: Execution, event: ExecutionEvent): void {
    const { project } = plan;
    const pipeline = plan.pipeline.name;
    if (event.type === 'execution-started') waited.observe({ project }, (event.at - requestedAt) / 1000);
    if (event.type === 'execution-ended') {
      runs.inc({ project, pipeline, status: event.status });
      runSeconds.observe({ project, pipeline }, (event.at - (startedAt ?? requestedAt)) / 1000);
    }
    if (event.type !== 'task-ended') return;
    const type = plan.pipeline.stages.find(({ name }) => name === event.stage)?.tasks[event.task]?.type ?? '';
    const state = states[`${event.stage}.${event.task}`];
    tasks.inc({ type, status: event.status });
    if (state && 'startedAt' in state) taskSeconds.observe({ type }, (event.at - state.startedAt) / 1000);
  }
}
