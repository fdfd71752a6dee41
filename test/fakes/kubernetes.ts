import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { at, isObject, type JsonObject, parseJson, stableText } from '../../src/core/json.ts';
import { servePods } from './pods.ts';
import { fakeServer } from './server.ts';

/** Resource, kind, namespaced: those of each group that tests use. */
const groups: Record<string, [string, string, boolean][]> = {
  v1: [
    ['namespaces', 'Namespace', false],
    ['services', 'Service', true],
    ['configmaps', 'ConfigMap', true],
    ['secrets', 'Secret', true],
    ['pods', 'Pod', true],
  ],
  'apps/v1': [
    ['deployments', 'Deployment', true],
    ['statefulsets', 'StatefulSet', true],
    ['daemonsets', 'DaemonSet', true],
    ['replicasets', 'ReplicaSet', true],
    ['controllerrevisions', 'ControllerRevision', true],
  ],
  'batch/v1': [['jobs', 'Job', true]],
};

/** What each kind may hold at its top, and must. */
const shapes: Record<string, { may: string[]; must: string[][] }> = {
  Namespace: { may: ['spec'], must: [] },
  ConfigMap: { may: ['data', 'binaryData', 'immutable'], must: [] },
  Secret: { may: ['data', 'stringData', 'type', 'immutable'], must: [] },
  Service: { may: ['spec'], must: [['spec', 'ports']] },
  Pod: { may: ['spec'], must: [['spec', 'containers']] },
  Job: { may: ['spec'], must: [['spec', 'template', 'spec', 'containers']] },
  Deployment: {
    may: ['spec'],
    must: [
      ['spec', 'selector', 'matchLabels'],
      ['spec', 'template', 'spec', 'containers'],
    ],
  },
  StatefulSet: {
    may: ['spec'],
    must: [
      ['spec', 'serviceName'],
      ['spec', 'selector', 'matchLabels'],
      ['spec', 'template'],
    ],
  },
  DaemonSet: {
    may: ['spec'],
    must: [
      ['spec', 'selector', 'matchLabels'],
      ['spec', 'template'],
    ],
  },
};

/**
 * The API of a Kubernetes cluster: discovery, objects, server-side apply, and workloads that become ready after some looks. Stricter
 * than the original: unknown keys are refused, an apply needs the name of its owner, a namespace must be there and active, and what
 * a client may not write (status, managed fields) is refused rather than passed by.
 */
export async function kubernetesCluster(
  t: Pick<TestContext, 'after'>,
  { token, looks = 2 }: { token: string; looks?: number },
) {
  const objects = new Map<string, JsonObject>();
  const writes: string[] = [];
  const left = new Map<string, number>();
  let version = 0;
  put('namespaces', '', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'default' },
    status: { phase: 'Active' },
  });

  const fake = await fakeServer(t, ({ method, path, query, headers, body }) =>
    answer(method, `${path}?${query}`, headers, body),
  );
  const pods = servePods(t, fake.server, (namespace, name, authorization) => {
    if (authorization !== `Bearer ${token}`) return 401;
    const pod = objects.get(`pods/${namespace}/${name}`);
    return !pod ? 404 : at(pod, ['status', 'phase']) === 'Running' ? 200 : 400;
  });
  return {
    ...fake,
    pods,
    objects,
    /** POST, PATCH and DELETE that were carried out, as `METHOD plural/name`. */
    writes,
    at: (key: string): JsonObject | undefined => objects.get(key),
  };

  function answer(
    method: string,
    address: string,
    headers: Record<string, string | string[] | undefined>,
    text: string,
  ): { status: number; body: unknown } {
    if (headers.authorization !== `Bearer ${token}`) return refused(401, 'Unauthorized');
    const url = new URL(address, 'http://cluster');
    if (url.pathname === '/version') return { status: 200, body: { major: '1', minor: '34', gitVersion: 'v1.34.1' } };
    if (url.pathname === '/api') return { status: 200, body: { kind: 'APIVersions', versions: ['v1'] } };
    const place =
      /^\/(?:api\/(v1)|apis\/([^/]+\/[^/]+))(?:\/namespaces\/([^/]+)(?=\/))?(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
        url.pathname,
      );
    const group = place?.[1] ?? place?.[2] ?? '';
    const known = groups[group];
    if (!place || !known) return refused(404, 'the server could not find the requested resource');
    const [, , , namespace = '', plural, name] = place;
    if (!plural) return { status: 200, body: discovery(group) };
    const resource = known.find(([one]) => one === plural);
    if (!resource || resource[2] !== (namespace !== ''))
      return refused(404, 'the server could not find the requested resource');
    if (namespace && at(objects.get(`namespaces//${namespace}`), ['status', 'phase']) !== 'Active')
      return refused(404, `namespaces "${namespace}" not found`);
    const key = `${plural}/${namespace}/${name}`;
    if (method === 'GET' && !name)
      return {
        status: 200,
        body: { kind: `${resource[1]}List`, apiVersion: group, metadata: {}, items: listed(plural, namespace) },
      };
    if (method === 'GET') return objects.has(key) ? { status: 200, body: seen(key) } : missing(plural, name!);
    if (method === 'DELETE') return remove(key, plural, name!);
    const body = parseJson(text);
    if (!isObject(body)) return refused(400, 'the body is no JSON object');
    if (method === 'POST') return create(group, plural, namespace, body);
    if (method === 'PATCH') return patch(key, group, plural, namespace, body, String(headers['content-type']), url);
    return refused(405, 'the server does not allow this method on the requested resource');
  }

  function create(group: string, plural: string, namespace: string, body: JsonObject) {
    const fault = faultOf(group, plural, namespace, body);
    if (fault) return fault;
    const name = String(at(body, ['metadata', 'name']));
    const key = `${plural}/${namespace}/${name}`;
    if (objects.has(key)) return refused(409, `${plural} "${name}" already exists`, 'AlreadyExists');
    writes.push(`POST ${plural}/${name}`);
    return { status: 201, body: put(plural, namespace, body) };
  }

  function patch(
    key: string,
    group: string,
    plural: string,
    namespace: string,
    body: JsonObject,
    type: string,
    url: URL,
  ) {
    const old = objects.get(key);
    const name = key.split('/')[2]!;
    if (type === 'application/apply-patch+yaml') {
      if (!url.searchParams.get('fieldManager')) return refused(400, 'fieldManager is required for apply patch');
      const fault = faultOf(group, plural, namespace, body);
      if (fault) return fault;
      writes.push(`PATCH ${plural}/${name}`);
      return { status: old ? 200 : 201, body: put(plural, namespace, body, old) };
    }
    if (type !== 'application/strategic-merge-patch+json')
      return refused(415, `the body of the request was in an unknown format: ${type}`);
    if (!old) return missing(plural, name);
    const template = at(body, ['spec', 'template']) as JsonObject;
    if (template.$patch !== 'replace') return refused(400, 'this server only replaces templates');
    const { $patch: _, ...whole } = template;
    const metadata = { ...(old.metadata as JsonObject), ...(body.metadata as JsonObject) };
    writes.push(`PATCH ${plural}/${name}`);
    return {
      status: 200,
      body: put(plural, namespace, { ...old, metadata, spec: { ...(old.spec as JsonObject), template: whole } }, old),
    };
  }

  function remove(key: string, plural: string, name: string) {
    if (!objects.has(key)) return missing(plural, name);
    writes.push(`DELETE ${plural}/${name}`);
    left.set(`${key} gone`, looks);
    objects.set(key, {
      ...objects.get(key)!,
      metadata: { ...(objects.get(key)!.metadata as JsonObject), deletionTimestamp: '2026-01-01T00:00:00Z' },
    });
    return { status: 200, body: { kind: 'Status', apiVersion: 'v1', status: 'Success' } };
  }

  function put(plural: string, namespace: string, body: JsonObject, old?: JsonObject): JsonObject {
    const metadata = body.metadata as JsonObject;
    const name = String(metadata.name);
    const key = `${plural}/${namespace}/${name}`;
    const isSame = old !== undefined && stableText(old.spec) === stableText(body.spec);
    const generation = Number(at(old, ['metadata', 'generation']) ?? 0) + (isSame ? 0 : 1);
    const kept = {
      ...{ uid: randomUUID(), creationTimestamp: '2026-01-01T00:00:00Z' },
      ...((old?.metadata as JsonObject | undefined) ?? {}),
      ...metadata,
      ...(namespace ? { namespace } : {}),
      generation,
      resourceVersion: String(++version),
      managedFields: [{ manager: 'millrace' }],
    };
    const status = plural === 'namespaces' ? { phase: 'Active' } : (old?.status ?? {});
    const object: JsonObject = { ...body, metadata: kept, status };
    objects.set(key, object);
    if (!isSame) {
      left.set(key, looks);
      remember(plural, namespace, object);
    }
    return object;
  }

  /** Each new form of a workload is a revision. */
  function remember(plural: string, namespace: string, object: JsonObject): void {
    const template = at(object, ['spec', 'template']);
    if (!template || (plural !== 'deployments' && plural !== 'statefulsets')) return;
    const { name, uid } = object.metadata as { name: string; uid: string };
    const kind = plural === 'deployments' ? 'replicasets' : 'controllerrevisions';
    const same = [...objects].find(
      ([key, one]) =>
        key.startsWith(`${kind}/${namespace}/`) &&
        stableText((at(one, ['spec', 'template']) ?? at(one, ['data', 'spec', 'template'])) as never) ===
          stableText(template),
    );
    const revision =
      1 +
      Math.max(
        0,
        ...listed(kind, namespace).map((one) =>
          Number(one.revision ?? at(one, ['metadata', 'annotations', 'deployment.kubernetes.io/revision'])),
        ),
      );
    const key = same?.[0] ?? `${kind}/${namespace}/${name}-${revision}`;
    const metadata = { name: key.split('/')[2]!, namespace, ownerReferences: [{ uid }] };
    objects.set(
      key,
      kind === 'replicasets'
        ? {
            metadata: { ...metadata, annotations: { 'deployment.kubernetes.io/revision': String(revision) } },
            spec: { template },
          }
        : { metadata, revision, data: { spec: { template } } },
    );
  }

  /** Reading is what makes time pass here. */
  function seen(key: string): JsonObject {
    const object = objects.get(key)!;
    const gone = left.get(`${key} gone`);
    if (gone !== undefined) {
      left.set(`${key} gone`, gone - 1);
      if (gone <= 1) objects.delete(key);
      return object;
    }
    const remaining = (left.get(key) ?? 0) - 1;
    left.set(key, remaining);
    if (remaining <= 0) objects.set(key, { ...object, status: readyStatus(object) });
    return objects.get(key)!;
  }

  function listed(plural: string, namespace: string): JsonObject[] {
    return [...objects].filter(([key]) => key.startsWith(`${plural}/${namespace}/`)).map(([, object]) => object);
  }
}

function readyStatus(object: JsonObject): JsonObject {
  const replicas = Number(at(object, ['spec', 'replicas']) ?? 1);
  const observedGeneration = Number(at(object, ['metadata', 'generation']));
  if (at(object, ['metadata', 'labels', 'fate']) === 'stuck')
    return {
      observedGeneration,
      conditions: [
        {
          type: 'Progressing',
          status: 'False',
          reason: 'ProgressDeadlineExceeded',
          message: 'it has made no progress',
        },
      ],
    };
  switch (object.kind) {
    case 'Deployment':
    case 'StatefulSet':
      return {
        observedGeneration,
        replicas,
        updatedReplicas: replicas,
        availableReplicas: replicas,
        readyReplicas: replicas,
      };
    case 'DaemonSet':
      return { observedGeneration, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2 };
    case 'Service':
      return at(object, ['spec', 'type']) === 'LoadBalancer' ? { loadBalancer: { ingress: [{ ip: '10.0.0.9' }] } } : {};
    case 'Job':
      return { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] };
    case 'Pod':
      return podStatus(object);
    default:
      return (object.status as JsonObject | undefined) ?? {};
  }
}

function podStatus(object: JsonObject): JsonObject {
  const image = String(at(object, ['spec', 'containers', '0', 'image']));
  if (!image.startsWith('missing/')) return { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  const waiting = { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` };
  return { phase: 'Pending', containerStatuses: [{ name: 'workspace', state: { waiting } }] };
}

function faultOf(group: string, plural: string, namespace: string, body: JsonObject) {
  const [, kind = ''] = groups[group]!.find(([one]) => one === plural)!;
  const { may, must } = shapes[kind] ?? { may: [], must: [] };
  const name = String(at(body, ['metadata', 'name']) ?? '');
  if (body.kind !== kind || body.apiVersion !== group)
    return refused(
      400,
      `the object is a ${String(body.kind)} of ${String(body.apiVersion)}, and its address is that of a ${kind}`,
    );
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name))
    return refused(422, `${kind} "${name}" is invalid: metadata.name: Invalid value`, 'Invalid');
  const own = at(body, ['metadata', 'namespace']);
  if (own !== undefined && own !== namespace)
    return refused(400, 'the namespace of the object does not match that of the request');
  for (const key of ['managedFields', 'uid', 'resourceVersion'])
    if (at(body, ['metadata', key]) !== undefined) return refused(400, `metadata.${key} must not be set`);
  const odd = Object.keys(body).find((key) => !['apiVersion', 'kind', 'metadata', ...may].includes(key));
  if (odd) return refused(400, `strict decoding error: unknown field "${odd}"`);
  const lacks = must.find((path) => at(body, path) === undefined);
  if (lacks) return refused(422, `${kind} "${name}" is invalid: ${lacks.join('.')}: Required value`, 'Invalid');
  const fault = kind === 'Pod' ? podFault(body) : undefined;
  if (fault) return refused(400, `strict decoding error: unknown field "${fault}"`);
  const labels = at(body, ['spec', 'template', 'metadata', 'labels']);
  const selector = at(body, ['spec', 'selector', 'matchLabels']);
  if (isObject(selector) && Object.entries(selector).some(([key, value]) => !isObject(labels) || labels[key] !== value))
    return refused(422, `${kind} "${name}" is invalid: \`selector\` does not match template \`labels\``, 'Invalid');
  return undefined;
}

const podKeys = words(
  'restartPolicy automountServiceAccountToken terminationGracePeriodSeconds imagePullSecrets volumes containers',
);
const containerKeys = words('name image command args envFrom resources volumeMounts workingDir');
function podFault({ spec }: JsonObject): string | undefined {
  const odd = Object.keys(spec as JsonObject).find((key) => !podKeys.includes(key));
  const [container] = (spec as { containers: JsonObject[] }).containers;
  return odd ?? Object.keys(container!).find((key) => !containerKeys.includes(key));
}
function words(text: string): string[] {
  return text.split(' ');
}

const refused = (code: number, message: string, reason = '') => ({
  status: code,
  body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code },
});
const missing = (plural: string, name: string) => refused(404, `${plural} "${name}" not found`, 'NotFound');

const discovery = (group: string) => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: group,
  resources: groups[group]!.map(([name, kind, namespaced]) => ({
    name,
    singularName: '',
    namespaced,
    kind,
    verbs: ['get', 'list', 'create', 'patch', 'delete'],
  })),
});
