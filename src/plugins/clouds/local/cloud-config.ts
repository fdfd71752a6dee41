import type { Diagnostic } from '../../../core/diagnostic.ts';
import { isObject, type Json, type JsonObject } from '../../../core/json.ts';
import { type Path, parseYaml } from '../../../lang/yaml.ts';

/** What a machine of the process profile does at its first start. */
export interface CloudConfig {
  hostname: string;
  users: { name: string; password: string; keys: string[] }[];
  files: { path: string; content: string; mode: number; append: boolean }[];
  commands: (string | string[])[];
}

/** What an image offers: the packages that a configuration may ask for. */
export interface Image {
  packages: string[];
}

const known = [
  'hostname',
  'fqdn',
  'users',
  'write_files',
  'runcmd',
  'packages',
  'package_update',
  'package_upgrade',
  'ssh_pwauth',
  'locale',
  'timezone',
  'preserve_hostname',
];
const without = 'This machine is made of plain processes, without root; a container or a cloud can do it.';

/**
 * Reads the strict part of `#cloud-config` that plain processes can honour. Whatever would have to be pretended is refused, with
 * its line.
 */
export function readCloudConfig(text: string, image: Image): { config: CloudConfig; diagnostics: Diagnostic[] } {
  const { documents, diagnostics } = parseYaml(text);
  const document = documents[0];
  const config: CloudConfig = { hostname: '', users: [], files: [], commands: [] };
  if (!document || !isObject(document.value)) {
    if (text.replace(/^#.*$/gm, '').trim() !== '')
      refuse('A cloud configuration is a map that starts with `#cloud-config`.', []);
    return { config, diagnostics };
  }
  const root = document.value;
  for (const key of Object.keys(root)) {
    if (!known.includes(key))
      refuse(`\`${key}\` is not possible here. It knows ${known.slice(0, 6).join(', ')}.`, [key]);
  }
  config.hostname = String(root.hostname ?? '');
  list(root.packages, ['packages']).forEach((item, index) => {
    const name = String(Array.isArray(item) ? item[0] : item);
    if (!image.packages.includes(name))
      refuse(`The image has no package ${name}; it has ${image.packages.join(', ') || 'none'}.`, ['packages', index]);
  });
  config.users = list(root.users, ['users']).flatMap((item, index) => user(item, ['users', index]));
  config.files = list(root.write_files, ['write_files']).flatMap((item, index) => file(item, ['write_files', index]));
  config.commands = list(root.runcmd, ['runcmd']).flatMap((item, index) => command(item, ['runcmd', index]));
  return { config, diagnostics };

  function user(item: Json, path: Path): CloudConfig['users'] {
    if (item === 'default') return [];
    if (!isObject(item) || typeof item.name !== 'string') {
      refuse('A user needs a `name`.', path);
      return [];
    }
    for (const key of Object.keys(item)) {
      if (
        ![
          'name',
          'plain_text_passwd',
          'lock_passwd',
          'ssh_authorized_keys',
          'shell',
          'groups',
          'gecos',
          'sudo',
        ].includes(key)
      )
        refuse(`\`${key}\` of a user is not possible here.`, [...path, key]);
    }
    if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(item.name)) refuse(`"${item.name}" is no name for a user.`, [...path, 'name']);
    const keys = Array.isArray(item.ssh_authorized_keys) ? item.ssh_authorized_keys.map(String) : [];
    return [{ name: item.name, password: String(item.plain_text_passwd ?? ''), keys }];
  }

  function file(item: Json, path: Path): CloudConfig['files'] {
    if (!isObject(item) || typeof item.path !== 'string') {
      refuse('A file needs a `path`.', path);
      return [];
    }
    for (const key of Object.keys(item)) {
      if (!['path', 'content', 'permissions', 'owner', 'encoding', 'append', 'defer'].includes(key))
        refuse(`\`${key}\` of a file is not possible here.`, [...path, key]);
    }
    if (item.path.split('/').includes('..'))
      refuse(`The path ${item.path} leads out of the machine.`, [...path, 'path']);
    const encoding = String(item.encoding ?? 'text/plain');
    const isBase64 = /^(b64|base64)$/.test(encoding);
    if (!isBase64 && encoding !== 'text/plain')
      refuse(`The encoding ${encoding} is not possible here.`, [...path, 'encoding']);
    const written = String(item.content ?? '');
    const content = isBase64 ? Buffer.from(written, 'base64').toString('utf8') : written;
    return [
      {
        path: item.path,
        content,
        mode: Number.parseInt(String(item.permissions ?? '0644'), 8) || 0o644,
        append: item.append === true,
      },
    ];
  }

  function command(item: Json, path: Path): CloudConfig['commands'] {
    const words = Array.isArray(item) ? item.map(String) : [String(item)];
    const first = words.join(' ').trim().split(/\s+/)[0] ?? '';
    if (
      ['sudo', 'apt', 'apt-get', 'yum', 'dnf', 'mount', 'useradd', 'iptables', 'sysctl', 'reboot', 'shutdown'].includes(
        first,
      )
    ) {
      refuse(`\`${first}\` is not possible here.`, path);
    }
    return [Array.isArray(item) ? words : words[0]!];
  }

  function list(value: Json | undefined, path: Path): Json[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value;
    refuse(`\`${path.join('.')}\` must be a list.`, path);
    return [];
  }

  function refuse(message: string, path: Path): void {
    const place = document?.placeOfKey(path) ?? { line: 1, column: 1 };
    diagnostics.push({ severity: 'error', code: 'cloud-config.refused', message, hint: without, ...place });
  }
}

/** The login that `remoteAccess` of a machine asks for. */
export function remoteAccessUser(remoteAccess: JsonObject): CloudConfig['users'] {
  const { username, password, sshKey, authentication } = remoteAccess;
  if (authentication === 'none' || typeof username !== 'string' || username === '') return [];
  return [{ name: username, password: String(password ?? ''), keys: sshKey ? [String(sshKey)] : [] }];
}
