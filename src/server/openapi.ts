import { z } from 'zod';
import { answerOf } from '../api/answers.ts';
import { codestreamPrefixes } from '../api/operation.ts';
import { operations } from '../api/operations.ts';
import type { JsonObject } from '../core/json.ts';

/** The description of the API in OpenAPI 3.1, made from the operations. */
export function openApi(version: string): JsonObject {
  const paths: JsonObject = {};
  for (const { id, method, path, permission, summary, tag, body, status = 200 } of operations) {
    for (const prefix of path.startsWith('{cs}') ? codestreamPrefixes : ['']) {
      const address = path.replace('{cs}', prefix);
      const parameters = [...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
        name: name!,
        in: 'path',
        required: true,
        schema: { type: 'string' },
      }));
      const answer = answerOf({ id });
      const described: JsonObject = {
        operationId: prefix === codestreamPrefixes[1] ? `${id}.pipeline` : id,
        summary,
        tags: [tag],
        'x-permission': permission,
        ...(permission === 'public' ? { security: [] } : {}),
        ...(parameters.length > 0 ? { parameters } : {}),
        ...(body ? { requestBody: { content: { 'application/json': { schema: { type: 'object' } } } } } : {}),
        responses: {
          [String(status)]: {
            description: 'Done.',
            ...(answer ? { content: { 'application/json': { schema: z.toJSONSchema(answer) as JsonObject } } } : {}),
          },
          default: { description: 'An error with code, message and hint.' },
        },
      };
      paths[address] = { ...(paths[address] as JsonObject | undefined), [method.toLowerCase()]: described };
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Millrace', version, license: { name: 'Apache-2.0' } },
    security: [{ bearer: [] }],
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    paths,
  };
}
