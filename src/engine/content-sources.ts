import { checkBlueprint } from '../blueprint/parse.ts';
import { isError } from '../core/diagnostic.ts';
import { isOfOurs, messageOf } from '../core/error.ts';
import { toIso } from '../core/instant.ts';
import { isObject, type JsonObject, parseJson } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import { parseYaml } from '../lang/yaml.ts';
import type { JobSpec } from '../sdk/powers.ts';
import type { Document } from '../store/store.ts';
import type { EngineParts } from './parts.ts';
import { contentSource, repositoryOfSource } from './repositories.ts';

/** The kind of documents that say what was asked of a source. */
export const syncRequest = 'sync-request';
/** Those that are not over: so a look need not read what was ever asked. */
const syncUnderWay = 'sync-under-way';
/** Milliseconds after which a mark without a request is one that was never made. */
const forgotten = 60_000;
/** Milliseconds that a look waits for a small repository. */
const patience = 1000;
const [foundFile, mostFiles, mostBytes] = ['found.json', 1000, 2_000_000];

/** Asks for the blueprints of a source; whichever node of this machine looks next fetches them. */
export async function requestSync(parts: EngineParts, source: Document, key = parts.moment.newId()): Promise<Document> {
  const { store, moment, node } = parts;
  const [now, id] = [moment.now(), idOfKey(`sync/${source.id}/${key}`)];
  const common = { id, project: source.project, name: id, createdAt: now, updatedAt: now };
  await store.insert({ kind: syncUnderWay, ...common, body: { host: node.host } });
  const body = { sourceId: source.id, status: 'REQUESTED', message: '', host: node.host, items: [] };
  await store.insert({ kind: syncRequest, ...common, body });
  return (await store.get(syncRequest, id))!;
}

/** A push asks for the sources of its repository and branch; the same delivery asks once. */
export async function syncPushed(parts: EngineParts, { id, body }: Document): Promise<void> {
  const [repo, branch] = [String(body.repo ?? ''), String(body.targetBranch ?? '')];
  if (!repo) return;
  for (const source of await parts.store.list(contentSource)) {
    const { config, syncEnabled } = source.body;
    if (syncEnabled === false || !isObject(config)) continue;
    const endpoint = await repositoryOfSource(parts, source).catch(() => undefined);
    const address = plain(endpoint?.properties.repoURL ?? '');
    const isItsBranch = !config.branch || config.branch === branch;
    const isIts = address.endsWith(`/${repo.toLowerCase()}`) || address === plain(String(body.httpURL ?? ''));
    if (isIts && isItsBranch) await requestSync(parts, source, `push/${id}`);
  }
}

const plain = (address: string): string => address.replace(/\.git$/, '').toLowerCase();

/** Goes on with what was asked for: fetches as a job that outlives the server, then takes in what was found. */
export async function lookAtSyncs(parts: EngineParts): Promise<void> {
  const { store, moment, node } = parts;
  for (const { id, body, createdAt } of await store.list(syncUnderWay)) {
    if (body.host !== node.host) continue;
    const request = await store.get(syncRequest, id);
    if (!request || isSyncOver(request)) {
      if (request || moment.now() - createdAt > forgotten) await store.remove(syncUnderWay, id);
      continue;
    }
    try {
      await goOn(parts, request);
    } catch (thrown) {
      if (isOfOurs(thrown)) throw thrown;
      await told(parts, request, { status: 'FAILED', message: messageOf(thrown) });
    }
  }
}

export const isSyncOver = ({ body }: Document): boolean => body.status === 'COMPLETED' || body.status === 'FAILED';

async function goOn(parts: EngineParts, request: Document): Promise<void> {
  const { jobs, store, catalogue } = parts;
  const source = await store.get(contentSource, String(request.body.sourceId));
  if (!source) return told(parts, request, { status: 'FAILED', message: 'Its content source is gone.' });
  const key = `sync/${request.id}`;
  if (request.body.status === 'REQUESTED') {
    const config = isObject(source.body.config) ? source.body.config : {};
    if (config.contentType === 'TERRAFORM_CONFIGURATION')
      return told(parts, request, { status: 'COMPLETED', message: 'It is fetched by the blueprints that name it.' });
    const { environment, script } = catalogue.fetchTree(
      await repositoryOfSource(parts, source),
      String(config.branch ?? ''),
    );
    const spec: JobSpec = {
      run: { script: `set -e\n${script}\nexec "$NODE" gather.cjs tree "$SOURCE_PATH"` },
      environment: { ...environment, NODE: process.execPath, SOURCE_PATH: String(config.path ?? '') },
      directory: jobs.directory(key),
      files: { 'gather.cjs': gather },
      limits: { seconds: 600, memoryMb: 512, fileMb: 2048 },
    };
    const { hasEnded } = await jobs.start(key, spec, patience);
    await told(parts, request, { status: 'STARTED' });
    if (!hasEnded) return;
  }
  const { status, exitCode, output, stopped } = await jobs.state(key, 0);
  if (status === 'running') return;
  if (status === 'lost' || exitCode !== 0) {
    const last = output.trim().split('\n').slice(-3).join(' / ');
    return told(parts, request, {
      status: 'FAILED',
      message: stopped ?? `The repository could not be fetched: ${last}`,
    });
  }
  const found = parseJson((await jobs.read(key, foundFile)) ?? '[]');
  const items: JsonObject[] = [];
  for (const file of Array.isArray(found) ? found.filter(isObject) : [])
    items.push(await takeIn(parts, source, String(file.path), String(file.content)));
  const failed = items.filter((item) => item.status === 'FAILED').length;
  await told(parts, request, { status: 'COMPLETED', message: `${items.length} files, ${failed} with faults.`, items });
  await jobs.remove(key);
}

/**
 * Its `name` and `version` say which blueprint a file is; a version that is new is made, and one that is there stays what it is. A text
 * with errors is kept as the draft.
 */
async function takeIn(parts: EngineParts, source: Document, path: string, content: string): Promise<JsonObject> {
  const { store, moment } = parts;
  const root = parseYaml(content).documents[0]?.value;
  const written = isObject(root) ? root : {};
  const name = String(written.name ?? path.split('/').at(-2) ?? path);
  const version = written.version === undefined || written.version === null ? '' : String(written.version);
  const before = await store.find('blueprint', source.project, name);
  const item = { contentName: name, contentFullPath: path, contentType: 'BLUEPRINT', sourceId: source.id };
  if (before && before.body.contentSourceId !== source.id)
    return { ...item, status: 'FAILED', details: [`Another blueprint of the project is called ${name}.`] };
  const errors = checkBlueprint(content).diagnostics.filter(isError);
  const versions = Array.isArray(before?.body.versions) ? before.body.versions.filter(isObject) : [];
  const same = versions.find((one) => one.version === version);
  const now = moment.now();
  const details = [
    ...errors.map(({ line, column, message }) => `${line}:${column}: ${message}`),
    ...(version && same && same.content !== content
      ? ['Kept draft, version(s) not created', `Version ${version} already exists.`]
      : []),
  ];
  const isNew = version !== '' && !same && errors.length === 0;
  const frozen = { version, status: 'VERSIONED', content, createdBy: 'system', createdAt: toIso(now) };
  const status = details.length > 0 ? 'FAILED' : 'SUCCESSFUL';
  await store.put({
    ...{ kind: 'blueprint', id: before?.id ?? moment.newId(), project: source.project, name },
    ...{ createdAt: before?.createdAt ?? now, updatedAt: before?.body.content === content ? before.updatedAt : now },
    body: {
      requestScopeOrg: (source.body.config as JsonObject).requestScopeOrg === true,
      createdBy: 'system',
      ...before?.body,
      ...{ content, description: String(written.description ?? ''), valid: errors.length === 0 },
      versions: isNew ? [...versions, { ...frozen, versionDescription: '', versionChangeLog: '' }] : versions,
      ...{ contentSourceId: source.id, contentSourcePath: path, contentSourceType: source.body.typeId ?? '' },
      ...{ contentSourceSyncStatus: status, contentSourceSyncMessages: details, contentSourceSyncAt: toIso(now) },
    },
  });
  return { ...item, status, details };
}

const told = (parts: EngineParts, request: Document, body: JsonObject): Promise<void> =>
  parts.store.put({ ...request, body: { ...request.body, ...body }, updatedAt: parts.moment.now() });

/** Runs in the job: the YAML files below a path that have `resources`, never through a link. */
const gather = `
const { lstatSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
const { join, normalize } = require('node:path');
const [, , tree, path] = process.argv;
const start = normalize(join('/', path)).slice(1);
const found = [];
const walk = (directory) => {
  for (const name of readdirSync(join(tree, directory)).sort()) {
    const inside = join(directory, name);
    const about = lstatSync(join(tree, inside));
    if (about.isDirectory()) walk(inside);
    else if (about.isFile() && /\\.ya?ml$/i.test(name) && about.size <= ${mostBytes} && found.length < ${mostFiles}) {
      const content = readFileSync(join(tree, inside), 'utf8');
      if (/^resources\\s*:/m.test(content)) found.push({ path: inside, content });
    }
  }
};
walk(start);
writeFileSync('${foundFile}', JSON.stringify(found));
`;
