import { at, isObject, type JsonObject } from '../../core/json.ts';
import { type Kubernetes, KubernetesRefusal, keyAnnotation, type Reference } from './client.ts';

const marks = 'deployment.kubernetes.io/revision';

/**
 * Gives a workload the form it had so many revisions ago, as `kubectl rollout undo` does, and answers it. Going back makes a new
 * revision, so the key is written down with it: a repeated call does not go back from there.
 * @throws KubernetesRefusal where there is no such revision.
 */
export async function rollBack(cluster: Kubernetes, what: Reference, steps: number, key: string): Promise<JsonObject> {
  const object = await cluster.read(what);
  if (at(object, ['metadata', 'annotations', keyAnnotation]) === key) return object;
  const owner = String(at(object, ['metadata', 'uid']) ?? '');
  const past = (await revisionsOf(cluster, what)).filter(({ owners }) => owners.includes(owner));
  past.sort((a, b) => b.revision - a.revision);
  const found = past[steps];
  if (!found) throw new KubernetesRefusal(404, `there is no revision n-${steps}: the cluster remembers ${past.length}`);
  const { metadata, spec } = found.template;
  const { 'pod-template-hash': _, ...labels } = isObject(metadata) && isObject(metadata.labels) ? metadata.labels : {};
  return cluster.patch({
    apiVersion: what.apiVersion,
    kind: what.kind,
    metadata: {
      name: what.name,
      ...(what.namespace ? { namespace: what.namespace } : {}),
      annotations: { [keyAnnotation]: key },
    },
    spec: {
      template: {
        $patch: 'replace',
        metadata: { ...(isObject(metadata) ? metadata : {}), labels },
        spec: spec ?? {},
      },
    },
  } as JsonObject);
}

interface Revision {
  revision: number;
  owners: string[];
  template: JsonObject;
}

/** A Deployment's revisions are its replica sets; those of the others are kept as objects of their own. */
async function revisionsOf(cluster: Kubernetes, { kind, namespace }: Reference): Promise<Revision[]> {
  const owners = (object: JsonObject) => {
    const list = at(object, ['metadata', 'ownerReferences']) ?? [];
    return Array.isArray(list) ? list.filter(isObject).map(({ uid }) => String(uid)) : [];
  };
  const space = namespace ?? 'default';
  if (kind === 'Deployment')
    return (await cluster.list('apps/v1', 'ReplicaSet', space)).map((set) => ({
      revision: Number(at(set, ['metadata', 'annotations', marks]) ?? 0),
      owners: owners(set),
      template: (at(set, ['spec', 'template']) ?? {}) as JsonObject,
    }));
  return (await cluster.list('apps/v1', 'ControllerRevision', space)).map((one) => ({
    revision: Number(one.revision ?? 0),
    owners: owners(one),
    template: (at(one, ['data', 'spec', 'template']) ?? {}) as JsonObject,
  }));
}
