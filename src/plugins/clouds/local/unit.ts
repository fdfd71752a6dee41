/** What a service of a machine is, from the part of a systemd unit that plain processes can honour. */
export interface Unit {
  command: string;
  environment: Record<string, string>;
  directory: string;
  restart: boolean;
}

const served = [
  'Type',
  'ExecStart',
  'WorkingDirectory',
  'Environment',
  'Restart',
  'RestartSec',
  'User',
  'Group',
  'StandardOutput',
  'StandardError',
  'LimitNOFILE',
];

/** Reads a `.service` file. @throws Error naming the line that cannot be honoured. */
export function readUnit(text: string): Unit {
  const unit: Unit = { command: '', environment: {}, directory: '/', restart: false };
  let section = '';
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const header = /^\[(\w+)\]$/.exec(line);
    if (header) {
      section = header[1]!;
      continue;
    }
    if (section !== 'Service') continue;
    const pair = /^(\w+)\s*=\s*(.*)$/.exec(line);
    if (!pair || !served.includes(pair[1]!))
      throw new Error(`line ${index + 1}: \`${line}\` is not possible here; [Service] knows ${served.join(', ')}.`);
    const [, key, value] = pair as unknown as [string, string, string];
    if (key === 'ExecStart') unit.command = value.replace(/^[-@+!:]*/, '');
    if (key === 'WorkingDirectory') unit.directory = value.replace(/^-/, '');
    if (key === 'Restart') unit.restart = value !== 'no';
    if (key === 'Environment') {
      for (const [, double, single, plain] of value.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)) {
        const [name, ...rest] = (double ?? single ?? plain ?? '').split('=');
        if (name) unit.environment[name] = rest.join('=');
      }
    }
  }
  if (!unit.command) throw new Error('the unit has no ExecStart.');
  return unit;
}
