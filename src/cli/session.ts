import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { Session } from '../api/client.ts';
import { MillraceError } from '../core/error.ts';

const sessionFile = (): string =>
  process.env.MILLRACE_CONFIG ??
  join(process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'millrace', 'session.json');

/** Who we are signed in as: MILLRACE_URL and MILLRACE_TOKEN, or what `login` left. @throws MillraceError login.needed */
export function readSession(): Session {
  const { MILLRACE_URL: url, MILLRACE_TOKEN: token } = process.env;
  if (url && token) return { url, token };
  try {
    const session = JSON.parse(readFileSync(sessionFile(), 'utf8')) as Session;
    if (session.ca) trust(session.ca);
    return session;
  } catch {
    throw new MillraceError('login.needed', {
      message: 'You are not signed in to a server.',
      hint: 'Sign in: millrace login URL --user NAME',
    });
  }
}

export function saveSession(session: Session): void {
  mkdirSync(dirname(sessionFile()), { recursive: true });
  writeFileSync(sessionFile(), JSON.stringify(session));
  chmodSync(sessionFile(), 0o600);
}

/** Trusts an authority beside those that everybody knows, in this process. */
export function trust(ca: string): void {
  setDefaultCACertificates([...getCACertificates('default'), ca]);
}
