import { z } from 'zod';
import { shellQuote } from '../../core/shell-quote.ts';
import { filledText, flag, integer, text } from '../../sdk/fields.ts';
import { farTool, machineAt } from './far-tool.ts';

const properties = z.looseObject({
  host: z.record(z.string(), z.json()).describe('The machine: `${resource.vm.*}`.'),
  account: filledText('Name of a `puppet` endpoint: the master.'),
  environment: filledText('Environment of Puppet.'),
  role: filledText('Role, which the machine tells the master as the fact `role`.'),
  osType: z.enum(['linux', 'windows']).describe('Only linux is configured here.').default('linux'),
  username: filledText('User on the machine.'),
  password: text('Password there.').default(''),
  privateKey: text('Private key, PEM.').default(''),
  useSudo: flag('Whether the agent is run by sudo.').default(true),
  autoSignSecret: text('Challenge password of the certificate request.').default(''),
  maxConnectionRetries: integer('Tries to reach the master.', 1).default(10),
});

/** The agent on the machine asks the master for its configuration. Tried against no real master. */
export const puppet = farTool({
  type: 'Cloud.Puppet',
  title: 'Puppet',
  summary: 'Runs the Puppet agent of a machine of the deployment, with a role and an environment.',
  properties,
  attributes: { role: 'Its role.' },
  endpointType: 'puppet',
  account: ({ account }) => account,
  apply(given, { properties: master }, { instance }) {
    const at = machineAt(given.host, given);
    if (!at) return { refused: '`host` has no address: write `host: ${resource.vm.*}` of a machine.' };
    if (given.osType === 'windows') return { refused: '`osType: windows` is not possible here.' };
    const sudo = given.useSudo ? 'sudo -n ' : '';
    const attributes = JSON.stringify({ custom_attributes: { challengePassword: given.autoSignSecret } });
    return {
      at,
      files: {
        role: `role=${given.role}\n`,
        ...(given.autoSignSecret ? { 'csr_attributes.yaml': `${attributes}\n` } : {}),
      },
      script: [
        'PATH="$PATH:/opt/puppetlabs/bin"',
        `command -v puppet >/dev/null || { echo 'Puppet is not installed on ${instance}.'; exit 127; }`,
        `facts=$(puppet config print pluginfactdest 2>/dev/null || echo /etc/facter/facts.d); ${sudo}mkdir -p "$facts"`,
        `${sudo}cp role "$facts/role.txt"`,
        given.autoSignSecret ? `${sudo}cp csr_attributes.yaml "$(puppet config print csr_attributes)"` : ':',
        // 0: nothing to do; 2: done; 1, 4 and 6: something failed.
        `n=1; while :; do r=0; ${sudo}puppet agent --test --server ${shellQuote(master.hostname ?? '')} --environment ${shellQuote(given.environment)} || r=$?`,
        `  case $r in 0|2) exit 0;; esac; [ $n -lt ${given.maxConnectionRetries} ] || exit $r; n=$((n + 1)); sleep 5; done`,
      ].join('\n'),
    };
  },
  shows: ({ role }) => ({ role }),
});
