import { hash, randomBytes } from 'node:crypto';
import type { Permission } from '../api/operation.ts';
import { MillraceError } from '../core/error.ts';
import type { Store } from '../store/store.ts';
import type { Role, User, Users } from './users.ts';

const accessLife = 8 * 3600_000;
const refreshLife = 90 * 86_400_000;

const may: Record<Role, readonly Permission[]> = {
  administrator: ['public', 'signed-in', 'answer', 'read', 'execute', 'develop', 'administer'],
  developer: ['public', 'signed-in', 'answer', 'read', 'execute', 'develop'],
  executor: ['public', 'signed-in', 'answer', 'read', 'execute'],
  viewer: ['public', 'signed-in', 'answer', 'read'],
  user: ['public', 'signed-in', 'answer'],
  agent: ['public', 'relay'],
};

export const isAllowed = (user: Pick<User, 'role'> | undefined, permission: Permission): boolean =>
  permission === 'public' || (user !== undefined && may[user.role].includes(permission));

/** Tokens and who they belong to; they are kept as SHA-256 hashes and cannot be read back. */
export function openAuth(store: Store, users: Users, now: () => number) {
  return {
    /** @throws MillraceError login.failed, after the same time whether or not the user exists. */
    async signIn(name: string, password: string): Promise<{ access: string; refresh: string; user: User }> {
      const isRight = await users.isPassword(name, password);
      const user = await users.find(name);
      if (!user || !isRight) {
        throw new MillraceError('login.failed', {
          message: 'User name or password is wrong.',
          hint: 'The first start of the server prints how to sign in.',
        });
      }
      return { access: await issue(user.name, 'access'), refresh: await issue(user.name, 'refresh'), user };
    },

    /** @throws MillraceError login.failed */
    async refresh(token: string): Promise<string> {
      const found = await read(token, 'refresh');
      if (!found)
        throw new MillraceError('login.failed', {
          message: 'The refresh token is not valid, or no longer.',
          hint: 'Sign in again.',
        });
      return issue(found.name, 'access');
    },

    async userOfToken(token: string): Promise<User | undefined> {
      return (await read(token, 'access')) ?? (await read(token, 'refresh'));
    },

    issue,

    /** Ends all tokens of a user. */
    async forget(user: string): Promise<void> {
      for (const { id, body } of await store.list('token'))
        if (String(body.user).toLowerCase() === user.toLowerCase()) await store.remove('token', id);
    },

    /** Removes tokens that are no longer valid. */
    async forgetExpired(): Promise<void> {
      for (const { id, body } of await store.list('token'))
        if (Number(body.expiresAt) < now()) await store.remove('token', id);
    },
  };

  async function issue(
    user: string,
    kind: 'access' | 'refresh',
    life = kind === 'access' ? accessLife : refreshLife,
  ): Promise<string> {
    const token = randomBytes(32).toString('base64url');
    const id = fingerprint(token);
    const body = { user, kind, expiresAt: now() + life };
    await store.put({ kind: 'token', id, project: '', name: id, body, createdAt: now(), updatedAt: now() });
    return token;
  }

  async function read(token: string, kind: 'access' | 'refresh'): Promise<User | undefined> {
    const document = await store.get('token', fingerprint(token));
    if (!document || document.body.kind !== kind || Number(document.body.expiresAt) < now()) return undefined;
    return users.find(String(document.body.user));
  }
}

export type Auth = ReturnType<typeof openAuth>;

const fingerprint = (token: string): string => hash('sha256', token);
