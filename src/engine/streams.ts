import { messageOf } from '../core/error.ts';
import type { Instant } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import type { StreamDefinition, StreamEvent, StreamLine } from '../sdk/streams.ts';
import type { Document } from '../store/store.ts';
import { readEndpoint, readVariables } from './definitions.ts';
import type { Engine } from './engine.ts';
import { keep, startFor } from './fire-event.ts';
import type { EngineParts } from './parts.ts';
import { runsAs } from './triggers.ts';

/** Where it is kept how the line of a listener does: apart from what people write. */
export const lineState = 'stream-line';

const longestPause = 60_000;
/** What the far side told in this time may be on its way yet; asking for it again does no harm. */
const overlap = 5 * 60_000;
const betweenNotes = 15_000;

type Starter = Pick<Engine, 'startExecution'>;

/** A line of a listener, as far as it has come. */
interface Held {
  /** What it was opened for: it is opened anew where that has changed. */
  signature: string;
  line: StreamLine | undefined;
  isOver: boolean;
  failures: number;
  retryAt: Instant;
  noted: Instant;
  /** Events are taken one after the other. */
  work: Promise<void>;
}

/**
 * Keeps the lines that listeners ask for. Of many nodes the oldest holds them all; when it dies the next one does, and asks for
 * what happened meanwhile. An event that is heard twice starts its runs once.
 */
export function streamDesk(parts: EngineParts, engine: Starter) {
  const { store, catalogue, moment } = parts;
  const held = new Map<string, Held>();

  let looking: Promise<void> = Promise.resolve();
  let isStopped = false;

  return {
    /** Opens and closes what must be; one look after the other. */
    look(): Promise<void> {
      looking = looking.then(lookOnce, lookOnce);
      return looking;
    },
    stop(): void {
      isStopped = true;
      for (const { line } of held.values()) line?.close();
      held.clear();
    },
  };

  async function lookOnce(): Promise<void> {
    const all = catalogue.streams.map(async (stream) =>
      (await store.list(stream.words.listener)).map((listener) => ({ stream, listener })),
    );
    const listeners = (await Promise.all(all)).flat();
    const isOurs = listeners.length > 0 && (await isOldest());
    const wanted = new Set<string>();
    for (const { stream, listener } of listeners) {
      if (listener.body.connected !== true) {
        // Whoever was told to be silent does not ask later for what happened meanwhile.
        if (await store.get(lineState, listener.id)) await store.remove(lineState, listener.id);
      } else if (isOurs) {
        wanted.add(listener.id);
        await lookAfter(stream, listener);
      }
    }
    for (const [id, { line }] of held)
      if (!wanted.has(id)) {
        held.delete(id);
        line?.close();
      }
  }

  /** One node holds the lines. */
  async function isOldest(): Promise<boolean> {
    const [oldest] = await store.nodes();
    return oldest === undefined || oldest.name === parts.node.name;
  }

  async function lookAfter(stream: StreamDefinition, listener: Document): Promise<void> {
    const endpoint = await store.find('endpoint', listener.project, String(listener.body.endpoint));
    const signature = `${listener.updatedAt}/${endpoint?.id}/${endpoint?.updatedAt}`;
    const known = held.get(listener.id);
    const now = moment.now();
    if (isStopped) return;
    if (known?.signature === signature && !known.isOver) return noteAlive(listener, known);
    if (known?.signature === signature && known.retryAt > now) return;
    known?.line?.close();
    const failures = known?.signature === signature ? known.failures : 0;
    const begun: Held = {
      ...{ signature, line: undefined, isOver: false, failures, retryAt: 0, noted: now },
      work: Promise.resolve(),
    };
    held.set(listener.id, begun);
    void hold(stream, listener, begun);
  }

  /** From the first call to the end of the line; never throws. */
  async function hold(stream: StreamDefinition, listener: Document, mine: Held): Promise<void> {
    let why = '';
    try {
      const { values } = await readVariables(parts, listener.project);
      const { endpoint } = await readEndpoint(parts, listener.project, String(listener.body.endpoint), values);
      const line = await stream.open(endpoint);
      mine.line = line;
      if (held.get(listener.id) !== mine) return line.close();
      const before = await store.get(lineState, listener.id);
      const since = before?.body.heardAt as Instant | undefined;
      const take = (event: StreamEvent) => {
        mine.work = mine.work
          .then(() => hear(stream, listener, line, event))
          .catch((thrown) => {
            why ||= messageOf(thrown);
            line.close();
          });
      };
      const begun = moment.now();
      const { ended } = await line.listen(take);
      for (const event of await line.missed(since === undefined ? begun : since - overlap)) take(event);
      await mine.work;
      if (!why) await note(listener, { connected: true, about: line.about, reason: '', heardAt: moment.now() });
      const reason = await ended;
      await mine.work;
      why ||= reason;
    } catch (thrown) {
      why = messageOf(thrown);
      mine.line?.close();
    }
    mine.isOver = true;
    if (held.get(listener.id) !== mine) return;
    mine.failures = moment.now() - mine.noted > longestPause ? 1 : mine.failures + 1;
    mine.retryAt = moment.now() + Math.min(longestPause, 500 * 2 ** mine.failures);
    parts.report('The line of a listener is down and is opened again.', { listener: listener.name, error: why });
    const { heardAt = null } = (await store.get(lineState, listener.id).catch(() => undefined))?.body ?? {};
    await note(listener, { connected: false, about: '', reason: why, heardAt }).catch(() => undefined);
  }

  /** While the line stands and nothing waits, all is heard. */
  async function noteAlive(listener: Document, mine: Held): Promise<void> {
    if (moment.now() - mine.noted < betweenNotes) return;
    const state = await store.get(lineState, listener.id);
    if (state?.body.connected !== true) return;
    const heardAt = moment.now();
    await mine.work;
    if (mine.isOver) return;
    mine.noted = heardAt;
    await note(listener, { ...state.body, heardAt });
  }

  async function note(listener: Document, body: JsonObject): Promise<void> {
    const at = moment.now();
    await store.put({
      ...{ kind: lineState, id: listener.id, project: listener.project, name: listener.id, body },
      createdAt: at,
      updatedAt: at,
    });
  }

  async function hear(
    stream: StreamDefinition,
    listener: Document,
    line: StreamLine,
    event: StreamEvent,
  ): Promise<void> {
    let whole: StreamEvent | undefined;
    for (const trigger of await triggersOf(parts, stream, listener)) {
      if (event.at < trigger.createdAt - overlap || !stream.concerns(event, stream.config.parse(trigger.body)))
        continue;
      whole ??= await line.completed(event);
      await fireFor(parts, engine, { stream, listener, trigger, event: whole, occasion: event.delivery });
    }
  }
}

const triggersOf = async ({ store }: EngineParts, { words }: StreamDefinition, listener: Document) =>
  (await store.list(words.kind)).filter(
    ({ project, body }) => project === listener.project && body.listener === listener.name,
  );

/** Starts what a trigger makes of an event, and writes down what that was; the same occasion twice is one. */
async function fireFor(
  parts: EngineParts,
  engine: Starter,
  given: { stream: StreamDefinition; listener: Document; trigger: Document; event: StreamEvent; occasion: string },
): Promise<Document[]> {
  const { stream, listener, trigger, event, occasion } = given;
  const { words } = stream;
  const verdict =
    trigger.body.enabled === false
      ? { ignore: `Trigger ${trigger.name} is disabled.` }
      : stream.match(event, stream.config.parse(trigger.body));
  const now = parts.moment.now();
  const recordOf = (id: string, more: JsonObject): Document => ({
    ...{ kind: words.event, id, project: trigger.project, name: id, createdAt: now, updatedAt: now },
    body: {
      ...{ trigger: trigger.name, webhookId: trigger.id, listener: listener.name, eventType: event.kind },
      ...{ timeStampInMicros: now * 1000, ...stream.record(event), ...more },
    },
  });
  if ('ignore' in verdict) {
    const id = idOfKey(`${trigger.id}/${occasion}`);
    const known = await parts.store.get(words.event, id);
    const outcome = { message: verdict.ignore, executionStatus: 'IGNORED' };
    return [known ?? (await keep(parts, recordOf(id, { pipeline: '' }), outcome))];
  }
  const { fire, author, tags } = verdict;
  const requestedBy = await runsAs(parts, trigger, listener.body.apiToken);
  const records: Document[] = [];
  for (const [number, { pipeline, input, report }] of fire.entries()) {
    const id = idOfKey(`${trigger.id}/${occasion}/${pipeline}/${number}`);
    const record = recordOf(id, { pipeline, report, fire: { input, author, tags, requestedBy } });
    const run = { run: idOfKey(`${id}/execution`), once: true, headers: {} };
    records.push(await startFor(parts, engine, stream, record, run));
  }
  return records;
}

/**
 * What a trigger makes of the present state of a thing, asked for by a person: every time anew.
 * @throws MillraceError where the far side does not know it, or does not answer.
 */
export async function fireByHand(
  parts: EngineParts,
  engine: Starter,
  stream: StreamDefinition,
  { listener, trigger, id }: { listener: Document; trigger: Document; id: string },
): Promise<Document[]> {
  return withLine(parts, stream, listener, async (line) => {
    const event = await line.completed(await line.find(id));
    return fireFor(parts, engine, { stream, listener, trigger, event, occasion: parts.moment.newId() });
  });
}

/** Opens a line for a few questions. */
export async function withLine<T>(
  parts: EngineParts,
  stream: StreamDefinition,
  { project, body }: Pick<Document, 'project' | 'body'>,
  ask: (line: StreamLine) => Promise<T>,
): Promise<T> {
  const { values } = await readVariables(parts, project);
  const { endpoint } = await readEndpoint(parts, project, String(body.endpoint), values);
  const line = await stream.open(endpoint);
  try {
    return await ask(line);
  } finally {
    line.close();
  }
}
