import { MillraceError } from '../../core/error.ts';
import { maskedValue } from '../../core/secret.ts';
import type { TriggerDefinition } from '../../sdk/parts.ts';
import { common, flagOf, type Kind, type KindParts, sealed, withoutServerFields } from './kind.ts';

/** What one kind of trigger starts: a pipeline, when a far side posts an event to the listener of this webhook. */
export function webhookKind(parts: KindParts, trigger: TriggerDefinition): Kind {
  const { kind, path, listeners } = trigger.words;
  return {
    kind,
    path,
    accept(body, before) {
      if (!body.pipeline)
        throw new MillraceError('definition.invalid', {
          message: `Webhook ${String(body.name)} names no pipeline.`,
          hint: 'Add `pipeline: NAME`.',
        });
      const parsed = trigger.config.safeParse(body);
      if (!parsed.success)
        throw new MillraceError('definition.invalid', {
          message: `Webhook ${String(body.name)}: \`${parsed.error.issues[0]?.path.join('.')}\`: ${parsed.error.issues[0]?.message}.`,
        });
      const secrets = ['secretToken', 'refreshToken'].map((key) => {
        const isBinding = String(body[key] ?? '').includes('${');
        return [key, body[key] && !isBinding ? sealed(parts, body[key], before?.body[key]) : String(body[key] ?? '')];
      });
      return {
        ...withoutServerFields(body),
        ...Object.fromEntries(secrets),
        enabled: flagOf(body.enabled) ?? (before ? before.body.enabled !== false : true),
      };
    },
    show: (document) => ({
      ...document.body,
      ...common(document, path),
      secretToken: document.body.secretToken ? maskedValue : '',
      refreshToken: document.body.refreshToken ? maskedValue : '',
      slug: document.id,
      externalListenerLink: `${parts.externalUrl()}/codestream/api/${listeners}/${document.id}`,
    }),
  };
}
