import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { freePort } from '../../../src/demo/server-process.ts';
import { stopOwned } from '../../../src/host/processes.ts';
import { openNameServer } from '../../../src/plugins/dns/embedded.ts';
import { temporaryDirectory } from '../../../test/directory.ts';
import { startPowerDns, withoutPowerDns } from '../../../test/power-dns.ts';
import { TestServer } from '../../../test/server.ts';

/** Ours, and the one whose API it speaks. */
const nameServers = {
  'the embedded name server': { start: startEmbedded, skip: false as string | false },
  PowerDNS: { start: startPowerDns, skip: withoutPowerDns },
};

async function startEmbedded(t: TestContext) {
  let directory = '';
  t.after(() => stopOwned(directory));
  directory = temporaryDirectory(t);
  return openNameServer(directory, {
    address: '127.0.0.1',
    dnsPort: await freePort('127.0.0.1'),
    apiPort: await freePort('127.0.0.1'),
  });
}

async function stage(t: TestContext, runtime: string, by: keyof typeof nameServers, key?: string) {
  const names = await nameServers[by].start(t);
  await fetch(`${names.apiUrl}/api/v1/servers/localhost/zones`, {
    method: 'POST',
    headers: { 'x-api-key': names.apiKey, 'content-type': 'application/json' },
    body: '{"name": "example.", "kind": "Native", "nameservers": []}',
  });
  const server = await TestServer.start(t);
  await server.import(`{project: Tito, kind: VARIABLE, name: dns key, type: SECRET, value: ${key ?? names.apiKey}}`);
  await server.import(readFileSync(join(import.meta.dirname, `switch-traffic.${runtime}.yaml`), 'utf8'));
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  resolver.setServers([`127.0.0.1:${names.dnsPort}`]);

  const switchTo = async (address: string, deployment: string) => {
    const inputs = { name: 'tito.example.', api: names.apiUrl, address, deployment };
    const { body } = await server.call('POST', '/abx/api/resources/actions/switch-traffic/action-runs', { inputs });
    for (let wait = 0; wait < 500; wait++) {
      const run = await server.call('GET', `/abx/api/resources/action-runs/${body.id}`);
      if (run.body.runState !== 'CREATED' && run.body.runState !== 'RUNNING') return run.body;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('The function never ended.');
  };
  return { switchTo, resolver };
}

const cases = ['nodejs', 'python'].flatMap((runtime) =>
  (Object.keys(nameServers) as (keyof typeof nameServers)[]).map((by) => ({ runtime, by })),
);

for (const { runtime, by } of cases) {
  const skip =
    runtime === 'python' && spawnSync('python3', ['--version']).status !== 0
      ? 'python3 is not installed'
      : nameServers[by].skip;

  test(`the function in ${runtime} switches a name at ${by}, tells what it was, and changes nothing when called again`, {
    skip,
  }, async (t) => {
    const { switchTo, resolver } = await stage(t, runtime, by);
    const first = await switchTo('10.0.0.1', 'tito-1');
    assert.deepEqual(first.outputs, {
      address: '10.0.0.1',
      deployment: 'tito-1',
      previousAddress: '',
      previousDeployment: '',
    });

    const second = await switchTo('10.0.0.2', 'tito-2');
    assert.deepEqual([second.outputs.previousAddress, second.outputs.previousDeployment], ['10.0.0.1', 'tito-1']);
    assert.deepEqual(await resolver.resolve4('tito.example'), ['10.0.0.2']);

    const again = await switchTo('10.0.0.2', 'tito-2');
    assert.deepEqual(again.outputs, second.outputs);
    assert.match(again.logs, /points at 10.0.0.2 already/);
  });

  test(`the function in ${runtime} says when ${by} refuses, and leaves the name as it was`, {
    skip,
  }, async (t) => {
    const wrongKey = await stage(t, runtime, by, 'wrong-key');
    const refused = await wrongKey.switchTo('10.0.0.1', 'tito-1');
    assert.deepEqual([refused.runState, refused.errorMessage.split(':')[0]], ['FAILED', 'The name server refused GET']);

    const { switchTo, resolver } = await stage(t, runtime, by);
    await switchTo('10.0.0.1', 'tito-1');
    const bad = await switchTo('10.0.0.999', 'tito-2');
    assert.match(
      bad.errorMessage,
      /The name server refused PATCH: 422 .*(Not in expected format|unable to parse IP address)/,
    );
    assert.deepEqual(await resolver.resolve4('tito.example'), ['10.0.0.1']);
  });
}
