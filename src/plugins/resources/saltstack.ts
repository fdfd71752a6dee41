import { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import { shellQuote } from '../../core/shell-quote.ts';
import type { ResourcePowers } from '../../sdk/cloud.ts';
import { filledText, text, texts } from '../../sdk/fields.ts';
import { controlMachine, farTool, machineAt } from './far-tool.ts';

const properties = z.looseObject({
  masterId: filledText('Name of a `saltstack` endpoint: the master.'),
  hosts: z
    .array(z.record(z.string(), z.json()))
    .min(1)
    .or(texts('Ids.'))
    .describe('The machines: `[${resource.vm.*}]`, or their ids.'),
  saltEnvironment: text('Environment of Salt.').default('base'),
  stateFiles: texts('States to apply.').default([]),
  pillarEnvironment: text('Environment of the pillar.').default(''),
  variables: z.record(z.string(), z.json()).describe('Pillar for these states.').default({}),
  additionalAuthParams: z
    .record(z.string(), z.json())
    .describe('`user`, `passwd`, `priv` of the machines.')
    .default({}),
});

/** salt-ssh of the master applies states to the machines, which need no minion. Tried against no real master. */
export const saltStack = farTool({
  type: 'Cloud.SaltStack',
  title: 'SaltStack',
  summary: 'Applies states to machines of the deployment by the salt-ssh of a master.',
  properties,
  attributes: { minionIds: 'Names of the machines at the master.' },
  endpointType: 'saltstack',
  account: ({ masterId }) => masterId,
  apply(given, endpoint, { neighbours, instance, powers }) {
    const machines = given.hosts.map((host) =>
      typeof host === 'string' ? neighbours.find(({ id }) => id === host) : (host as JsonObject),
    );
    const roster: JsonObject = {};
    for (const machine of machines) {
      const target = machine && machineAt(machine, { username: '', password: '', privateKey: '' });
      if (!target) return { refused: '`hosts` names something that is no machine of this deployment with an address.' };
      const { username, password } = (machine!.remoteAccess ?? {}) as JsonObject;
      roster[String(machine!.resourceName ?? instance)] = {
        ...{ host: target.host, port: target.port },
        ...(username ? { user: username } : {}),
        ...(password ? { passwd: opened(String(password), powers) } : {}),
        ...given.additionalAuthParams,
      };
    }
    const pillar = Object.keys(given.variables).length > 0 ? ' pillar="$(cat pillar.json)"' : '';
    const pillarEnvironment = given.pillarEnvironment ? ` pillarenv=${shellQuote(given.pillarEnvironment)}` : '';
    const states = given.stateFiles.length > 0 ? ` ${shellQuote(given.stateFiles.join(','))}` : '';
    return {
      at: controlMachine(endpoint),
      files: { roster: JSON.stringify(roster), 'pillar.json': JSON.stringify(given.variables) },
      script: [
        "command -v salt-ssh >/dev/null || { echo 'salt-ssh is not installed here.'; exit 127; }",
        `salt-ssh --roster-file=roster --ignore-host-keys --retcode-passthrough '*' state.apply${states} saltenv=${shellQuote(given.saltEnvironment)}${pillarEnvironment}${pillar}`,
      ].join('\n'),
    };
  },
  shows: ({ hosts }) => ({
    minionIds: hosts.map((host) => (typeof host === 'string' ? host : String((host as JsonObject).resourceName ?? ''))),
  }),
});

/** What other resources hold reaches us as it is kept. */
const opened = (password: string, { open }: ResourcePowers): string =>
  password.startsWith('((secret:v1:') ? open(password) : password;
