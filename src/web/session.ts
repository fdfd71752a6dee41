import { type Client, openClient } from '../api/client.ts';
import { MillraceError } from '../core/error.ts';

/** Who is signed in in this tab. Closing the tab signs out; nothing is kept where another site or tab could read it. */
export interface SignedIn {
  name: string;
  client: Client;
}

const key = 'millrace';
const listeners = new Set<() => void>();
let present = restore();

export const session = {
  current: (): SignedIn | undefined => present,

  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },

  /** @throws MillraceError what the server says against it. */
  async signIn(username: string, password: string): Promise<void> {
    const open = openClient({ url: '', token: '' });
    const { access_token: token } = await open.json('POST', '/csp/gateway/am/api/login', { username, password });
    sessionStorage.setItem(key, JSON.stringify({ name: username, token }));
    become(restore());
  },

  signOut(): void {
    sessionStorage.removeItem(key);
    become(undefined);
  },

  /** A token that is not valid any more is as good as none. */
  heard(thrown: unknown): void {
    if (thrown instanceof MillraceError && thrown.code === 'login.needed') session.signOut();
  },
};

function become(next: SignedIn | undefined): void {
  present = next;
  for (const listener of listeners) listener();
}

function restore(): SignedIn | undefined {
  const kept = sessionStorage.getItem(key);
  if (!kept) return undefined;
  const { name, token } = JSON.parse(kept) as { name: string; token: string };
  return { name, client: openClient({ url: '', token }) };
}
