import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { openClient } from '../../api/client.ts';
import { MillraceError } from '../../core/error.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { foreignSecrets } from '../../lang/foreign-secrets.ts';
import { parseYaml } from '../../lang/yaml.ts';
import { inOrder } from '../migration/order.ts';
import { fromFiles, fromServer, type Item, type Unreadable } from '../migration/source.ts';
import { type OutputFormat, outputOption, paints, print } from '../output.ts';
import type { ExitCode } from '../program.ts';
import { readSession, trust } from '../session.ts';

interface Options {
  url?: string;
  token?: string;
  from?: string;
  ca?: string;
  project: string;
  output: OutputFormat;
}

/** What became of one definition. */
interface Moved {
  kind: string;
  name: string;
  project: string;
  status: string;
  message: string;
  /** Places whose secret must be given anew. */
  secrets: string[];
  /** What we do differently from the original. */
  differs: string[];
}

export const migrateCommand = (done: (code: ExitCode) => void): Command =>
  new Command('migrate')
    .description(
      'Bring over what Code Stream, Cloud Assembly and ABX hold. Doing it again brings over what has changed.',
    )
    .addCommand(
      new Command('code-stream')
        .description('From a server of the original, or from files; into the server that one is signed in to.')
        .option('--url <url>', 'address of the original')
        .option('--token <token>', 'its refresh token; better given as MILLRACE_SOURCE_TOKEN')
        .option('--ca <file>', 'certificate of its authority (PEM)')
        .option('--from <directory>', 'files that were exported from it')
        .option('--project <name>', 'project for definitions that name none', 'Default')
        .addOption(outputOption())
        .action(async (options: Options) => done(await migrate(options))),
    );

async function migrate(options: Options): Promise<ExitCode> {
  const { items, unreadable } = await read(options);
  const client = openClient(readSession());
  const moved: Moved[] = [];
  for (const item of inOrder(items)) {
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${moved.length + 1}/${items.length} ${item.name}` : '');
    moved.push(await move(item));
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const count = (status: string) => moved.filter((one) => one.status === status).length;
  const summary = {
    ...{ created: count('CREATED'), updated: count('UPDATED'), failed: count('FAILED') + unreadable.length },
    secrets: moved.reduce((sum, { secrets }) => sum + secrets.length, 0),
  };
  print(options.output, { moved, unreadable, summary } as unknown as Json, () => asText(moved, unreadable, summary));
  return summary.failed > 0 ? 1 : 0;

  async function move(item: Item): Promise<Moved> {
    const { kind, name, text } = item;
    const project = item.project || options.project;
    const query = new URLSearchParams({ action: 'apply', project, name });
    const answer = await client.text('POST', `/codestream/api/import?${query}`, text);
    const told = (parseYaml(answer).documents[0]?.value ?? {}) as JsonObject;
    const secrets = parseYaml(text).documents.flatMap(foreignSecrets);
    return {
      ...{ kind, name, project, status: String(told.status) },
      message: told.status === 'FAILED' ? `${item.from}: ${String(told.statusMessage)}` : '',
      secrets: secrets.map(({ message }) => /`(.*?)`/.exec(message)?.[1] ?? message),
      differs: differences(item),
    };
  }
}

async function read({ url, token = process.env.MILLRACE_SOURCE_TOKEN, from, ca }: Options) {
  if (from && !url) return fromFiles(from);
  if (!url || from)
    throw new MillraceError('request.invalid', {
      message: 'Name where to migrate from: `--url` with a token, or `--from` a directory.',
    });
  if (!token)
    throw new MillraceError('login.needed', {
      message: `${url} needs a refresh token.`,
      hint: 'Give it as MILLRACE_SOURCE_TOKEN.',
    });
  if (ca) trust(readFileSync(ca, 'utf8'));
  return fromServer(url, token);
}

const reference = 'docs/code-stream.md';

/** What of a definition works otherwise here, so that nobody finds out later. */
function differences({ kind, text }: Item): string[] {
  const found: string[] = [];
  if (kind === 'PIPELINE') {
    if (/^\s+agent:\s*\S/m.test(text))
      found.push(`Its tasks name a remote agent; they run from this server until one of its name runs (${reference}).`);
  }
  if (kind === 'GIT_WEBHOOK' || kind === 'REGISTRY_WEBHOOK')
    found.push(
      `Its listener has a new address: the far side must call that (externalListenerLink; at Git servers the hook is made, if its endpoint may).`,
    );
  if (kind === 'GERRIT_LISTENER')
    found.push('Its line is not opened: connect it when the original no longer listens (PATCH gerrit-listeners).');
  return found;
}

function asText(moved: Moved[], unreadable: Unreadable[], summary: Record<string, number>): string {
  const lines = moved.flatMap(({ kind, name, project, status, message, secrets, differs }) => [
    `${status === 'FAILED' ? paints.bad('✘') : paints.good('✔')} ${kind} ${name} ${paints.dim(`(${project})`)}: ${status.toLowerCase()}${message ? `. ${message}` : ''}`,
    ...secrets.map((place) => `  ${paints.warn('needs a new value')}: ${place}`),
    ...differs.map((one) => `  ${paints.dim(one)}`),
  ]);
  const { created, updated, failed, secrets } = summary;
  return [
    ...lines,
    ...unreadable.map(({ from, why }) => `${paints.bad('✘')} ${from}: ${why}`),
    '',
    `${created} created, ${updated} updated, ${failed} not brought over; ${secrets} ${secrets === 1 ? 'secret needs' : 'secrets need'} a new value.`,
  ].join('\n');
}
