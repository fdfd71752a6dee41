// Deployments on a cloud that loses answers, throttles and breaks connections, while the server is stopped and started.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './eventually.ts';
import { lossyCloud, type Mishap } from './fakes/lossy-cloud.ts';
import { TestServer } from './server.ts';

const blueprint = (count: number, label: string) => `resources:
  db: {type: Cloud.Machine, properties: {image: i, flavor: f, label: ${label}}}
  web: {type: Cloud.Machine, properties: {image: i, flavor: f, count: ${count}, label: "of \${resource.db.id}"}}`;

/** The same mishaps in each run: a third of the calls goes wrong. */
const mishaps =
  (seed: number) =>
  (call: number): Mishap => {
    const roll = Math.imul((call + 1) * 2654435761 + seed * 40503, 2246822519) >>> 16;
    const kinds: Mishap[] = [
      'lose',
      'none',
      'throttle',
      'none',
      'refuse-connection',
      'none',
      'slow',
      'none',
      'none',
      'none',
    ];
    return kinds[roll % kinds.length]!;
  };

for (const seed of [1, 2]) {
  test(`with lost answers (seed ${seed}) everything is made once, changed and removed, and nothing is left over`, async (t) => {
    const cloud = await lossyCloud(t, mishaps(seed));
    const server = await TestServer.start(t, { resources: cloud.resources });
    await server.import('{kind: CLOUD_ZONE, name: here, accountType: lossy, images: {i: {}}, flavors: {f: {}}}');
    let deploymentId = '';
    const ask = async (body: object) => {
      const asked = await server.call('POST', '/blueprint/api/blueprint-requests', {
        projectName: 'Tito',
        deploymentName: 'site',
        ...body,
      });
      assert.equal(asked.status, 202, asked.text);
      deploymentId = asked.body.deploymentId;
      await server.stop();
      await server.start();
      return eventually(async () => {
        const { body: request } = await server.call('GET', `/blueprint/api/blueprint-requests/${asked.body.id}`);
        assert.notEqual(request.status, 'STARTED');
        return request;
      });
    };

    const made = await ask({ content: blueprint(3, 'one') });
    assert.equal(made.status, 'FINISHED', made.failureMessage);
    assert.equal(cloud.things.size, 4);
    const more = await ask({ deploymentId, content: blueprint(5, 'two') });
    assert.equal(more.status, 'FINISHED', more.failureMessage);
    assert.equal(cloud.things.size, 6);
    assert.ok([...cloud.things.values()].some(({ label }) => label === 'two'));
    const act = async (actionId: string) => {
      const asked = await server.call('POST', `/deployment/api/deployments/${deploymentId}/requests`, { actionId });
      assert.equal(asked.status, 200, asked.text);
      await server.stop();
      await server.start();
      return eventually(async () => {
        const { body: request } = await server.call('GET', `/deployment/api/requests/${asked.body.id}`);
        assert.equal(request.status, 'SUCCESSFUL', request.details);
      });
    };
    await act('Deployment.PowerOff');
    assert.ok([...cloud.things.values()].every(({ isOn }) => !isOn));
    await act('Deployment.PowerOn');
    assert.ok([...cloud.things.values()].every(({ isOn }) => isOn));
    const gone = await ask({ deploymentId, destroy: true });
    assert.equal(gone.status, 'FINISHED', gone.failureMessage);

    assert.equal(cloud.things.size, 0, 'nothing is left over');
    assert.deepEqual([...new Set(cloud.everMade.values())], [1], 'each was made once');
  });
}

test('a step has its time; what did not come in it fails the request, and a retry goes on from there', async (t) => {
  let isDown = false;
  const cloud = await lossyCloud(t, (call) => (isDown && call > 0 ? 'refuse-connection' : 'none'));
  isDown = true;
  const server = await TestServer.start(t, { resources: cloud.resources });
  await server.import('{kind: CLOUD_ZONE, name: here, accountType: lossy, images: {i: {}}, flavors: {f: {}}}');
  const content = `resources:
  a: {type: Cloud.Machine, properties: {image: i, flavor: f}}
  b: {type: Cloud.Machine, createTimeout: 1s, properties: {image: i, flavor: f, label: "\${resource.a.id}"}}`;
  const asked = { projectName: 'Tito', deploymentName: 'site', content };
  const { deploymentId } = (await server.call('POST', '/blueprint/api/blueprint-requests', asked)).body;
  const path = `/deployment/api/deployments/${deploymentId}`;
  const ended = (status: string) =>
    eventually(async () => {
      const { body } = await server.call('GET', path);
      assert.equal(body.status, status);
      return body;
    });
  const failed = await ended('CREATE_FAILED');
  assert.match(failed.lastRequest.details, /b was not ready in time: its step is given up/);
  assert.equal(cloud.things.size, 1);

  isDown = false;
  const [machine] = [...cloud.things.keys()];
  await server.call('POST', `${path}/requests`, { actionId: 'Deployment.Retry' });
  await ended('UPDATE_SUCCESSFUL');
  assert.deepEqual([cloud.things.size, cloud.things.has(machine!)], [2, true], 'what stood was not touched');
  const early = await server.call('POST', `${path}/requests`, { actionId: 'Deployment.Retry' });
  assert.match(early.body.message, /Its last request has not failed/);
});

test('a request is called off while a cloud does not answer, and a retry goes on from there', async (t) => {
  let isDown = false;
  const cloud = await lossyCloud(t, (call) => (isDown && call > 0 ? 'refuse-connection' : 'none'));
  isDown = true;
  const server = await TestServer.start(t, { resources: cloud.resources });
  await server.import('{kind: CLOUD_ZONE, name: here, accountType: lossy, images: {i: {}}, flavors: {f: {}}}');
  const content = `resources:
  a: {type: Cloud.Machine, properties: {image: i, flavor: f}}
  b: {type: Cloud.Machine, properties: {image: i, flavor: f, label: "\${resource.a.id}"}}
  c: {type: Cloud.Machine, properties: {image: i, flavor: f, label: "\${resource.b.id}"}}`;
  const asked = { projectName: 'Tito', deploymentName: 'site', content };
  const { deploymentId, id } = (await server.call('POST', '/blueprint/api/blueprint-requests', asked)).body;
  const path = `/deployment/api/deployments/${deploymentId}`;
  const { body: busy } = await eventually(async () => {
    const answer = await server.call('GET', path);
    assert.ok(answer.body.resources.some(({ name }: { name: string }) => name === 'b'));
    return answer;
  });
  assert.equal(busy.lastRequest.cancelable, true);

  const cancelled = await server.call('POST', `/blueprint/api/blueprint-requests/${id}/actions/cancel`);
  assert.equal(cancelled.status, 200, cancelled.text);
  const request = await eventually(async () => {
    const { body } = await server.call('GET', `/blueprint/api/blueprint-requests/${id}`);
    assert.equal(body.status, 'CANCELLED');
    return body;
  });
  assert.match(request.failureMessage, /^Cancelled by \S+\. b was left as it was then\.$/);
  assert.ok(request.cancelRequestedBy);
  const { body: left } = await server.call('GET', path);
  assert.deepEqual(
    [left.status, left.lastRequest.status, left.resources.map(({ name }: { name: string }) => name)],
    ['CREATE_FAILED', 'ABORTED', ['a', 'b']],
  );
  const { content: told } = (await server.call('GET', `${path}/userEvents`)).body;
  assert.deepEqual(
    told.map(({ name, status }: Record<string, string>) => [name, status]),
    [
      ['Cancel', 'SUCCESSFUL'],
      ['Create', 'FAILED'],
    ],
  );
  const tooLate = await server.call('POST', `/deployment/api/requests/${left.lastRequest.id}?action=cancel`);
  assert.equal(tooLate.status, 409, tooLate.text);
  assert.match(tooLate.body.message, /has ended: it cannot be cancelled/);
  const dismissed = await server.call('POST', `/deployment/api/requests/${left.lastRequest.id}?action=dismiss`);
  assert.equal(dismissed.body.dismissed, true);
  const odd = await server.call('POST', `/deployment/api/requests/${left.lastRequest.id}?action=stop`);
  assert.equal(odd.status, 400);

  isDown = false;
  await server.call('POST', `${path}/requests`, { actionId: 'Deployment.Retry' });
  await eventually(async () => assert.equal((await server.call('GET', path)).body.status, 'UPDATE_SUCCESSFUL'));
  assert.equal(cloud.things.size, 3);
  const idle = await server.call('POST', `${path}/requests`, { actionId: 'Deployment.Cancel' });
  assert.match(idle.body.message, /site has no request under way/);
});
