import { z } from 'zod';
import { knownTypes } from '../../blueprint/resource-types.ts';
import { MillraceError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import { isAmong, isFound, isJust } from '../filters.ts';
import type { HandlerParts } from '../handlers.ts';
import { type Handler, pageOf } from '../request.ts';

/** Types of resources: all that blueprints may name, and which of them this server can make, and where. */
export function resourceTypeHandlers({ parts }: HandlerParts): Record<string, Handler> {
  const { resources } = parts.catalogue;
  const names = [...new Set([...knownTypes, ...resources.map(({ type }) => type)])].sort();
  const view = (type: string, withSchema: boolean): JsonObject => {
    const own = resources.filter((definition) => definition.type === type);
    const [first] = own;
    return {
      id: type,
      name: type,
      displayName: first?.title ?? type,
      description: first?.summary ?? '',
      endpointType: own.map(({ accountType }) => accountType).join(','),
      providerId: 'provisioning-service',
      deployable: own.length > 0,
      operations: Object.fromEntries(Object.keys(first?.actions ?? {}).map((name) => [name, `${type}.${name}`])),
      ...(withSchema && first
        ? { schema: z.toJSONSchema(first.properties, { io: 'input', unrepresentable: 'any' }) as JsonObject }
        : {}),
    };
  };
  const list: Handler = async ({ query }) => {
    const isWanted = (type: string) =>
      isJust(query.name, type) && isAmong(query.ids, type) && isFound(query.search, type);
    return pageOf(
      names.filter(isWanted).map((type) => view(type, (query.expand ?? '').includes('schema'))),
      query,
    );
  };
  const get: Handler = async ({ params }) => {
    if (names.includes(params.id!)) return view(params.id!, true);
    throw new MillraceError('not.found', { message: `There is no resource type ${params.id}.` });
  };
  return {
    'resource-types.list': list,
    'resource-types.get': get,
    'deployment-types.list': list,
    'deployment-types.get': get,
  };
}
