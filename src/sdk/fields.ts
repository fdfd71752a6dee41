import { z } from 'zod';

/** Fields as real files hold them: numbers and booleans may be texts. */
export const integer = (description: string, least = Number.MIN_SAFE_INTEGER) =>
  z.coerce.number().int().min(least).describe(description);
export const text = (description: string) =>
  z
    .preprocess(
      (value) =>
        value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value),
      z.string(),
    )
    .describe(description);
/** A text that is sealed before it is kept, and never shown. */
export const secret = (description: string) =>
  text('').optional().meta({ description, secret: true }) as z.ZodOptional<ReturnType<typeof text>>;
/** A text that may not be empty. */
export const filledText = (description: string) => text('').pipe(z.string().min(1)).describe(description);
export const flag = (description: string) =>
  z
    .preprocess((value) => (typeof value === 'string' ? value.toLowerCase() === 'true' : value), z.boolean())
    .describe(description);
export const texts = (description: string) =>
  z
    .preprocess((value) => (value === null || value === '' ? [] : value), z.array(text('One item.')))
    .describe(description);
export const textMap = (description: string) =>
  z
    .preprocess(
      (value) => (value === null || value === '' || (Array.isArray(value) && value.length === 0) ? {} : value),
      z.record(z.string(), text('One value.')),
    )
    .describe(description);
