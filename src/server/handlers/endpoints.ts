import { MillraceError, messageOf } from '../../core/error.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import { maskedValue } from '../../core/secret.ts';
import { openEndpoint, readVariables } from '../../engine/definitions.ts';
import { wayOut } from '../../engine/relay.ts';
import { certificatesOf } from '../../host/certificates.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import type { Handler } from '../request.ts';

/** Whether an endpoint works, before something depends on it. */
export function endpointHandlers({ parts, kinds, users }: HandlerParts): Record<string, Handler> {
  const { store, catalogue, moment } = parts;
  return {
    /** Takes what would be saved, or the name of what is. What is wrong is the answer, not an error. */
    'endpoints.validate': async ({ body, user }) => {
      const [project, name] = [String(body.project ?? 'Default'), String(body.name ?? '')];
      const saved = name ? await store.find('endpoint', project, name) : undefined;
      if (saved?.body.isRestricted === true && !(await users.isAdministrator(user!.name)))
        throw new MillraceError('permission.denied', {
          message: `Endpoint ${name} is restricted: only administrators may use it.`,
        });
      const given = body.type === undefined && saved ? { ...saved.body, name, project } : body;
      mustNotMove(saved, given);
      const at = moment.now();
      const document: Document = {
        ...{ kind: 'endpoint', id: saved?.id ?? '', project, name, createdAt: at, updatedAt: at },
        body: kinds.endpoint!.accept(given, saved),
      };
      const shown = kinds.endpoint!.show(document);
      const definition = catalogue.endpoints.find(({ type }) => type === document.body.type)!;
      if (!definition.test) return { ...shown, isValid: true, validationOutput: 'There is nothing to be tried.' };
      const { values, restricted } = await readVariables(parts, project);
      if (!(await users.isAdministrator(user!.name))) for (const one of restricted) delete values[one];
      try {
        const { endpoint } = openEndpoint(parts, document, values);
        const found = await definition.test(endpoint, (await wayOut(parts, { endpoint })).http);
        return { ...shown, isValid: true, validationOutput: found };
      } catch (thrown) {
        if (thrown instanceof MillraceError && thrown.code === 'internal.error') throw thrown;
        return { ...shown, isValid: false, validationOutput: messageOf(thrown) };
      }
    },
    'endpoints.certificate': async ({ query }) => {
      if (!query.url) throw new MillraceError('request.invalid', { message: '`url` is missing.' });
      return { certificates: await certificatesOf(query.url) };
    },
  };
}

/** A secret that the caller has not said is never sent to an address that the caller has changed. */
function mustNotMove(saved: Document | undefined, given: JsonObject): void {
  if (!saved || !isObject(given.properties) || !isObject(saved.body.properties)) return;
  const old = saved.body.properties;
  const entries = Object.entries(given.properties);
  const keepsSecret = entries.some(([, value]) => value === maskedValue);
  const moved = entries.find(([key, value]) => /url|host/i.test(key) && value !== old[key]);
  if (keepsSecret && moved)
    throw new MillraceError('request.invalid', {
      message: `\`${moved[0]}\` was changed, and the secrets are those that were saved: they are not sent to another address.`,
      hint: 'Give the secrets anew.',
    });
}
