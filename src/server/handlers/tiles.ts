import { z } from 'zod';
import { MillraceError } from '../../core/error.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import type { HandlerParts } from '../handlers.ts';
import { envelope, type Handler } from '../request.ts';

/** What this server can do, as the original's pages ask for it: the types of tasks and endpoints with their properties. */
export function tileHandlers({ parts }: HandlerParts): Record<string, Handler> {
  const { tasks, endpoints } = parts.catalogue;
  const endpointTile = ({ type, title, summary, properties }: (typeof endpoints)[number]) => ({
    ...{ tileId: type, displayName: title, description: summary, _link: `/codestream/api/endpoint-tiles/${type}` },
    inputProperties: propertiesOf(properties),
    outputProperties: {},
  });
  const pipelineTile = ({ type, title, summary, input, output }: (typeof tasks)[number]) => ({
    ...{ tileId: type, displayName: title, description: summary, _link: `/codestream/api/pipeline-tiles/${type}` },
    inputProperties: propertiesOf(input),
    outputProperties: Object.fromEntries(
      Object.entries(output).map(([name, description]) => [name, { type: 'String', description, mandatory: false }]),
    ),
  });
  return {
    'endpoints.tiles': async ({ query }) => envelope(endpoints.map(endpointTile) as never, query),
    'endpoints.tile': async ({ params }) => {
      const found = endpoints.find(({ type }) => type === params.type);
      if (found) return endpointTile(found);
      throw new MillraceError('not.found', {
        message: `There is no endpoint type ${params.type}.`,
        hint: `Known: ${endpoints.map(({ type }) => type).join(', ')}.`,
      });
    },
    'pipelines.tiles': async ({ query }) => envelope(tasks.map(pipelineTile) as never, query),
  };
}

function propertiesOf(schema: z.ZodObject): JsonObject {
  const { properties, required = [] } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return Object.fromEntries(
    Object.entries(properties ?? {}).map(([name, property]) => {
      const described: JsonObject = isObject(property as never) ? (property as JsonObject) : {};
      const type = { object: 'Map', array: 'List', boolean: 'Boolean', integer: 'Integer', number: 'Double' };
      return [
        name,
        {
          type: type[String(described.type) as 'object'] ?? 'String',
          description: String(described.description ?? ''),
          mandatory: required.includes(name),
        },
      ];
    }),
  );
}
