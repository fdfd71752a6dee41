/** Asks until what is asked holds, and answers what that gave; after that many seconds the last reason why not is thrown. */
export async function eventually<T>(ask: () => T | Promise<T>, seconds = 30): Promise<T> {
  const patience = Date.now() + seconds * 1000;
  for (;;)
    try {
      return await ask();
    } catch (thrown) {
      if (Date.now() > patience) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
}
