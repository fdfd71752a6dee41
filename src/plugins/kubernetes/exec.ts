import type { Exec } from '@kubernetes/client-node';
import { MillraceError } from '../../core/error.ts';
import type { Endpoint } from '../../sdk/powers.ts';
import { baseUrl } from '../far-side.ts';
import { trustIn } from './client.ts';

/** Commands in pods, by the official client. @throws MillraceError where the endpoint trusts what its client cannot. */
export async function openExec(endpoint: Endpoint): Promise<Exec> {
  const { Exec: Client, KubeConfig } = await import('@kubernetes/client-node');
  const { ca, cert, key, fingerprint } = trustIn(endpoint);
  if (fingerprint && !ca)
    throw new MillraceError('endpoint.invalid', {
      message: `Endpoint ${endpoint.name} accepts a certificate by its \`fingerprint\`, which workspaces cannot.`,
      hint: 'Give the certificate of the authority as `certAuthorityData`.',
    });
  const { username, userName, password, token } = endpoint.properties;
  const user = username || userName;
  const base64 = (pem: string | undefined) => (pem ? Buffer.from(pem).toString('base64') : undefined);
  const server = baseUrl(endpoint, 'kubernetesURL');
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'cluster', server, caData: base64(ca), skipTLSVerify: server.startsWith('http:') }],
    users: [
      {
        name: 'us',
        ...(user ? { username: user, password: password || token } : { token: token || password }),
        ...(cert && key ? { certData: base64(cert), keyData: base64(key) } : {}),
      },
    ],
    contexts: [{ name: 'here', cluster: 'cluster', user: 'us' }],
    currentContext: 'here',
  });
  return new Client(config);
}
