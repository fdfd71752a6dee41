import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, openClient } from '../api/client.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { patiently } from './patiently.ts';

export async function signIn(url: string, user: string, password: string): Promise<Client> {
  const answer = await openClient({ url, token: '' }).json('POST', '/csp/gateway/am/api/login?access_token', {
    username: user,
    password,
  });
  return openClient({ url, token: String(answer.refresh_token) });
}

/** Imports files of an example. Words of theirs are replaced by what stands for them here. @throws where one is refused. */
export async function importFiles(
  client: Client,
  example: string,
  files: string[],
  words: Record<string, string>,
): Promise<void> {
  for (const file of files) {
    const text = Object.entries(words).reduce(
      (filled, [word, value]) => filled.replaceAll(word, value),
      readFileSync(join(example, file), 'utf8'),
    );
    const answer = await patiently(() => client.text('POST', '/codestream/api/import?action=apply&project=Tito', text));
    if (/status: FAILED/.test(answer)) throw new Error(`The server refused ${file}:\n${answer}`);
  }
}

export async function makeZone(url: string, key: string): Promise<void> {
  const answer = await fetch(`${url}/api/v1/servers/localhost/zones`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'example.', kind: 'Native' }),
  });
  if (!answer.ok) throw new Error(`The name server refused the zone: ${await answer.text()}`);
}

/** The run that a commit started. @throws where the event was ignored or refused, with its reason. */
export async function executionOf(client: Client, commit: string): Promise<string> {
  return patiently(async () => {
    const answer = await client.json(
      'GET',
      `/codestream/api/git-events?${new URLSearchParams({ $filter: `commitId eq '${commit}'` })}`,
    );
    const [event] = Object.values(isObject(answer.documents) ? answer.documents : {}).filter(isObject) as JsonObject[];
    const link = String(event?.executionLink ?? '');
    if (!link)
      throw new Error(
        `The push ${commit.slice(0, 8)} started no run: ${String(event?.message ?? 'no event has arrived')}`,
      );
    return link.split('/').at(-1)!;
  });
}
