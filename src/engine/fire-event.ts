import { MillraceError } from '../core/error.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { Document } from '../store/store.ts';
import type { Engine } from './engine.ts';
import type { EngineParts } from './parts.ts';
import { surroundingsOf } from './runnable.ts';

/** What hears events: its word for their records, and the comment of the runs they start. */
export interface Source {
  words: { event: string; comment: string };
}

interface Firing {
  run: string | undefined;
  once?: boolean;
  headers: Record<string, string>;
}

/**
 * Starts the pipeline of an event that fired; the same `run` twice is one run.
 * @param once an event that came before is answered with its record; one that has none has no run either
 */
export async function startFor(
  parts: EngineParts,
  engine: Pick<Engine, 'startExecution'>,
  { words }: Source,
  event: Document,
  { run, once, headers }: Firing,
): Promise<Document> {
  const { store } = parts;
  const { pipeline: name, webhookId, fire } = event.body;
  const { input, author, tags, requestedBy } = fire as JsonObject;
  const refuse = (message: string) => keep(parts, event, { message, executionStatus: 'REFUSED' });
  // Each is a trip where the database is elsewhere, so they go together.
  const [before, pipeline, around] = await Promise.all([
    once ? store.get(words.event, event.id) : undefined,
    store.find('pipeline', event.project, String(name)),
    surroundingsOf(parts, event.project),
  ]);
  if (before) return before;
  if (!pipeline) return refuse(`There is no pipeline ${String(name)} in project ${event.project}.`);
  let written: Document | undefined;
  try {
    const { index } = await engine.startExecution({
      pipeline,
      around,
      input: input as JsonObject,
      comments: words.comment,
      tags: tags as string[],
      requestedBy: String(requestedBy),
      triggeredBy: String(author),
      source: String(webhookId),
      id: run,
      isNew: once,
      cause: { push: event.id, ...(wantsToKnow(event) ? { tell: words.event } : {}), ...traceparentOf(headers) },
      documents: (execution, executionIndex) => {
        const executionLink = `/codestream/api/executions/${execution}`;
        written = withOutcome(event, {
          ...{ message: 'Execution started.', executionStatus: 'STARTED' },
          ...{ executionLink, executionIndex },
        });
        return [written];
      },
    });
    // Where somebody else was faster, theirs is the run and the record.
    return written?.body.executionIndex === index ? written : (await store.get(words.event, event.id))!;
  } catch (thrown) {
    if (thrown instanceof MillraceError) return refuse(thrown.message);
    throw thrown;
  }
}

/** Whether the far side is told how the run ended. */
const wantsToKnow = ({ body }: Document): boolean => isObject(body.report) && Object.keys(body.report).length > 0;

const withOutcome = (event: Document, outcome: JsonObject): Document => ({
  ...event,
  body: { ...event.body, ...outcome },
});

export async function keep({ store }: EngineParts, event: Document, outcome: JsonObject): Promise<Document> {
  const record = withOutcome(event, outcome);
  await store.put(record);
  return record;
}

/** The trace that a caller says its request belongs to (W3C Trace Context). */
export const traceparentOf = (headers: Record<string, string | undefined>): { traceparent?: string } =>
  headers.traceparent ? { traceparent: headers.traceparent.slice(0, 100) } : {};
