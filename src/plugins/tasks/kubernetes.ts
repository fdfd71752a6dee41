import { z } from 'zod';
import { at, isObject, type Json, type JsonObject } from '../../core/json.ts';
import { flag, text, textMap } from '../../sdk/fields.ts';
import { defineTask, type Outcome, type TaskContext } from '../../sdk/task.ts';
import {
  type Kubernetes,
  KubernetesRefusal,
  keyAnnotation,
  openKubernetes,
  type Reference,
} from '../kubernetes/client.ts';
import { readManifest, referenceOf, withConstants, words } from '../kubernetes/manifest.ts';
import { readinessOf } from '../kubernetes/readiness.ts';
import { rollBack } from '../kubernetes/rollback.ts';
import { fetchedFile, fetchFile } from './git-file.ts';
import { pollJob, startJob, tell } from './job.ts';

const input = z.object({
  action: z
    .preprocess((value) => String(value).toUpperCase(), z.enum(['GET', 'CREATE', 'APPLY', 'DELETE', 'ROLLBACK']))
    .describe('`GET`, `CREATE`, `APPLY`, `DELETE` or `ROLLBACK`.'),
  timeout: z.coerce.number().min(0).describe('Minutes until all of it must be ready, or gone.').default(5),
  yaml: text('The objects, as one or several documents.').default(''),
  filePath: text('A file with the objects in the repository of `scm`.').default(''),
  filepath: text('The same, as files of 2019 have it.').default(''),
  commit: text('Branch, tag or whole commit id of that repository; the branch of the endpoint when empty.').default(''),
  scmConstants: textMap('What takes the place of `$${NAME}` in that file.').default({}),
  continueOnConflict: flag('For `CREATE`: an object that is there already is no failure.').default(false),
  namespace: text('Namespace of objects that name none.').default(''),
  resourceType: text('For `ROLLBACK`: Deployment, StatefulSet or DaemonSet.').default(''),
  resourceName: text('For `ROLLBACK`: its name.').default(''),
  revision: z
    .preprocess((value) => String(value || 'n-1').toLowerCase(), z.string().regex(/^n-[1-9]$/))
    .describe('For `ROLLBACK`: how far back, `n-1` to `n-9`.')
    .default('n-1'),
  filterByLabel: z.unknown().describe('Ignored; kept for old files.').optional(),
  parameters: z.unknown().describe('Ignored; kept for old files.').optional(),
});
type Input = z.infer<typeof input>;

/** What is waited for, and until when. */
interface Ticket {
  waits: { reference: Reference; for: 'ready' | 'gone' }[];
  until: number;
  looks: number;
}

/** Seconds; looks come quickly at first. */
const firstLook = 0.1;
const mostBetweenLooks = 2;

export const kubernetes = defineTask({
  type: 'K8S',
  title: 'Kubernetes',
  summary:
    'Makes, changes, reads or deletes objects of a cluster, or rolls a workload back, and waits until they are ready.',
  input,
  output: {
    response:
      'The objects, by their plural kind and their name: `response.deployments.<name>.spec.replicas`, `response.loadBalancers.<service>.ingress[0].ip`; and `response.failures`.',
  },
  endpoints: {
    kubernetesServer: { types: ['k8s'], required: true, description: 'The cluster.' },
    scm: { types: ['git'], required: false, description: 'The repository that holds `filePath`.' },
  },
  /** The job that fetches a file of a repository. */
  worksHere: true,
  examples: [
    {
      title: 'Bring up a workload',
      yaml: 'type: K8S\nendpoints: {kubernetesServer: production}\ninput:\n  action: APPLY\n  timeout: 5\n  yaml: |\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: tito, namespace: web}\n    data: {version: "${input.GIT_COMMIT_ID}"}\n',
    },
    {
      title: 'Go back one revision',
      yaml: 'type: K8S\nendpoints: {kubernetesServer: production}\ninput: {action: ROLLBACK, resourceType: Deployment, resourceName: tito, namespace: web, revision: n-1}\n',
    },
  ],
  /** Applying and deleting twice is doing it once; what was made or rolled back carries the task's key. */
  looksBack: true,
  isRepeatable: () => true,

  async start(given, context) {
    if (given.action === 'ROLLBACK') return goBack(given, context);
    const path = given.filePath || given.filepath;
    if (!path || given.yaml.trim()) return perform(given.yaml, given, context);
    const git = context.endpoint('scm');
    if (!git) return { failed: `\`filePath: ${path}\` needs a repository: name its endpoint as \`scm\` of the task.` };
    return startJob(context, fetchFile(git, path, given.commit, context.jobs.directory(context.key)));
  },

  async poll(ticket, given, context) {
    if (isTicket(ticket)) return look(ticket, given, context);
    return pollJob(ticket, context, async (exitCode) => {
      const fetched = exitCode === 0 ? await context.jobs.read(context.key, fetchedFile) : undefined;
      if (fetched !== undefined) return perform(withConstants(fetched, given.scmConstants), given, context);
      const where = `${given.filePath || given.filepath} in ${given.commit || 'the branch'} of its repository`;
      return {
        failed:
          exitCode === 3
            ? `Endpoint ${context.endpoint('scm')!.name}: there is no file ${where}.`
            : `Endpoint ${context.endpoint('scm')!.name}: ${where} could not be fetched; the log of the task holds what git said.`,
      };
    });
  },

  /** The original leaves the cluster alone as well. */
  async cancel(ticket, _, { jobs, key }) {
    if (!isTicket(ticket)) await jobs.cancel(key);
  },
});

const clusterOf = ({ endpoint, http }: TaskContext): Kubernetes => openKubernetes(endpoint('kubernetesServer')!, http);

/** Does to each object what is asked for; what one refuses does not keep the others from it. */
async function perform(manifest: string, given: Input, context: TaskContext): Promise<Outcome> {
  const { objects, faults } = readManifest(manifest);
  if (faults.length > 0) return { failed: `The objects cannot be read: ${faults.join(' ')}` };
  const cluster = clusterOf(context);
  const failures: JsonObject[] = [];
  const waits: Ticket['waits'] = [];
  for (const object of given.action === 'DELETE' ? [...objects].reverse() : objects) {
    const reference = referenceOf(object, given.namespace);
    try {
      const wait = await actions[given.action as keyof typeof actions](cluster, object, reference, given, context);
      if (wait) waits.push({ reference, for: wait });
    } catch (thrown) {
      if (!(thrown instanceof KubernetesRefusal)) throw thrown;
      failures.push({ kind: reference.kind, name: reference.name, code: thrown.status, message: thrown.message });
      await tell(context, `${words(reference)}: refused: ${thrown.message}`);
    }
  }
  if (failures.length > 0) {
    const output = { response: await responseOf(cluster, waits, failures) };
    const told = failures.map(({ kind, name, message }) => `${String(kind)} ${String(name)}: ${String(message)}`);
    return { failed: `${told.join('; ')}.`, output };
  }
  return look({ waits, until: context.now + given.timeout * 60_000, looks: 0 }, given, context);
}

type Act = (
  cluster: Kubernetes,
  object: JsonObject,
  reference: Reference,
  given: Input,
  context: TaskContext,
) => Promise<'ready' | 'gone' | undefined>;

const actions: Record<Exclude<Input['action'], 'ROLLBACK'>, Act> = {
  async GET(cluster, _, reference) {
    await cluster.read(reference);
    return 'ready';
  },
  async APPLY(cluster, object, reference, _, context) {
    await cluster.apply(placed(object, reference));
    await tell(context, `${words(reference)}: applied`);
    return 'ready';
  },
  async CREATE(cluster, object, reference, { continueOnConflict }, context) {
    try {
      await cluster.create(placed(object, reference, context.key));
      await tell(context, `${words(reference)}: created`);
    } catch (thrown) {
      if (!(thrown instanceof KubernetesRefusal) || thrown.status !== 409) throw thrown;
      const isOurs = at(await cluster.read(reference), ['metadata', 'annotations', keyAnnotation]) === context.key;
      if (!isOurs && !continueOnConflict) throw thrown;
      if (!isOurs) await tell(context, `${words(reference)}: is there already, and stays as it is`);
    }
    return 'ready';
  },
  async DELETE(cluster, _, reference, __, context) {
    try {
      await cluster.remove(reference);
      await tell(context, `${words(reference)}: deleted`);
      return 'gone';
    } catch (thrown) {
      if (!(thrown instanceof KubernetesRefusal) || thrown.status !== 404) throw thrown;
      await tell(context, `${words(reference)}: is not there`);
      return undefined;
    }
  },
};

/** An object where it belongs, and marked where its making must be known again. */
function placed(object: JsonObject, { namespace }: Reference, key?: string): JsonObject {
  const metadata = object.metadata as JsonObject;
  const annotations = isObject(metadata.annotations) ? metadata.annotations : {};
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(namespace ? { namespace } : {}),
      ...(key ? { annotations: { ...annotations, [keyAnnotation]: key } } : {}),
    },
  };
}

async function goBack(given: Input, context: TaskContext): Promise<Outcome> {
  const { resourceType, resourceName, namespace, revision, timeout } = given;
  const kind = ['Deployment', 'StatefulSet', 'DaemonSet'].find(
    (one) => one.toLowerCase() === resourceType.toLowerCase().replace(/s$/, ''),
  );
  if (!kind || !resourceName)
    return {
      failed: `A rollback needs a \`resourceType\` (Deployment, StatefulSet or DaemonSet) and a \`resourceName\`; it has "${resourceType}" and "${resourceName}".`,
    };
  const reference = { apiVersion: 'apps/v1', kind, name: resourceName, ...(namespace ? { namespace } : {}) };
  try {
    await rollBack(clusterOf(context), reference, Number(revision.slice(2)), context.key);
  } catch (thrown) {
    if (!(thrown instanceof KubernetesRefusal)) throw thrown;
    return { failed: `${words(reference)}: ${thrown.message}.`, output: { response: { failures: [] } } };
  }
  await tell(context, `${words(reference)}: rolled back to ${revision}`);
  const waits: Ticket['waits'] = [{ reference, for: 'ready' }];
  return look({ waits, until: context.now + timeout * 60_000, looks: 0 }, given, context);
}

/** One look at all that is waited for. */
async function look(ticket: Ticket, given: Input, context: TaskContext): Promise<Outcome> {
  const cluster = clusterOf(context);
  const open: string[] = [];
  const failures: JsonObject[] = [];
  for (const { reference, for: wanted } of ticket.waits) {
    const object = await cluster.read(reference).catch((thrown: unknown) => {
      if (thrown instanceof KubernetesRefusal && thrown.status === 404) return undefined;
      throw thrown;
    });
    if (wanted === 'gone') {
      if (object) open.push(`${words(reference)}: it is still there`);
      continue;
    }
    const state = object ? readinessOf(object) : ({ is: 'failed', because: 'it is gone' } as const);
    if (given.action === 'GET' || state.is === 'ready') continue;
    if (state.is === 'waiting') open.push(`${words(reference)}: ${state.because}`);
    else failures.push({ kind: reference.kind, name: reference.name, message: state.because });
  }
  if (failures.length === 0 && open.length > 0 && context.now < ticket.until) {
    const wait = { ...ticket, looks: ticket.looks + 1 } as unknown as Json;
    return { wait, seconds: Math.min(mostBetweenLooks, firstLook * 1.5 ** ticket.looks) };
  }
  const late = failures.length === 0 && open.length > 0;
  const output = { response: await responseOf(cluster, ticket.waits, failures) };
  if (late) return { failed: `Not ready within ${given.timeout} min: ${open.join('; ')}.`, output };
  if (failures.length === 0) return { done: output };
  return { failed: `${failures.map(({ kind, name, message }) => `${kind} ${name}: ${message}`).join('; ')}.`, output };
}

/** The objects as the original groups them. What a Secret holds is nobody's business. */
async function responseOf(cluster: Kubernetes, waits: Ticket['waits'], failures: JsonObject[]): Promise<JsonObject> {
  const response: Record<string, JsonObject> = {};
  for (const { reference, for: wanted } of waits) {
    if (wanted === 'gone') continue;
    const object = await cluster.read(reference).catch(() => undefined);
    if (!object) continue;
    const { managedFields: _, ...metadata } = object.metadata as JsonObject;
    const shown = { ...object, metadata, ...(reference.kind === 'Secret' ? { data: {}, stringData: {} } : {}) };
    const plural = await cluster.plural(reference);
    response[plural] = { ...response[plural], [reference.name]: shown };
    const balancer = at(object, ['status', 'loadBalancer']);
    if (reference.kind === 'Service' && isObject(balancer) && balancer.ingress)
      response.loadBalancers = { ...response.loadBalancers, [reference.name]: balancer };
  }
  return { ...response, failures };
}

const isTicket = (ticket: Json): ticket is Json & Ticket => isObject(ticket) && Array.isArray(ticket.waits);
