import { MillraceError } from '../core/error.ts';
import { toIso } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
import type { Engine } from '../engine/engine.ts';
import type { EngineParts } from '../engine/parts.ts';
import { receiveWebhook } from '../engine/triggers.ts';
import type { Document } from '../store/store.ts';
import type { Auth } from './auth.ts';
import { common, type kinds } from './definitions.ts';
import { exportEndpoints, exportPipelines, importFile } from './files.ts';
import { approvalHandlers } from './handlers/approvals.ts';
import { blueprintVersionHandlers } from './handlers/blueprint-versions.ts';
import { blueprintHandlers } from './handlers/blueprints.ts';
import { definitionHandlers } from './handlers/definitions.ts';
import { executionHandlers } from './handlers/executions.ts';
import { finders } from './handlers/find.ts';
import { functionHandlers } from './handlers/functions.ts';
import { integrationHandlers } from './handlers/integrations.ts';
import { liveHandlers } from './handlers/live.ts';
import { loginHandlers } from './handlers/login.ts';
import { userHandlers } from './handlers/users.ts';
import type { openMetrics } from './metrics.ts';
import { Answer, envelope, type Handler, pageOf } from './request.ts';
import type { Users } from './users.ts';

export interface HandlerParts {
  parts: EngineParts;
  engine: Engine;
  auth: Auth;
  users: Users;
  kinds: ReturnType<typeof kinds>;
  openApi: () => JsonObject;
  metrics: Pick<ReturnType<typeof openMetrics>, 'text' | 'contentType'>;
}

/** One handler for each operation, by its id. */
export function handlers(given: HandlerParts): Record<string, Handler> {
  const { parts, engine, kinds: known, openApi, metrics } = given;
  const { store } = parts;
  const { byId, byName, save } = finders(store);
  const now = () => parts.moment.now();
  const files = { store, kinds: known, now };

  return {
    ...loginHandlers(given),
    ...Object.fromEntries(Object.values(known).flatMap((kind) => Object.entries(definitionHandlers(given, kind)))),
    ...executionHandlers(given),
    ...approvalHandlers(given),
    ...blueprintHandlers(given),
    ...blueprintVersionHandlers(given),
    ...functionHandlers(given),
    ...integrationHandlers(given),
    ...liveHandlers(given),
    ...userHandlers(given),
    'about.codestream': async () => ({
      latestApiVersion: '2019-10-17',
      supportedApis: [{ apiVersion: '2019-10-17', documentationLink: '/api/openapi.json', deprecationPolicy: null }],
    }),
    'pipelines.patch': async ({ params, body, user }) =>
      patchPipeline(await byId('pipeline', params.id!), body, user!.name),
    'pipelines.patchByName': async ({ params, body, user }) =>
      patchPipeline(await byName('pipeline', params), body, user!.name),
    'projects.iaas': async ({ query }) =>
      pageOf(
        (await store.list('project')).map(({ id, name }) => ({ id, name })),
        query,
      ),
    'projects.service': async ({ query }) =>
      pageOf(
        (await store.list('project')).map(({ id, name }) => ({ id, name })),
        query,
      ),
    'zones.list': async ({ query }) =>
      pageOf(
        (await store.list('cloud-zone')).map(({ body }) => body),
        query,
      ),
    'git-events.list': async ({ query }) =>
      envelope(
        (await store.list('git-event'))
          .sort((a, b) => b.createdAt - a.createdAt)
          .map((document) => ({ ...common(document, 'git-events'), ...document.body })),
        query,
      ),
    'git-events.get': async ({ params }) => {
      const event = await byId('git-event', params.id!);
      return { ...common(event, 'git-events'), ...event.body };
    },
    'git-webhook.receive': async ({ params, headers, raw }) => {
      const event = await receiveWebhook(parts, engine, await byId('git-webhook', params.id!), headers, raw);
      return { ...common(event, 'git-events'), ...event.body };
    },
    'files.import': async ({ raw, query, user }) => {
      const results = await importFile(files, raw.toString('utf8'), {
        mode: query.action === 'apply' ? 'apply' : 'create',
        project: query.project ?? 'Default',
        by: user!.name,
        name: query.name,
      });
      return new Answer(
        200,
        results
          .map(
            ({ kind, name, status, statusMessage }) =>
              `---\nkind: ${kind}\nname: ${JSON.stringify(name)}\nstatus: ${status}\nstatusMessage: ${JSON.stringify(statusMessage)}\n`,
          )
          .join(''),
        { 'content-type': 'application/x-yaml;charset=UTF-8' },
      );
    },
    'files.export': async ({ query }) =>
      new Answer(200, await exportText(query), { 'content-type': 'application/x-yaml;charset=UTF-8' }),
    'nodes.list': async ({ query }) =>
      pageOf(
        (await store.nodes()).map(({ name, host, since }) => ({ id: name, name, host, since: toIso(since) })),
        query,
      ),
    'metrics.get': async () => new Answer(200, await metrics.text(), { 'content-type': metrics.contentType }),
    'openapi.get': async () => openApi(),
  };

  async function patchPipeline(document: Document, body: JsonObject, by: string): Promise<JsonObject> {
    const wanted = body.state === undefined ? body.enabled : body.state !== 'DISABLED';
    const enabled = wanted === undefined ? document.body.enabled : wanted === true || wanted === 'true';
    const { name = document.name, description = document.body.description ?? '', tags } = body;
    const changed = {
      ...document,
      name: String(name),
      body: {
        ...document.body,
        enabled: enabled!,
        description: String(description),
        ...(Array.isArray(tags) ? { tags: tags.map(String) } : {}),
        updatedBy: by,
      },
      updatedAt: now(),
    };
    await save(changed);
    return known.pipeline.show(changed);
  }

  async function exportText(query: Record<string, string>): Promise<string> {
    const wanted = (query.pipelines ?? query.pipeline ?? '').split(',').filter(Boolean);
    const mine = ({ project }: Document) => !query.project || project === query.project;
    if (query.endpoints) {
      const names = query.endpoints.split(',');
      return exportEndpoints(
        (await store.list('endpoint')).filter((document) => mine(document) && names.includes(document.name)),
        known.endpoint.show,
      )
        .map((text) => `---\n${text}`)
        .join('');
    }
    const documents = (await store.list('pipeline')).filter(
      (document) => mine(document) && (wanted.length === 0 || wanted.includes(document.name)),
    );
    if (wanted.length > 0 && documents.length === 0)
      throw new MillraceError('not.found', {
        message: `There is no pipeline ${wanted.join(', ')}${query.project ? ` in project ${query.project}` : ''}.`,
      });
    return exportPipelines(store, documents, known.endpoint.show);
  }
}
