import { z } from 'zod';
import { isObject, type JsonObject } from '../../core/json.ts';
import { shellQuote } from '../../core/shell-quote.ts';
import { parseYaml } from '../../lang/yaml.ts';
import type { ResourceContext } from '../../sdk/cloud.ts';
import { filledText, integer, text, texts } from '../../sdk/fields.ts';
import type { SshTarget } from '../../sdk/powers.ts';
import { controlMachine, farTool, machineAt } from './far-tool.ts';

const properties = z.looseObject({
  host: z.record(z.string(), z.json()).describe('The machine: `${resource.vm.*}`.'),
  account: filledText('Name of an `ansible` endpoint.'),
  osType: z.enum(['linux', 'windows']).describe('How the machine is reached: SSH, or WinRM.').default('linux'),
  username: filledText('User on the machine.'),
  password: text('Password there.').default(''),
  privateKey: text('Private key, PEM.').default(''),
  privateKeyFile: text('Path of a private key on the control machine.').default(''),
  hostName: text('Its name in the inventory; that of the machine when empty.').default(''),
  groups: texts('Groups of the inventory that it joins.').default([]),
  hostVariables: text('Variables of the host: YAML, or the path of a file on the control machine.').default(''),
  inventoryFile: text('Another inventory of the control machine to read beside.').default(''),
  playbooks: z
    .looseObject({
      provision: texts('Run when it is made or changed.').default([]),
      'de-provision': texts('Run before it goes.').default([]),
    })
    .describe('Paths of playbooks on the control machine, in this order.'),
  playbookRunUsername: text('User of the control machine who runs them.').default(''),
  maxConnectionRetries: integer('Tries to reach the machine.', 1).default(10),
});
type Properties = z.infer<typeof properties>;

/** Runs playbooks of a control machine against a machine of the deployment, with an inventory of its own for each run. */
export const ansible = farTool({
  type: 'Cloud.Ansible',
  title: 'Ansible',
  summary: 'Runs playbooks where Ansible is installed, against a machine of the deployment.',
  properties,
  attributes: { hostName: 'Its name in the inventory.' },
  endpointType: 'ansible',
  account: ({ account }) => account,
  apply(given, endpoint, context) {
    const { provision } = given.playbooks;
    const target = machineAt(given.host, loginOf(given));
    if (!target) return { refused: '`host` has no address: write `host: ${resource.vm.*}` of a machine.' };
    return { at: controlMachine(endpoint), ...playFor(given, target, provision, endpoint.properties, context) };
  },
  remove(given, endpoint, context) {
    const playbooks = given.playbooks['de-provision'];
    const target = machineAt(given.host, loginOf(given));
    if (playbooks.length === 0 || !target) return undefined;
    return { at: controlMachine(endpoint), ...playFor(given, target, playbooks, endpoint.properties, context) };
  },
  shows: ({ hostName, host }) => ({ hostName: hostName || String(host.resourceName ?? '') }),
});

const loginOf = ({ username, password, privateKey }: Properties) => ({ username, password, privateKey });

function playFor(
  given: Properties,
  { host, port }: SshTarget,
  playbooks: string[],
  endpoint: Record<string, string>,
  { instance }: ResourceContext,
): { files: Record<string, string>; script: string } {
  const name = given.hostName || String(given.host.resourceName ?? instance);
  const { variables, file } = variablesOf(given.hostVariables);
  const inventory = {
    all: {
      hosts: { [name]: { ...connection(given, host, port), ...variables } },
      children: Object.fromEntries(given.groups.map((group) => [group, { hosts: { [name]: null } }])),
    },
  };
  const others = [given.inventoryFile, endpoint.inventoryFile].filter(Boolean).map((path) => `-i ${shellQuote(path!)}`);
  const inventories = ['-i "$PWD/inventory.json"', ...others].join(' ');
  const as = given.playbookRunUsername ? `sudo -n -u ${shellQuote(given.playbookRunUsername)} ` : '';
  const extra = file ? ` -e ${shellQuote(`@${file}`)}` : '';
  const reach = given.osType === 'windows' ? 'win_ping' : 'raw -a true';
  return {
    files: {
      'inventory.json': JSON.stringify(inventory),
      ...(given.privateKey
        ? { key: given.privateKey.endsWith('\n') ? given.privateKey : `${given.privateKey}\n` }
        : {}),
    },
    script: [
      'export ANSIBLE_HOST_KEY_CHECKING=False ANSIBLE_NOCOLOR=1 ANSIBLE_PIPELINING=True ANSIBLE_SSH_USETTY=False ANSIBLE_RETRY_FILES_ENABLED=False',
      "command -v ansible-playbook >/dev/null || { echo 'ansible-playbook is not installed here.'; exit 127; }",
      `n=1; until ${as}ansible ${inventories} ${shellQuote(name)} -m ${reach}; do`,
      `  [ $n -lt ${given.maxConnectionRetries} ] || exit 4; n=$((n + 1)); sleep 3`,
      'done',
      ...playbooks.map(
        (path) => `${as}ansible-playbook ${inventories} -l ${shellQuote(name)}${extra} ${shellQuote(path)}`,
      ),
    ].join('\n'),
  };
}

function connection(
  { osType, username, password, privateKey, privateKeyFile }: Properties,
  host: string,
  port: number,
): JsonObject {
  const key: JsonObject = privateKey
    ? { ansible_ssh_private_key_file: 'key' }
    : privateKeyFile
      ? { ansible_ssh_private_key_file: privateKeyFile }
      : {};
  return {
    ...{ ansible_host: host, ansible_user: username },
    ...(password ? { ansible_password: password } : {}),
    ...(osType === 'windows'
      ? { ansible_connection: 'winrm', ansible_winrm_server_cert_validation: 'ignore' }
      : { ansible_port: port, ...key }),
  };
}

/** A map of variables, or the path of a file with some. */
function variablesOf(written: string): { variables: JsonObject; file: string } {
  if (written.trim() === '') return { variables: {}, file: '' };
  const value = parseYaml(written).documents[0]?.value;
  return isObject(value) ? { variables: value, file: '' } : { variables: {}, file: written.trim() };
}
