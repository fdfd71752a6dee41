import { MillraceError } from './error.ts';

/**
 * What DATABASE_URL says; undefined where it is not set or empty. @throws MillraceError request.invalid where it is no address of a
 * PostgreSQL; the message leaves out user and password.
 */
export function databaseAddress(environment: Record<string, string | undefined>): string | undefined {
  const given = environment.DATABASE_URL;
  if (!given || partsOfAddress(given)) return given || undefined;
  throw new MillraceError('request.invalid', {
    message: `DATABASE_URL is no address of a PostgreSQL: "${withoutSecrets(given)}".`,
    hint: 'Write it as in postgres://user:password@host:5432/millrace, or postgres://user@localhost/millrace?host=/run/postgresql.',
  });
}

/** Without user and password, also where it does not begin as an address does, and without settings. */
const withoutSecrets = (text: string): string => text.replace(/^(\w+:\/\/)?.*@/s, '$1').replace(/\?.*/s, '');

/** Where a database is, without user and password. */
export function placeOfDatabase(address: string): string {
  const parts = partsOfAddress(address);
  if (!parts) return 'of that address';
  const { searchParams, hostname, port, pathname } = parts;
  return `${searchParams.get('host') ?? hostname}:${port || 5432}${pathname}`;
}

/** A server of this machine that is reached by a socket may have no host: `?host=` names the directory. */
function partsOfAddress(address: string): URL | null {
  const withHost = address.replace(/^(\w+:\/\/([^/]*@)?)\//, '$1localhost/');
  return /^postgres(ql)?:\/\//.test(address) ? URL.parse(withHost) : null;
}
