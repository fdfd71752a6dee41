// The reference pages: each is made from the values that the product itself works with.
import { stringify } from 'yaml';
import { z } from 'zod';
import { codestreamPrefixes } from '../src/api/operation.ts';
import { operations } from '../src/api/operations.ts';
import { commands } from '../src/cli/program.ts';
import { diagnosticCodes } from '../src/core/diagnostic.ts';
import { errorCodes } from '../src/core/error.ts';
import { catalogue } from '../src/plugins/catalogue.ts';
import type { ContainerSite } from '../src/plugins/clouds/container/place.ts';
import type { Site } from '../src/plugins/clouds/local/site.ts';
import { resultFormats } from '../src/plugins/results/formats.ts';
import type { CloudResourceDefinition } from '../src/sdk/cloud.ts';
import type { TaskDefinition } from '../src/sdk/task.ts';

const everything = catalogue({
  site: {} as Site,
  containers: {} as ContainerSite,
  allowProcessWorkspace: true,
  bootWithin: { process: 0, container: 0 },
});
const made = '<!-- Made by `npm run docs` from the definitions. Change those, not this page. -->\n';

/** File name to text. */
export const pages = (): Record<string, string> => ({
  'README.md': page('Reference', [
    'Made from the definitions that the product works with.\n',
    ...Object.entries({
      tasks: 'what a pipeline can do',
      reports: 'what CI tasks read of test results and the like',
      endpoints: 'far sides that tasks speak to',
      workspaces: 'where CI tasks work',
      resources: 'what a blueprint can make on this machine',
      triggers: 'what starts a pipeline',
      notifiers: 'who is told, and where metrics go',
      commands: 'the command line',
      api: 'the routes',
      codes: 'errors and diagnostics',
    }).map(([name, what]) => `- [${name}](${name}.md): ${what}`),
  ]),
  'tasks.md': page('Tasks', everything.tasks.map(task)),
  'reports.md': page('Reports', [
    'A CI task reads these with `process: [{type, name, path}]` and puts out `process.<name>`: the figures below, or `error` where a report is missing or broken. What a report says does not fail the task; its exit code does, and a precondition can.\n',
    ...resultFormats.map((format) => `${heading({ title: format.type, ...format })}${pairs(format.figures)}`),
  ]),
  'endpoints.md': page(
    'Endpoints',
    everything.endpoints.map((endpoint) => `${heading(endpoint)}${fields(endpoint.properties)}`),
  ),
  'resources.md': page(
    'Resources',
    everything.resources.map(
      (resource) =>
        `${heading(resource)}${fields(resource.properties)}\nExpressions may read, once it stands:\n\n${pairs(resource.attributes)}${actionsOf(resource)}`,
    ),
  ),
  'workspaces.md': page('Workspaces', [
    'What CI and Custom tasks of a pipeline work in: `workspace: {type, endpoint, image, ...}`. Each is made when a task first needs it, shared by the tasks of a run, and removed with it.\n',
    ...everything.workspaces.map((one) => `${heading(one)}Endpoint type: \`${one.endpointType}\`.\n`),
  ]),
  'triggers.md': page(
    'Triggers',
    [...everything.triggers, ...everything.streams].map((one) => `${heading(one)}${fields(one.config)}`),
  ),
  'notifiers.md': page('Notifiers and metrics', [
    ...everything.notifiers.map(
      (notifier) => `${heading(notifier)}Endpoint type: \`${notifier.endpointType}\`.\n\n${fields(notifier.config)}`,
    ),
    ...everything.notifications.map((one) => `${heading(one)}${fields(one.config)}`),
    ...everything.metricSinks.map((sink) => `${heading(sink)}Endpoint type: \`${sink.endpointType}\`.\n`),
  ]),
  'commands.md': page('Commands', commandPages()),
  'api.md': page('API', [
    `Every route with \`{cs}\` answers under ${codestreamPrefixes.map((prefix) => `\`${prefix}\``).join(' and ')}. The server describes itself at \`/api/openapi.json\`. Permissions: \`public\`, \`signed-in\`, \`answer\` (the approvers of a question), \`read\`, \`execute\`, \`develop\`, \`administer\`; the roles viewer, executor, developer and administrator each include the one before.\n`,
    table(
      ['route', 'permission', 'what it does'],
      operations.map(({ method, path, permission, summary }) => [`\`${method} ${path}\``, permission, summary]),
    ),
  ]),
  'codes.md': page('Codes', [
    '## Errors\n\nEvery refusal of the API carries one of these in `code`, with a sentence in `message` and often a `hint`.\n',
    table(
      ['code', 'status', 'meaning'],
      Object.entries(errorCodes).map(([code, [status, meaning]]) => [`\`${code}\``, String(status), meaning]),
    ),
    '\n## Diagnostics\n\nWhat `millrace validate` and the server say about a text, each with line and column.\n',
    table(
      ['code', 'meaning'],
      Object.entries(diagnosticCodes).map(([code, meaning]) => [`\`${code}\``, meaning]),
    ),
  ]),
});

const page = (title: string, parts: string[]): string =>
  `${made}\n# ${title}\n\n${parts.join('\n')}\n`.replace(/\n{3,}/g, '\n\n');

const heading = ({ title, type, summary }: { title: string; type: string; summary: string }): string =>
  `## ${title}\n\n\`${type}\`: ${summary}\n\n`;

function task(definition: TaskDefinition): string {
  const roles = Object.entries(definition.endpoints).map(([role, { types, required, description }]) => [
    `\`${role}\``,
    types.join(', '),
    required ? 'yes' : 'no',
    description,
  ]);
  return [
    heading(definition).trimEnd(),
    `### Input\n\n${fields(definition.input)}`,
    roles.length > 0 ? `### Endpoints\n\n${table(['role', 'types', 'needed', 'meaning'], roles)}` : '',
    `### Output\n\n${pairs(definition.output)}`,
    ...definition.examples.map(({ title, yaml }) => `### Example: ${title}\n\n\`\`\`yaml\n${yaml.trimEnd()}\n\`\`\`\n`),
  ]
    .filter(Boolean)
    .join('\n\n');
}

const actionsOf = ({ type, actions = {} }: CloudResourceDefinition): string =>
  Object.keys(actions).length === 0
    ? ''
    : `\nWhat people may do to it:\n\n${table(
        ['action', 'inputs', 'meaning'],
        Object.entries(actions).map(([name, { summary, input }]) => [
          `\`${type}.${name}\``,
          Object.keys(input.shape).join(', '),
          summary,
        ]),
      )}`;

function fields(schema: z.ZodObject): string {
  const rows = rowsOf(schema, '');
  return rows.length === 0
    ? 'No properties of its own.\n'
    : table(['key', 'type', 'needed', 'default', 'meaning'], rows);
}

/** The keys of a schema, those of the objects in its lists behind them. */
function rowsOf(schema: z.ZodObject, before: string): string[][] {
  return Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([name, field]) => {
    const json = z.toJSONSchema(field, { unrepresentable: 'any', io: 'output' }) as Shape;
    const optional = [z.ZodDefault, z.ZodPrefault, z.ZodOptional, z.ZodUnknown].some((kind) => field instanceof kind);
    const path = `${before}${name}`;
    const inner = field instanceof z.ZodDefault || field instanceof z.ZodOptional ? field.unwrap() : field;
    const items = inner instanceof z.ZodArray ? inner.element : undefined;
    return [
      [`\`${path}\``, shapeOf(json), optional ? 'no' : 'yes', defaultOf(json), json.description ?? ''],
      ...(items instanceof z.ZodObject ? rowsOf(items, `${path}[].`) : []),
      ...(inner instanceof z.ZodObject ? rowsOf(inner, `${path}.`) : []),
    ];
  });
}

interface Shape {
  type?: string | string[];
  description?: string;
  default?: unknown;
  enum?: string[];
  items?: Shape;
  anyOf?: Shape[];
}

function shapeOf({ type, enum: choices, items, anyOf }: Shape): string {
  if (choices) return choices.map((choice) => `\`${choice}\``).join(', ');
  if (Array.isArray(type)) return type.join(' or ');
  if (type === 'array') return items?.type && items.type !== 'object' ? `list of ${items.type}` : 'list';
  if (type === 'object') return 'map';
  if (anyOf) return anyOf.map(shapeOf).join(' or ');
  return type ?? 'anything';
}

const defaultOf = ({ default: value }: Shape): string =>
  value === undefined || value === '' ? '' : `\`${stringify(value, { collectionStyle: 'flow' }).trim()}\``;

const pairs = (of: Record<string, string>): string =>
  table(
    ['key', 'meaning'],
    Object.entries(of).map(([key, meaning]) => [`\`${key}\``, meaning]),
  );

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}

function commandPages(): string[] {
  const parts = {
    version: '',
    catalogue: everything,
    serve: async () => undefined,
    demo: async () => 0 as const,
    backup: async () => ({}) as never,
    migrate: async () => ({}) as never,
    moveToPostgres: async () => ({}) as never,
    restore: async () => ({}) as never,
  };
  return [
    'From a checkout: `npm run -s millrace -- COMMAND`. Exit codes: 0 done · 1 the work said no · 2 usage · 3 could not do it · 4 cancelled.\n',
    ...commands(parts, () => undefined).map((command) => {
      command.configureHelp({ helpWidth: 100 });
      return `## ${command.name()}\n\n\`\`\`\n${command
        .helpInformation()
        .trim()
        .replace(/^Usage: /, 'millrace ')}\n\`\`\`\n`;
    }),
  ];
}
