// What a web machine tells of itself, every second, to proxies of Wavefront: `name value seconds source=... tag="..."`.

/** Sends `read()` to each of the proxies, `host:port` with blanks between. One that is away misses it: the next second says more. */
export function reportTo(proxies, tags, source, read) {
  const addresses = proxies.split(' ').filter(Boolean);
  if (addresses.length === 0) return;
  setInterval(() => {
    const seconds = Math.floor(Date.now() / 1000);
    const lines = Object.entries(read()).map(
      ([name, value]) => `${name} ${value} ${seconds} source=${source} ${tags}\n`,
    );
    for (const address of addresses)
      fetch(`http://${address}/`, { method: 'POST', body: lines.join(''), signal: AbortSignal.timeout(2000) }).then(
        (answer) => answer.body?.cancel(),
        () => undefined,
      );
  }, 1000);
}
