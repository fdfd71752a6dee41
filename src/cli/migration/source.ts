import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { stringify } from 'yaml';
import { type Client, openClient } from '../../api/client.ts';
import { MillraceError, messageOf } from '../../core/error.ts';
import { isObject, type Json, type JsonObject, objectsIn } from '../../core/json.ts';
import { kindOf, variablesIn } from '../../lang/kind.ts';
import { parseYaml } from '../../lang/yaml.ts';
import { fromRestForm } from '../../pipeline/rest-form.ts';

/** One definition of the originals, on its way. */
export interface Item {
  kind: string;
  name: string;
  project: string;
  text: string;
  /** Where it comes from, for people. */
  from: string;
  /** Names of the pipelines that must be there before it. */
  needs: string[];
}

/** What could not even be read. */
export interface Unreadable {
  from: string;
  why: string;
}

/** Every definition in the files of a directory. */
export function fromFiles(directory: string): { items: Item[]; unreadable: Unreadable[] } {
  const items: Item[] = [];
  const unreadable: Unreadable[] = [];
  const names = globSync(['**/*.yaml', '**/*.yml', '**/*.abx'], {
    cwd: directory,
    exclude: ['**/node_modules/**'],
  }).sort();
  for (const file of names) {
    const text = readFileSync(join(directory, file), 'utf8');
    const { documents, diagnostics } = parseYaml(text);
    const [fault] = diagnostics;
    if (fault || documents.length === 0) {
      unreadable.push({
        from: file,
        why: fault ? `${fault.line}:${fault.column}: ${fault.message}` : 'It holds no definition.',
      });
      continue;
    }
    for (const { value } of documents) {
      const listed = variablesIn(value);
      const single = documents.length === 1 && !listed;
      for (const one of listed ?? [value]) {
        const kind = kindOf(one);
        if (kind === 'unknown') unreadable.push({ from: file, why: 'It is no definition that Millrace knows.' });
        else
          items.push({
            kind,
            name: String((isObject(one) && one.name) || basename(file).replace(/\.\w+$/, '')),
            project: isObject(one) ? String(one.project ?? '') : '',
            text: single ? text : stringify(one, { lineWidth: 0 }),
            from: file,
            needs: needsOf(one),
          });
      }
    }
  }
  return { items, unreadable };
}

/** The pipelines that a pipeline calls: by its tasks and its rollbacks. */
function needsOf(value: Json): string[] {
  if (!isObject(value)) return [];
  const stages = isObject(value.stages) ? Object.values(value.stages) : [];
  const tasks = stages.flatMap((stage) => (isObject(stage) && isObject(stage.tasks) ? Object.values(stage.tasks) : []));
  const nested = tasks.flatMap((task) =>
    isObject(task) && task.type === 'Pipeline' && isObject(task.input) ? [String(task.input.pipeline ?? '')] : [],
  );
  return [...nested, ...objectsIn(value.rollbacks).map(({ name }) => String(name ?? ''))].filter(Boolean);
}

const pageSize = 100;

/** What starts pipelines, by its place in addresses. */
const triggers = {
  'git-webhooks': 'GIT_WEBHOOK',
  'registry-webhooks': 'REGISTRY_WEBHOOK',
  'gerrit-listeners': 'GERRIT_LISTENER',
  'gerrit-triggers': 'GERRIT_TRIGGER',
};

/** Every definition of a server of the originals, by its API. Services that do not answer are told of, not failed by. */
export async function fromServer(
  url: string,
  refreshToken: string,
): Promise<{ items: Item[]; unreadable: Unreadable[] }> {
  const base = url.replace(/\/+$/, '');
  const { token } = await openClient({ url: base, token: '' }).json('POST', '/iaas/api/login', { refreshToken });
  if (typeof token !== 'string')
    throw new MillraceError('login.failed', { message: `${base} gave no token for this refresh token.` });
  const client = openClient({ url: base, token });
  const items: Item[] = [];
  const unreadable: Unreadable[] = [];
  const projects = new Map(
    (await pages(client, '/iaas/api/projects').catch(() => [])).map(({ id, name }) => [String(id), String(name)]),
  );
  const reading: [string, (client: Client) => Promise<Item[]>][] = [
    [
      'variables',
      async (one) => (await documents(one, 'variables')).map((body) => item('VARIABLE', body, variable(body))),
    ],
    [
      'endpoints',
      async (one) => (await documents(one, 'endpoints')).map((body) => item('ENDPOINT', body, endpoint(body))),
    ],
    ['custom-integrations', integrations],
    ['blueprints', async (one) => blueprints(one, projects)],
    ['actions', async (one) => actions(one, projects)],
    ['pipelines', async (one) => (await documents(one, 'pipelines')).map(pipeline)],
    ...Object.entries(triggers).map(([path, kind]): [string, (client: Client) => Promise<Item[]>] => [
      path,
      async (one) => (await documents(one, path)).map((body) => item(kind, body, trigger(kind, body))),
    ]),
  ];
  for (const [what, read] of reading)
    try {
      items.push(...(await read(client)));
    } catch (thrown) {
      unreadable.push({ from: `${base}: ${what}`, why: messageOf(thrown) });
    }
  return { items, unreadable };
}

const item = (kind: string, { name, project }: JsonObject, value: JsonObject, needs: string[] = []): Item => ({
  ...{ kind, name: String(name), project: String(project ?? ''), needs },
  text: stringify(value, { lineWidth: 0 }),
  from: `${kind.toLowerCase()} ${String(name)}`,
});

const variable = ({ project, name, type, value, description = '' }: JsonObject): JsonObject => ({
  ...{ project: project!, kind: 'VARIABLE', name: name!, description, type: type!, value: value! },
});

const endpoint = ({
  project,
  name,
  type,
  description = '',
  isRestricted = false,
  properties = {},
}: JsonObject): JsonObject => ({
  ...{ project: project!, kind: 'ENDPOINT', name: name!, description, type: type!, isRestricted, properties },
});

/** A listener comes without its line: while the original listens as well, everything would start twice. */
function trigger(kind: string, body: JsonObject): JsonObject {
  const own = Object.entries(body).filter(
    ([key]) =>
      !key.startsWith('_') &&
      ![
        'id',
        'createdAt',
        'createdBy',
        'updatedAt',
        'updatedBy',
        'version',
        'externalListenerLink',
        'serverWebhookId',
        'slug',
        ...(kind === 'GERRIT_LISTENER' ? ['connected', 'apiToken'] : []),
      ].includes(key),
  );
  return { kind, ...Object.fromEntries(own) };
}

function pipeline(body: JsonObject): Item {
  const isEnabled = body.enabled === true || body.state === 'ENABLED' || body.state === 'RELEASED';
  return item('PIPELINE', body, { ...fromRestForm(body), enabled: isEnabled }, needsOf(body));
}

/** The newest released version is what pipelines can use; a draft where none was. */
async function integrations(client: Client): Promise<Item[]> {
  const found: Item[] = [];
  for (const body of await documents(client, 'custom-integrations')) {
    const versions = await documents(client, `custom-integrations/${String(body.id)}/versions`).catch(() => []);
    const released = versions.filter(({ status }) => status === 'RELEASED' || status === 'DEPRECATED');
    for (const { yaml, version, description = '' } of released.length > 0 ? released : [body])
      found.push(
        item('CUSTOM_INTEGRATION', body, {
          ...{ kind: 'CUSTOM_INTEGRATION', name: body.name!, description, yaml: yaml ?? body.yaml ?? '' },
          ...(released.length > 0 ? { version: version! } : {}),
        }),
      );
  }
  return found;
}

async function blueprints(client: Client, projects: Map<string, string>): Promise<Item[]> {
  const found: Item[] = [];
  for (const { id } of await pages(client, '/blueprint/api/blueprints')) {
    const { name, content, projectName, projectId } = await client.json(
      'GET',
      `/blueprint/api/blueprints/${String(id)}`,
    );
    const project = String(projectName ?? projects.get(String(projectId)) ?? '');
    found.push({
      kind: 'BLUEPRINT',
      name: String(name),
      project,
      text: String(content ?? ''),
      from: `blueprint ${String(name)}`,
      needs: [],
    });
  }
  return found;
}

async function actions(client: Client, projects: Map<string, string>): Promise<Item[]> {
  return (await pages(client, '/abx/api/resources/actions')).map((body) => {
    const project = projects.get(String(body.projectId)) ?? String(body.projectId ?? '');
    const { name, runtime, entrypoint, source, inputs, timeoutSeconds, memoryInMB, dependencies } = body;
    const kept = { name, runtime, entrypoint, source, inputs, timeoutSeconds, memoryInMB, dependencies };
    const given = Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined && value !== null));
    return item('ACTION', { ...body, project }, { kind: 'ACTION', project, ...given } as JsonObject);
  });
}

/** All of a kind, page by page, as clients of the original read them. */
async function documents(client: Client, what: string): Promise<JsonObject[]> {
  const all: JsonObject[] = [];
  for (let skip = 0; ; skip += pageSize) {
    const query = new URLSearchParams({ $top: String(pageSize), $skip: String(skip), expand: 'true' });
    const { links, documents: found } = await client.json('GET', `/codestream/api/${what}?${query}`);
    const page = (Array.isArray(links) ? links : []).flatMap((link) =>
      isObject(found) ? objectsIn([found[String(link)] ?? null]) : [],
    );
    all.push(...page);
    if (page.length < pageSize) return all;
  }
}

async function pages(client: Client, path: string): Promise<JsonObject[]> {
  const all: JsonObject[] = [];
  for (let skip = 0; ; skip += pageSize) {
    const query = new URLSearchParams({
      $top: String(pageSize),
      $skip: String(skip),
      size: String(pageSize),
      page: String(skip / pageSize),
    });
    const { content, totalElements } = await client.json('GET', `${path}?${query}`);
    const page = objectsIn(content);
    all.push(...page);
    if (page.length === 0 || all.length >= Number(totalElements ?? 0)) return all;
  }
}
