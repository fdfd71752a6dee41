import { PassThrough } from 'node:stream';
import type { V1Status } from '@kubernetes/client-node';
import { messageOf } from '../../core/error.ts';
import { at, type JsonObject, objectsIn } from '../../core/json.ts';
import { idOfKey } from '../../core/key-id.ts';
import type { ContainerSpec, OpenWorkspace, WorkspaceDefinition } from '../../sdk/parts.ts';
import type { Endpoint, Http } from '../../sdk/powers.ts';
import { failedAt } from '../far-side.ts';
import { KubernetesRefusal, keyAnnotation, openKubernetes } from '../kubernetes/client.ts';
import { openExec } from '../kubernetes/exec.ts';
import { collector, idle } from './docker.ts';

/** Milliseconds: a cluster may have to make room, and to pull. */
const readyWithin = 10 * 60_000;
const betweenLooks = 500;
/** What a pod does not get over by itself. */
const hopeless =
  /^(ImagePullBackOff|ErrImageNeverPull|InvalidImageName|CreateContainerConfigError|CreateContainerError)$/;

/** A workspace in a cluster: one pod for each run, found by its name. */
function openPod(spec: ContainerSpec, http: Http): OpenWorkspace {
  const { key, endpoint, registry, image, path, environment } = spec;
  const name = `millrace-${idOfKey(key)}`;
  const namespace = spec.properties.namespace || 'default';
  const cluster = openKubernetes(endpoint, http);
  const pod = { apiVersion: 'v1', kind: 'Pod', name, namespace };
  const login = { apiVersion: 'v1', kind: 'Secret', name, namespace };
  const settings = { apiVersion: 'v1', kind: 'Secret', name: `${name}-env`, namespace };
  const failed = failedAt(endpoint);

  return {
    path,
    async prepare() {
      const known = await orUndefined(() => cluster.read(pod));
      if (known) {
        await ready(known);
        return '';
      }
      await makeWhereMissing({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
      if (registry) await makeWhereMissing(secretOf(registry, { name, namespace }));
      if (Object.keys(environment).length > 0) await makeWhereMissing(environmentOf(environment, settings));
      await makeWhereMissing(podOf(spec, { name, namespace }));
      await ready(await cluster.read(pod));
      const isKept = spec.cache.length === 0 || spec.properties.persistentVolumeClaim;
      const lost = isKept
        ? ''
        : 'Its cache lasts as long as this run: the workspace names no `persistentVolumeClaim`.\n';
      return `Pod ${name} is created in namespace ${namespace} from ${image}.\n${lost}`;
    },

    async remote(script, input) {
      const exec = await openExec(endpoint);
      const [output, errors] = [collector(), collector()];
      // The oldest form of the protocol that clusters speak cannot end an input, so its length goes before it.
      const sh = input.length > 0 ? `head -c ${input.length} | {\n${script}\n}` : script;
      const stdin = new PassThrough();
      const status = await new Promise<V1Status>((resolve, reject) => {
        exec
          .exec(
            namespace,
            name,
            'workspace',
            ['/bin/sh', '-c', sh],
            output.stream,
            errors.stream,
            stdin,
            false,
            resolve,
          )
          .then((line) => {
            line.onclose = () => reject(failed('the workspace was cut off', 'the connection ended'));
            stdin.write(input);
          })
          .catch((thrown: unknown) => reject(failed('the workspace is gone', reasonOf(thrown))));
      });
      const code = status.status === 'Success' ? 0 : exitCodeOf(status);
      if (code === undefined)
        throw failed('the workspace refuses', status.message ?? status.reason ?? 'no reason given');
      return { code, output: output.bytes(), errors: errors.bytes().toString('utf8') };
    },

    async remove() {
      for (const what of [pod, login, settings]) await orUndefined(() => cluster.remove(what));
    },
  };

  async function makeWhereMissing(object: JsonObject): Promise<void> {
    try {
      await cluster.create(object);
    } catch (thrown) {
      const is = (status: number) => thrown instanceof KubernetesRefusal && thrown.status === status;
      // Who may work in a namespace often may not make one, and need not.
      if (is(409) || (object.kind === 'Namespace' && is(403))) return;
      throw failed(`the ${String(object.kind)} of the workspace cannot be made`, thrown);
    }
  }

  /** Nothing where there is nothing. */
  async function orUndefined<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (thrown) {
      if (thrown instanceof KubernetesRefusal && thrown.status === 404) return undefined;
      throw thrown instanceof KubernetesRefusal ? failed('the cluster refuses', thrown) : thrown;
    }
  }

  async function ready(first: JsonObject): Promise<void> {
    const patience = Date.now() + readyWithin;
    for (let now = first; ; now = await cluster.read(pod)) {
      const { phase, why, isHopeless } = stateOf(now);
      if (phase === 'Running') return;
      if (isHopeless || Date.now() > patience)
        throw failed(`the pod of ${image} does not start`, why || `it is ${phase} after ${readyWithin / 60_000} min`);
      await new Promise((resolve) => setTimeout(resolve, betweenLooks));
    }
  }
}

/** How far a pod is, and what it says about that. */
function stateOf(pod: JsonObject): { phase: string; why: string; isHopeless: boolean } {
  const phase = String(at(pod, ['status', 'phase']) ?? 'Pending');
  const [container] = objectsIn(at(pod, ['status', 'containerStatuses']));
  const waiting = (at(container, ['state', 'waiting']) ?? {}) as { reason?: string; message?: string };
  const unscheduled = objectsIn(at(pod, ['status', 'conditions'])).find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  );
  const said = [waiting.reason, waiting.message, unscheduled?.message].filter(Boolean).join(': ');
  const isOver = phase === 'Failed' || phase === 'Succeeded';
  return {
    phase,
    why: said || (isOver ? `it has ended: ${String(at(pod, ['status', 'message']) ?? phase)}` : ''),
    isHopeless:
      isOver || hopeless.test(waiting.reason ?? '') || at(pod, ['metadata', 'deletionTimestamp']) !== undefined,
  };
}

const exitCodeOf = ({ details }: V1Status): number | undefined => {
  const cause = details?.causes?.find(({ reason }) => reason === 'ExitCode');
  return cause ? Number(cause.message) : undefined;
};

/** What a connection that did not come about says: an error, or the event of one. */
const reasonOf = (thrown: unknown): string =>
  messageOf((thrown as { error?: unknown } | undefined)?.error ?? (thrown as { message?: string }).message ?? thrown);

interface Place {
  name: string;
  namespace: string;
}

function podOf(
  { key, owner, image, path, cache, environment, limits, registry, properties }: ContainerSpec,
  place: Place,
): JsonObject {
  const hasEnvironment = Object.keys(environment).length > 0;
  const claim = properties.persistentVolumeClaim;
  const volumes =
    cache.length > 0
      ? [{ name: 'cache', ...(claim ? { persistentVolumeClaim: { claimName: claim } } : { emptyDir: {} }) }]
      : [];
  const resources = { cpu: `${Math.round(limits.cpu * 1000)}m`, memory: `${limits.memory}Mi` };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...place,
      labels: { 'app.kubernetes.io/managed-by': 'millrace' },
      annotations: { [keyAnnotation]: key },
    },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 5,
      ...(registry ? { imagePullSecrets: [{ name: place.name }] } : {}),
      ...(volumes.length > 0 ? { volumes } : {}),
      containers: [
        {
          ...{ name: 'workspace', image, command: ['/bin/sh', '-c', idle] },
          ...(hasEnvironment ? { envFrom: [{ secretRef: { name: `${place.name}-env` } }] } : {}),
          resources: { limits: resources, requests: { cpu: '100m', memory: resources.memory } },
          volumeMounts: cache.map((one) => ({
            ...{ name: 'cache', subPath: idOfKey(`${owner}/${one}`) },
            mountPath: one.startsWith('/') ? one : `${path}/${one}`,
          })),
        },
      ],
    },
  };
}

/** What is secret in an environment is not for everybody who may see pods. */
const environmentOf = (environment: Record<string, string>, { name, namespace }: Place): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type: 'Opaque' },
  stringData: environment,
});

/** As `kubectl create secret docker-registry` makes it. */
function secretOf({ properties }: Endpoint, place: Place): JsonObject {
  const { repoURL = '', username = '', password = '', token = '' } = properties;
  const [user, pass] = [username || 'token', password || token];
  const auth = Buffer.from(`${user}:${pass}`).toString('base64');
  const host = repoURL.replace(/^https:\/\/(hub\.docker\.com|index\.docker\.io)\b.*/, 'https://index.docker.io/v1/');
  const known = { auths: { [host]: { username: user, password: pass, auth } } };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...place },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify(known)).toString('base64') },
  };
}

/** `workspace: {type: K8S}`. */
export const podWorkspace: WorkspaceDefinition = {
  type: 'K8S',
  title: 'Kubernetes',
  summary:
    'A pod on the cluster of a `k8s` endpoint, one for each run, in `customProperties.namespace`; its cache is kept on `customProperties.persistentVolumeClaim`.',
  endpointType: 'k8s',
  open: openPod,
};
