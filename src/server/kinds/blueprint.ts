import { checkBlueprint } from '../../blueprint/parse.ts';
import { type Diagnostic, isError } from '../../core/diagnostic.ts';
import type { JsonObject } from '../../core/json.ts';

/** A blueprint's text is kept even when it has errors, but not deployed; its versions stay what they are. */
export function acceptBlueprint(
  body: JsonObject,
  before?: JsonObject,
): { body: JsonObject; diagnostics: Diagnostic[] } {
  const content = String(body.content ?? '');
  const { diagnostics } = checkBlueprint(content);
  return {
    body: {
      content,
      description: String(body.description ?? ''),
      requestScopeOrg: body.requestScopeOrg === true,
      valid: !diagnostics.some(isError),
      versions: before?.versions ?? [],
    },
    diagnostics,
  };
}
