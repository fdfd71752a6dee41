import type { Blueprint } from '../../blueprint/model.ts';
import { checkBlueprint } from '../../blueprint/parse.ts';
import { type PropertyGroup, withPropertyGroups } from '../../blueprint/property-groups.ts';
import { MillraceError } from '../../core/error.ts';
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
  const groups: Record<string, PropertyGroup> = {};
  const kept = await store.list('property-group');
  for (const owner of ['', project])
    for (const one of kept) if (one.project === owner) groups[one.name] = one.body as unknown as PropertyGroup;
  return withPropertyGroups(blueprint, groups).blueprint;
}
