import type { Diagnostic } from '../../../core/diagnostic.ts';
import { isObject, type Json, type JsonObject } from '../../../core/json.ts';
import { parseYaml } from '../../../lang/yaml.ts';

/** Who may log in besides those whom the configuration names. */
export interface Login {
  name: string;
  password: string;
  keys: string[];
}

/** The two texts that a machine's cloud-init reads: what people wrote, and what we have to say beside it. */
export interface SeedTexts {
  userData: string;
  vendorData: string;
}

/**
 * What cloud-init is given: the configuration byte for byte as it was written, and the logins of `remoteAccess` beside it. Only where both
 * name users they have to be joined, since cloud-init takes one list alone. The genuine cloud-init reads it, so all that it knows is
 * possible; what is no YAML is told here, with its place.
 */
export function userDataFor(text: string, logins: Login[]): SeedTexts & { diagnostics: Diagnostic[] } {
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
  const password: JsonObject = logins.some((login) => login.password) ? { ssh_pwauth: true } : {};
  const users: Json[] = ['default', ...logins.map(userOf)];
  // `locale` would write what a container does not have, and fail.
  const vendor: JsonObject = { locale: false, ...password, ...(logins.length > 0 ? { users } : {}) };
  const own = Array.isArray(config.users) && logins.length > 0 ? config.users : undefined;
  const written = isScript
    ? configText({ write_files: [scriptFile(text)], runcmd: [[scriptPath]] })
    : own
      ? configText({ ...config, ...password, users: [...own, ...logins.map(userOf)] })
      : withHeader(text);
  return { userData: written, vendorData: configText(vendor), diagnostics };
}

const configText = (config: JsonObject): string => `#cloud-config\n${JSON.stringify(config, null, 1)}\n`;

/** The original takes configurations without their first line; cloud-init does not. */
const withHeader = (text: string): string =>
  /^\s*#(cloud-config|include|part)|^## template|^Content-Type/i.test(text) ? text : `#cloud-config\n${text}`;

const scriptPath = '/var/lib/cloud/scripts/millrace-user-data';
const scriptFile = (content: string): JsonObject => ({ path: scriptPath, permissions: '0700', content });

const userOf = ({ name, password, keys }: Login): JsonObject => ({
  name,
  shell: '/bin/bash',
  sudo: 'ALL=(ALL) NOPASSWD:ALL',
  ...(password ? { plain_text_passwd: password, lock_passwd: false } : {}),
  ...(keys.length > 0 ? { ssh_authorized_keys: keys } : {}),
});
