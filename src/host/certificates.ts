import { type ConnectionOptions, connect, type DetailedPeerCertificate } from 'node:tls';
import { MillraceError, messageOf } from '../core/error.ts';

/** A certificate that a server shows, in words for people. */
export interface ShownCertificate {
  issuedTo: string;
  issuedBy: string;
  periodOfValidity: string;
  fingerprints: { 'SHA-1': string; 'SHA-256': string };
}

const patience = 10_000;

/**
 * The certificates that a server shows, its own first; nothing is trusted and nothing sent.
 * @throws MillraceError endpoint.unreachable
 */
export function certificatesOf(address: string): Promise<ShownCertificate[]> {
  const url = URL.parse(/^[a-z]+:\/\//i.test(address) ? address : `https://${address}`);
  if (!url?.hostname || url.protocol !== 'https:')
    throw new MillraceError('request.invalid', {
      message: `${address} is no address that TLS is spoken at.`,
      hint: 'Such as https://host.example:8443.',
    });
  const options: ConnectionOptions = {
    ...{ host: url.hostname, port: Number(url.port) || 443, rejectUnauthorized: false, timeout: patience },
    ...(/^[\d.]+$|:/.test(url.hostname) ? {} : { servername: url.hostname }),
  };
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => {
      socket.destroy();
      reject(new MillraceError('endpoint.unreachable', { message: `${url.host} shows no certificate: ${reason}.` }));
    };
    const socket = connect(options, () => {
      const chain: ShownCertificate[] = [];
      const seen = new Set<string>();
      for (
        let one: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
        one;
        one = one.issuerCertificate
      ) {
        if (!one.fingerprint256 || seen.has(one.fingerprint256)) break;
        seen.add(one.fingerprint256);
        chain.push({
          issuedTo: nameOf(one.subject),
          issuedBy: nameOf(one.issuer),
          periodOfValidity: `${one.valid_from} - ${one.valid_to}`,
          fingerprints: { 'SHA-1': one.fingerprint, 'SHA-256': one.fingerprint256 },
        });
      }
      socket.destroy();
      resolve(chain);
    });
    socket.on('error', (error) => fail(messageOf(error)));
    socket.on('timeout', () => fail(`no answer within ${patience / 1000} s`));
  });
}

const nameOf = (name: DetailedPeerCertificate['subject']): string =>
  Object.entries(name ?? {})
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(', ');
