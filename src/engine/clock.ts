import { isOfOurs, messageOf } from '../core/error.ts';
import { lookAtDelayedEvents } from './delayed-events.ts';
import type { Engine } from './engine.ts';
import type { EngineParts } from './parts.ts';
import { lookAtSchedules } from './schedules.ts';

/** Milliseconds between two looks; what they wait for is told in minutes. */
const betweenLooks = 2000;

/** Looks now and then at what starts by the clock: schedules, events that wait for more of their kind, lines that must be open, leases. */
export function startClock(
  parts: EngineParts,
  engine: Pick<Engine, 'startExecution'>,
  others: readonly (() => Promise<void>)[],
): { stop(): void } {
  let isLooking = false;
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void look().finally(() => {
      isLooking = false;
    });
  }, betweenLooks);
  void look();
  return { stop: () => clearInterval(timer) };

  /** All at once: what they read is read together, and none waits for another. */
  async function look(): Promise<void> {
    await Promise.all([lookAtSchedules, lookAtDelayedEvents, ...others].map(lookOf));
  }

  async function lookOf(one: (of: EngineParts, at: typeof engine) => Promise<void>): Promise<void> {
    try {
      await one(parts, engine);
    } catch (thrown) {
      if (!isOfOurs(thrown)) parts.report('What starts by the clock failed.', { error: messageOf(thrown) });
    }
  }
}
