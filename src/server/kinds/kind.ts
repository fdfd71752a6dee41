import { type Diagnostic, isError } from '../../core/diagnostic.ts';
import { MillraceError } from '../../core/error.ts';
import { toIso, toMicros } from '../../core/instant.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { idOfKey } from '../../core/key-id.ts';
import { maskedValue } from '../../core/secret.ts';
import { isForeign } from '../../lang/foreign-secrets.ts';
import type { Catalogue } from '../../sdk/catalogue.ts';
import { isSealed, type Seal } from '../../store/seal.ts';
import type { Document } from '../../store/store.ts';

export interface KindParts {
  catalogue: Catalogue;
  seal: Seal;
  /** The names of secrets in endpoints; the catalogue's owner gives them. */
  secretProperties: string[];
  externalUrl(): string;
}

/** How one kind of definition comes in by the API, is kept, and is shown. */
export interface Kind {
  kind: string;
  /** The word in addresses. */
  path: string;
  /** What is kept of what was sent; `before` for a change. @throws MillraceError where it cannot be taken. */
  accept(body: JsonObject, before: Document | undefined): JsonObject;
  /** What is shown; never a secret. */
  show(document: Document): JsonObject;
}

/** Projects are known by their name; the id follows from it. */
export const projectId = (project: string): string => idOfKey(`project/${project}`);

/** The fields that every object of the original has. */
export function common({ id, name, project, createdAt, updatedAt, body }: Document, path: string): JsonObject {
  const [createdBy, updatedBy] = [String(body.createdBy ?? ''), String(body.updatedBy ?? '')];
  return {
    id,
    name,
    project,
    description: String(body.description ?? ''),
    version: '',
    createdAt: toIso(createdAt),
    updatedAt: toIso(updatedAt),
    createdBy,
    updatedBy,
    _projectId: projectId(project),
    _createdBy: createdBy,
    _updatedBy: updatedBy,
    _createTimeInMicros: toMicros(createdAt),
    _updateTimeInMicros: toMicros(updatedAt),
    _link: `/codestream/api/${path}/${id}`,
  };
}

/**
 * A secret as it is kept. Clients feed back the asterisks that they were shown, and files hold what other servers have sealed: where
 * there was something before, that stays.
 */
export function sealed({ seal }: KindParts, value: Json | undefined, before: Json | undefined): Json {
  if ((value === maskedValue || isForeign(value)) && before !== undefined) return before;
  return isSealed(value) ? (value as string) : seal.close(String(value ?? ''));
}

/** Whether a client says yes, as a flag or as a text; undefined where it says nothing. */
export function flagOf(value: Json | undefined): boolean | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return value === true || value === 'true';
}

/** What a copy that a client asks for shall be called. @throws MillraceError request.invalid where nobody says it. */
export function nameOfCopy(original: Document, body: JsonObject): string {
  if (String(body.requestType ?? 'CLONE').toUpperCase() === 'CLONE' && body.name) return String(body.name);
  throw new MillraceError('request.invalid', {
    message: `A copy of ${original.name} was asked for without a name.`,
    hint: 'Send {"requestType": "CLONE", "name": "NEW NAME"}.',
  });
}

/** What clients feed back and we set ourselves. */
export function withoutServerFields(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([key]) => !serverFields.includes(key)));
}

const serverFields = [
  ...['id', '_link', '_createdBy', '_updatedBy', '_createTimeInMicros', '_updateTimeInMicros', '_projectId', 'version'],
  ...['createdAt', 'updatedAt', 'createdBy', 'updatedBy', 'externalListenerLink', 'content'],
];

export function refuseErrors(what: string, name: string, diagnostics: Diagnostic[]): void {
  const errors = diagnostics.filter(isError);
  if (errors.length > 0)
    throw new MillraceError('definition.invalid', { message: faultsIn(what, name, errors), diagnostics: errors });
}

/** One sentence for a person who has the text at hand. */
export function faultsIn(what: string, name: string, errors: Diagnostic[]): string {
  const places = errors
    .map(({ line, column, message, hint }) => `${line}:${column}: ${message}${hint ? ` ${hint}` : ''}`)
    .join(' ');
  return `The ${what} ${name} has ${errors.length === 1 ? 'an error' : `${errors.length} errors`}: ${places}`;
}
