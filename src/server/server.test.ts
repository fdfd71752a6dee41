import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { pipelineAround, TestServer } from '../../test/server.ts';
import { codestreamPrefixes } from '../api/operation.ts';
import { operations } from '../api/operations.ts';
import { freePort } from '../demo/server-process.ts';
import type { Document, Store } from '../store/store.ts';
import { isAllowed } from './auth.ts';
import type { Role } from './users.ts';

const tell = 'Tell: {type: Condition, input: {condition: "true"}}';

test('people sign in with a password and get tokens, also by the header that pipelines read', async (t) => {
  const server = await TestServer.start(t);
  const answer = await server.call(
    'POST',
    '/csp/gateway/am/api/login?access_token',
    { username: 'admin', password: 'admin password' },
    '',
  );

  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('authorization'), `Bearer ${answer.body.access_token}`);
  const bearer = await server.call('POST', '/iaas/api/login', { refreshToken: answer.body.refresh_token }, '');
  assert.equal(bearer.body.tokenType, 'Bearer');
  const preferences = await server.call('GET', '/pipeline/api/user-preferences', undefined, bearer.body.token);
  assert.equal(preferences.body.userName, 'admin');
  const authorized = await fetch(`${server.url}/csp/gateway/am/api/auth/api-tokens/authorize`, {
    method: 'POST',
    body: new URLSearchParams({ refresh_token: answer.body.refresh_token }),
  });
  assert.equal(authorized.status, 200);
});

test('a wrong password, an unknown user and a made-up token get the same 401', async (t) => {
  const server = await TestServer.start(t);
  const wrong = await server.call('POST', '/csp/gateway/am/api/login', { username: 'admin', password: 'x' }, '');
  const unknown = await server.call('POST', '/csp/gateway/am/api/login', { username: 'nobody', password: 'x' }, '');

  assert.deepEqual([wrong.status, wrong.body.message], [401, unknown.body.message]);
  assert.equal((await server.call('GET', '/codestream/api/pipelines', undefined, 'made-up')).status, 401);
  assert.equal((await server.call('POST', '/iaas/api/login', { refreshToken: 'made-up' }, '')).status, 401);
});

test('every operation is closed to who is not signed in, unless it is public', async (t) => {
  const server = await TestServer.start(t);

  for (const { method, path, permission, id } of operations) {
    const address = path.replace('{cs}', '/codestream/api').replace(/\{\w+\}/g, 'x');
    const { status } = await server.call(method, address, method === 'GET' ? undefined : {}, '');
    if (permission === 'public') assert.notEqual(status, 403, id);
    else assert.equal(status, 401, id);
  }
});

test('every operation is closed to roles that may not call it', async (t) => {
  const server = await TestServer.start(t);

  for (const role of ['viewer', 'executor', 'developer', 'user', 'agent'] as Role[]) {
    const token = await server.user(role);
    for (const { method, path, permission, id } of operations) {
      if (id.endsWith('stream') || (id === 'agents.take' && role === 'agent')) continue;
      const address = path.replace('{cs}', '/pipeline/api').replace(/\{\w+\}/g, 'x');
      const { status } = await server.call(method, address, method === 'GET' ? undefined : {}, token);
      const allowed = isAllowed({ role }, permission);
      assert.equal(status === 403, !allowed, `${role} ${id}: ${status}`);
    }
  }
});

test('definitions are made, read, changed and deleted, by id and by name, under both prefixes', async (t) => {
  const server = await TestServer.start(t);

  for (const prefix of codestreamPrefixes) {
    const made = await server.call('POST', `${prefix}/variables`, {
      project: 'Tito',
      name: `my ${prefix}`,
      type: 'REGULAR',
      value: 'one',
    });
    assert.deepEqual(
      [made.status, made.body.value, made.body._link],
      [200, 'one', `/codestream/api/variables/${made.body.id}`],
    );
    const byName = `${prefix}/variables/Tito/${encodeURIComponent(`my ${prefix}`)}`;
    assert.equal((await server.call('GET', byName)).body.id, made.body.id);
    const changed = await server.call('PUT', byName, { ...made.body, value: 'two' });
    assert.equal(changed.body.value, 'two');
    assert.equal((await server.call('GET', `${prefix}/variables/${made.body.id}`)).body.value, 'two');
    assert.equal((await server.call('DELETE', `${prefix}/variables/${made.body.id}`)).body.name, `my ${prefix}`);
    assert.equal((await server.call('GET', byName)).status, 404);
  }
});

test('a name is taken once in a project', async (t) => {
  const server = await TestServer.start(t);
  const body = { project: 'Tito', name: 'a', type: 'REGULAR', value: '' };
  await server.call('POST', '/codestream/api/variables', body);
  const second = await server.call('POST', '/codestream/api/variables', body);

  assert.deepEqual([second.status, second.body.code], [409, 'name.taken']);
  await server.call('POST', '/iaas/api/projects', { name: 'Other' });
  assert.equal((await server.call('POST', '/codestream/api/variables', { ...body, project: 'Other' })).status, 200);
});

test('lists come in the envelope of the original: links in order, documents by link, paged and filtered', async (t) => {
  const server = await TestServer.start(t);
  for (const name of ['c', 'a', 'b'])
    await server.call('POST', '/codestream/api/variables', { project: 'Tito', name, type: 'REGULAR', value: name });
  const { body } = await server.call('GET', '/codestream/api/variables?$orderby=name%20desc&$top=2&$skip=1');

  assert.deepEqual([body.count, body.totalCount], [2, 3]);
  assert.deepEqual(
    body.links.map((link: string) => body.documents[link].name),
    ['b', 'a'],
  );
  const filtered = await server.call(
    'GET',
    `/codestream/api/variables?$filter=${encodeURIComponent("(name eq 'a') or (name eq 'b')")}`,
  );
  assert.equal(filtered.body.count, 2);
  const bad = await server.call('GET', '/codestream/api/variables?$filter=name%20like');
  assert.deepEqual([bad.status, bad.body.code], [400, 'request.invalid']);
});

test('secrets never come back: not from variables, endpoints, webhooks, exports or the database file', async (t) => {
  const server = await TestServer.start(t);
  const secret = 'S3cr3t-Value-Never-Shown';
  await server.import(
    [
      `{project: Tito, kind: VARIABLE, name: s, type: SECRET, value: ${secret}}`,
      `{project: Tito, kind: VARIABLE, name: r, type: RESTRICTED, value: ${secret}}`,
      `{project: Tito, kind: ENDPOINT, name: e, type: slack, properties: {url: "http://x", token: ${secret}}}`,
      pipelineAround(tell),
      `{project: Tito, kind: GIT_WEBHOOK, name: w, pipeline: P, secretToken: ${secret}}`,
    ].join('\n---\n'),
  );
  await server.call('POST', '/codestream/api/endpoints', {
    project: 'Tito',
    name: 'f',
    type: 'slack',
    properties: { token: secret },
  });

  for (const path of ['variables', 'endpoints', 'git-webhooks', 'export', 'export?endpoints=e'])
    assert.ok(!(await server.call('GET', `/codestream/api/${path}`)).text.includes(secret), path);
  await server.stop();
  const { readFileSync, globSync } = await import('node:fs');
  for (const file of globSync(`${server.directory}/millrace.db*`))
    assert.ok(!readFileSync(file).includes(secret), file);
});

test('a masked value that a client feeds back keeps the secret', async (t) => {
  const server = await TestServer.start(t);
  const made = await server.call('POST', '/codestream/api/variables', {
    project: 'Tito',
    name: 's',
    type: 'SECRET',
    value: 'kept',
  });
  assert.equal(made.body.value, '********');
  await server.call('PUT', `/codestream/api/variables/${made.body.id}`, { ...made.body, description: 'changed' });
  const execution = await server.runTasks('Tell: {type: Condition, input: {condition: \'"${var.s}" == "kept"\'}}');

  assert.equal(execution.status, 'COMPLETED');
});

test('a pipeline with errors is refused with their places, and nothing of it is kept', async (t) => {
  const server = await TestServer.start(t);
  const answer = await server.call('POST', '/codestream/api/pipelines', {
    project: 'Tito',
    name: 'Bad',
    content: 'name: Bad\nstages:\n  S:\n    tasks:\n      A: {type: Blueprnt}\n',
  });

  assert.deepEqual([answer.status, answer.body.code], [400, 'definition.invalid']);
  assert.match(answer.body.message, /5:17: Task S.A has the unknown type Blueprnt/);
  assert.equal(answer.body.diagnostics[0].hint, 'Did you mean Blueprint?');
  assert.equal((await server.call('GET', '/codestream/api/pipelines')).body.count, 0);
});

test('a file of several definitions takes the good ones and says of each bad one why, with its line in the file', async (t) => {
  const server = await TestServer.start(t);
  const { text } = await server.call(
    'POST',
    '/codestream/api/import?project=Tito',
    `---\n{kind: VARIABLE, name: v, type: REGULAR, value: x}\n---\n${pipelineAround('Tell: {type: Nonsense}')}`,
  );

  assert.match(text, /name: "v"\nstatus: CREATED/);
  assert.match(text, /name: "P"\nstatus: FAILED\nstatusMessage: ".*12:20: Task S.Tell has the unknown type Nonsense/);
});

test('a list of variables is imported as so many variables, each with its own status', async (t) => {
  const server = await TestServer.start(t);
  const list = '- {name: one, type: REGULAR, value: "1"}\n- {name: two, type: SECRET, value: "2"}\n';
  const { text } = await server.call('POST', '/codestream/api/import?project=Tito', list);

  assert.match(text, /name: "one"\nstatus: CREATED[\s\S]*name: "two"\nstatus: CREATED/);
  assert.equal((await server.call('GET', '/codestream/api/variables/Tito/one')).body.value, '1');
});

test('importing again changes nothing unless it is asked to apply', async (t) => {
  const server = await TestServer.start(t);
  const post = (action: string, value: string) =>
    server.call(
      'POST',
      `/codestream/api/import?project=Tito&action=${action}`,
      `{kind: VARIABLE, name: v, type: REGULAR, value: ${value}}`,
    );
  await post('create', 'one');

  assert.match((await post('create', 'two')).text, /FAILED[\s\S]*exists already/);
  assert.match((await post('apply', 'two')).text, /UPDATED/);
  assert.equal((await server.call('GET', '/codestream/api/variables/Tito/v')).body.value, 'two');
});

test('what is exported is byte for byte what was imported', async (t) => {
  const server = await TestServer.start(t);
  const written = `---\n# A comment that matters.\n${pipelineAround(tell)}# And one at the end.\n`;
  await server.import(written);

  assert.equal((await server.call('GET', '/codestream/api/export?pipelines=P&project=Tito')).text, written);
});

test('a body that is no JSON, no object, or too large is a clear 4xx', async (t) => {
  const server = await TestServer.start(t);
  const post = (body: string) => server.call('POST', '/codestream/api/variables', body);

  assert.match((await post('{')).body.message, /no JSON/);
  assert.match((await post('[1]')).body.message, /must be a JSON object/);
  assert.equal((await post(`{"x": "${'x'.repeat(2_000_000)}"}`)).status, 413);
  assert.equal((await server.call('GET', '/nowhere')).body.code, 'route.unknown');
});

test('errors have the envelope of the original and a stable code', async (t) => {
  const server = await TestServer.start(t);
  const { status, body } = await server.call('GET', '/codestream/api/executions/nothing');

  assert.equal(status, 404);
  assert.deepEqual(Object.keys(body), [
    'timestamp',
    'path',
    'status',
    'error',
    'code',
    'message',
    'requestId',
    '@type',
  ]);
  assert.deepEqual(
    [body.path, body.code, body.message],
    ['/codestream/api/executions/nothing', 'not.found', 'There is no execution nothing.'],
  );
});

test('a run is started by id or by name, and is found by its number', async (t) => {
  const server = await TestServer.start(t);
  await server.import(pipelineAround(tell));
  const { body: pipeline } = await server.call('GET', '/codestream/api/pipelines/Tito/P');
  const started = await server.call('POST', `/pipeline/api/pipelines/${pipeline.id}/executions`, {
    comments: 'Hello',
    input: {},
  });
  const execution = await server.ended(started.body.executionId);

  assert.equal(started.body.executionLink, `/codestream/api/executions/${execution.id}`);
  assert.deepEqual(
    [execution.status, execution.comments, execution._executedBy, execution.index],
    ['COMPLETED', 'Hello', 'admin', 1],
  );
  assert.equal(execution.stages.S.tasks.Tell.status, 'COMPLETED');
  assert.equal(
    (await server.call('GET', `/codestream/api/pipelines/${pipeline.id}/executions/1`)).body.id,
    execution.id,
  );
  const list = await server.call('GET', `/codestream/api/pipelines/Tito/P/executions`);
  assert.deepEqual([list.body.count, list.body.documents[list.body.links[0]].stageOrder], [1, []]);
});

test('a disabled pipeline does not run until it is enabled', async (t) => {
  const server = await TestServer.start(t);
  await server.import(pipelineAround(tell).replace('enabled: true', 'enabled: false'));
  const { body: pipeline } = await server.call('GET', '/codestream/api/pipelines/Tito/P');
  const start = () => server.call('POST', `/codestream/api/pipelines/${pipeline.id}/executions`, {});

  assert.deepEqual([pipeline.state, (await start()).body.code], ['DISABLED', 'pipeline.disabled']);
  await server.call('PATCH', `/codestream/api/pipelines/${pipeline.id}`, { state: 'ENABLED' });
  assert.equal((await start()).status, 202);
});

test('a pipeline is renamed, described and tagged by a patch, and keeps its text', async (t) => {
  const server = await TestServer.start(t);
  await server.import(pipelineAround(tell));
  await server.import(pipelineAround(tell).replace('name: P', 'name: Q'));
  const patch = (body: object) => server.call('PATCH', '/codestream/api/pipelines/Tito/P', body);

  assert.equal((await patch({ name: 'Q' })).body.code, 'name.taken');
  const { body } = await patch({ name: 'R', description: 'Renamed.', tags: ['x'] });
  assert.deepEqual([body.name, body.description, body.tags], ['R', 'Renamed.', ['x']]);
  assert.equal((await server.run('R')).name, 'R');
});

test('an object cannot take the name of another', async (t) => {
  const server = await TestServer.start(t);
  const make = (name: string) =>
    server.call('POST', '/codestream/api/variables', { project: 'Tito', name, type: 'REGULAR', value: '' });
  await make('a');
  const { body: second } = await make('b');
  const answer = await server.call('PUT', `/codestream/api/variables/${second.id}`, { ...second, name: 'a' });

  assert.deepEqual([answer.status, answer.body.code], [409, 'name.taken']);
});

test('live events go on behind the last one that a client has seen, all or of some types', async (t) => {
  const server = await TestServer.start(t);
  const execution = await server.runTasks(tell);
  const all: { id: string; type: unknown }[] = [];
  for await (const { id, data } of server.events(`/api/events?execution=${execution.id}`, '0')) {
    all.push({ id, type: data.type });
    if (data.type === 'execution-ended') break;
  }
  const rest: { id: string; type: unknown }[] = [];
  for await (const { id, data } of server.events(`/api/events?execution=${execution.id}`, all[3]!.id)) {
    rest.push({ id, type: data.type });
    if (data.type === 'execution-ended') break;
  }

  assert.equal(all[0]?.type, 'execution-created');
  assert.deepEqual(rest, all.slice(4));

  const chosen: unknown[] = [];
  const types = 'task-ended,execution-ended';
  for await (const { data } of server.events(`/api/events?execution=${execution.id}&types=${types}`, '0')) {
    chosen.push(data.type);
    if (data.type === 'execution-ended') break;
  }
  assert.deepEqual(chosen, ['task-ended', 'execution-ended'], 'who waits for the end alone is told of nothing else');
});

test('the description of the API names every operation, under both prefixes', async (t) => {
  const server = await TestServer.start(t);
  const { body } = await server.call('GET', '/api/openapi.json', undefined, '');
  const described = new Set(
    Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
    ),
  );

  for (const { method, path } of operations)
    for (const prefix of codestreamPrefixes)
      assert.ok(described.has(`${method} ${path.replace('{cs}', prefix)}`), path);
});

test('health is public and says when the store can be read', async (t) => {
  const server = await TestServer.start(t);

  assert.equal((await server.call('GET', '/healthz', undefined, '')).body.status, 'ok');
  assert.equal((await server.call('GET', '/readyz', undefined, '')).body.status, 'ready');
});

test('projects are listed as clients of the other services expect', async (t) => {
  const server = await TestServer.start(t);
  await server.import('{project: Tito, kind: VARIABLE, name: v, type: REGULAR, value: x}');
  const { body } = await server.call('GET', `/iaas/api/projects?$filter=${encodeURIComponent("name eq 'Tito'")}`);

  assert.deepEqual([body.totalElements, body.content[0].name], [1, 'Tito']);
});

test('no operation fails by a fault of ours, whatever is sent', async (t) => {
  const server = await TestServer.start(t);
  await server.import(
    [
      pipelineAround(tell),
      '{project: Tito, kind: GIT_WEBHOOK, name: w, pipeline: P}',
      '{project: Tito, kind: VARIABLE, name: v, type: SECRET, value: x}',
      '{project: Tito, kind: ENDPOINT, name: e, type: slack, properties: {token: x}}',
      '{project: Tito, kind: CUSTOM_INTEGRATION, name: i, runtime: nodejs, code: "1"}',
      'name: B\nresources: {n: {type: Cloud.Network}}',
      '{project: Tito, kind: ACTION, name: a, runtime: nodejs, source: "exports.handler = () => ({});"}',
    ].join('\n---\n'),
  );
  const id = await server.begin('P');
  await server.ended(id);
  const idOf = async (path: string): Promise<string> => {
    const { body } = await server.call('GET', path);
    return body.content?.[0]?.id ?? body.documents[body.links[0]].id;
  };
  const known: Record<string, string> = { executions: id, logs: id };
  for (const tag of ['pipelines', 'endpoints', 'variables', 'git-webhooks', 'custom-integrations'])
    known[tag] = await idOf(`/codestream/api/${tag}`);
  known['git-webhook'] = known['git-webhooks']!;
  known.blueprints = await idOf('/blueprint/api/blueprints');
  known.actions = await idOf('/abx/api/resources/actions');
  const bodies: unknown[] = [
    {},
    { name: 5, project: null, type: [], properties: 'x', value: { a: 1 }, content: 7, yaml: '- a', pipeline: {} },
    { name: 'n', content: 'stages: [', yaml: ': :', source: 1, inputs: [], ids: 'x', status: {}, state: [] },
    { name: 'x'.repeat(5000), stages: { A: { tasks: { B: 5 } } }, stageOrder: {}, concurrency: -1 },
    {
      input: [1],
      tags: 'x',
      comments: {},
      username: [],
      password: {},
      refreshToken: 1,
      role: 'king',
      enabled: 'maybe',
    },
    { type: 'slack', name: 'e2', properties: { token: [1], url: null }, inclusions: 'x', runState: 5 },
    { type: 'REGULAR', name: 'v', value: 'the name of another' },
  ];
  const queries = [
    '',
    '?$filter=(((',
    '?$top=-1&$skip=x&$orderby=%20',
    '?page=1e9&size=0',
    '?action=explode',
    '?from=abc&task=../..',
  ];
  const ordered = [...operations].sort((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'));

  for (const { method, path, id: operation, tag } of ordered) {
    if (operation.endsWith('stream')) continue;
    for (const given of [known[tag] ?? 'none', "%27;--%00'"]) {
      const address = path
        .replace('{cs}', '/codestream/api')
        .replace('{id}', given)
        .replace(/\{\w+\}/g, '%F0%9F%98%80');
      const withBody = method !== 'GET' && method !== 'DELETE';
      const sent = withBody
        ? bodies.map((body) => [address, body])
        : queries.map((query) => [address + query, undefined]);
      for (const [where, body] of sent) {
        const { status } = await server.call(method, String(where), body);
        assert.ok(
          status < 500,
          `${method} ${String(where)} ${JSON.stringify(body)}: ${JSON.stringify(server.reports)}`,
        );
      }
    }
  }
});

/** Whether somebody answers at a port at the first call of the store that is looked for. */
async function knockAt(t: TestContext, isMoment: (call: keyof Store, values: unknown[]) => boolean) {
  const port = await freePort('127.0.0.1');
  const knock = Promise.withResolvers<string | undefined>();
  const server = await TestServer.start(t, {
    port,
    watch(call, values) {
      if (!isMoment(call, values)) return;
      const socket = connect(port, '127.0.0.1');
      socket.on('connect', () => knock.resolve('answered'));
      socket.on('error', ({ code }: NodeJS.ErrnoException) => knock.resolve(code));
      t.after(() => socket.destroy());
    },
  });
  assert.equal(server.url, `http://127.0.0.1:${port}`);
  return knock.promise;
}

test('nobody is answered before there is an administrator', async (t) => {
  const isMade = (call: keyof Store, [document]: unknown[]) =>
    call === 'insert' && (document as Document).kind === 'user';

  assert.equal(await knockAt(t, isMade), 'ECONNREFUSED');
});

test('nothing is performed before this server answers, which tasks may call', async (t) => {
  assert.equal(await knockAt(t, (call) => call === 'claim'), 'answered');
});
