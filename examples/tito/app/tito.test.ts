import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { freePort } from '../../../src/demo/server-process.ts';
import { temporaryDirectory } from '../../../test/directory.ts';

/** A program of Tito that listens. */
async function program(t: TestContext, file: string, environment: Record<string, string>): Promise<string> {
  const port = await freePort('127.0.0.1');
  const child = spawn(process.execPath, [join(import.meta.dirname, file)], {
    env: { ...process.env, PORT: String(port), ...environment },
    cwd: temporaryDirectory(t),
    stdio: 'inherit',
  });
  t.after(() => child.kill());
  const address = `127.0.0.1:${port}`;
  for (let wait = 0; wait < 500; wait++) {
    if (
      await fetch(`http://${address}/health`, { headers: { connection: 'close' } }).then(
        () => true,
        () => false,
      )
    )
      return address;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${file} does not listen.`);
}

const text = (url: string) => fetch(url).then((answer) => answer.text());

test('the page says when to leave, and what was asked lately, from the database', async (t) => {
  const database = await program(t, 'database.mjs', {});
  const web = await program(t, 'web.mjs', { DATABASE: database });
  assert.match(
    await text(`http://${web}/?home=Utrecht&work=Schiphol&weekday=Friday&save=yes`),
    /Leave at <strong>\d\d:\d\d<\/strong>: \d+ minutes on the road/,
  );

  assert.match(await text(`http://${web}/`), /<li>Utrecht to Schiphol on Friday: \d\d:\d\d<\/li>/);
  assert.equal((await fetch(`http://${web}/?weekday=%3Cscript%3E`)).status, 502);
});

test('the health check needs no database, the page does', async (t) => {
  const web = await program(t, 'web.mjs', { DATABASE: `127.0.0.1:${await freePort('127.0.0.1')}` });

  assert.equal(await text(`http://${web}/health`), 'well\n');
  assert.equal((await fetch(`http://${web}/`)).status, 502);
});

test('as many connections are served at once as there are workers, and the next one waits for its turn', async (t) => {
  const web = await program(t, 'web.mjs', {
    MAX_REQUEST_WORKERS: '1',
    KEEP_ALIVE_TIMEOUT_MS: '60000',
    MAX_KEEP_ALIVE_REQUESTS: '2',
  });
  const ask = (agent: Agent) =>
    new Promise<void>((resolve) => {
      get(`http://${web}/version`, { agent }, (answer) => answer.resume().on('end', resolve));
    });
  const first = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => first.destroy());
  await ask(first);
  const order: string[] = [];
  const second = ask(new Agent({ keepAlive: false })).then(() => order.push('second'));
  await ask(first).then(() => order.push('first'));
  await second;

  assert.deepEqual(order, ['first', 'second']);
});
