import { Command } from 'commander';
import { type Client, openClient } from '../../api/client.ts';
import { MillraceError, messageOf } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import type { AgentCall, WayOut } from '../../engine/relay.ts';
import type { ExitCode } from '../program.ts';
import { readSession } from '../session.ts';

/** Milliseconds. */
const [firstPause, longestPause] = [500, 30_000];

export const agentCommand = (done: (code: ExitCode) => void): Command =>
  new Command('agent')
    .description(
      'Reach far sides for a server that cannot: stands in their network, asks the server what to call, and needs no open port. Signed in as a user of the role agent, whose name is the agent.',
    )
    .action(async () => done(await work()));

async function work(): Promise<ExitCode> {
  const session = readSession();
  const client = openClient(session);
  const { openHttp } = await import('../../host/http.ts');
  const { runRemote } = await import('../../host/ssh.ts');
  const out: WayOut = { http: openHttp(() => undefined), ssh: runRemote };
  const underWay = new Set<Promise<void>>();
  let isStopping = false;
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => {
        isStopping = true;
        resolve();
      });
  });
  say(`Asking ${session.url} what to do.`);
  for (let faults = 0; !isStopping; ) {
    const taken = await Promise.race([take(client), stopped.then(() => [])]);
    if (taken instanceof Error) {
      if (taken instanceof MillraceError && taken.status < 500) throw taken;
      say(`${taken.message} Trying again.`);
      await Promise.race([stopped, pause(Math.min(longestPause, firstPause * 2 ** faults++))]);
      continue;
    }
    faults = 0;
    for (const call of taken) {
      const one = serve(client, out, call).finally(() => underWay.delete(one));
      underWay.add(one);
    }
  }
  await Promise.race([Promise.allSettled(underWay), pause(5000)]);
  // The question to the server is still open, and ends with this process.
  return process.exit(0);
}

/** An answer that cannot be handed in is lost, as one of the far side may be; whoever waits for it finds out by the time. */
async function serve(client: Client, out: WayOut, call: AgentCall): Promise<void> {
  const { perform } = await import('../../engine/relay.ts');
  const begun = Date.now();
  const told = await perform(out, call);
  const what = call.kind === 'http' ? `${call.request.method} ${call.request.url}` : `SSH ${call.request.target.host}`;
  const how = told.error ? String((told.error as JsonObject).message) : 'done';
  say(`${what.split('?')[0]}: ${how} in ${Date.now() - begun} ms`);
  await client
    .json('POST', `/api/agents/calls/${call.id}`, told)
    .catch((thrown) => say(`The answer was not taken: ${messageOf(thrown)}`));
}

const take = (client: Client): Promise<AgentCall[] | Error> =>
  client.json('POST', '/api/agents/calls', {}).then(
    ({ calls }) => calls as unknown as AgentCall[],
    (thrown: Error) => thrown,
  );

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const pause = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time));
