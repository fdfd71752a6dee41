import assert from 'node:assert/strict';
import { test } from 'node:test';
import { haproxyConfig, oldWorkers, readStatistics } from './haproxy.ts';

test('a route becomes a front with a check of each member', () => {
  const health = { path: '/health', port: 81, interval: 500, timeout: 3000, healthy: 1, unhealthy: 2 };
  const config = haproxyConfig(
    [{ protocol: 'HTTP', port: 8080, instancePort: 80, algorithm: 'LEAST_CONNECTION', health }],
    ['10.88.0.2', '10.88.0.3'],
    30_000,
  );

  assert.match(
    config,
    /listen port-8080\n {2}mode http\n {2}bind :8080\n {2}balance leastconn\n {2}option httpchk GET \/health\n/,
  );
  assert.match(config, /default-server check port 81 inter 500ms rise 1 fall 2\n {2}server 10.88.0.2 10.88.0.2:80\n/);
});

test('what HAProxy tells of its servers and workers is read', () => {
  const statistics =
    '# pxname,svname,qcur,status,weight\nport-8080,FRONTEND,,OPEN,\nport-8080,10.88.0.2,0,UP,1\nport-8080,10.88.0.3,0,DOWN,1\nport-8080,BACKEND,0,UP,1\n\n';
  const processes =
    '#<PID>          <type>          <reloads>       <uptime>        <version>      \n1               master          1               0d00h00m05s     2.6.12\n# workers\n9               worker          0               0d00h00m02s     2.6.12\n# old workers\n8               worker          1               0d00h00m05s     2.6.12\n# programs\n';

  assert.deepEqual(readStatistics(statistics), [
    { address: '10.88.0.2', isUp: true },
    { address: '10.88.0.3', isUp: false },
  ]);
  assert.equal(oldWorkers(processes), 1);
  assert.equal(oldWorkers(processes.replace(/^8 .*\n/m, '')), 0);
});
