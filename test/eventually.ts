/** Asks until what is asked holds, and answers what that gave; after 30 s the last reason why not is thrown. */
export async function eventually<T>(ask: () => T | Promise<T>): Promise<T> {
  const patience = Date.now() + 30_000;
  for (;;)
    try {
      return await ask();
    } catch (thrown) {
      if (Date.now() > patience) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
}
