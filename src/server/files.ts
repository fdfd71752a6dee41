import { stringify } from 'yaml';
import { checkBlueprintDocument } from '../blueprint/parse.ts';
import { readZone } from '../blueprint/zone.ts';
import { MillraceError } from '../core/error.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import { foreignSecrets } from '../lang/foreign-secrets.ts';
import { kindOf, variablesIn } from '../lang/kind.ts';
import { parseYaml } from '../lang/yaml.ts';
import type { Document, Store } from '../store/store.ts';
import { acceptBlueprint } from './kinds/blueprint.ts';
import { faultsIn, type Kind, projectId, refuseErrors } from './kinds/kind.ts';
import type { Kinds } from './kinds/kinds.ts';

export interface FileResult {
  kind: string;
  name: string;
  status: 'CREATED' | 'UPDATED' | 'FAILED';
  statusMessage: string;
}

export interface FileParts {
  store: Store;
  kinds: Kinds;
  now: () => number;
  /** What else there is to do for something that was kept; answers what people should know of it. */
  kept(document: Document): Promise<string>;
}

interface Kept {
  status: 'CREATED' | 'UPDATED';
  document: Document;
}

const kindWords: Record<string, string> = {
  PIPELINE: 'pipeline',
  ENDPOINT: 'endpoint',
  VARIABLE: 'variable',
  GIT_WEBHOOK: 'git-webhook',
  REGISTRY_WEBHOOK: 'registry-webhook',
  DOCKER_WEBHOOK: 'registry-webhook',
  GERRIT_LISTENER: 'gerrit-listener',
  GERRIT_TRIGGER: 'gerrit-trigger',
  GENERIC_WEBHOOK: 'generic-webhook',
  SCHEDULE: 'schedule',
  PROPERTY_GROUP: 'property-group',
  CUSTOM_INTEGRATION: 'custom-integration',
};

/**
 * Takes a stream of YAML documents of any kind: pipelines, endpoints, variables, webhooks, custom integrations, blueprints,
 * functions and cloud zones. Each is taken or refused by itself; `create` changes nothing that exists.
 */
export async function importFile(
  { store, kinds: known, now, kept }: FileParts,
  text: string,
  options: { mode: 'create' | 'apply'; project: string; by: string; name?: string },
): Promise<FileResult[]> {
  const { documents, diagnostics } = parseYaml(text);
  const [fault] = diagnostics;
  if (fault)
    throw new MillraceError('definition.invalid', {
      message: `The text is no YAML: ${fault.line}:${fault.column}: ${fault.message}`,
      diagnostics,
    });
  if (documents.length === 0)
    throw new MillraceError('definition.invalid', { message: 'The text holds no definition.' });
  const pieces = documents.length === 1 ? [{ content: text, linesBefore: 0 }] : divide(text);
  const results: FileResult[] = [];
  const entries = documents.flatMap((document, index) => {
    const listed = variablesIn(document.value);
    if (listed) return listed.map((value) => ({ value, piece: { content: stringify(value), linesBefore: 0 } }));
    const value = isObject(document.value) ? document.value : {};
    const isWhole = pieces.length === documents.length;
    return [{ value, piece: isWhole ? pieces[index]! : { content: stringify(value), linesBefore: 0 } }];
  });
  for (const { value, piece } of entries) {
    const { content, linesBefore } = piece;
    const secrets = parseYaml(content).documents.flatMap(foreignSecrets);
    const name = String(value.name ?? options.name ?? '');
    const kind = kindOf(value);
    try {
      const { status, document } = await take(kind, name, value, content);
      const said = await kept(document);
      const wanting = secrets.map((one) => `${one.line + linesBefore}:${one.column}: ${one.message}`).join(' ');
      results.push({ kind, name, status, statusMessage: [wanting, said].filter(Boolean).join(' ') });
    } catch (thrown) {
      if (!(thrown instanceof MillraceError)) throw thrown;
      const errors = thrown.diagnostics.map((one) => ({ ...one, line: one.line + linesBefore }));
      const statusMessage = errors.length > 0 ? faultsIn(kind.toLowerCase(), name, errors) : thrown.message;
      results.push({ kind, name, status: 'FAILED', statusMessage });
    }
  }
  return results;

  async function take(kind: string, name: string, value: JsonObject, content: string): Promise<Kept> {
    if (!name)
      throw new MillraceError('definition.invalid', {
        message: `The ${kind.toLowerCase()} has no name.`,
        hint: 'Add `name:`.',
      });
    const project = String(value.project ?? options.project);
    if (kind === 'BLUEPRINT') {
      const before = await store.find('blueprint', project, name);
      const checked = acceptBlueprint({ ...value, content }, before?.body);
      refuseErrors('blueprint', name, checked.diagnostics);
      return keep('blueprint', project, name, checked.body);
    }
    if (kind === 'CLOUD_ZONE') return keep('cloud-zone', '', name, readZone(value) as unknown as JsonObject);
    if (kind === 'ACTION') return keep('action', project, name, { ...value, source: String(value.source ?? '') });
    const definition: Kind | undefined = known[kindWords[kind] ?? ''];
    if (!definition)
      throw new MillraceError('definition.invalid', {
        message: `${name}: the kind ${kind} is unknown.`,
        hint: `Known: ${[...Object.keys(kindWords), 'BLUEPRINT', 'ACTION', 'CLOUD_ZONE'].join(', ')}.`,
      });
    const before = await store.find(definition.kind, project, name);
    const body = definition.accept({ ...value, content }, before);
    if (definition.kind !== 'pipeline') return keep(definition.kind, project, name, body);
    const enabled = value.enabled !== false && value.enabled !== 'false';
    const state = !enabled ? 'DISABLED' : body.state === 'RELEASED' ? 'RELEASED' : 'ENABLED';
    return keep('pipeline', project, name, { ...body, enabled, state });
  }

  async function keep(kind: string, project: string, name: string, body: JsonObject): Promise<Kept> {
    const before = await store.find(kind, project, name);
    if (before && options.mode === 'create')
      throw new MillraceError('name.taken', {
        message: `${name} exists already in project ${project}.`,
        hint: 'Use action=apply to change it.',
      });
    const at = now();
    const id = before?.id ?? idOfKey(`${kind}/${project}/${name}/${at}`);
    const document: Document = {
      ...{ kind, id, project, name, createdAt: before?.createdAt ?? at, updatedAt: at },
      body: { createdBy: options.by, ...body, updatedBy: options.by },
    };
    await store.put(document);
    if (project) await keepProject(project, at);
    return { status: before ? 'UPDATED' : 'CREATED', document };
  }

  async function keepProject(name: string, at: number): Promise<void> {
    await store.insert({
      kind: 'project',
      id: projectId(name),
      project: '',
      name,
      body: {},
      createdAt: at,
      updatedAt: at,
    });
  }
}

/** The documents of a stream as they were written, each with the number of lines before it. */
function divide(text: string): { content: string; linesBefore: number }[] {
  const pieces: { content: string; linesBefore: number }[] = [];
  let linesBefore = 0;
  for (const [index, piece] of text.split(/^---[ \t]*\r?$/m).entries()) {
    const content = index === 0 ? piece : piece.replace(/^\r?\n/, '');
    const isEmpty = content.replace(/^\s*#.*$/gm, '').trim() === '';
    if (!isEmpty) pieces.push({ content, linesBefore: index === 0 ? 0 : linesBefore + 1 });
    linesBefore += piece.split('\n').length - 1;
  }
  return pieces;
}

/** A pipeline's text as it came, and the endpoints it uses without their secrets. */
export async function exportPipelines(
  store: Store,
  documents: Document[],
  shown: (document: Document) => JsonObject,
): Promise<string> {
  const names = new Set<string>();
  for (const { body } of documents) {
    for (const [, name] of String(body.content).matchAll(
      /^\s+(?:endpoint|agent|kubernetesServer|jenkinsServer|emailServer|scm|metrics):\s*['"]?([^'"\n{}]+?)['"]?\s*$/gm,
    ))
      if (name) names.add(name);
  }
  const endpoints = (await store.list('endpoint')).filter(
    ({ name, project }) => names.has(name) && documents.some((document) => document.project === project),
  );
  const texts = documents.map(({ body }) => String(body.content));
  return [...texts, ...exportEndpoints(endpoints, shown)]
    .map((text) => (text.startsWith('---') ? text : `---\n${text}`))
    .join('');
}

export function exportEndpoints(endpoints: Document[], shown: (document: Document) => JsonObject): string[] {
  return endpoints.map((document) => {
    const { type, properties, isRestricted, description } = shown(document);
    return stringify({
      project: document.project,
      kind: 'ENDPOINT',
      name: document.name,
      description,
      type,
      isRestricted,
      properties,
    } as Record<string, Json>);
  });
}

/** A custom integration: its draft, or the versions that are asked for. */
export function exportIntegration({ name, body }: Document, query: Record<string, string>): string {
  const versions = Array.isArray(body.versions) ? body.versions.filter(isObject) : [];
  const wanted = query.customIntegrationVersions?.split(',') ?? [];
  const isAsked = ({ version, status }: JsonObject) =>
    query.exportAllCustomIntegrationVersions === 'true' ||
    (query.exportOnlyReleasedCustomIntegrationVersions === 'true' && status === 'RELEASED') ||
    wanted.includes(String(version));
  const draft = { version: 'draft', status: 'NONE', yaml: body.yaml! };
  const found = versions.filter(isAsked);
  return (found.length > 0 ? found : [draft])
    .map(({ version, status, yaml }) => {
      const head = { kind: 'CUSTOM_INTEGRATION', name, description: body.description ?? '', version, status };
      return `---\n${stringify({ ...head, yaml })}`;
    })
    .join('');
}

/** Checks what a blueprint document would say; for the validation service. */
export const checkContent = (content: string) => {
  const { documents, diagnostics } = parseYaml(content);
  return documents[0] ? [...diagnostics, ...checkBlueprintDocument(documents[0]).diagnostics] : diagnostics;
};
