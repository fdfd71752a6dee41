interface Waiting<K, V> {
  key: K;
  resolve(value: V): void;
  reject(error: unknown): void;
}

/** So many go together at most. */
const mostTogether = 256;

/**
 * One trip to the database at a time: what is asked for while one is on its way goes together in the next. Whoever asks alone waits
 * for nobody, and what is answered was read after it was asked for.
 * @param go answers for each of some keys, in their order
 */
export function openTrips<K, V>(go: (keys: K[]) => Promise<V[]>): (key: K) => Promise<V> {
  const waiting: Waiting<K, V>[] = [];
  let isUnderWay = false;

  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject });
      if (!isUnderWay) void leave();
    });

  async function leave(): Promise<void> {
    isUnderWay = true;
    const together = waiting.splice(0, mostTogether);
    try {
      const values = await go(together.map(({ key }) => key));
      for (const [index, { resolve }] of together.entries()) resolve(values[index]!);
    } catch (thrown) {
      for (const { reject } of together) reject(thrown);
    }
    isUnderWay = false;
    if (waiting.length > 0) void leave();
  }
}

/** Trips of reads: what several ask for is read once, and they share what was found. */
export function openReads<K extends string[], V>(read: (keys: K[]) => Promise<V[]>): (...key: K) => Promise<V> {
  const ask = openTrips<K, V>(async (keys) => {
    const wanted = new Map(keys.map((key) => [JSON.stringify(key), key]));
    const found = await read([...wanted.values()]);
    const byKey = new Map([...wanted.keys()].map((key, index) => [key, found[index]!]));
    return keys.map((key) => byKey.get(JSON.stringify(key))!);
  });
  return (...key) => ask(key);
}

/** The numbers that those get who count up some counters together, from what each counter stands at afterwards. */
export function numbersOf(counters: string[], stands: Map<string, number>): number[] {
  const left = new Map<string, number>();
  for (const counter of counters) left.set(counter, (left.get(counter) ?? 0) + 1);
  return counters.map((counter) => {
    const ahead = left.get(counter)! - 1;
    left.set(counter, ahead);
    return stands.get(counter)! - ahead;
  });
}
