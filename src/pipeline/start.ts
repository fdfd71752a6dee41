import { nearest } from '../core/diagnostic.ts';
import { MillraceError } from '../core/error.ts';
import type { Json } from '../core/json.ts';
import type { Pipeline } from './model.ts';

/**
 * The inputs of a run: what was given over the defaults. Inputs the pipeline does not know are kept, since triggers inject some.
 * @throws MillraceError input.invalid where a mandatory input has no value.
 */
export function bindInputs(pipeline: Pipeline, given: Record<string, Json>): Record<string, Json> {
  const inputs = { ...pipeline.input, ...given };
  const missing = Object.entries(pipeline.inputMeta)
    .filter(([name, meta]) => meta.mandatory && (inputs[name] ?? '') === '')
    .map(([name]) => name);
  const [first] = missing;
  if (first !== undefined) {
    const close = nearest(first, Object.keys(given));
    throw new MillraceError('input.invalid', {
      message: `Pipeline ${pipeline.name} needs a value for the input${missing.length > 1 ? 's' : ''} ${missing.join(', ')}.`,
      hint: close ? `Was ${close} meant to be ${first}?` : `Give it, for example with: --input ${first}=VALUE`,
    });
  }
  return inputs;
}
