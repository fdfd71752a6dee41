import { MillraceError } from '../../core/error.ts';
import { isObject } from '../../core/json.ts';
import { idOfKey } from '../../core/key-id.ts';
import { shellQuote } from '../../core/shell-quote.ts';
import type { OpenWorkspace } from '../../sdk/parts.ts';
import type { Outcome, TaskContext } from '../../sdk/task.ts';
import { completeLines, launchLines, lookAt, stopThere } from '../detached.ts';
import { exportLines } from '../shell.ts';
import type { Place } from './place.ts';

const pollSeconds = 0.3;
/** Looks at a script that neither runs nor has ended, before it is given up: its start and its end are not one moment. */
const mostMissing = 10;
/** Milliseconds between tries to begin. */
const [firstPause, mostPause] = [200, 4000];
const mostFile = 64 * 2 ** 20;

/**
 * A job in the container of a run: started there detached, in a directory named by the key of its task, so that a server that comes
 * back finds it running, ended, or never begun.
 */
export function containerPlace(workspace: OpenWorkspace, { key, log }: TaskContext): Place {
  const own = `/tmp/.millrace/${idOfKey(key)}`;
  return {
    own,
    async start({ script, environment, files, within, limits }) {
      const told = await workspace.prepare();
      if (told) await log.append(await log.offset(), told);
      const written = { ...files, 'script.sh': script, prelude: exportLines(environment) };
      // Whatever is secret goes in by the standard input, and stands on no command line.
      const launch = [
        'umask 077',
        `mkdir -p ${shellQuote(workspace.path)} ${own} && cd ${own} || exit 97`,
        '[ -d started ] && exit 0',
        ...Object.entries(written).map(([name, text]) => fileLines(name, text)),
        ...launchLines(
          `. ./prelude; i=sh; command -v bash >/dev/null 2>&1 && i=bash; cd ${within === 'own' ? own : shellQuote(workspace.path)}; ulimit -t ${limits.seconds} 2>/dev/null; $i ${own}/script.sh`,
        ),
      ].join('\n');
      // Begun twice is begun once, so a line that was cut is no reason to give up.
      const done = await persistently(() => workspace.remote('exec sh -s', Buffer.from(`${launch}\n`)));
      if (done.code !== 0)
        return {
          failed: `The steps could not be started in the container: ${done.errors.trim() || `exit code ${done.code}`}.`,
        };
      const ticket = { wait: { base: await log.offset() }, seconds: 0.05 };
      if (!told) return ticket;
      const logs = told.trimEnd().split('\n');
      return { ...ticket, workspace: [{ step: 'Setup Container', status: 'COMPLETED', logs }] };
    },

    async poll(ticket, ended): Promise<Outcome> {
      const base = isObject(ticket) ? Number(ticket.base ?? 0) : 0;
      const from = (await log.offset()) - base;
      const { exit, isAlive, size, output } = await lookAt(workspace.remote, own, from);
      if (exit === undefined)
        return { failed: 'The workspace is gone: was its container removed, or its host restarted?' };
      const text = completeLines(output, exit !== null);
      if (text) await log.append(base + from, text);
      if (exit !== null && from + Buffer.byteLength(text) < size) return { wait: ticket, seconds: 0 };
      if (exit !== null) return ended(exit);
      if (isAlive) return { wait: { base }, seconds: pollSeconds };
      const missing = isObject(ticket) ? Number(ticket.missing ?? 0) + 1 : 1;
      if (missing < mostMissing) return { wait: { base, missing }, seconds: pollSeconds };
      return {
        failed: 'The steps vanished without an exit code: was the container restarted, or did it run out of memory?',
      };
    },

    async read(file) {
      const { code, output } = await workspace.remote(
        `[ -f ${shellQuote(`${own}/${file}`)} ] || exit 44; head -c ${mostFile} ${shellQuote(`${own}/${file}`)}`,
        Buffer.alloc(0),
      );
      return code === 0 ? output.toString('utf8') : undefined;
    },

    cancel: () => stopThere(workspace.remote, own),
  };
}

async function persistently<T>(call: () => Promise<T>): Promise<T> {
  for (let pause = firstPause; ; pause *= 4)
    try {
      return await call();
    } catch (thrown) {
      if (pause > mostPause || !(thrown instanceof MillraceError) || thrown.code !== 'endpoint.unreachable')
        throw thrown;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
}

/** Shell that writes a file whatever it holds. */
function fileLines(name: string, text: string): string {
  const lines = Buffer.from(text)
    .toString('base64')
    .replace(/(.{76})/g, '$1\n');
  return `base64 -d > ${shellQuote(name)} <<'END OF FILE'\n${lines}\nEND OF FILE`;
}
