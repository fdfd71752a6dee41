import { type ErrorCode, errorCodes, MillraceError, messageOf } from '../core/error.ts';
import { isObject, type JsonObject, parseJson } from '../core/json.ts';

export interface Session {
  url: string;
  token: string;
  /** The certificate of an authority that nobody else knows, as PEM. */
  ca?: string;
}

export interface Client {
  url: string;
  json(method: string, path: string, body?: JsonObject): Promise<JsonObject>;
  text(method: string, path: string, body?: string): Promise<string>;
  /**
   * Live events from `after` on; goes on by itself when the server was away, which `connected` is told. Ends when `stop` is
   * aborted. @throws MillraceError where the server refuses it.
   */
  events(
    path: string,
    after: string | undefined,
    stop: AbortSignal,
    connected?: (is: boolean) => void,
  ): AsyncGenerator<{ id: string; event: string; data: JsonObject }>;
}

export function openClient({ url, token }: Session): Client {
  const headers = { authorization: `Bearer ${token}` };
  return {
    url,
    async json(method, path, body) {
      const text = await call(method, path, body === undefined ? undefined : JSON.stringify(body), 'application/json');
      const value = parseJson(text || '{}');
      return isObject(value) ? value : { value: value ?? null };
    },
    text: (method, path, body) => call(method, path, body, 'application/x-yaml'),
    async *events(path, after, stop, connected = () => undefined) {
      let last = after;
      while (!stop.aborted) {
        try {
          const answer = await fetch(`${url}${path}`, {
            headers: { ...headers, ...(last === undefined ? {} : { 'last-event-id': last }) },
            signal: stop,
          });
          if (!answer.ok || !answer.body) throw await faultOf(answer);
          connected(true);
          for await (const event of readEvents(answer.body)) {
            if (event.id) last = event.id;
            yield event;
          }
        } catch (thrown) {
          if (stop.aborted) return;
          if (thrown instanceof MillraceError && thrown.status < 500) throw thrown;
          connected(false);
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
      }
    },
  };

  async function call(method: string, path: string, body: string | undefined, type: string): Promise<string> {
    let answer: Response;
    try {
      answer = await fetch(`${url}${path}`, {
        method,
        body,
        headers: { ...headers, 'content-type': type },
        signal: AbortSignal.timeout(60_000),
      });
    } catch (cause) {
      throw new MillraceError('endpoint.unreachable', {
        message: `The server at ${url} does not answer: ${messageOf(cause)}.`,
        hint: /certificate|self-signed/i.test(messageOf(cause))
          ? 'Name the certificate that it is to be trusted by: millrace login URL --ca FILE (that of `serve --tls` is DATA/tls/cert.pem).'
          : 'Is it running? millrace serve',
        cause,
      });
    }
    if (!answer.ok) throw await faultOf(answer);
    return answer.text();
  }
}

/** What the server said was wrong. */
async function faultOf(answer: Response): Promise<MillraceError> {
  const told = parseJson(await answer.text());
  const fault = isObject(told) ? told : {};
  const code = String(fault.code) in errorCodes ? (fault.code as ErrorCode) : 'internal.error';
  return new MillraceError(code, {
    message: String(fault.message ?? `The server answered ${answer.status}.`),
    hint: fault.hint === undefined ? undefined : String(fault.hint),
  });
}

async function* readEvents(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<{ id: string; event: string; data: JsonObject }> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const fields = Object.fromEntries(
        rest
          .slice(0, end)
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      rest = rest.slice(end + 2);
      if (fields.data)
        yield { id: fields.id ?? '', event: fields.event ?? '', data: JSON.parse(fields.data) as JsonObject };
    }
  }
}
