import { createHash } from 'node:crypto';
import { z } from 'zod';
import { MillraceError, messageOf } from '../core/error.ts';
import { unescapeHtml } from '../core/html.ts';
import { secret, text } from '../sdk/fields.ts';
import { defineEndpoint } from '../sdk/parts.ts';
import type { Endpoint } from '../sdk/powers.ts';

const seconds = 1000;

export const email = defineEndpoint({
  type: 'email',
  title: 'Mail server',
  summary: 'Sends mail by SMTP.',
  properties: z.looseObject({
    senderAddress: text('Address that mails come from.'),
    encryptionMethod: text(
      '`TLS` (STARTTLS, which the server must offer), `SSL` (from the first byte) or `NONE`.',
    ).default('NONE'),
    outboundHost: text('Host.'),
    outboundPort: text('Port; 465 with `SSL` and 587 otherwise when empty.').default(''),
    outboundProtocol: text('`smtp`.').default('smtp'),
    outboundUsername: text('User name; no login when empty.').default(''),
    outboundPassword: secret('Password.'),
  }),
  async test(endpoint) {
    const transport = await transportOf(endpoint);
    try {
      await transport.verify();
    } catch (cause) {
      throw unreachable(endpoint, cause);
    } finally {
      transport.close();
    }
    return 'The mail server answers, and takes our name.';
  },
});

export interface Mail {
  /** The same id is the same mail: whoever keeps mails can tell that one came twice. */
  id: string;
  to: string[];
  subject: string;
  html: string;
}

async function transportOf({ properties }: Endpoint) {
  const { encryptionMethod, outboundHost, outboundPort, outboundUsername, outboundPassword } =
    email.properties.parse(properties);
  const method = encryptionMethod.toUpperCase();
  const { createTransport } = await import('nodemailer');
  return createTransport({
    host: outboundHost,
    port: Number(outboundPort) || (method === 'SSL' ? 465 : 587),
    secure: method === 'SSL',
    requireTLS: method === 'TLS',
    ignoreTLS: method === 'NONE',
    auth: outboundUsername ? { user: outboundUsername, pass: outboundPassword ?? '' } : undefined,
    connectionTimeout: 5 * seconds,
    greetingTimeout: 5 * seconds,
    socketTimeout: 10 * seconds,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

const unreachable = ({ name }: Endpoint, cause: unknown): MillraceError =>
  new MillraceError('endpoint.unreachable', { message: `Endpoint ${name}: ${messageOf(cause)}`, cause });

/** Sends a mail. @throws MillraceError endpoint.unreachable naming the endpoint and what its server said. */
export async function sendMail(endpoint: Endpoint, { id, to, subject, html }: Mail): Promise<void> {
  const from = endpoint.properties.senderAddress ?? '';
  const transport = await transportOf(endpoint);
  const digest = createHash('sha256').update(id).digest('hex').slice(0, 32);
  const messageId = `<${digest}@${from.split('@').at(-1)}>`;
  try {
    await transport.sendMail({ messageId, from, to, subject, html, text: withoutMarks(html) });
  } catch (cause) {
    throw unreachable(endpoint, cause);
  } finally {
    transport.close();
  }
}

/** For those who read mail as text. */
const withoutMarks = (html: string): string =>
  unescapeHtml(html.replace(/<(br|\/p|\/div|\/li)\b[^>]*>/gi, '\n').replace(/<[^>]*>/g, '')).trim();
