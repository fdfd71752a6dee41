import { z } from 'zod';
import { MillraceError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import { maskedValue } from '../../core/secret.ts';
import { filledText } from '../../sdk/fields.ts';
import type { StreamDefinition } from '../../sdk/streams.ts';
import { common, flagOf, type Kind, type KindParts, sealed, withoutServerFields } from './kind.ts';

const listenerConfig = z.looseObject({ endpoint: filledText('The endpoint whose events it hears.') });

/** The line that is held to a far side: as long as `connected` says so. */
export const listenerKind = (parts: KindParts, { title, words }: StreamDefinition): Kind => ({
  kind: words.listener,
  path: words.listeners,
  accept(body, before) {
    const given = checked(`${title} listener ${String(body.name)}`, listenerConfig, body);
    const { apiToken = '' } = given;
    const isBinding = String(apiToken ?? '').includes('${');
    return {
      ...withoutServerFields(given),
      apiToken: apiToken && !isBinding ? sealed(parts, apiToken, before?.body.apiToken) : String(apiToken ?? ''),
      connected: flagOf(body.connected) ?? before?.body.connected === true,
    };
  },
  show: (document) => ({
    ...document.body,
    ...common(document, words.listeners),
    apiToken: document.body.apiToken ? maskedValue : '',
    connected: document.body.connected === true,
  }),
});

/** What is started by which events of a listener. */
export const streamTriggerKind = ({ title, words, config }: StreamDefinition): Kind => ({
  kind: words.kind,
  path: words.path,
  accept(body, before) {
    const given = checked(`${title} trigger ${String(body.name)}`, config, body);
    return {
      ...withoutServerFields(given),
      enabled: flagOf(body.enabled) ?? (before ? before.body.enabled !== false : true),
    };
  },
  show: (document) => ({
    ...document.body,
    ...common(document, words.path),
    enabled: document.body.enabled !== false,
  }),
});

/** Clients written in strict languages send null for what they leave out. @throws MillraceError naming what is wrong. */
function checked(what: string, config: z.ZodType, body: JsonObject): JsonObject {
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
  const [issue] = config.safeParse(given).error?.issues ?? [];
  if (issue)
    throw new MillraceError('definition.invalid', {
      message: `${what}: \`${issue.path.join('.')}\`: ${issue.message}.`,
    });
  return given;
}
