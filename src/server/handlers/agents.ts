import { toIso } from '../../core/instant.ts';
import { answerCall, isAway, lastSeen, takeCalls } from '../../engine/relay.ts';
import type { HandlerParts } from '../handlers.ts';
import { envelope, type Handler } from '../request.ts';

/** Remote agents: programs that ask what to reach, in a network that this server does not reach. */
export const agentHandlers = ({ parts, users }: HandlerParts): Record<string, Handler> => ({
  'agents.list': async ({ query }) => {
    const agents = (await users.list()).filter(({ role }) => role === 'agent');
    const shown = agents.map(async ({ name }) => {
      const last = await lastSeen(parts, name);
      const status = isAway(last, parts.moment.now()) ? 'DISCONNECTED' : 'CONNECTED';
      return { id: name, name, status, lastSeen: last === undefined ? '' : toIso(last) };
    });
    return envelope(await Promise.all(shown), query);
  },
  'agents.take': async ({ user, signal }) => ({ calls: await takeCalls(parts, user!.name, signal) }),
  'agents.answer': async ({ params, body, user }) => {
    await answerCall(parts, user!.name, params.id!, body);
    return {};
  },
});
