import type { Deployment } from '../blueprint/deployment.ts';
import { isError } from '../core/diagnostic.ts';
import { MillraceError } from '../core/error.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { Engine } from '../engine/engine.ts';
import type { EngineParts } from '../engine/parts.ts';
import { receiveWebhook } from '../engine/triggers.ts';
import type { Execution } from '../pipeline/execution.ts';
import { executionRecord } from '../pipeline/record.ts';
import type { Document } from '../store/store.ts';
import type { Auth } from './auth.ts';
import { acceptBlueprint, common, type Kind, type kinds } from './definitions.ts';
import { checkContent, exportEndpoints, exportPipelines, importFile } from './files.ts';
import { Answer, envelope, type Handler, pageOf, type Request, Stream } from './request.ts';
import { z } from 'zod';
import { resourceView } from './views.ts';

export interface HandlerParts {
  parts: EngineParts;
  engine: Engine;
  auth: Auth;
  kinds: ReturnType<typeof kinds>;
  openApi: () => JsonObject;
}

const NewUser = z.object({ name: z.string().min(1), password: z.string().min(1), role: z.enum(['administrator', 'developer', 'executor', 'viewer', 'user']) });

/** One handler for each operation, by its id. */
export function handlers({
  parts,
  engine,
  auth,
  kinds: known,
  openApi,
}: HandlerParts): Record<string, Handler> {
  const { store } = parts;
  const now = () => parts.moment.now();
  const files = { store, kinds: known, now };

  return {
    ...login(),
    ...Object.fromEntries(Object.values(known).flatMap((kind) => Object.entries(definitionHandlers(kind)))),
    ...executions(),
    ...userOperations(),
    ...blueprints(),
    ...functions(),
    ...live(),
    'about.codestream': async () => ({
      latestApiVersion: '2019-10-17',
      supportedApis: [
        { apiVersion: '2019-10-17', documentationLink: '/api/openapi.json', deprecationPolicy: null },
      ],
    }),
    'pipelines.patch': async ({ params, body, user }) =>
      patchPipeline(await byId('pipeline', params.id!), body, user!.name),
    'pipelines.patchByName': async ({ params, body, user }) =>
      patchPipeline(await byName('pipeline', params), body, user!.name),
    'users.create': async ({ body }) => {
      const { name, password, role } = NewUser.parse(body);
      await auth.addUser(name, password, role);
      return { name, role };
    },
    'user.preferences': async ({ user }) => ({
      _link: '/codestream/api/user-preferences',
      userName: user!.name,
      preferences: {},
    }),
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
    'openapi.get': async () => openApi(),
  };

  function login(): Record<string, Handler> {
    const withPassword: Handler = async ({ body }) => {
      const { access, refresh } = await auth.signIn(String(body.username ?? ''), String(body.password ?? ''));
      return new Answer(
        200,
        {
          refresh_token: refresh,
          access_token: access,
          id_token: access,
          token_type: 'bearer',
          expires_in: 28_800,
          scope: 'ALL_PERMISSIONS',
        },
        { authorization: `Bearer ${access}` },
      );
    };
    const withRefresh: Handler = async ({ body }) => ({
      tokenType: 'Bearer',
      token: await auth.refresh(String(body.refreshToken ?? '')),
    });
    return {
      'login.password': withPassword,
      'login.domain': withPassword,
      'login.iaas': withRefresh,
      'login.iaasOld': withRefresh,
      'login.refresh': async ({ raw, query, body }) => {
        const token =
          query.refresh_token ??
          new URLSearchParams(raw.toString('utf8')).get('refresh_token') ??
          String(body.refresh_token ?? '');
        return { access_token: await auth.refresh(token), token_type: 'bearer', expires_in: 28_800 };
      },
    };
  }

  /** The operations that every kind of definition has. */
  function definitionHandlers(kind: Kind): Record<string, Handler> {
    const { path } = kind;
    const replace = async (before: Document, { body, user }: Request) => {
      const { project, name } = {
        project: String(body.project ?? before.project),
        name: String(body.name ?? before.name),
      };
      const changed: Document = {
        ...before,
        project,
        name,
        body: {
          ...before.body,
          ...kind.accept({ ...body, name, project }, before.body),
          updatedBy: user!.name,
        },
        updatedAt: now(),
      };
      await store.put(changed);
      return kind.show(changed);
    };
    const remove = async (document: Document) => {
      await store.remove(kind.kind, document.id);
      return kind.show(document);
    };
    return {
      [`${path}.list`]: async ({ query }) => envelope((await store.list(kind.kind)).map(kind.show), query),
      [`${path}.create`]: async ({ body, user }) => {
        const [project, name] = [String(body.project ?? 'Default'), String(body.name ?? '')];
        if (!name) throw new MillraceError('request.invalid', { message: '`name` is missing.' });
        const document: Document = {
          kind: kind.kind,
          id: parts.moment.newId(),
          project,
          name,
          body: {
            ...kind.accept({ ...body, project }, undefined),
            createdBy: user!.name,
            updatedBy: user!.name,
          },
          createdAt: now(),
          updatedAt: now(),
        };
        if (!(await store.insert(document)))
          throw new MillraceError('name.taken', {
            message: `${name} exists already in project ${project}.`,
            hint: 'PUT changes it.',
          });
        return kind.show(document);
      },
      [`${path}.get`]: async ({ params }) => kind.show(await byId(kind.kind, params.id!)),
      [`${path}.getByName`]: async ({ params }) => kind.show(await byName(kind.kind, params)),
      [`${path}.replace`]: async (request) => replace(await byId(kind.kind, request.params.id!), request),
      [`${path}.replaceByName`]: async (request) => replace(await byName(kind.kind, request.params), request),
      [`${path}.delete`]: async ({ params }) => remove(await byId(kind.kind, params.id!)),
      [`${path}.deleteByName`]: async ({ params }) => remove(await byName(kind.kind, params)),
    };
  }

  async function patchPipeline(document: Document, body: JsonObject, by: string): Promise<JsonObject> {
    const wanted = body.state === undefined ? body.enabled : body.state !== 'DISABLED';
    const enabled = wanted === undefined ? document.body.enabled : wanted === true || wanted === 'true';
    const changed = {
      ...document,
      body: { ...document.body, enabled: enabled!, updatedBy: by },
      updatedAt: now(),
    };
    await store.put(changed);
    return known.pipeline.show(changed);
  }

  function executions(): Record<string, Handler> {
    const start = async (pipeline: Document, { body, user, params }: Request) => {
      const { id, index } = await engine.startExecution({
        pipeline,
        input: isObject(body.input) ? body.input : {},
        comments: String(body.comments ?? ''),
        tags: Array.isArray(body.tags) ? body.tags.map(String) : [],
        requestedBy: user!.name,
        source: String(body.source ?? `/codestream/api/pipelines/${params.id ?? pipeline.id}`),
      });
      return {
        executionId: id,
        executionIndex: index,
        executionLink: `/codestream/api/executions/${id}`,
        comments: body.comments ?? '',
        source: body.source ?? '',
        input: body.input ?? {},
        tags: body.tags ?? [],
      };
    };
    const of = async (pipeline: Document, query: Request['query']) =>
      envelope(
        (await store.summaries('execution')).filter(
          ({ _pipelineLink: link }) => link === `/codestream/api/pipelines/${pipeline.id}`,
        ),
        query,
      );
    return {
      'executions.start': async (request) => start(await byId('pipeline', request.params.id!), request),
      'executions.startByName': async (request) => start(await byName('pipeline', request.params), request),
      'executions.ofPipeline': async ({ params, query }) => of(await byId('pipeline', params.id!), query),
      'executions.ofPipelineByName': async ({ params, query }) => of(await byName('pipeline', params), query),
      'executions.list': async ({ query }) => envelope(await store.summaries('execution'), query),
      'executions.get': async ({ params }) =>
        executionRecord(await execution(params.id!), { withStages: true }),
      'executions.act': async (request) => {
        const { params, query, body, user } = request;
        const found = await execution(params.id!);
        if (query.action === 'cancel') {
          if (found.endedAt !== null)
            throw new MillraceError('execution.ended', {
              message: `${found.plan.pipeline.name} #${found.plan.index} has ended: ${found.status}.`,
            });
          await engine.cancel(params.id!, user!.name, String(body.reason ?? ''));
          return executionRecord(await execution(params.id!), { withStages: true });
        }
        if (query.action === 'rerun') {
          return start(await byId('pipeline', found.plan.pipelineId), {
            ...request,
            body: {
              input: found.plan.input,
              comments: `Re-run of #${found.plan.index}`,
              source: `/codestream/api/executions/${params.id}`,
            },
          });
        }
        throw new MillraceError('request.invalid', {
          message: `The action ${query.action ?? '(none)'} is unknown.`,
          hint: 'cancel or rerun.',
        });
      },
    };
  }

  function userOperations(): Record<string, Handler> {
    const show = (document: Document): JsonObject => ({
      ...common(document, 'user-operations'),
      ...document.body,
    });
    const answer = async (id: string, body: JsonObject, user: Request['user']) => {
      const question = await byId('user-operation', id);
      const status = String(body.status ?? '').toUpperCase();
      if (status !== 'APPROVED' && status !== 'REJECTED')
        throw new MillraceError('request.invalid', {
          message: `The status ${String(body.status)} is no answer.`,
          hint: 'APPROVED or REJECTED.',
        });
      const approvers = Array.isArray(question.body.approvers)
        ? question.body.approvers.map((name) => String(name).toLowerCase())
        : [];
      if (!approvers.includes(user!.name.toLowerCase()) && !(await auth.isAdministrator(user!.name))) {
        throw new MillraceError('approval.not-approver', {
          message: `User operation ${id}: response received from unauthorized user ${user!.name}.`,
          hint: `It may be answered by ${approvers.join(', ') || 'administrators'}.`,
        });
      }
      await engine.answer(question, status === 'APPROVED', user!.name, String(body.responseMessage ?? ''));
      return show(await byId('user-operation', id));
    };
    return {
      'user-operations.list': async ({ query }) =>
        envelope((await store.list('user-operation')).map(show), query),
      'user-operations.get': async ({ params }) => show(await byId('user-operation', params.id!)),
      'user-operations.answer': async ({ params, body, user }) => answer(params.id!, body, user),
      'user-operations.answerByPost': async ({ params, body, user }) => answer(params.id!, body, user),
      'user-operations.batch': async ({ body, user }) => {
        const ids = Array.isArray(body.ids) ? body.ids.map(String) : [];
        const errors: JsonObject[] = [];
        for (const id of ids)
          await answer(id, body, user).catch((error: Error) => errors.push({ id, error: error.message }));
        return { success: ids.length - errors.length, failure: errors.length, errors };
      },
    };
  }

  function blueprints(): Record<string, Handler> {
    const show = (document: Document): JsonObject => {
      const messages = checkContent(String(document.body.content)).map(
        ({ severity, message, line, column }) => ({
          type: severity.toUpperCase(),
          message,
          path: `${line}:${column}`,
          resourceName: '',
        }),
      );
      return {
        id: document.id,
        name: document.name,
        projectId: document.project,
        projectName: document.project,
        description: document.body.description ?? '',
        content: document.body.content!,
        requestScopeOrg: document.body.requestScopeOrg ?? false,
        status: 'DRAFT',
        valid: !messages.some(({ type }) => type === 'ERROR'),
        validationMessages: messages,
      };
    };
    const write = async (before: Document | undefined, { body, user }: Request) => {
      const name = String(body.name ?? before?.name ?? '');
      if (!name) throw new MillraceError('request.invalid', { message: '`name` is missing.' });
      const project = String(body.projectId ?? body.projectName ?? before?.project ?? 'Default');
      const document: Document = {
        kind: 'blueprint',
        id: before?.id ?? parts.moment.newId(),
        project,
        name,
        body: { ...acceptBlueprint(body).body, createdBy: user!.name },
        createdAt: before?.createdAt ?? now(),
        updatedAt: now(),
      };
      if (before) await store.put(document);
      else if (!(await store.insert(document)))
        throw new MillraceError('name.taken', {
          message: `Blueprint ${name} exists already in project ${project}.`,
          hint: 'PUT changes it.',
        });
      return show(document);
    };
    return {
      'blueprints.list': async ({ query }) => pageOf((await store.list('blueprint')).map(show), query),
      'blueprints.create': async (request) => write(undefined, request),
      'blueprints.get': async ({ params }) => show(await byId('blueprint', params.id!)),
      'blueprints.replace': async (request) => write(await byId('blueprint', request.params.id!), request),
      'blueprints.delete': async ({ params }) => {
        await store.remove('blueprint', (await byId('blueprint', params.id!)).id);
        return new Answer(204, '');
      },
      'blueprints.validate': async ({ body }) => {
        const diagnostics = checkContent(String(body.content ?? ''));
        return {
          valid: !diagnostics.some(isError),
          validationMessages: diagnostics.map(({ severity, message, line, column }) => ({
            type: severity.toUpperCase(),
            message,
            path: `${line}:${column}`,
            resourceName: '',
          })),
        };
      },
      'deployments.list': async ({ query }) =>
        pageOf(
          (await store.summaries('deployment')).filter(
            ({ status }) => query.deleted === 'true' || status !== 'DELETE_SUCCESSFUL',
          ),
          query,
        ),
      'deployments.get': async ({ params }) => {
        const loaded = await store.load('deployment', params.id!);
        const state = loaded?.state as unknown as Deployment | undefined;
        if (!state || state.status === 'DELETE_SUCCESSFUL')
          throw new MillraceError('deployment.unknown', { message: `There is no deployment ${params.id}.` });
        return resourceView(state);
      },
    };
  }

  function functions(): Record<string, Handler> {
    const show = ({ id, name, project, body }: Document): JsonObject => ({
      id,
      name,
      projectId: project,
      selfLink: `/abx/api/resources/actions/${id}`,
      ...body,
    });
    const write = async (before: Document | undefined, { body, user }: Request) => {
      const name = String(body.name ?? before?.name ?? '');
      if (!name || !body.source)
        throw new MillraceError('request.invalid', { message: 'A function needs `name` and `source`.' });
      const document: Document = {
        kind: 'action',
        id: before?.id ?? parts.moment.newId(),
        project: String(body.projectId ?? before?.project ?? 'Default'),
        name,
        body: { ...body, createdBy: user!.name },
        createdAt: before?.createdAt ?? now(),
        updatedAt: now(),
      };
      if (before) await store.put(document);
      else if (!(await store.insert(document)))
        throw new MillraceError('name.taken', {
          message: `Function ${name} exists already.`,
          hint: 'PUT changes it.',
        });
      return show(document);
    };
    const start = (id: string, { body, user, headers }: Request) =>
      engine.runFunction(
        id,
        isObject(body.inputs) ? body.inputs : {},
        user!.name,
        headers['idempotency-key'],
      );
    return {
      'actions.list': async ({ query }) => pageOf((await store.list('action')).map(show), query),
      'actions.create': async (request) => write(undefined, request),
      'actions.get': async ({ params }) => show(await byId('action', params.id!)),
      'actions.replace': async (request) => write(await byId('action', request.params.id!), request),
      'actions.delete': async ({ params }) => {
        await store.remove('action', (await byId('action', params.id!)).id);
        return new Answer(204, '');
      },
      'action-runs.start': async (request) => start((await actionOf(request.params.id!)).id, request),
      'action-runs.startOld': async (request) =>
        start((await actionOf(String(request.body.actionId ?? ''))).id, request),
      'action-runs.list': async ({ query }) => pageOf(await store.summaries('function-run'), query),
      'action-runs.get': async ({ params }) => {
        const loaded = await store.load('function-run', params.id!);
        if (!loaded) throw new MillraceError('not.found', { message: `There is no run ${params.id}.` });
        return loaded.state;
      },
      'action-runs.cancel': async ({ params }) => engine.cancelFunction(params.id!),
    };
  }

  function live(): Record<string, Handler> {
    return {
      'events.stream': async ({ headers, query }) =>
        new Stream(async (send, signal) => {
          const given = headers['last-event-id'] ?? query.after;
          let after = given === undefined ? await store.lastSequence() : Number(given);
          while (!signal.aborted) {
            const rung = ring(engine, 'events', undefined, signal);
            const events = await store.events(after, 500, query.execution);
            for (const { sequence, kind, aggregate, body } of events)
              send({ id: String(sequence), event: kind, data: { id: aggregate, ...body } });
            after = events.at(-1)?.sequence ?? after;
            if (events.length === 0) await rung;
          }
        }),
      'logs.get': async ({ params, query }) =>
        store.readLog(streamOf(await execution(params.id!), query.task ?? ''), Number(query.from ?? 0)),
      'logs.stream': async ({ params, query, headers }) => {
        const found = await execution(params.id!);
        return new Stream(async (send, signal) => {
          let from = Number(headers['last-event-id'] ?? query.from ?? 0);
          const stream = streamOf(found, query.task ?? '');
          while (!signal.aborted) {
            const rung = ring(engine, 'log', stream, signal);
            const { text, size } = await store.readLog(stream, from);
            if (text) send({ id: String(size), event: 'log', data: { text } });
            from = size;
            if (!text) await rung;
          }
        });
      },
    };
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

  async function execution(id: string): Promise<Execution> {
    const loaded = await store.load('execution', id);
    if (!loaded) throw new MillraceError('not.found', { message: `There is no execution ${id}.` });
    return loaded.state as unknown as Execution;
  }

  async function byId(kind: string, id: string): Promise<Document> {
    const found = await store.get(kind, id);
    if (!found) throw new MillraceError('not.found', { message: `There is no ${kind} ${id}.` });
    return found;
  }

  async function byName(kind: string, { project, name }: Record<string, string>): Promise<Document> {
    const found = await store.find(kind, project!, name!);
    if (!found)
      throw new MillraceError('not.found', { message: `There is no ${kind} ${name} in project ${project}.` });
    return found;
  }

  /** Pipelines call functions by id; people by name. */
  async function actionOf(idOrName: string): Promise<Document> {
    return (
      (await store.list('action')).find(({ id, name }) => id === idOrName || name === idOrName) ??
      byId('action', idOrName)
    );
  }
}

const streamOf = ({ plan }: Execution, task: string): string => `${plan.execution}/${task}/1`;

/** Resolves when there may be something new, when the client goes, or after a while in case a ring was missed. */
function ring(
  engine: Engine,
  what: 'events' | 'log',
  stream: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      engine.bell.off(what, heard);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const heard = (rung?: string) => {
      if (stream === undefined || rung === stream) done();
    };
    const timer = setTimeout(done, 5000);
    engine.bell.on(what, heard);
    signal.addEventListener('abort', done);
  });
}
