import type { DeploymentPlan } from '../blueprint/deployment.ts';
import { hasCounter, numbered } from '../blueprint/naming.ts';
import type { EngineParts } from './parts.ts';

/**
 * Gives each name of a plan that has a counter the next number that no machine was ever given, in all projects: a name is taken by being
 * written down.
 */
export async function withNumbers({ store, moment }: EngineParts, plan: DeploymentPlan): Promise<DeploymentPlan> {
  const target: DeploymentPlan['target'] = [];
  for (const planned of plan.target)
    target.push(planned.name && hasCounter(planned.name) ? { ...planned, name: await taken(planned.name) } : planned);
  return { ...plan, target };

  async function taken(pattern: string): Promise<string> {
    const last = Number((await store.find('name-counter', '', pattern))?.body.last ?? 0);
    for (let number = last + 1; ; number++) {
      const name = numbered(pattern, number);
      const now = moment.now();
      const common = { project: '', createdAt: now, updatedAt: now };
      if (!(await store.insert({ ...common, kind: 'machine-name', id: name, name, body: {} }))) continue;
      await store.put({ ...common, kind: 'name-counter', id: pattern, name: pattern, body: { last: number } });
      return name;
    }
  }
}
