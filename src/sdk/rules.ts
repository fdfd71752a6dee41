import { z } from 'zod';
import type { Json } from '../core/json.ts';
import { at } from '../core/json.ts';
import type { TaskRules } from '../pipeline/validate.ts';
import type { Catalogue } from './catalogue.ts';

/** What validation asks about each task type, taken from the definitions. */
export function taskRules({ tasks }: Catalogue): Record<string, TaskRules> {
  return Object.fromEntries(
    tasks.map(({ type, input, endpoints, conditions }) => [
      type,
      {
        endpoints,
        conditions,
        check: (value) => [...unknownKeys(input, value, []), ...faults(input, value)],
      } satisfies TaskRules,
    ]),
  );
}

type Fault = ReturnType<TaskRules['check']>[number];

/** Whatever a binding stands in can only be judged when the task starts. */
function faults(schema: z.ZodObject, value: Json): Fault[] {
  const result = schema.safeParse(value);
  return (result.error?.issues ?? [])
    .filter(({ path }) => !JSON.stringify(at(value, path as (string | number)[]) ?? '').includes('${'))
    .map(({ path, message }) => {
      const written = at(value, path as (string | number)[]);
      const what = path.join('.') || 'input';
      return {
        path: path as (string | number)[],
        message:
          written === undefined ? `\`${what}\` is missing. ${message}.` : `\`${what}: ${shown(written)}\`: ${message}.`,
      };
    });
}

function unknownKeys(schema: z.ZodType, value: Json, path: string[]): Fault[] {
  const object = unwrap(schema);
  if (!(object instanceof z.ZodObject) || typeof value !== 'object' || value === null || Array.isArray(value))
    return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const field = object.shape[key];
    if (field) return unknownKeys(field, item, [...path, key]);
    return [
      {
        path: [...path, key],
        message: `\`${[...path, key].join('.')}\` is no key of this task type and is ignored.`,
        warning: 'key.unknown' as const,
      },
    ];
  });
}

function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return unwrap(schema.unwrap() as z.ZodType);
  return schema;
}

const shown = (value: Json): string => JSON.stringify(value).slice(0, 60);
