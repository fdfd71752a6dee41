import type { Diagnostic } from '../../../core/diagnostic.ts';
import { isObject, type Json, type JsonObject } from '../../../core/json.ts';
import { parseYaml } from '../../../lang/yaml.ts';

/** Who may log in besides those whom the configuration names. */
export interface Login {
  name: string;
  password: string;
  keys: string[];
}

/**
 * What the machine's cloud-init is given: the configuration as it was written, with the logins of `remoteAccess`. The genuine
 * cloud-init reads it, so all that it knows is possible; what is no YAML is told here, with its place.
 */
export function userDataFor(text: string, logins: Login[]): { userData: string; diagnostics: Diagnostic[] } {
  const isScript = text.startsWith('#!');
  const { documents, diagnostics } = isScript ? { documents: [], diagnostics: [] } : parseYaml(text);
  const value = documents[0]?.value;
  if (value !== undefined && value !== null && !isObject(value) && text.replace(/^#.*$/gm, '').trim() !== '')
    diagnostics.push({
      severity: 'error',
      code: 'cloud-config.refused',
      message: 'A cloud configuration is a map that starts with `#cloud-config`, or a script that starts with `#!`.',
      line: 1,
      column: 1,
    });
  const config = isObject(value) ? value : {};
  const users: Json[] = Array.isArray(config.users) ? config.users : ['default'];
  const merged: JsonObject = {
    // Writes what a container does not have, and fails.
    locale: false,
    ...config,
    users: [...users, ...logins.map(userOf)],
    ...(logins.some(({ password }) => password) ? { ssh_pwauth: true } : {}),
    ...(isScript ? { write_files: [scriptFile(text)], runcmd: [[scriptPath]] } : {}),
  };
  return { userData: `#cloud-config\n${JSON.stringify(merged, null, 1)}\n`, diagnostics };
}

const scriptPath = '/var/lib/cloud/scripts/millrace-user-data';
const scriptFile = (content: string): JsonObject => ({ path: scriptPath, permissions: '0700', content });

const userOf = ({ name, password, keys }: Login): JsonObject => ({
  name,
  shell: '/bin/bash',
  sudo: 'ALL=(ALL) NOPASSWD:ALL',
  ...(password ? { plain_text_passwd: password, lock_passwd: false } : {}),
  ...(keys.length > 0 ? { ssh_authorized_keys: keys } : {}),
});
