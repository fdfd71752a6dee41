import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { type Client, openClient } from '../../api/client.ts';
import { MillraceError } from '../../core/error.ts';
import { isObject, type Json, type JsonObject } from '../../core/json.ts';
import { type OutputFormat, outputOption, paints, print, table } from '../output.ts';
import type { ExitCode } from '../program.ts';
import { readSession } from '../session.ts';
import { keyValue } from './input.ts';

interface DeployOptions {
  name?: string;
  project: string;
  input: Record<string, string>;
  plan: boolean;
  yes: boolean;
  output: OutputFormat;
}

const requests = '/blueprint/api/blueprint-requests';
const deployments = '/deployment/api/deployments';
/** Milliseconds between two looks at what is under way. */
const betweenLooks = 500;

export function deploymentCommands(done: (code: ExitCode) => void): Command[] {
  const deploy = new Command('deploy')
    .description('Create a deployment of a blueprint, or change the one that stands; what it would do is shown first.')
    .argument('<blueprint>', 'file')
    .option('--name <name>', 'name of the deployment; that of the file when left out')
    .option('--project <name>', 'project', 'Default')
    .option('--input <name=value>', 'an input', keyValue, {})
    .option('--plan', 'only show what it would do', false)
    .option('-y, --yes', 'do not ask', false)
    .addOption(outputOption())
    .action(async (file: string, options: DeployOptions) => {
      const client = openClient(readSession());
      const deploymentName = options.name ?? basename(file).replace(/\.\w+$/, '');
      const standing = await byName(client, deploymentName);
      const asked = {
        projectName: options.project,
        content: readFileSync(file, 'utf8'),
        inputs: options.input,
        ...(standing ? { deploymentId: standing.id! } : { deploymentName }),
      };
      const planned = await ask(client, { ...asked, plan: true });
      const plan = await client.json('GET', `${requests}/${String(planned.id)}/plan`);
      if (options.plan || options.output === 'text') print(options.output, plan, () => planText(plan));
      const nothing = tasksOf(plan).every(({ resourceReason }) => resourceReason === 'READ');
      if (options.plan || (standing && nothing)) return done(0);
      if (!options.yes && !(await agrees(tasksOf(plan)))) return done(4);
      const request = await ask(client, asked);
      done(await follow(client, String(request.deploymentId), `${requests}/${String(request.id)}`, options.output));
    });
  const act = new Command('act')
    .description(
      'Do something to a deployment, or to one of its resources; what can be done is listed where no action is named.',
    )
    .argument('<deployment>', 'name')
    .argument('[action]', 'such as PowerOff, Delete, ChangeLease')
    .option('--resource <name>', 'the resource, such as web[0]')
    .option('--input <name=value>', 'an input of the action', keyValue, {})
    .addOption(outputOption())
    .action(
      async (
        name: string,
        action: string | undefined,
        { resource, input, output }: { resource?: string; input: Record<string, string>; output: OutputFormat },
      ) => {
        const client = openClient(readSession());
        const deployment = await mustFind(client, name);
        const path =
          resource === undefined
            ? `${deployments}/${String(deployment.id)}`
            : await pathOf(client, deployment, resource);
        if (action === undefined) {
          const offers = JSON.parse(await client.text('GET', `${path}/actions`)) as JsonObject[];
          return print(output, offers, () => table(offers.map(offerRow)));
        }
        const request = await client.json('POST', `${path}/requests`, { actionId: action, inputs: input });
        done(await follow(client, String(deployment.id), `/deployment/api/requests/${String(request.id)}`, output));
      },
    );
  const drift = new Command('drift')
    .description('Show how the resources of a deployment are otherwise than they were left.')
    .argument('<deployment>', 'name')
    .addOption(outputOption())
    .action(async (name: string, { output }: { output: OutputFormat }) => {
      const client = openClient(readSession());
      const deployment = await mustFind(client, name);
      const { resources } = await client.json('GET', `${deployments}/${String(deployment.id)}/drift`);
      const lines = Object.entries(isObject(resources) ? resources : {}).flatMap(([instance, found]) =>
        found === 'gone'
          ? [`${paints.bad('✘')} ${instance} is gone`]
          : changesIn(found).map((change) => `${paints.warn('~')} ${instance} ${changeText(change)}`),
      );
      print(output, resources ?? {}, () => lines.join('\n') || 'Everything is as it was left.');
      done(lines.length === 0 ? 0 : 1);
    });
  return [deploy, act, drift];
}

async function ask(client: Client, body: JsonObject): Promise<JsonObject> {
  const request = await client.json('POST', requests, body);
  if (request.status !== 'FAILED') return request;
  throw new MillraceError('placement.impossible', { message: String(request.failureMessage) });
}

/** Tells the steps as they come, and how it ended. */
async function follow(client: Client, deployment: string, path: string, output: OutputFormat): Promise<ExitCode> {
  const seen = new Map<string, string>();
  for (;;) {
    const request = await client.json('GET', path);
    const isOver = !['STARTED', 'INPROGRESS', 'CREATED'].includes(String(request.status));
    const state = await client.json('GET', `${deployments}/${deployment}?deleted=true`);
    if (output === 'text')
      for (const { id, state: step } of Array.isArray(state.actions) ? state.actions.filter(isObject) : []) {
        if (seen.get(String(id)) === step || step === 'open') continue;
        seen.set(String(id), String(step));
        process.stdout.write(`${step === 'failed' ? paints.bad('✘') : paints.good('✔')} ${String(id)}\n`);
      }
    if (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, betweenLooks));
      continue;
    }
    const failed = request.status === 'FAILED';
    const why = String(request.failureMessage ?? request.details ?? '');
    print(output, state, () => (failed ? paints.bad(why) : endText(state)));
    return failed ? 1 : 0;
  }
}

const endText = ({ status, outputs }: JsonObject): string =>
  [
    `${paints.good('✔')} ${String(status)}`,
    ...Object.entries(isObject(outputs) ? outputs : {}).map(([name, value]) => `  ${name}: ${shown(value)}`),
  ].join('\n');

/** People see what would go, and say so. Without a terminal nobody can. */
async function agrees(tasks: JsonObject[]): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new MillraceError('request.invalid', {
      message: 'Nobody is here to agree.',
      hint: 'Say --yes where that is meant.',
    });
  const gone = tasks.filter(({ resourceReason }) => resourceReason === 'DELETE' || resourceReason === 'RECREATE');
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await lines.question(
    `\n${gone.length > 0 ? `${gone.length} steps remove something. ` : ''}Do it? [y/N] `,
  );
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
}

const signs: Record<string, string> = {
  CREATE: paints.good('+'),
  RECREATE: paints.bad('±'),
  UPDATE: paints.warn('~'),
  DELETE: paints.bad('-'),
  ACTION: paints.blue('▶'),
  READ: paints.dim('='),
};

function planText(plan: JsonObject): string {
  const placements = Array.isArray(plan.placements) ? plan.placements.filter(isObject) : [];
  return [
    ...placements.map(
      ({ resource, zone, because }) =>
        `${paints.bold(String(resource))} -> ${String(zone)}: ${paints.dim(String(because))}`,
    ),
    '',
    ...tasksOf(plan).flatMap(({ name, resourceReason, because, changes }) => [
      `${signs[String(resourceReason)] ?? ' '} ${String(name)}  ${paints.dim(String(because))}`,
      ...changesIn(changes).map((change) => `    ${changeText(change)}`),
    ]),
  ].join('\n');
}

const tasksOf = ({ tasks }: JsonObject): JsonObject[] => (Array.isArray(tasks) ? tasks.filter(isObject) : []);
const changesIn = (changes: Json | undefined): JsonObject[] => (Array.isArray(changes) ? changes.filter(isObject) : []);

/** What was left, what was found, what is asked for. */
function changeText({ property, before, after, actual, isKnown, kept }: JsonObject): string {
  const found = actual === undefined ? '' : ` (found: ${shown(actual)})`;
  if (kept === true) return paints.dim(`${String(property)}: ${shown(before)}${found}, stays as it was found`);
  return `${String(property)}: ${shown(before)}${found} -> ${isKnown === false ? 'known later' : shown(after)}`;
}

function shown(value: Json | undefined): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? null);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

const offerRow = ({ id, valid, description, invalidReason }: JsonObject): string[] => [
  valid === true ? paints.good('✔') : paints.dim('–'),
  String(id),
  valid === true ? String(description) : paints.dim(String(invalidReason ?? '')),
];

async function byName(client: Client, name: string): Promise<JsonObject | undefined> {
  const { content } = await client.json('GET', `${deployments}?${new URLSearchParams({ name })}`);
  return Array.isArray(content) ? content.filter(isObject)[0] : undefined;
}

async function mustFind(client: Client, name: string): Promise<JsonObject> {
  const found = await byName(client, name);
  if (found) return found;
  throw new MillraceError('deployment.unknown', {
    message: `There is no deployment ${name}.`,
    hint: 'millrace list deployments',
  });
}

async function pathOf(client: Client, { id, name }: JsonObject, resource: string): Promise<string> {
  const { resources } = await client.json('GET', `${deployments}/${String(id)}`);
  const all = Array.isArray(resources) ? resources.filter(isObject) : [];
  const found = all.find((one) => one.name === resource);
  if (found) return `/deployment/api/resources/${String(found.id)}`;
  throw new MillraceError('not.found', {
    message: `Deployment ${String(name)} has no resource ${resource}.`,
    hint: `It has: ${all.map((one) => String(one.name)).join(', ')}.`,
  });
}
