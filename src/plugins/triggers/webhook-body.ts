import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import { MillraceError } from '../../core/error.ts';
import type { Json } from '../../core/json.ts';

/** @throws MillraceError webhook.malformed */
export function readJson(body: Buffer): Json {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new MillraceError('webhook.malformed', {
      message: 'The body of the webhook is no JSON.',
      hint: 'Choose the content type application/json on the other side.',
      cause,
    });
  }
}

/** @throws MillraceError webhook.malformed, naming what is missing. */
export function shaped<S extends z.ZodType>(schema: S, json: Json, server: string): z.infer<S> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new MillraceError('webhook.malformed', {
    message: `The event lacks what a webhook of ${server} has: \`${issue?.path.join('.')}\` ${issue?.message ?? ''}.`,
    cause: parsed.error,
  });
}

/** Whether a header `sha256=...` is the HMAC of the body by the secret. */
export function isSigned(header: string | undefined, body: Buffer, secret: string): boolean {
  const given = /^sha256=([0-9a-f]{64})$/i.exec(header ?? '')?.[1];
  if (!given) return false;
  return timingSafeEqual(Buffer.from(given, 'hex'), createHmac('sha256', secret).update(body).digest());
}

/** Whether two texts are the same, found out in a time that tells nothing. */
export const isSameText = (given: string | undefined, secret: string): boolean =>
  given !== undefined && timingSafeEqual(hash(given), hash(secret));

/** Whether a request shows that its sender knows a secret: by a signature, as a bearer, or in a header or the address (`?secret=`). */
export function knowsSecret(headers: Record<string, string>, body: Buffer, secret: string): boolean {
  const bearer = headers.authorization?.replace(/^Bearer\s+/i, '');
  const shown = [bearer, headers['x-millrace-secret'], headers['x-gitlab-token']];
  return (
    secret === '' ||
    isSigned(headers['x-hub-signature-256'], body, secret) ||
    shown.some((given) => isSameText(given, secret))
  );
}

/** Where the far side gives a delivery no id, the same body is the same delivery. */
export const deliveryOf = (body: Buffer): string => hash(body).toString('hex');

const hash = (value: string | Buffer): Buffer => createHash('sha256').update(value).digest();
