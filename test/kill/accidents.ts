import type { ServerProcess } from '../../src/demo/server-process.ts';

/** A server under torment, and the line to its database where that is one that servers share. */
export interface Victim {
  server: ServerProcess;
  line: { cut(): void; mend(): void } | undefined;
}

/** What may befall a node: it dies, it hangs and wakes, it loses its database for a while. */
export type Accident = { kind: 'kill' } | { kind: 'hang' | 'cut'; milliseconds: number };

/** Longer than others wait for a node, in a part of the cases. */
const longestHang = 14_000;

/** One server alone dies; among many, one of eight accidents is a hang and one a cut instead. */
export function chooseAccident(dice: () => number, isAlone: boolean, number: number): Accident {
  const turn = isAlone ? 0 : number % 8;
  if (turn === 2) return { kind: 'hang', milliseconds: 500 + dice() * longestHang };
  if (turn === 5) return { kind: 'cut', milliseconds: 200 + dice() * longestHang };
  return { kind: 'kill' };
}

/** Resolves when the accident is over: the node may still be getting up. `meanwhile` goes on beside it. */
export async function befall(
  { server, line }: Victim,
  accident: Accident,
  meanwhile: () => Promise<void>,
): Promise<void> {
  if (accident.kind === 'kill') return server.kill();
  const end = performance.now() + accident.milliseconds;
  if (accident.kind === 'hang') server.signal('SIGSTOP');
  else line?.cut();
  while (performance.now() < end) await meanwhile();
  if (accident.kind === 'hang') server.signal('SIGCONT');
  else line?.mend();
}
