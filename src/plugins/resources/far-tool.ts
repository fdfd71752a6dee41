import type { z } from 'zod';
import type { Json, JsonObject } from '../../core/json.ts';
import { isObject } from '../../core/json.ts';
import { idOfKey } from '../../core/key-id.ts';
import { shellQuote } from '../../core/shell-quote.ts';
import {
  type CloudOutcome,
  type CloudResourceDefinition,
  defineCloudResource,
  type ResourceContext,
} from '../../sdk/cloud.ts';
import type { Endpoint, SshTarget } from '../../sdk/powers.ts';
import { launchLines, lookAt, stopThere } from '../detached.ts';

/** What is run on a machine: files beside it, and shell. Whatever is secret stands in the files. */
export interface Play {
  at: SshTarget;
  files: Record<string, string>;
  script: string;
}

/**
 * A tool that configures machines and is run over SSH: where it is installed (its control machine, its master), or on the machine that
 * it configures. It goes on while Millrace is down, and is found again by its key.
 */
export interface FarTool<P extends z.ZodObject> {
  type: string;
  title: string;
  summary: string;
  properties: P;
  attributes: Record<string, string>;
  /** The endpoint that the resource names. */
  account(properties: z.infer<P>): string;
  /** The type that the endpoint must have. */
  endpointType: string;
  apply(properties: z.infer<P>, endpoint: Endpoint, context: ResourceContext): Play | { refused: string };
  /** Undefined where nothing is taken back. */
  remove?(properties: z.infer<P>, endpoint: Endpoint, context: ResourceContext): Play | undefined;
  /** What expressions may read once it was applied. */
  shows?(properties: z.infer<P>): JsonObject;
}

const pollSeconds = 0.5;
/** Looks at a script that neither runs nor has ended, before it is given up. */
const mostMissing = 10;

export function farTool<P extends z.ZodObject>(tool: FarTool<P>): CloudResourceDefinition<P> {
  const { type, title, summary, properties, attributes } = tool;
  const apply = async (given: z.infer<P>, context: ResourceContext): Promise<CloudOutcome> => {
    const play = tool.apply(given, await endpointFor(tool, given, context), context);
    if ('refused' in play) return { failed: `${context.instance}: ${play.refused}` };
    return launch(play, { shows: tool.shows?.(given) ?? {} }, context);
  };
  return defineCloudResource({
    ...{ type, accountType: 'any', title, summary, properties, attributes },
    create: apply,
    update: (given, _, context) => apply(given, context),
    async destroy(before, context) {
      const given = properties.safeParse(before);
      if (!given.success || !tool.remove) return { done: {} };
      const play = tool.remove(given.data, await endpointFor(tool, given.data, context), context);
      return play ? launch(play, { shows: {} }, context) : { done: {} };
    },
    poll: look,
    cancel: stop,
  });
}

async function endpointFor<P extends z.ZodObject>(
  tool: FarTool<P>,
  given: z.infer<P>,
  { powers }: ResourceContext,
): Promise<Endpoint> {
  return powers.endpoint(tool.account(given), tool.endpointType);
}

/** Started once: whoever comes second finds it started. What was secret is gone when it has ended. */
async function launch(
  { at, files, script }: Play,
  told: JsonObject,
  { key, instance, powers }: ResourceContext,
): Promise<CloudOutcome> {
  const id = idOfKey(key);
  const written = Object.entries(files).map(
    ([name, content]) =>
      `printf %s ${shellQuote(Buffer.from(content).toString('base64'))} | base64 -d > ${shellQuote(name)}`,
  );
  const whole = Buffer.from(['set -e', ...written, script, ''].join('\n'));
  const start = [
    'umask 077',
    `d="$HOME/.millrace/${id}"`,
    'mkdir -p "$d" && cd "$d" || exit 97',
    'cat > script.part || exit 96',
    `[ "$(wc -c < script.part)" -eq ${whole.length} ] || exit 95`,
    'mv script.part script',
    ...launchLines(`sh ./script; r=$?; rm -f script ${Object.keys(files).map(shellQuote).join(' ')}; exit $r`),
  ].join('\n');
  const { code, errors } = await powers.ssh(at, start, whole);
  if (code !== 0)
    return {
      failed: `${instance}: it could not be started on ${at.host}: ${errors.trim() || `the shell there ended with ${code}`}.`,
    };
  return { wait: { ...told, id, at: powers.seal(JSON.stringify(at)) }, seconds: pollSeconds };
}

async function look(ticket: Json, { instance, powers }: ResourceContext): Promise<CloudOutcome> {
  const { id, at: sealed, shows, missing = 0 } = isObject(ticket) ? ticket : {};
  const at = JSON.parse(powers.open(String(sealed))) as SshTarget;
  const remote = (script: string, input: Buffer) => powers.ssh(at, script, input);
  const { exit, isAlive, output } = await lookAt(remote, `$HOME/.millrace/${String(id)}`, 0);
  const last = output.toString('utf8').trim().split('\n').slice(-8).join(' / ');
  if (exit === undefined) return { failed: `${instance}: what was started on ${at.host} is gone.` };
  if (exit === 0) return { done: isObject(shows) ? shows : {} };
  if (exit !== null)
    return { failed: `${instance}: it ended with ${exit} on ${at.host}. Last lines: ${last || 'none.'}` };
  if (isAlive) return { wait: ticket, seconds: pollSeconds };
  if (Number(missing) >= mostMissing)
    return { failed: `${instance}: what was started on ${at.host} vanished without an exit code.` };
  return { wait: { ...(ticket as JsonObject), missing: Number(missing) + 1 }, seconds: pollSeconds };
}

async function stop(ticket: Json, { powers }: ResourceContext): Promise<void> {
  const { id, at: sealed } = isObject(ticket) ? ticket : {};
  const at = JSON.parse(powers.open(String(sealed))) as SshTarget;
  await stopThere((script, input) => powers.ssh(at, script, input), `$HOME/.millrace/${String(id)}`);
}

/** The machine of an endpoint, which is logged in to by a key where there is one. */
export function controlMachine({ properties }: Endpoint): SshTarget {
  const { hostname = '', port = '22', username = '', password = '', privateKey = '', passphrase = '' } = properties;
  return { host: hostname, port: Number(port) || 22, username, password, privateKey, passphrase };
}

/** A machine of the deployment, as `${resource.vm.*}` gives it, and how to log in to it. */
export function machineAt(
  host: JsonObject,
  login: { username: string; password: string; privateKey: string },
): SshTarget | undefined {
  const withPort = /^(.*):(\d+)$/.exec(String(host.ssh ?? ''));
  const name = withPort?.[1] ?? String(host.address ?? '');
  const { username, password, privateKey } = login;
  return name
    ? { host: name, port: Number(withPort?.[2] ?? 22), username, password, privateKey, passphrase: '' }
    : undefined;
}
