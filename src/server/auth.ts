import { createHash, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import type { Permission } from '../api/operation.ts';
import { MillraceError } from '../core/error.ts';
import type { Document, Store } from '../store/store.ts';

export type Role = 'administrator' | 'developer' | 'executor' | 'viewer' | 'user';

export interface User {
  name: string;
  role: Role;
}

const accessLife = 8 * 3600_000;
const refreshLife = 90 * 86_400_000;

const may: Record<Role, readonly Permission[]> = {
  administrator: ['public', 'signed-in', 'answer', 'read', 'execute', 'develop', 'administer'],
  developer: ['public', 'signed-in', 'answer', 'read', 'execute', 'develop'],
  executor: ['public', 'signed-in', 'answer', 'read', 'execute'],
  viewer: ['public', 'signed-in', 'answer', 'read'],
  user: ['public', 'signed-in', 'answer'],
};

export const isAllowed = (user: User | undefined, permission: Permission): boolean =>
  permission === 'public' || (user !== undefined && may[user.role].includes(permission));

/** Who people are: passwords are kept as scrypt hashes, tokens as SHA-256 hashes; neither can be read back. */
export function openAuth(store: Store, now: () => number) {
  return {
    async addUser(name: string, password: string, role: Role): Promise<void> {
      const salt = randomBytes(16);
      await put('user', name.toLowerCase(), {
        name,
        role,
        salt: salt.toString('base64'),
        hash: hashOf(password, salt),
      });
    },

    async hasUsers(): Promise<boolean> {
      return (await store.list('user')).length > 0;
    },

    async isAdministrator(name: string): Promise<boolean> {
      return (await store.get('user', name.toLowerCase()))?.body.role === 'administrator' || name === 'system';
    },

    /** @throws MillraceError login.failed, after the same time whether or not the user exists. */
    async signIn(name: string, password: string): Promise<{ access: string; refresh: string; user: User }> {
      const document = await store.get('user', name.toLowerCase());
      const salt = Buffer.from(String(document?.body.salt ?? 'AAAAAAAAAAAAAAAAAAAAAA=='), 'base64');
      const hash = Buffer.from(hashOf(password, salt));
      const known = Buffer.from(String(document?.body.hash ?? ''));
      if (!document || hash.length !== known.length || !timingSafeEqual(hash, known)) {
        throw new MillraceError('login.failed', {
          message: 'User name or password is wrong.',
          hint: 'The first start of the server prints how to sign in.',
        });
      }
      return {
        access: await issue(String(document.body.name), 'access'),
        refresh: await issue(String(document.body.name), 'refresh'),
        user: userOf(document),
      };
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
    await put('token', fingerprint(token), {
      user,
      kind,
      expiresAt: now() + life,
    });
    return token;
  }

  async function read(token: string, kind: 'access' | 'refresh'): Promise<User | undefined> {
    const document = await store.get('token', fingerprint(token));
    if (!document || document.body.kind !== kind || Number(document.body.expiresAt) < now()) return undefined;
    const user = await store.get('user', String(document.body.user).toLowerCase());
    return user && userOf(user);
  }

  async function put(kind: string, id: string, body: Document['body']): Promise<void> {
    await store.put({ kind, id, project: '', name: id, body, createdAt: now(), updatedAt: now() });
  }
}

export type Auth = ReturnType<typeof openAuth>;

const userOf = ({ body }: Document): User => ({ name: String(body.name), role: body.role as Role });
const fingerprint = (token: string): string => createHash('sha256').update(token).digest('hex');
const hashOf = (password: string, salt: Buffer): string => scryptSync(password, salt, 32).toString('base64');
