/** Milliseconds between two tries. */
const pause = 50;
/** More than this of one try is not counted: a machine that was stopped for a while and its clock are no reason to give up. */
const longestTry = 10_000;

/** Tries until it succeeds: a server may be down for a moment. @throws what the last try did, after that many seconds */
export async function patiently<T>(work: () => T | Promise<T>, seconds = 30): Promise<T> {
  let left = seconds * 1000;
  for (let last = performance.now(); ; ) {
    try {
      return await work();
    } catch (thrown) {
      const now = performance.now();
      left -= Math.min(now - last, longestTry);
      last = now;
      if (left < 0) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
