import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import { MillraceError } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';
import type { Document, Store } from '../store/store.ts';

/** An `agent` is a program: it reaches far sides for us, from another network. */
export const roles = ['administrator', 'developer', 'executor', 'viewer', 'user', 'agent'] as const;
export type Role = (typeof roles)[number];

export interface User {
  name: string;
  role: Role;
  /** Empty where nobody said it. */
  email: string;
  /** Names of groups, which are made by being named. */
  groups: string[];
}

export type UserChange = Partial<Omit<User, 'name'>> & { password?: string };

/** Who people are. Names are the same in any case. Passwords are kept as scrypt hashes and cannot be read back. */
export function openUsers(store: Store, now: () => number) {
  return {
    list,
    async find(name: string): Promise<User | undefined> {
      const document = await read(name);
      return document && userOf(document);
    },

    /** @throws MillraceError not.found */
    async get(name: string): Promise<User> {
      return userOf(await known(name));
    },

    /** @throws MillraceError name.taken */
    async add(name: string, password: string, role: Role, { email = '', groups = [] }: UserChange = {}): Promise<User> {
      const id = name.toLowerCase();
      const body: JsonObject = { name, role, email, groups, ...hashed(password) };
      const made = { kind: 'user', id, project: '', name: id, body, createdAt: now(), updatedAt: now() };
      if (!(await store.insert(made)))
        throw new MillraceError('name.taken', {
          message: `There is a user ${name} already.`,
          hint: 'PATCH changes it.',
        });
      return userOf(made);
    },

    /** @throws MillraceError not.found, or request.invalid where no administrator would be left. */
    async change(name: string, { password, ...change }: UserChange): Promise<User> {
      const document = await known(name);
      if (change.role && change.role !== 'administrator') await keepAdministrator(document, 'get another role');
      const given = Object.entries(change).filter(([, value]) => value !== undefined);
      const body = { ...document.body, ...Object.fromEntries(given), ...(password ? hashed(password) : {}) };
      const changed = { ...document, body, updatedAt: now() };
      await store.put(changed);
      return userOf(changed);
    },

    /** @throws MillraceError as `change`. */
    async remove(name: string): Promise<User> {
      const document = await known(name);
      await keepAdministrator(document, 'be removed');
      await store.remove('user', document.id);
      return userOf(document);
    },

    /** Whether a password is the right one; takes as long where there is no such user. */
    async isPassword(name: string, password: string): Promise<boolean> {
      const document = await read(name);
      const salt = Buffer.from(String(document?.body.salt ?? 'AAAAAAAAAAAAAAAAAAAAAA=='), 'base64');
      const hash = Buffer.from(hashOf(password, salt));
      const expected = Buffer.from(String(document?.body.hash ?? ''));
      return hash.length === expected.length && timingSafeEqual(hash, expected);
    },

    async isAdministrator(name: string): Promise<boolean> {
      return (await read(name))?.body.role === 'administrator' || name === 'system';
    },

    async isAgent(name: string): Promise<boolean> {
      return (await read(name))?.body.role === 'agent';
    },

    /** The mail addresses of names, addresses and groups, each once; a name without an address has none. */
    async addressesOf(names: string[], groups: string[]): Promise<string[]> {
      const all = await list();
      const wanted = lowered(names);
      const members = all.filter((user) => wanted.has(user.name.toLowerCase()) || isIn(user, groups));
      const written = names.filter((name) => name.includes('@'));
      return [...new Set([...written, ...members.map(({ email }) => email)].filter(Boolean))];
    },
  };

  async function list(): Promise<User[]> {
    return (await store.list('user')).map(userOf);
  }

  async function read(name: string): Promise<Document | undefined> {
    return store.get('user', name.toLowerCase());
  }

  async function known(name: string): Promise<Document> {
    const document = await read(name);
    if (!document) throw new MillraceError('not.found', { message: `There is no user ${name}.` });
    return document;
  }

  async function keepAdministrator({ body }: Document, what: string): Promise<void> {
    const administrators = (await list()).filter(({ role }) => role === 'administrator');
    if (body.role === 'administrator' && administrators.length === 1)
      throw new MillraceError('request.invalid', {
        message: `${String(body.name)} is the only administrator and cannot ${what}.`,
        hint: 'Make another administrator first.',
      });
  }
}

export type Users = ReturnType<typeof openUsers>;

/** Whether somebody is one of the approvers of a question: by name, by mail address or by group. */
export function isApprover(user: User, question: JsonObject): boolean {
  const named = lowered(textsOf(question.approvers));
  return (
    named.has(user.name.toLowerCase()) ||
    named.has(user.email.toLowerCase() || '-') ||
    isIn(user, textsOf(question.approverGroups))
  );
}

const isIn = (user: User, groups: string[]): boolean => {
  const wanted = lowered(groups);
  return user.groups.some((group) => wanted.has(group.toLowerCase()));
};

const userOf = ({ body }: Document): User => ({
  name: String(body.name),
  role: body.role as Role,
  email: String(body.email ?? ''),
  groups: textsOf(body.groups),
});

const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const lowered = (names: string[]): Set<string> => new Set(names.map((name) => name.toLowerCase()));
const hashOf = (password: string, salt: Buffer): string => scryptSync(password, salt, 32).toString('base64');

function hashed(password: string): JsonObject {
  const salt = randomBytes(16);
  return { salt: salt.toString('base64'), hash: hashOf(password, salt) };
}
