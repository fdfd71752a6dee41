import type { Route } from '../local/balancer-properties.ts';

/** Where HAProxy finds, inside of its container, what it shares with us. */
export const sharedInside = '/etc/millrace';

/**
 * The configuration of HAProxy: a front for each route. A reload starts new workers on it, while the old ones answer what they
 * have begun, for at most `drainWithin` milliseconds.
 */
export function haproxyConfig(routes: Route[], members: string[], drainWithin: number): string {
  const fronts = routes.flatMap(({ protocol, port, instancePort, algorithm, health }) => [
    '',
    `listen port-${port}`,
    `  mode ${protocol === 'HTTP' ? 'http' : 'tcp'}`,
    `  bind :${port}`,
    `  balance ${algorithm === 'LEAST_CONNECTION' ? 'leastconn' : 'roundrobin'}`,
    `  option httpchk GET ${health.path}`,
    '  http-check expect rstatus ^[23]',
    `  timeout check ${health.timeout}ms`,
    `  default-server check port ${health.port} inter ${health.interval}ms rise ${health.healthy} fall ${health.unhealthy}`,
    ...members.map((address) => `  server ${address} ${address}:${instancePort}`),
  ]);
  return [
    'global',
    '  maxconn 4000',
    `  hard-stop-after ${drainWithin}ms`,
    `  stats socket ${sharedInside}/admin.sock mode 600 level admin`,
    '',
    'defaults',
    // A member that has gone without a word costs a request one second, and not the whole of all tries.
    '  option redispatch 1',
    '  retries 3',
    '  timeout connect 1s',
    '  timeout client 60s',
    '  timeout server 60s',
    '  timeout http-keep-alive 5s',
    ...fronts,
    '',
  ].join('\n');
}

/** A server as HAProxy tells of it. */
export interface Member {
  address: string;
  isUp: boolean;
}

/** Reads what `show stat` answers: comma-separated values under names that a line with `#` gives. */
export function readStatistics(text: string): Member[] {
  const [head = '', ...lines] = text.trim().split('\n');
  const names = head.replace(/^#\s*/, '').split(',');
  const at = (row: string[], name: string) => row[names.indexOf(name)] ?? '';
  return lines
    .map((line) => line.split(','))
    .filter((row) => !['FRONTEND', 'BACKEND', ''].includes(at(row, 'svname')))
    .map((row) => ({ address: at(row, 'svname'), isUp: at(row, 'status').startsWith('UP') }));
}

/** How many workers of an earlier configuration still answer what they have begun: from what `show proc` of the master answers. */
export function oldWorkers(text: string): number {
  const [, old = ''] = text.split('# old workers');
  return old
    .split('\n# ')[0]!
    .split('\n')
    .filter((line) => /^\d+\s+worker/.test(line)).length;
}
