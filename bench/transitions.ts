// How many durable transitions a second the SQLite store takes, each with an event and a command, as a run makes them.
//   node bench/transitions.ts [SECONDS] [AT_ONCE]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite } from '../src/store/sqlite/store.ts';

const [seconds = 5, atOnce = 200] = process.argv.slice(2).map(Number);
const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
const store = openSqlite(join(directory, 'millrace.db'), { name: 'bench', host: 'bench' });
const end = Date.now() + seconds * 1000;
let done = 0;

await Promise.all(Array.from({ length: atOnce }, (_, index) => chain(`run-${index}`)));
process.stdout.write(`${JSON.stringify({ bench: 'transitions', atOnce, perSecond: Math.round(done / seconds) })}\n`);
await store.close();
rmSync(directory, { recursive: true });

/** One run after the other decision: each transition settles the command of the one before it and asks for the next. */
async function chain(id: string): Promise<void> {
  let settles: { command: number; fence: number } | undefined;
  for (let version = 0; Date.now() < end; version++) {
    const applied = await store.apply({
      settles,
      aggregates: [
        { kind: 'execution', id, version, state: { version }, summary: { id }, events: [{ type: 'step', version }] },
      ],
      commands: [
        {
          key: `${id}/${version}`,
          kind: 'execution',
          aggregate: id,
          lane: '',
          project: 'Bench',
          host: '',
          due: 0,
          body: { do: 'step' },
        },
      ],
    });
    if (applied.result !== 'applied') throw new Error(applied.result);
    settles = { command: applied.claimed[0]!.id, fence: applied.claimed[0]!.fence };
    done++;
  }
}
