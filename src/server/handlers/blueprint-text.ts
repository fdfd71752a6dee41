import type { Blueprint } from '../../blueprint/model.ts';
import { checkBlueprint } from '../../blueprint/parse.ts';
import { withPropertyGroups } from '../../blueprint/property-groups.ts';
import { MillraceError } from '../../core/error.ts';
import { readPropertyGroups } from '../../engine/definitions.ts';
import type { Store } from '../../store/store.ts';

/**
 * A blueprint as people are asked for its inputs: with the property groups of its project in it.
 * @throws MillraceError definition.invalid where the text is no blueprint.
 */
export async function resolvedBlueprint(
  store: Store,
  { name, project, content }: { name: string; project: string; content: string },
): Promise<Blueprint> {
  const { blueprint, diagnostics } = checkBlueprint(content);
  if (!blueprint)
    throw new MillraceError('definition.invalid', { message: `Blueprint ${name} cannot be read.`, diagnostics });
  return withPropertyGroups(blueprint, await readPropertyGroups({ store }, project)).blueprint;
}
