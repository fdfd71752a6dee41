import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Agent, request } from 'undici';
import { certificatesOf } from '../src/host/certificates.ts';
import { openHttp } from '../src/host/http.ts';
import { ownCertificate } from '../src/host/own-certificate.ts';
import { removeTree, stopOwned } from '../src/host/processes.ts';
import { millrace, startMillrace } from './millrace.ts';

function directory(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  t.after(() => removeTree(made));
  return made;
}

async function serveWithTls(t: TestContext) {
  const data = directory(t);
  const child = startMillrace(['serve', '--data', data, '--port', '0', '--tls'], { MILLRACE_ADMIN_PASSWORD: 'pw' });
  t.after(async () => {
    child.kill('SIGKILL');
    await stopOwned(data);
  });
  let out = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (chunk) => {
      out += chunk;
      const ready = /is ready: (\S+)/.exec(out)?.[1];
      if (ready) resolve(ready);
    });
    child.once('exit', () => reject(new Error(out)));
  });
  return { data, url, cert: join(data, 'tls', 'cert.pem') };
}

test('a server speaks HTTPS with a certificate of its own, which the terminal and functions can be told to trust', async (t) => {
  const { data, url, cert } = await serveWithTls(t);
  assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/);
  const session = { MILLRACE_CONFIG: join(data, 'session.json'), MILLRACE_PASSWORD: 'pw' };
  const distrustful = await millrace(['login', url, '--user', 'admin'], session);
  assert.equal(distrustful.code, 3);
  assert.match(distrustful.err, /does not answer: .*self-signed certificate.*\n.*--ca FILE/);

  assert.equal((await millrace(['login', url, '--user', 'admin', '--ca', cert], session)).code, 0);
  assert.equal((await millrace(['list', 'pipelines'], session)).code, 0);

  const dispatcher = new Agent({ connect: { ca: readFileSync(cert, 'utf8') } });
  const post = async (path: string, body: object, token = '') => {
    const answer = await request(`${url}${path}`, {
      dispatcher,
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    });
    return {
      token: String(answer.headers.authorization ?? '').replace('Bearer ', ''),
      body: (await answer.body.json()) as Record<string, string>,
    };
  };
  const { token } = await post('/csp/gateway/am/api/login?access_token', { username: 'admin', password: 'pw' });
  const { body: made } = await post(
    '/abx/api/resources/actions',
    {
      ...{ name: 'ask', projectId: 'Default', runtime: 'nodejs', entrypoint: 'handler' },
      source: `exports.handler = (context, inputs, callback) => context.request('/iaas/api/projects', 'GET', '', (error, answer) => callback(error, { status: answer && answer.status }));`,
    },
    token,
  );
  const { body: run } = await post(`/abx/api/resources/actions/${made.id}/action-runs`, { inputs: {} }, token);
  let state: Record<string, unknown> = run;
  while (!['COMPLETED', 'FAILED'].includes(String(state.runState))) {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await request(`${url}/abx/api/resources/action-runs/${run.id}`, { dispatcher, headers });
    state = (await answer.body.json()) as Record<string, unknown>;
  }
  assert.deepEqual([state.runState, state.outputs], ['COMPLETED', { status: 200 }], String(state.errorMessage));
});

test('the certificate is kept, its key is for its owner only, and it is made anew before it ends or for another name', async (t) => {
  const at = directory(t);
  const now = Date.now();
  const first = await ownCertificate(at, ['localhost', '127.0.0.1'], now);
  assert.equal(statSync(join(at, 'key.pem')).mode & 0o777, 0o600);
  assert.equal((await ownCertificate(at, ['localhost'], now + 86_400_000)).cert, first.cert);
  const named = await ownCertificate(at, ['localhost', 'ci.example'], now);
  assert.notEqual(named.cert, first.cert);
  assert.notEqual((await ownCertificate(at, ['localhost'], now + 380 * 86_400_000)).cert, named.cert);
});

test('a certificate that was accepted by its fingerprint is trusted, and no other', async (t) => {
  const { url } = await serveWithTls(t);
  const http = openHttp(() => undefined);
  const [shown] = await certificatesOf(url);
  const get = (fingerprint: string) => http({ method: 'GET', url: `${url}/healthz`, tls: { fingerprint } });

  assert.match(shown!.issuedTo, /CN=localhost/);
  assert.equal((await get(shown!.fingerprints['SHA-256'])).status, 200);
  assert.equal((await get(`${'00:'.repeat(31)}00, ${shown!.fingerprints['SHA-256'].toLowerCase()}`)).status, 200);
  await assert.rejects(
    get('00'.repeat(32)),
    /the certificate has the fingerprint [0-9a-f]{64}, which is none of those/,
  );
  await assert.rejects(http({ method: 'GET', url: `${url}/healthz` }), /self-signed certificate/);
});

test('files that hold no certificate are refused in a sentence', async (t) => {
  const at = directory(t);
  const half = await millrace(['serve', '--data', at, '--tls-cert', 'missing.pem']);
  assert.deepEqual(
    [half.code, half.err.split('\n')[0]],
    [1, "--tls-cert missing.pem cannot be read: ENOENT: no such file or directory, open 'missing.pem'."],
  );
  writeFileSync(join(at, 'odd.pem'), 'odd');
  const odd = await millrace([
    'serve',
    '--data',
    at,
    '--tls-cert',
    join(at, 'odd.pem'),
    '--tls-key',
    join(at, 'odd.pem'),
  ]);
  assert.equal(odd.code, 1);
  assert.doesNotMatch(odd.err, / at /);
});
