import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const usually = {
  /** Milliseconds from one look to the next. */
  every: 1500,
  /** Share of a processor below which a process rests. */
  restsBelow: 0.1,
  /** Looks in a row at which it must rest: a pause between two pushes is none. */
  looks: 4,
  /** Bytes that the heap has grown by since it was last given back, or the process began. */
  worth: 32 * 2 ** 20,
};

/**
 * V8 keeps the room that a start or a busy hour took, twice what is in use, and gives it back only when asked as if there were no other
 * way out. So a process that rests asks, once for each time that it has grown: that takes it about a tenth of a second, and as much
 * again, in small parts, when it has work again and grows anew.
 */
export function giveBackAtRest({ every, restsBelow, looks, worth } = usually): void {
  let kept = 0;
  let before = process.cpuUsage();
  let resting = 0;
  const look = (): void => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    const share = (user + system) / 1000 / every;
    resting = share < restsBelow ? resting + 1 : 0;
    if (resting < looks || getHeapStatistics().total_heap_size < kept + worth) return;
    collect();
    kept = getHeapStatistics().total_heap_size;
  };
  setInterval(look, every).unref();
}

/** As `node --expose-gc` has it. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (how: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
