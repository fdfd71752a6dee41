import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../../test/directory.ts';
import { eventually } from '../../../../test/eventually.ts';
import type { JsonObject } from '../../../core/json.ts';
import { ownedProcess, readJson, startOwned, stopOwned } from '../../../host/processes.ts';
import type { CloudOutcome, ResourceContext } from '../../../sdk/cloud.ts';
import { machine } from './machine.ts';
import type { MachineOrder, MachineStatus } from './machine-process.ts';
import { openSite } from './site.ts';

const bootWithin = 30_000;
const small = { flavor: { memoryMb: 256 } };
const large = { flavor: { memoryMb: 320 } };

/** A server of a site that several share, which others may take for dead. */
function serverOf(t: TestContext, directory: string) {
  let isLost = false;
  const site = openSite(directory, () => {
    if (isLost) throw new Error('others have taken over');
  });
  t.after(() => stopOwned(directory));
  const definition = machine(site, bootWithin);
  const ready = async (asked: CloudOutcome, context: ResourceContext): Promise<JsonObject> => {
    for (let outcome = asked; ; outcome = await definition.poll!(outcome.wait, context)) {
      if (!('wait' in outcome)) return 'done' in outcome ? outcome.done : assert.fail(JSON.stringify(outcome));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return {
    place: () => site.find('m')!.directory,
    /** It sleeps, and others go on with what it does. */
    lose: () => {
      isLost = true;
    },
    async create() {
      const context = contextOf(small);
      return ready(await definition.create(definition.properties.parse({ image: 'plain' }), context), context);
    },
    async resize(before: JsonObject) {
      const context = contextOf(large);
      return ready(await definition.actions!.Resize!.run({ flavor: 'large' }, before, context), context);
    },
    powerOff: (before: JsonObject) => definition.actions!.PowerOff!.run({}, before, contextOf(small)),
  };
}

const contextOf = ({ flavor }: { flavor: JsonObject }) =>
  ({
    ...{ identity: 'm', instance: 'm', deploymentName: 'site', project: 'Proof', key: 'k', image: {}, flavor },
  }) as unknown as ResourceContext;

test('a machine whose resize was broken off is started anew by whoever goes on with it', async (t) => {
  const directory = temporaryDirectory(t);
  const [one, other] = [serverOf(t, directory), serverOf(t, directory)];
  const before = await one.create();
  const memory = () => readJson<MachineOrder>(join(one.place(), 'order.json'))?.memoryMb;
  const { pid } = ownedProcess(one.place(), 'machine')!;
  one.lose();
  // It cannot end at once.
  process.kill(pid, 'SIGSTOP');
  await assert.rejects(one.resize(before), /others have taken over/);
  process.kill(pid, 'SIGCONT');
  assert.equal(memory(), 256, 'it is not written down before the machine has stopped');

  assert.equal((await other.resize(before)).powerState, 'ON');
  assert.equal(memory(), 320);
});

test('a machine that was started twice, since its server died in that moment, runs once', async (t) => {
  const server = serverOf(t, temporaryDirectory(t));
  await server.create();
  const machine = ownedProcess(server.place(), 'machine');
  const twin = spawn(process.execPath, [join(import.meta.dirname, 'machine-process.ts'), server.place()], {
    env: { PATH: process.env.PATH, MILLRACE_OWNER: join(server.place(), 'machine') },
  });
  const [code] = await once(twin, 'exit');

  assert.equal(code, 0);
  assert.deepEqual(ownedProcess(server.place(), 'machine'), machine);
  assert.equal(readJson<MachineStatus>(join(server.place(), 'status.json'))?.state, 'ready');
});

test('a server that slept while it stopped a machine does not stop what others have started since', async (t) => {
  const directory = temporaryDirectory(t);
  const server = serverOf(t, directory);
  const before = await server.create();
  // It does not end by itself, so that somebody must wait for it.
  const own = join(server.place(), 'more');
  const stubborn = startOwned({
    ...{ directory: own, name: 'stubborn', environment: process.env },
    command: ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done'],
  });
  await eventually(() => assert.match(readFileSync(join(own, 'stubborn.log'), 'utf8'), /ready/));
  server.lose();

  await assert.rejects(server.powerOff(before), /others have taken over/);
  assert.deepEqual(ownedProcess(own, 'stubborn'), stubborn);
});
