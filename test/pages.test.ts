import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { openPage, withoutBrowser } from './browser.ts';
import { mailServer } from './mail-server.ts';
import { ServeProcess } from './serve-process.ts';

const skip = withoutBrowser;

const pipelines = `
kind: PIPELINE
project: Tito
name: Release
enabled: true
workspace: {type: PROCESS, endpoint: "", image: ""}
stages:
  Build:
    taskOrder: ['Compile,Lint', Ask]
    tasks:
      Compile: {type: CI, input: {steps: ['printf "\\\\033[31mred\\\\033[0m\\\\n"', 'export VERSION=7'], export: [VERSION]}}
      Lint: {type: Condition, input: {condition: '1 == 1'}}
      Ask: {type: UserOperation, input: {approvers: [admin], summary: 'Ship version <7>?'}}
  Ship:
    tasks:
      Copy: {type: CI, input: {steps: ['echo "shipped \${Build.Compile.output.exports.VERSION}"']}}
---
kind: PIPELINE
project: Tito
name: Long
enabled: true
workspace: {type: PROCESS, endpoint: "", image: ""}
stages:
  Wait:
    tasks:
      Sleep: {type: CI, input: {steps: ['echo begun', 'echo "load.p95 12.5 1700000000 source=x"', 'echo "load.p95 31 1700000005 source=x"', 'while [ ! -e /tmp/never-there ]; do sleep 0.2; done']}}
  Tidy:
    millrace: {runs: always}
    tasks:
      Sweep: {type: CI, input: {steps: ['echo swept']}}
---
kind: PIPELINE
project: Tito
name: Breaks
enabled: true
workspace: {type: PROCESS, endpoint: "", image: ""}
stages: {S: {tasks: {Break: {type: CI, input: {steps: ['echo "<script>alert(1)</script>"', 'exit 3']}}}}}
`;

async function signedIn(t: TestContext, path = '/') {
  const server = await ServeProcess.start(t, '');
  await server.import(pipelines);
  const { page, faults } = await openPage(t, server.url);
  await page.goto(path);
  await signIn(page);
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  return { server, page, faults };
}

async function signIn(page: Page, password = 'pw'): Promise<void> {
  await page.getByLabel('User name').fill('admin');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

const node = (page: Page, name: string) => page.getByRole('button', { name: new RegExp(`^${name}, `) });
/** A line of the log, apart from the command that printed it. */
const prints = (page: Page, line: string) =>
  page
    .getByRole('log')
    .filter({ hasText: new RegExp(`(^|\n)${line.replace(/[()]/g, '\\$&')}\n`) })
    .waitFor();
const shows = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();

test('one signs in, sees a run come, and answers what it asks', { skip }, async (t) => {
  const server = await ServeProcess.start(t, '');
  await server.import(pipelines);
  const { page, faults } = await openPage(t, server.url);
  await page.goto('/');
  await signIn(page, 'wrong');
  await shows(page, 'User name or password is wrong.');
  await signIn(page);
  await shows(page, 'Nothing has run yet.');
  await server.begin('Release');
  await page.getByRole('link', { name: 'Release #1' }).click();

  await page.getByRole('form', { name: 'Build.Ask asks' }).waitFor();
  await shows(page, 'Ship version <7>?');
  await node(page, 'Compile').click();
  await prints(page, 'red');
  assert.equal(await page.locator('.log .ansi-red').textContent(), 'red');
  await shows(page, 'exports');
  await page.getByLabel('Comment').fill('as agreed');
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByRole('heading', { name: 'Release #1' }).waitFor();
  await page.locator('.facts .status', { hasText: 'completed' }).first().waitFor();
  await node(page, 'Copy').click();
  await prints(page, 'shipped 7');
  await node(page, 'Ask').click();
  await shows(page, 'as agreed');
  assert.deepEqual(faults, []);
});

test('a page catches up by itself when the server was killed and is back', { skip }, async (t) => {
  const { server, page, faults } = await signedIn(t);
  const id = await server.begin('Release');
  await page.goto(`/executions/${id}`);
  await page.getByRole('form', { name: 'Build.Ask asks' }).waitFor();
  server.signal('SIGKILL');
  await server.died;
  await shows(page, 'The server does not answer');
  await server.start();
  const question = await server.openQuestion();
  await server.json('PATCH', `/codestream/api/user-operations/${String(question.id)}`, { status: 'APPROVED' });

  await page.locator('.facts .status', { hasText: 'completed' }).first().waitFor();
  assert.equal(await page.getByText('The server does not answer').count(), 0);
  assert.deepEqual(faults, []);
});

test('a run is cancelled with a reason and run again', { skip }, async (t) => {
  const { server, page } = await signedIn(t);
  const id = await server.begin('Long');
  await page.goto(`/executions/${id}`);
  await prints(page, 'begun');
  await page.getByRole('img', { name: 'p95: 31 now, 31 at most' }).waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').getByLabel('Reason').fill('not today');
  await page.getByRole('button', { name: 'Cancel the run' }).click();
  await page.locator('.facts .status', { hasText: 'canceled' }).first().waitFor();
  await shows(page, /not today/);
  await node(page, 'Sweep').click();
  await prints(page, 'swept');
  await page.getByRole('button', { name: 'Re-run', exact: true }).click();

  await page.getByRole('heading', { name: 'Long #2' }).waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Cancel the run' }).click();
  await page.locator('.facts .status', { hasText: 'canceled' }).first().waitFor();
});

test('what a task printed is text, and a run that failed says where', { skip }, async (t) => {
  const { server, page, faults } = await signedIn(t);
  const alerts: string[] = [];
  page.on('dialog', (dialog) => {
    alerts.push(dialog.message());
    void dialog.dismiss();
  });
  const id = await server.begin('Breaks');
  await server.until(id, 'execution-ended');
  await page.goto('/');
  await page.getByLabel('Show').selectOption('FAILED');
  await page.getByRole('link', { name: 'Breaks #1' }).click();
  await prints(page, '<script>alert(1)</script>');
  await shows(page, 'The steps ended with exit code 3.');

  assert.deepEqual([alerts, faults], [[], []]);
});

test('reports of tests are shown as tests', { skip }, async (t) => {
  const { server, page, faults } = await signedIn(t);
  await server.import(`
kind: PIPELINE
project: Tito
name: Tests
enabled: true
workspace: {type: PROCESS, endpoint: "", image: ""}
stages:
  S:
    tasks:
      Unit:
        type: CI
        input:
          steps:
          - |
            cat > r.xml <<'END'
            <testsuite><testcase name="adds"/><testcase name="divides"><failure message="by zero"/></testcase><testcase name="later"><skipped/></testcase></testsuite>
            END
          process: [{type: JUnit, name: unit, path: r.xml}]
`);
  const id = await server.begin('Tests');
  await page.goto(`/executions/${id}?task=S.Unit`);
  await page.getByText('1 passed, 1 failed, 1 left out').waitFor();
  await page.getByRole('list', { name: 'Failed tests of unit' }).getByText('divides').waitFor();
  await page.getByText('by zero').first().waitFor();
  assert.deepEqual(faults, []);
});

test('the graph is walked by arrows, and the address keeps what is chosen', { skip }, async (t) => {
  const { server, page } = await signedIn(t);
  const id = await server.begin('Release');
  await page.goto(`/executions/${id}?task=Build.Compile`);
  await node(page, 'Compile').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');

  await page.getByRole('heading', { name: 'Build.Ask UserOperation' }).waitFor();
  assert.match(page.url(), /task=Build\.Ask/);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Ship.Copy CI' }).waitFor();
});

test('the link of a mail asks one person, without a sign-in, and takes the answer once', { skip }, async (t) => {
  const box = await mailServer(t);
  const server = await ServeProcess.start(t, '');
  await server.import(
    `{project: Tito, kind: ENDPOINT, name: post, type: email, properties: {senderAddress: mill@example.com, outboundHost: 127.0.0.1, outboundPort: "${box.port}", outboundUsername: mill, outboundPassword: m4il-pass}}`,
  );
  await server.import(
    'kind: PIPELINE\nproject: Tito\nname: Ask\nenabled: true\nstages: {S: {tasks: {Ask: {type: UserOperation, endpoints: {emailServer: post}, millrace: {approvals: 2}, input: {approvers: [ann@example.com, bob@example.com], sendemail: true, summary: "May v2 go out?", description: "The load test is green."}}}}}\n',
  );
  await server.begin('Ask');
  while (box.mails.length < 2) await new Promise((resolve) => setTimeout(resolve, 50));
  const linkIn = (number: number) => /\/answer\/[\w-]+/.exec(box.mails[number]!.text)![0];
  const { page, faults } = await openPage(t, server.url);
  await page.goto(linkIn(0));
  await page.getByRole('heading', { name: 'May v2 go out?' }).waitFor();
  await page.getByText('0 of 2 have approved').waitFor();
  await page.getByLabel('Comment').fill('Fine with me.');
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByText('You have answered. 1 of 2 have approved.').waitFor();
  assert.equal(await page.getByRole('button').count(), 0);
  await page.goto(linkIn(1));
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByText('Approved by ann@example.com and bob@example.com.').waitFor();
  await page.goto('/answer/nonsense');
  await page.getByText('not from this server').waitFor();
  assert.deepEqual(faults, []);
});

test('what is not there is said, and a token that is not valid leads to the way in', { skip }, async (t) => {
  const { page } = await signedIn(t);
  await page.goto('/executions/nothing');
  await shows(page, 'There is no such run');
  await page.evaluate(() => sessionStorage.setItem('millrace', '{"name":"admin","token":"stale"}'));
  await page.goto('/');

  await page.getByRole('button', { name: 'Sign in' }).waitFor();
});

test('the pages are small, may be kept, and run nothing from elsewhere', async (t) => {
  const server = await ServeProcess.start(t, '');
  const start = await fetch(server.url);
  const assets = join(import.meta.dirname, '../dist/web/assets');
  const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'));
  const packed = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name))).length, 0);
  const again = await fetch(server.url, { headers: { 'if-none-match': start.headers.get('etag')! } });
  const script = await fetch(`${server.url}/assets/${scripts[0]}`);

  assert.ok(packed < 150_000, `${packed} bytes of script`);
  assert.match(start.headers.get('content-security-policy')!, /default-src 'self'.*frame-ancestors 'none'/);
  assert.equal(again.status, 304);
  assert.match(script.headers.get('cache-control')!, /immutable/);
  assert.equal((await fetch(`${server.url}/assets/..%2f..%2fpackage.json`)).status, 404);
});

test('a deployment is seen with its reasons, its changes and its actions, and acted upon', { skip }, async (t) => {
  const { server, page, faults } = await signedIn(t, '/deployments');
  await shows(page, 'Nothing is deployed.');
  await server.import(
    '{kind: CLOUD_ZONE, name: here, accountType: local, images: {plain: {}}, flavors: {small: {memoryMb: 128}}}',
  );
  const content = (label: string) =>
    `resources:\n  m: {type: Cloud.Machine, properties: {image: plain, flavor: small, label: ${label}}}\noutputs: {at: {value: "\${resource.m.address}"}}`;
  const ask = (body: object) =>
    server.json('POST', '/blueprint/api/blueprint-requests', { projectName: 'Tito', ...body } as never);
  const { deploymentId } = await ask({ deploymentName: 'shop', content: content('one') });
  await page.getByRole('row', { name: /shop\s*Tito\s*inline-blueprint\s*1\s*admin/ }).waitFor();
  await page.getByRole('link', { name: 'shop' }).click();
  await page.locator('.facts .status', { hasText: 'create successful' }).waitFor();
  await shows(page, 'm does not exist yet.');
  await page.getByRole('cell', { name: 'here suits.' }).waitFor();

  await ask({ deploymentId, content: content('two') });
  await page.getByRole('cell', { name: 'one', exact: true }).waitFor();
  await page.locator('.facts .status', { hasText: 'update successful' }).waitFor();
  await page.getByRole('button', { name: 'Actions of m' }).click();
  await page.getByRole('button', { name: 'Power off', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Power off' }).click();
  await page.locator('.runs .status', { hasText: 'off' }).waitFor();
  await page.getByRole('button', { name: 'Look for changes from outside' }).click();
  await shows(page, 'Everything is as it was left.');
  await page.getByRole('button', { name: 'Actions', exact: true }).click();
  await page.getByRole('button', { name: 'Change owner' }).click();
  await page.getByLabel('New Owner').fill('ann');
  await page.getByRole('dialog').getByRole('button', { name: 'Change owner' }).click();
  await shows(page, 'owned by ann');
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await shows(page, 'There is no such deployment any more.');
  assert.deepEqual(
    faults.filter((fault) => !/404/.test(fault)),
    [],
  );
});
