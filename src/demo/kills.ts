import type { ExecutionEvent } from '../pipeline/execution.ts';

/** Places between a side effect and its commit, at each of which the server dies once. */
export const crashPoints: readonly string[] = [
  'create db:started',
  'create web[1]:started',
  'Build.Deploy site:started',
  'Test.UI tests:started',
  'Test.UI tests:ended',
  'Test.Load test again:started',
  'create web[2]:started',
  'Release.Switch traffic:started',
  'function switch-traffic:started',
  'Release.Verify:ended',
  'delete balancer:started',
  'create runner:started',
  'notice 1:sent',
  'notice 6:sent',
];

/** At the start of each stage the power fails after a moment of chance, up to this many milliseconds. */
const longestWait = 2500;

/** Decides when to kill: a random moment of every stage, the same ones again for the same seed. */
export function killPlan(seed: string, kill: () => void): (event: ExecutionEvent) => void {
  const dice = seeded(seed);
  return (event) => {
    if (event.type === 'stage-started') setTimeout(kill, Math.floor(dice() * longestWait));
  };
}

/** Numbers from 0 up to 1 that are the same for the same seed (mulberry32). */
export function seeded(seed: string): () => number {
  let state = [...seed].reduce((hash, char) => Math.imul(hash ^ char.charCodeAt(0), 16_777_619), 0x811c9dc5);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
