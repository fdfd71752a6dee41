import { type ErrorCode, errorCodes, MillraceError } from '../core/error.ts';
import type { Instant } from '../core/instant.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import type { Endpoint, Http, HttpAnswer, Ssh, SshTarget } from '../sdk/powers.ts';
import type { Document } from '../store/store.ts';
import type { EngineParts } from './parts.ts';

/** Kinds of documents: what an agent shall do, that it has taken it, what came of it, and when it last asked. */
const [calls, claims, answers, seen] = ['agent-call', 'agent-claim', 'agent-answer', 'agent-seen'];

/** All in milliseconds. */
const betweenLooks = 150;
const longestWait = 20_000;
/** An agent that has not asked for so long is away. */
const away = 60_000;
const usualLife = 60_000;
/** What the way to the agent and back may take on top. */
const wayThere = 10_000;

/** One call that an agent shall make, as plain data. */
export type AgentCall = { id: string } & (
  | { kind: 'http'; request: JsonObject }
  | { kind: 'ssh'; request: { target: JsonObject; script: string; input: string } }
);

/** The way to far sides: from here, or through an agent that stands in their network. */
export interface WayOut {
  http: Http;
  ssh: Ssh;
}

/**
 * How a task with these endpoints reaches far sides: through the agent of its role `agent`, or of the endpoint that says so, where there
 * is one of that name; else from here.
 */
export async function wayOut(parts: EngineParts, endpoints: Record<string, Endpoint>): Promise<WayOut> {
  const { agent } = endpoints;
  const named = Object.values(endpoints).map(({ agent: own }) => own ?? '');
  for (const name of [agent?.properties.leMansAgent, agent?.name, ...named])
    if (name && (await parts.people.isAgent(name))) return throughAgent(parts, name.toLowerCase());
  return { http: parts.http, ssh: parts.ssh };
}

function throughAgent(parts: EngineParts, agent: string): WayOut {
  return {
    async http({ signal, ...request }) {
      const life = (request.timeout ?? usualLife) + wayThere;
      return (await ask('http', request as unknown as JsonObject, life, signal)) as unknown as HttpAnswer;
    },
    async ssh(target, script, input) {
      const request = { target: target as unknown as JsonObject, script, input: input.toString('base64') };
      const { code, output, errors } = (await ask('ssh', request, usualLife + wayThere)) as JsonObject;
      return { code: Number(code), output: Buffer.from(String(output), 'base64'), errors: String(errors) };
    },
  };

  async function ask(kind: AgentCall['kind'], request: JsonObject, life: number, signal?: AbortSignal): Promise<Json> {
    const { store, moment } = parts;
    const last = Number((await store.get(seen!, agent))?.body.at ?? 0);
    if (moment.now() - last > away) throw unreachable(agent, last ? 'is away' : 'has never asked for work');
    store.confirmTenure();
    const id = moment.newId();
    const due = moment.now() + life;
    const sealed = parts.seal.close(JSON.stringify({ id, kind, request }));
    await store.put(documentOf(calls!, id, { agent, due, sealed }, moment.now()));
    try {
      while (moment.now() < due) {
        signal?.throwIfAborted();
        const answer = await store.get(answers!, id);
        if (answer) return readAnswer(JSON.parse(parts.seal.open(String(answer.body.sealed))));
        await pause(betweenLooks);
      }
      throw unreachable(agent, 'has not answered');
    } finally {
      for (const kind of [calls, answers, claims]) await store.remove(kind!, id);
    }
  }
}

/** What an agent shall do; waits for it until the agent goes, or a little while. A call is given out once. */
export async function takeCalls(
  { store, moment, seal }: EngineParts,
  agent: string,
  signal: AbortSignal,
): Promise<AgentCall[]> {
  const name = agent.toLowerCase();
  const until = moment.now() + longestWait;
  await store.put(documentOf(seen!, name, { at: moment.now() }, moment.now()));
  while (!signal.aborted && moment.now() < until) {
    const taken: AgentCall[] = [];
    for (const { id, body } of await store.list(calls!)) {
      if (Number(body.due) < moment.now()) await store.remove(calls!, id);
      else if (body.agent === name && (await store.insert(documentOf(claims!, id, {}, moment.now()))))
        taken.push(JSON.parse(seal.open(String(body.sealed))));
    }
    if (taken.length > 0) return taken;
    await pause(betweenLooks);
  }
  return [];
}

/** Hands in what came of a call. @throws MillraceError not.found where nobody waits for it, or it was another agent's. */
export async function answerCall(
  { store, moment, seal }: EngineParts,
  agent: string,
  id: string,
  told: JsonObject,
): Promise<void> {
  const call = await store.get(calls!, id);
  if (call?.body.agent !== agent.toLowerCase())
    throw new MillraceError('not.found', { message: `Nobody waits for the call ${id}.` });
  const now = moment.now();
  await store.put(documentOf(answers!, id, { sealed: seal.close(JSON.stringify(told)) }, now));
}

/** When an agent last asked for work; undefined: never. */
export const lastSeen = async ({ store }: Pick<EngineParts, 'store'>, agent: string): Promise<Instant | undefined> =>
  (await store.get(seen!, agent.toLowerCase()))?.body.at as Instant | undefined;

export const isAway = (last: Instant | undefined, now: Instant): boolean => last === undefined || now - last > away;

/** What an agent does with a call, and how it tells of it. */
export async function perform({ http, ssh }: WayOut, call: AgentCall): Promise<JsonObject> {
  try {
    if (call.kind === 'http') return { result: (await http(call.request as never)) as unknown as Json };
    const { target, script, input } = call.request;
    const { code, output, errors } = await ssh(target as unknown as SshTarget, script, Buffer.from(input, 'base64'));
    return { result: { code, output: output.toString('base64'), errors } };
  } catch (thrown) {
    const { message, hint = '' } = thrown as { message: string; hint?: string };
    return { error: { code: thrown instanceof MillraceError ? thrown.code : 'endpoint.unreachable', message, hint } };
  }
}

function readAnswer(told: JsonObject): Json {
  if (!isObject(told.error)) return told.result ?? null;
  const { code, message, hint } = told.error;
  throw new MillraceError(String(code) in errorCodes ? (code as ErrorCode) : 'endpoint.unreachable', {
    message: String(message),
    ...(hint ? { hint: String(hint) } : {}),
  });
}

const unreachable = (agent: string, why: string): MillraceError =>
  new MillraceError('endpoint.unreachable', {
    message: `The remote agent ${agent} ${why}.`,
    hint: 'Does `millrace agent` run there?',
  });

const documentOf = (kind: string, id: string, body: JsonObject, at: Instant): Document => ({
  ...{ kind, id, project: '', name: id, body, createdAt: at, updatedAt: at },
});

const pause = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time));
