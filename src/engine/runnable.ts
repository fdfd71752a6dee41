import { isError } from '../core/diagnostic.ts';
import { MillraceError } from '../core/error.ts';
import type { Pipeline } from '../pipeline/model.ts';
import { checkPipeline, type Surroundings } from '../pipeline/validate.ts';
import { taskRules } from '../sdk/rules.ts';
import type { Document } from '../store/store.ts';
import type { EngineParts } from './parts.ts';

/**
 * @param around what it may name, where that was read already
 * @throws MillraceError where the pipeline may not, or cannot, run.
 */
export async function runnablePipeline(
  parts: EngineParts,
  document: Document,
  around: Surroundings | undefined,
): Promise<Pipeline> {
  if (document.body.enabled === false) {
    throw new MillraceError('pipeline.disabled', {
      message: `Pipeline ${document.name} is disabled.`,
      hint: 'Enable it: PATCH it with {"state": "ENABLED"}.',
    });
  }
  const { pipeline, diagnostics } = check(parts, document, around ?? (await surroundingsOf(parts, document.project)));
  const errors = diagnostics.filter(isError);
  if (!pipeline || errors.length > 0) {
    throw new MillraceError('definition.invalid', {
      message: `Pipeline ${document.name} has errors: ${errors.map(({ message, line, column }) => `${line}:${column}: ${message}`).join(' ')}`,
      hint: 'Correct it: millrace validate FILE',
      diagnostics: errors,
    });
  }
  return { ...pipeline, name: document.name, project: document.project };
}

/** What the pipelines of a project may name. */
export async function surroundingsOf({ store }: EngineParts, project: string): Promise<Surroundings> {
  const names = await store.names(['variable', 'endpoint', 'pipeline'], project);
  return { variables: names.variable, endpoints: names.endpoint, pipelines: names.pipeline };
}

/** What was read of a text lately, with what it could name then: the same is not read anew for each of a thousand pushes. */
type Read = { text: string; named: string; checked: ReturnType<typeof checkPipeline> };
const readWith = new WeakMap<EngineParts['catalogue'], Map<string, Read>>();
const mostReadLately = 200;

function check(parts: EngineParts, { id, body }: Document, around: Surroundings): ReturnType<typeof checkPipeline> {
  const readLately = readWith.get(parts.catalogue) ?? new Map<string, Read>();
  readWith.set(parts.catalogue, readLately);
  const [text, named] = [String(body.content), JSON.stringify(around)];
  const known = readLately.get(id);
  if (known?.text === text && known.named === named) return known.checked;
  const checked = checkPipeline(text, taskRules(parts.catalogue), around);
  readLately.delete(id);
  readLately.set(id, { text, named, checked });
  if (readLately.size > mostReadLately) readLately.delete(readLately.keys().next().value!);
  return checked;
}
