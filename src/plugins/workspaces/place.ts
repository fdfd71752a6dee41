import type { JobSpec } from '../../sdk/powers.ts';
import type { Outcome, TaskContext } from '../../sdk/task.ts';
import { pollJob, startJob } from '../tasks/job.ts';
import { containerPlace } from './container-place.ts';
import { workspaces } from './workspaces.ts';

/** What shall run, in shell. */
export interface PlaceJob {
  script: string;
  environment: Record<string, string>;
  /** Written before it begins, by their path in its own directory. */
  files: Record<string, string>;
  /** In the directory that all tasks of a run share, or in its own. */
  within: 'workspace' | 'own';
  limits: JobSpec['limits'];
}

/** Where tasks that share files do their work: as processes of this machine, or in a container. */
export interface Place {
  /** The own directory of this task's job there. */
  own: string;
  /** Starting the same task twice starts it once. */
  start(job: PlaceJob): Promise<Outcome>;
  /** One look: new output goes to the log, and the end to whoever knows what it means. */
  poll(ticket: Parameters<typeof pollJob>[0], ended: (exitCode: number) => Promise<Outcome>): Promise<Outcome>;
  /** A file that the job left in its own directory; undefined where there is none. */
  read(file: string): Promise<string | undefined>;
  cancel(): Promise<void>;
}

/** The place of a task: its container where the pipeline has one. */
export function placeOf(context: TaskContext): Place {
  const { container } = context.workspace;
  if (!container) return processPlace(context);
  const { open } = workspaces.find(({ type }) => type === container.type)!;
  return containerPlace(open(container, context.http), context);
}

/** All tasks of an execution share one directory. */
const workspaceOf = ({ jobs, workspace }: TaskContext): string => `${jobs.directory(workspace.key)}/build`;

export function processPlace(context: TaskContext): Place {
  const { jobs, key } = context;
  const own = jobs.directory(key);
  return {
    own,
    start: ({ script, environment, files, within, limits }) =>
      startJob(context, {
        run: { script },
        environment,
        directory: within === 'own' ? own : workspaceOf(context),
        files,
        limits,
      }),
    poll: (ticket, ended) => pollJob(ticket, context, ended),
    read: (file) => jobs.read(key, file),
    cancel: () => jobs.cancel(key),
  };
}
