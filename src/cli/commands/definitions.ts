import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Command } from 'commander';
import { openClient } from '../../api/client.ts';
import { isObject, type Json, type JsonObject } from '../../core/json.ts';
import { parseYaml } from '../../lang/yaml.ts';
import { type OutputFormat, outputOption, paints, print, table } from '../output.ts';
import type { ExitCode } from '../program.ts';
import { readSession } from '../session.ts';

/** The kinds that `get` and `list` know, and where they are found. */
const places: Record<string, { path: string; columns: string[] }> = {
  pipelines: { path: '/codestream/api/pipelines', columns: ['name', 'project', 'state', 'updatedAt'] },
  executions: {
    path: '/codestream/api/executions',
    columns: ['id', 'name', 'index', 'status', 'statusMessage'],
  },
  endpoints: { path: '/codestream/api/endpoints', columns: ['name', 'project', 'type'] },
  variables: { path: '/codestream/api/variables', columns: ['name', 'project', 'type', 'value'] },
  webhooks: {
    path: '/codestream/api/git-webhooks',
    columns: ['name', 'project', 'pipeline', 'externalListenerLink'],
  },
  'registry-webhooks': {
    path: '/codestream/api/registry-webhooks',
    columns: ['name', 'project', 'pipeline', 'externalListenerLink'],
  },
  'generic-webhooks': {
    path: '/codestream/api/generic-webhooks',
    columns: ['name', 'project', 'pipeline', 'externalListenerLink'],
  },
  schedules: {
    path: '/codestream/api/schedules',
    columns: ['name', 'project', 'pipeline', 'cron', 'timezone', 'nextAt', 'lastMessage'],
  },
  integrations: { path: '/codestream/api/custom-integrations', columns: ['name', 'project', 'version', 'status'] },
  events: {
    path: '/codestream/api/git-events',
    columns: ['commitId', 'targetBranch', 'executionStatus', 'message'],
  },
  approvals: {
    path: '/codestream/api/user-operations',
    columns: ['id', 'status', 'pipelineName', 'executionIndex', 'summary'],
  },
  blueprints: { path: '/blueprint/api/blueprints', columns: ['name', 'projectName', 'valid'] },
  deployments: { path: '/deployment/api/deployments', columns: ['name', 'projectName', 'status', 'id'] },
  functions: { path: '/abx/api/resources/actions', columns: ['name', 'projectName', 'runtime', 'id'] },
  users: { path: '/api/users', columns: ['name', 'role', 'email', 'groups'] },
  nodes: { path: '/api/nodes', columns: ['name', 'host', 'since'] },
  zones: { path: '/iaas/api/zones', columns: ['name', 'externalRegionId', 'placementPolicy'] },
};
const kindHelp = Object.keys(places).join(', ');

export function definitionCommands(done: (code: ExitCode) => void): Command[] {
  return [
    new Command('import')
      .description('Send YAML files to the server: pipelines, blueprints, endpoints, variables, functions, zones.')
      .argument('<files...>', 'files')
      .option('--project <name>', 'project for definitions that name none', 'Default')
      .option('--create-only', 'change nothing that exists', false)
      .addOption(outputOption())
      .action(
        async (
          files: string[],
          { project, createOnly, output }: { project: string; createOnly: boolean; output: OutputFormat },
        ) => {
          const client = openClient(readSession());
          const results: JsonObject[] = [];
          for (const file of files) {
            const query = new URLSearchParams({
              action: createOnly ? 'create' : 'apply',
              project,
              name: basename(file).replace(/\.\w+$/, ''),
            });
            const answer = await client.text('POST', `/codestream/api/import?${query}`, readFileSync(file, 'utf8'));
            results.push(...parseYaml(answer).documents.map(({ value }) => ({ file, ...(value as JsonObject) })));
          }
          print(output, results, () =>
            results
              .map(
                ({ status, kind, name, statusMessage }) =>
                  `${status === 'FAILED' ? paints.bad('✘') : paints.good('✔')} ${String(kind)} ${String(name)}: ${String(status).toLowerCase()}${statusMessage ? `. ${String(statusMessage)}` : ''}`,
              )
              .join('\n'),
          );
          done(results.some(({ status }) => status === 'FAILED') ? 1 : 0);
        },
      ),
    new Command('export')
      .description('Write a pipeline, and the endpoints it uses, as YAML.')
      .argument('[pipeline]', 'name; all when left out')
      .option('--project <name>', 'project')
      .option('--file <file>', 'where to; the terminal when left out')
      .action(async (pipeline: string | undefined, { project, file }: { project?: string; file?: string }) => {
        const query = new URLSearchParams({
          ...(pipeline ? { pipeline } : {}),
          ...(project ? { project } : {}),
        });
        const text = await openClient(readSession()).text('GET', `/codestream/api/export?${query}`);
        if (file) writeFileSync(file, text);
        else process.stdout.write(text);
      }),
    new Command('list')
      .description(`List what there is: ${kindHelp}.`)
      .argument('<kind>', 'what to list')
      .option('--filter <filter>', "such as: status eq 'FAILED'")
      .addOption(outputOption())
      .action(async (kind: string, { filter, output }: { filter?: string; output: OutputFormat }) => {
        const { path, columns } = placeOf(kind);
        const records = await list(path, filter);
        print(output, records, () =>
          records.length === 0
            ? `No ${kind}.`
            : table([
                columns.map((column) => paints.dim(column)),
                ...records.map((record) => columns.map((column) => cell(record[column]))),
              ]),
        );
      }),
    new Command('get')
      .description('Show one thing, by name or id.')
      .argument('<kind>', kindHelp)
      .argument('<name>', 'name or id')
      .addOption(outputOption().default('yaml'))
      .action(async (kind: string, name: string, { output }: { output: OutputFormat }) => {
        const { path } = placeOf(kind);
        const records = await list(path, undefined);
        const found = records.find((record) => record.id === name || record.name === name);
        const record = await openClient(readSession()).json(
          'GET',
          `${path}/${encodeURIComponent(String(found?.id ?? name))}`,
        );
        print(output === 'text' ? 'yaml' : output, record, () => '');
      }),
  ];
}

async function list(path: string, filter: string | undefined): Promise<JsonObject[]> {
  const query = new URLSearchParams({ $top: '1000', ...(filter ? { $filter: filter } : {}) });
  const answer = await openClient(readSession()).json('GET', `${path}?${query}`);
  if (Array.isArray(answer.content)) return answer.content.filter(isObject);
  const documents = isObject(answer.documents) ? answer.documents : {};
  return (Array.isArray(answer.links) ? answer.links : []).map((link) => documents[String(link)]).filter(isObject);
}

function placeOf(kind: string): { path: string; columns: string[] } {
  const found = places[kind] ?? places[`${kind}s`];
  if (!found) throw new Error(`There is no kind ${kind}; there are ${kindHelp}.`);
  return found;
}

const cell = (value: Json | undefined): string =>
  value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
