import { MillraceError } from '../core/error.ts';
import { isObject } from '../core/json.ts';
import type { Endpoint } from '../sdk/powers.ts';
import type { Document } from '../store/store.ts';
import { opened, readEndpoint, readVariables } from './definitions.ts';
import type { EngineParts } from './parts.ts';

/** Kinds of documents: where blueprints and configurations are kept elsewhere, and the accounts at such services. */
export const [contentSource, integration] = ['content-source', 'integration'];

/**
 * What fetches the repository of a content source: an endpoint of the project by id or name, an account at a service of repositories,
 * or an address that needs no login.
 * @throws MillraceError not.found, request.invalid
 */
export async function repositoryOfSource(parts: EngineParts, { project, name, body }: Document): Promise<Endpoint> {
  const { integrationId, repository } = isObject(body.config) ? body.config : {};
  const [wanted, path] = [String(integrationId ?? ''), String(repository ?? '')];
  if (wanted === '' && path !== '') return { name, type: 'git', properties: { repoURL: path } };
  const account = (await parts.store.get(integration, wanted)) ?? (await parts.store.find(integration, '', wanted));
  if (account) return repositoryAt(parts, account, path);
  const known = await parts.store.get('endpoint', wanted);
  const { values } = await readVariables(parts, project);
  const { endpoint } = await readEndpoint(parts, project, known?.name ?? wanted, values);
  if (endpoint.type === 'git') return endpoint;
  throw new MillraceError('request.invalid', {
    message: `Content source ${name}: endpoint ${endpoint.name} is of the type ${endpoint.type}, and a repository needs git.`,
  });
}

/** The repository that a blueprint names: that of a content source of its project by id, undefined where it means something else. */
export async function repositoryNamed(
  parts: EngineParts,
  project: string,
  wanted: string,
): Promise<Endpoint | undefined> {
  const source = await parts.store.get(contentSource, wanted);
  if (source?.project !== project) return undefined;
  const endpoint = await repositoryOfSource(parts, source);
  const { branch } = isObject(source.body.config) ? source.body.config : {};
  return branch ? { ...endpoint, properties: { ...endpoint.properties, branch: String(branch) } } : endpoint;
}

/** Services answer their API elsewhere than their repositories. */
function repositoryAt(parts: EngineParts, { name, body }: Document, path: string): Endpoint {
  const { integrationType, integrationProperties, privateKeyId, privateKey } = body;
  const written = isObject(integrationProperties) ? String(integrationProperties.url ?? '') : '';
  const service = written.replace(/^(https?:\/\/)api\.(?=github|bitbucket)/, '$1').replace(/\/api(\/v\d+)?\/?$/, '');
  if (!URL.canParse(service) || path === '')
    throw new MillraceError('request.invalid', {
      message: `Integration ${name}: ${path === '' ? 'the source names no `repository`' : `its \`url\` is "${written}"`}.`,
      hint: 'The integration has `integrationProperties: {url}`, the source `config: {repository: owner/name}`.',
    });
  return {
    ...{ name, type: 'git' },
    properties: {
      repoURL: `${service.replace(/\/+$/, '')}/${path.replace(/^\/+|(\.git)?\/*$/g, '')}.git`,
      serverType: String(integrationType ?? ''),
      userName: String(privateKeyId ?? ''),
      privateToken: opened(parts, privateKey),
    },
  };
}
