import { z } from 'zod';
import { MillraceError } from '../../core/error.ts';
import { maskedValue } from '../../core/secret.ts';
import { textMap } from '../../sdk/fields.ts';
import type { TriggerDefinition } from '../../sdk/parts.ts';
import { common, flagOf, type Kind, type KindParts, sealed, withoutServerFields } from './kind.ts';

const whatAllHave = z.looseObject({
  pipeline: z.string().min(1),
  endpoint: z.string().optional(),
  description: z.string().optional(),
  input: textMap('Inputs of the run, under those that the event brings.').default({}),
  secretToken: z.string().optional(),
  refreshToken: z.string().optional(),
});

/** What one kind of trigger starts: a pipeline, when a far side posts an event to the listener of this webhook. */
export function webhookKind(parts: KindParts, trigger: TriggerDefinition): Kind {
  const { kind, path, listeners } = trigger.words;
  return {
    kind,
    path,
    accept(body, before) {
      // Clients written in strict languages send null for what they leave out.
      const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
      const parsed = whatAllHave.safeParse(given);
      const own = trigger.config.safeParse(given);
      const issue = parsed.error?.issues[0] ?? own.error?.issues[0];
      if (issue)
        throw new MillraceError('definition.invalid', {
          message: `Webhook ${String(body.name)}: \`${issue.path.join('.')}\`: ${issue.message}.`,
          hint: issue.path[0] === 'pipeline' ? 'Name the pipeline that it starts: `pipeline: NAME`.' : undefined,
        });
      const secrets = ['secretToken', 'refreshToken'].map((key) => {
        const isBinding = String(body[key] ?? '').includes('${');
        return [key, body[key] && !isBinding ? sealed(parts, body[key], before?.body[key]) : String(body[key] ?? '')];
      });
      return {
        ...withoutServerFields(given),
        input: parsed.data!.input,
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
