import { type ActionReport, decideDeployment } from '../src/blueprint/deploy.ts';
import type { Action, Deployment, DeploymentPlan } from '../src/blueprint/deployment.ts';
import type { JsonObject } from '../src/core/json.ts';
import { changes } from './blueprints.ts';

/** What the world says to an action; a world that says nothing lets it run on. */
export type World = (action: Action, desired: JsonObject) => ActionReport | undefined;

let made = 0;
const obliging: World = ({ instance }) => ({
  kind: 'done',
  properties: { id: `${instance}-${++made}`, address: `10.0.0.${made}` },
});

/** Plays a plan to its end, or as far as the world lets it. `order` holds the actions in the order in which they began. */
export function deploy(plan: DeploymentPlan, standing: Deployment | null = null, world: World = obliging) {
  const order: string[] = [];
  let { state, commands } = decideDeployment(
    standing,
    { type: 'request', id: 'deployment-1', name: 'tito-1', project: 'Tito', host: 'here', plan },
    { now: 1000, newId: () => 'id' },
  );
  for (let open = commands; open.length > 0; open = commands) {
    commands = [];
    for (const command of open) {
      if (command.do === 'tell-owner') continue;
      const action = plan.actions.find(({ id }) => id === command.action)!;
      if (command.do === 'start-action') order.push(action.id);
      const report = world(action, state.resources[action.instance]!.desired);
      if (!report) continue;
      const next = decideDeployment(
        state,
        { type: 'report', request: plan.request, action: action.id, report },
        { now: 2000, newId: () => 'id' },
      );
      state = next.state;
      commands.push(...next.commands);
    }
  }
  return { state, order };
}

/** A deployment that stands. */
export function deployed(text: string, inputs: JsonObject): Deployment {
  const plan = changes(text, inputs);
  if ('refused' in plan) throw new Error(plan.refused.map(({ message }) => message).join('\n'));
  return deploy(plan).state;
}
