import { MillraceError, messageOf } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import { fireByHand, lineState, withLine } from '../../engine/streams.ts';
import type { StreamDefinition } from '../../sdk/streams.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { flagOf, nameOfCopy } from '../kinds/kind.ts';
import { envelope, type Handler, type Request } from '../request.ts';
import { definitionHandlers } from './definitions.ts';
import { finders } from './find.ts';
import { eventHandlers } from './trigger-events.ts';

/** What every kind of stream has: listeners that hold a line, triggers, and the records of what was heard. */
export function streamHandlers(given: HandlerParts): Record<string, Handler> {
  return Object.assign({}, ...given.parts.catalogue.streams.map((stream) => handlersOf(given, stream)));
}

function handlersOf(given: HandlerParts, stream: StreamDefinition): Record<string, Handler> {
  const { parts, engine, kinds } = given;
  const { store, moment } = parts;
  const { byId, byName, save } = finders(store);
  const { listener, listeners, kind, path, events } = stream.words;
  const records = eventHandlers(given, stream);

  /** With how its line does. */
  async function showListener(document: Document): Promise<JsonObject> {
    const { connected = false, reason = '', about = '' } = (await store.get(lineState, document.id))?.body ?? {};
    const isWanted = document.body.connected === true;
    return {
      ...kinds[listener]!.show(document),
      _reason: isWanted ? (reason as string) : '',
      _line: isWanted ? (connected === true ? 'UP' : 'DOWN') : 'CLOSED',
      _about: String(about),
    };
  }

  /** The same question of a thing by its id, and by project and name. */
  const both = (
    name: string,
    of: string,
    answer: (document: Document, request: Request) => Promise<unknown>,
  ): Record<string, Handler> => ({
    [name]: async (request) => answer(await byId(of, request.params.id!), request),
    [`${name}ByName`]: async (request) => answer(await byName(of, request.params), request),
  });

  async function flip(document: Document, flag: 'connected' | 'enabled', { body, user }: Request): Promise<Document> {
    const wanted = flagOf(body[flag]);
    if (wanted === undefined)
      throw new MillraceError('request.invalid', {
        message: `Only \`${flag}\` can be changed so.`,
        hint: 'PUT changes all else.',
      });
    const changed: Document = {
      ...document,
      body: { ...document.body, [flag]: wanted, updatedBy: user!.name },
      updatedAt: moment.now(),
    };
    await store.put(changed);
    if (flag === 'connected') await engine.lookAtStreams();
    return changed;
  }

  async function clone(document: Document, { body, user }: Request): Promise<Document> {
    const name = nameOfCopy(document, body);
    const at = moment.now();
    const off: JsonObject = document.kind === listener ? { connected: false } : { enabled: false };
    const description = String(body.description ?? document.body.description ?? '');
    const copy: Document = {
      ...{ kind: document.kind, id: moment.newId(), project: document.project, name },
      body: { ...document.body, ...off, description, createdBy: user!.name, updatedBy: user!.name },
      createdAt: at,
      updatedAt: at,
    };
    await save(copy);
    return copy;
  }

  /** As the original: what is made is turned on by a second call. */
  const createOff = (of: string, where: string, flag: string): Handler => {
    const create = definitionHandlers(given, kinds[of]!)[`${where}.create`]!;
    return (request) => create({ ...request, body: { ...request.body, [flag]: false } });
  };

  async function fire({ body }: Request): Promise<JsonObject> {
    const project = String(body.project ?? '');
    const trigger = await byName(kind, { project, name: String(body.trigger ?? '') });
    const heard = await byName(listener, { project, name: String(trigger.body.listener ?? '') });
    const fired = await fireByHand(parts, engine, stream, {
      listener: heard,
      trigger,
      id: String(body.changeId ?? ''),
    });
    const started = fired.filter(({ body: { executionStatus } }) => executionStatus === 'STARTED');
    const others = fired.filter((one) => !started.includes(one)).map((one) => String(one.body.message));
    const message = [started.length > 0 ? `${started.length} started.` : 'Nothing was started.', ...others].join(' ');
    return { message, pipelinesTriggered: started.map((one) => String(one.body.pipeline)) };
  }

  return {
    [`${listeners}.create`]: createOff(listener, listeners, 'connected'),
    [`${listeners}.list`]: async ({ query }) =>
      envelope(await Promise.all((await store.list(listener)).reverse().map(showListener)), query),
    ...both(`${listeners}.get`, listener, showListener),
    ...both(`${listeners}.patch`, listener, async (document, request) =>
      showListener(await flip(document, 'connected', request)),
    ),
    ...both(`${listeners}.clone`, listener, async (document, request) => showListener(await clone(document, request))),
    ...both(`${listeners}.projects`, listener, async (document) =>
      withLine(parts, stream, document, (line) => line.projects()),
    ),
    [`${listeners}.validate`]: async ({ body }) => {
      const wanted = { project: String(body.project ?? 'Default'), body };
      try {
        const about = await withLine(parts, stream, wanted, async (line) => line.about);
        return { isValid: true, validationOutput: `${stream.title} lets us in: ${about}.` };
      } catch (thrown) {
        return { isValid: false, validationOutput: messageOf(thrown) };
      }
    },
    [`${path}.create`]: createOff(kind, path, 'enabled'),
    ...both(`${path}.patch`, kind, async (document, request) =>
      kinds[kind]!.show(await flip(document, 'enabled', request)),
    ),
    ...both(`${path}.clone`, kind, async (document, request) => kinds[kind]!.show(await clone(document, request))),
    ...records.handlers,
    [`${events}.fire`]: fire,
  };
}
