import { groupFault } from '../../blueprint/property-groups.ts';
import { MillraceError } from '../../core/error.ts';
import { toIso } from '../../core/instant.ts';
import { isObject, type Json, type JsonObject } from '../../core/json.ts';
import { maskedValue } from '../../core/secret.ts';
import { isSealed } from '../../store/seal.ts';
import type { Kind, KindParts } from './kind.ts';
import { projectId, sealed } from './kind.ts';

/** Definitions that blueprints share. What is `encrypted` is sealed. */
export function propertyGroupKind(parts: KindParts): Kind {
  return {
    kind: 'property-group',
    path: 'property-groups',
    accept(body, before) {
      const type = String(body.type ?? before?.body.type ?? '').toUpperCase();
      const fault = groupFault({ ...body, type });
      if (fault)
        throw new MillraceError('definition.invalid', { message: `Property group ${String(body.name)}: ${fault}` });
      const old = isObject(before?.body.properties) ? before.body.properties : {};
      const properties = Object.entries(body.properties as Record<string, JsonObject>).map(([name, definition]) => {
        if (definition.encrypted !== true || definition.const === undefined) return [name, definition];
        const known = isObject(old[name]) ? old[name].const : undefined;
        return [name, { ...definition, const: sealed(parts, definition.const, known) }];
      });
      return {
        ...{
          type,
          displayName: String(body.displayName ?? body.name ?? ''),
          description: String(body.description ?? ''),
        },
        properties: Object.fromEntries(properties) as JsonObject,
      };
    },
    show({ id, name, project, body, createdAt, updatedAt }) {
      const properties = Object.entries(body.properties as Record<string, JsonObject>).map(([key, definition]) => [
        key,
        isSealed(definition.const) ? { ...definition, const: maskedValue } : definition,
      ]);
      return {
        ...{ id, name, type: body.type as Json, orgId: 'default', displayName: body.displayName as Json },
        ...{
          description: body.description as Json,
          projectName: project,
          projectId: project ? projectId(project) : '',
        },
        properties: Object.fromEntries(properties) as JsonObject,
        ...{ createdAt: toIso(createdAt), updatedAt: toIso(updatedAt) },
        ...{ createdBy: String(body.createdBy ?? ''), updatedBy: String(body.updatedBy ?? '') },
      };
    },
  };
}
