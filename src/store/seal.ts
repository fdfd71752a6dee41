import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { MillraceError } from '../core/error.ts';

/** Encrypts what must not lie readable in the database: AES-256-GCM with a key that is kept outside of it. */
export interface Seal {
  /** `((secret:v1:...))`, different each time. */
  close(plain: string): string;
  /** @throws MillraceError secret.unreadable */
  open(sealed: string): string;
}

/** Few enough that little of what is secret lies open in memory, beside the key. */
const mostLately = 50;

const form = /^\(\(secret:v1:([A-Za-z0-9+/=]+)\)\)$/;
export const isSealed = (text: unknown): boolean => typeof text === 'string' && form.test(text);

/** Reads the key of 32 bytes, making it (readable by its owner alone) when there is none yet. */
export function openSeal(keyFile: string): Seal {
  if (!existsSync(keyFile)) {
    mkdirSync(dirname(keyFile), { recursive: true });
    makeOnce(keyFile, randomBytes(32).toString('base64'));
  }
  const key = Buffer.from(readFileSync(keyFile, 'utf8').trim(), 'base64');
  if (key.length !== 32) {
    throw new MillraceError('secret.unreadable', {
      message: `The key file ${keyFile} does not hold 32 bytes in base64.`,
      hint: 'Restore it from your backup: without it the stored secrets cannot be read.',
    });
  }
  return sealWith(key);
}

/** Whole from the first moment on; of two processes that start at once, both then read what one of them wrote. */
function makeOnce(path: string, text: string): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
  } finally {
    rmSync(draft, { force: true });
  }
}

export function sealWith(bytes: Buffer): Seal {
  // Read once: OpenSSL takes four times as long to read the key as to open a secret with it.
  const key = createSecretKey(bytes);
  /** What was opened lately: a thousand pushes ask for one secret. */
  const lately = new Map<string, string>();
  return {
    close(plain) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return `((secret:v1:${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')}))`;
    },
    open(sealed) {
      const known = lately.get(sealed);
      if (known !== undefined) return known;
      const plain = openNow(sealed);
      if (lately.size >= mostLately) lately.clear();
      lately.set(sealed, plain);
      return plain;
    },
  };

  function openNow(sealed: string): string {
    const kept = Buffer.from(form.exec(sealed)?.[1] ?? '', 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, kept.subarray(0, 12));
      decipher.setAuthTag(kept.subarray(12, 28));
      return Buffer.concat([decipher.update(kept.subarray(28)), decipher.final()]).toString('utf8');
    } catch (cause) {
      throw new MillraceError('secret.unreadable', {
        message: 'A stored secret cannot be opened with the present key.',
        hint: 'Was the key file replaced? Restore it, or set the secret again.',
        cause,
      });
    }
  }
}
