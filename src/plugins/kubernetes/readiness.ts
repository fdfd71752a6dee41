import { at, isObject, type Json, type JsonObject } from '../../core/json.ts';

/** Whether an object has become what it should: `because` says what it still waits for, or what went wrong. */
export type Readiness = { is: 'ready' } | { is: 'waiting'; because: string } | { is: 'failed'; because: string };

const ready: Readiness = { is: 'ready' };

/** What is known of kinds that become ready after they were taken; all others are so at once. */
export function readinessOf(object: JsonObject): Readiness {
  const judge = judges[String(object.kind)];
  return judge ? judge(object) : ready;
}

const judges: Record<string, (object: JsonObject) => Readiness> = {
  Deployment(object) {
    if (!isObserved(object)) return notSeen;
    const progressing = conditionOf(object, 'Progressing');
    if (progressing?.reason === 'ProgressDeadlineExceeded')
      return { is: 'failed', because: String(progressing.message ?? 'its progress deadline has passed') };
    const wanted = number(object, 'spec', 'replicas', 1);
    const updated = number(object, 'status', 'updatedReplicas');
    const available = number(object, 'status', 'availableReplicas');
    if (updated < wanted) return waiting(`${updated} of ${wanted} replicas are of the new version`);
    if (number(object, 'status', 'replicas') > updated) return waiting('replicas of the old version are still there');
    return available < wanted ? waiting(`${available} of ${wanted} replicas are available`) : ready;
  },
  StatefulSet(object) {
    if (!isObserved(object)) return notSeen;
    const wanted = number(object, 'spec', 'replicas', 1);
    const done = number(object, 'status', 'readyReplicas');
    const updated = number(object, 'status', 'updatedReplicas');
    const partition = Number(at(object, ['spec', 'updateStrategy', 'rollingUpdate', 'partition']) ?? 0);
    const rolls = at(object, ['spec', 'updateStrategy', 'type']) !== 'OnDelete';
    if (rolls && updated < wanted - partition)
      return waiting(`${updated} of ${wanted - partition} pods are of the new version`);
    return done < wanted ? waiting(`${done} of ${wanted} pods are ready`) : ready;
  },
  DaemonSet(object) {
    if (!isObserved(object)) return notSeen;
    const wanted = number(object, 'status', 'desiredNumberScheduled');
    const updated = number(object, 'status', 'updatedNumberScheduled');
    const done = number(object, 'status', 'numberAvailable');
    const rolls = at(object, ['spec', 'updateStrategy', 'type']) !== 'OnDelete';
    if (rolls && updated < wanted) return waiting(`${updated} of ${wanted} nodes have the new version`);
    return done < wanted ? waiting(`${done} of ${wanted} nodes have it available`) : ready;
  },
  Job(object) {
    const failed = conditionOf(object, 'Failed');
    if (failed?.status === 'True')
      return { is: 'failed', because: String(failed.message ?? failed.reason ?? 'it failed') };
    return conditionOf(object, 'Complete')?.status === 'True' ? ready : waiting('it has not completed');
  },
  Pod(object) {
    const phase = String(at(object, ['status', 'phase']) ?? 'Pending');
    if (phase === 'Failed') return { is: 'failed', because: String(at(object, ['status', 'message']) ?? 'it failed') };
    if (phase === 'Succeeded') return ready;
    return conditionOf(object, 'Ready')?.status === 'True' ? ready : waiting(`it is ${phase}`);
  },
  Service(object) {
    if (at(object, ['spec', 'type']) !== 'LoadBalancer') return ready;
    const given = at(object, ['status', 'loadBalancer', 'ingress']);
    return Array.isArray(given) && given.length > 0 ? ready : waiting('its load balancer has no address');
  },
  Namespace: (object) =>
    at(object, ['status', 'phase']) === 'Active'
      ? ready
      : waiting(`it is ${String(at(object, ['status', 'phase']) ?? 'new')}`),
  CustomResourceDefinition: (object) =>
    conditionOf(object, 'Established')?.status === 'True' ? ready : waiting('it is not established'),
};

const waiting = (because: string): Readiness => ({ is: 'waiting', because });
const notSeen = waiting('the cluster has not looked at its new version');

const isObserved = (object: JsonObject): boolean =>
  number(object, 'status', 'observedGeneration') >= number(object, 'metadata', 'generation');

const number = (object: JsonObject, part: string, key: string, otherwise = 0): number =>
  Number(at(object, [part, key]) ?? otherwise);

function conditionOf(object: JsonObject, type: string): JsonObject | undefined {
  const conditions: Json = at(object, ['status', 'conditions']) ?? [];
  return Array.isArray(conditions) ? conditions.filter(isObject).find((one) => one.type === type) : undefined;
}
