import { generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import ssh2, { type ServerChannel } from 'ssh2';
import { isObject, parseJson } from '../../src/core/json.ts';

export interface FakeChange {
  project: string;
  branch: string;
  number: number;
  id: string;
  subject: string;
  status: 'NEW' | 'MERGED' | 'ABANDONED';
  patchSets: { number: number; revision: string; ref: string; createdOn: number; files: string[] }[];
  submittedOn: number;
  comments: string[];
  votes: Record<string, number>;
}

const ann = { name: 'Ann Smith', email: 'ann@example.com', username: 'ann' };
const bob = { name: 'Bob', email: 'bob@example.com', username: 'bob' };
const newKey = () =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' });
const publicOf = (key: string) => (ssh2.utils.parseKey(key) as ssh2.ParsedKey).getPublicSSH();

/**
 * Gerrit's SSH, stricter than the original: only this user with this key is let in, there is no shell, command lines are read as
 * Gerrit reads them, a query must be quoted to be one word, reviews must be JSON that votes on open changes and known labels only,
 * and the stream tells what its filters ask for.
 */
export async function gerritServer(t: Pick<TestContext, 'after'>) {
  const [privateKey, hostKey] = [String(newKey()), String(newKey())];
  const changes: FakeChange[] = [];
  const commands: string[] = [];
  const streams = new Set<{ types: string[]; channel: ServerChannel }>();
  const clients = new Set<ssh2.Connection>();
  const misbehaviour: ('loses-review' | 'refuses')[] = [];
  let refusing = false;
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
    if (refusing) return client.end();
    clients.add(client);
    client.on('close', () => clients.delete(client));
    client.on('error', () => undefined);
    client.on('authentication', (context) => {
      const wanted = publicOf(privateKey);
      const isKnown = context.method === 'publickey' && context.username === 'ci' && context.key.data.equals(wanted);
      if (!isKnown) return context.reject(['publickey']);
      const { blob, signature, hashAlgo } = context as ssh2.PublicKeyAuthContext;
      const key = ssh2.utils.parseKey(privateKey) as ssh2.ParsedKey;
      if (!signature || key.verify(blob!, signature, hashAlgo) === true) context.accept();
      else context.reject();
    });
    client.on('session', (accept) => {
      const session = accept();
      session.on('shell', (_, reject) => reject());
      session.on('exec', (take, _, { command }) => {
        commands.push(command);
        const channel = take();
        let input = '';
        // Whoever asked may die at any moment.
        for (const end of [channel, channel.stderr]) end.on('error', () => undefined);
        channel.on('data', (chunk: Buffer) => {
          input += chunk;
        });
        if (/^gerrit stream-events/.test(command)) return void stream(command, channel);
        channel.on('end', () => {
          const { out = '', err = '', code = 0 } = perform(words(command), input);
          if (command.startsWith('gerrit review') && misbehaviour[0] === 'loses-review') {
            misbehaviour.shift();
            return void client.end();
          }
          if (!channel.writable || !channel.stderr.writable) return;
          channel.write(out);
          if (err) channel.stderr.write(err);
          channel.exit(code);
          channel.end();
        });
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  t.after(() => {
    for (const client of clients) client.end();
    server.close();
  });

  return {
    url: `ssh://127.0.0.1:${(server.address() as AddressInfo).port}`,
    privateKey,
    changes,
    commands,
    streams,
    misbehave: (how: 'loses-review') => misbehaviour.push(how),
    refuse: (on: boolean) => {
      refusing = on;
    },
    /** Cuts all connections. */
    cut() {
      for (const client of clients) client.end();
    },
    push,
    merge(change: FakeChange) {
      change.status = 'MERGED';
      change.submittedOn = Math.floor(Date.now() / 1000);
      const patchSet = patchSetOf(change.patchSets.at(-1)!);
      tell({ type: 'change-merged', change: head(change), patchSet, submitter: bob, newRev: patchSet.revision });
    },
    /** Past the review. */
    pushRef(project: string, refName: string, newRev: string) {
      tell({ type: 'ref-updated', submitter: bob, refUpdate: { oldRev: '1'.repeat(40), newRev, refName, project } });
    },
    say(line: string) {
      for (const { channel } of streams) channel.write(`${line}\n`);
    },
  };

  /** A new change, or a new patch set of one. */
  function push(project: string, branch: string, subject: string, files: string[], to?: FakeChange): FakeChange {
    const change: FakeChange = to ?? {
      ...{ project, branch, number: 100 + changes.length, id: `I${String(changes.length).padStart(40, 'a')}`, subject },
      ...{ status: 'NEW', patchSets: [], submittedOn: 0, comments: [], votes: {} },
    };
    if (!to) changes.push(change);
    const number = change.patchSets.length + 1;
    change.patchSets.push({
      ...{ number, revision: `${change.number}${number}`.padStart(40, '0'), createdOn: Math.floor(Date.now() / 1000) },
      ...{ ref: `refs/changes/${String(change.number).slice(-2)}/${change.number}/${number}`, files },
    });
    const patchSet = patchSetOf(change.patchSets.at(-1)!);
    tell({ type: 'patchset-created', change: head(change), patchSet, uploader: ann });
    // Gerrit tells of the reference of a review as well.
    tell({
      ...{ type: 'ref-updated', submitter: ann },
      refUpdate: { oldRev: '0'.repeat(40), newRev: patchSet.revision, refName: patchSet.ref, project },
    });
    return change;
  }

  function tell(event: { type: string } & Record<string, unknown>): void {
    const line = JSON.stringify({ ...event, eventCreatedOn: Math.floor(Date.now() / 1000) });
    for (const { types, channel } of streams)
      if (types.length === 0 || types.includes(event.type)) channel.write(`${line}\n`);
  }

  function stream(command: string, channel: ServerChannel): void {
    const types = words(command).flatMap((word, index, all) => (all[index - 1] === '-s' ? [word] : []));
    const one = { types, channel };
    streams.add(one);
    channel.on('close', () => streams.delete(one));
  }

  function perform(args: string[], input: string): { out?: string; err?: string; code?: number } {
    const [program, command, ...rest] = args;
    if (program !== 'gerrit') return { err: `Gerrit Code Review: ${program}: not found`, code: 127 };
    switch (command) {
      case 'version':
        return { out: 'gerrit version 3.9.1\n' };
      case 'ls-projects':
        return { out: 'tito\nAll-Projects\n' };
      case 'query':
        return query(rest);
      case 'review':
        return review(rest, input);
      default:
        return { err: `fatal: gerrit: ${command}: not found`, code: 1 };
    }
  }

  function query(args: string[]): { out: string; code?: number } {
    const end = args.indexOf('--');
    const [flags, asked] = [args.slice(0, end), args.slice(end + 1)];
    if (end < 0 || asked.length !== 1 || !flags.includes('--format=JSON'))
      return { out: `${JSON.stringify({ type: 'error', message: 'one quoted query is needed' })}\n` };
    const change = /^change:(?:[\w-]+~)?(\w+)$/.exec(asked[0]!)?.[1];
    const since = /^after:"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000)" limit:\d+$/.exec(asked[0]!)?.[1];
    if (!change && !since)
      return { out: `${JSON.stringify({ type: 'error', message: `no viable alternative at ${asked[0]}` })}\n` };
    const found = changes.filter((one) =>
      change ? String(one.number) === change || one.id === change : updatedOn(one) * 1000 >= Date.parse(since!),
    );
    const lines = found.map((one) => ({
      ...head(one),
      ...{ status: one.status, lastUpdated: updatedOn(one) },
      ...(flags.includes('--current-patch-set')
        ? { currentPatchSet: { ...patchSetOf(one.patchSets.at(-1)!), approvals: approvals(one) } }
        : {}),
      ...(flags.includes('--patch-sets')
        ? { patchSets: one.patchSets.map((each) => patchSetOf(each, flags.includes('--files'))) }
        : {}),
      ...(flags.includes('--comments')
        ? { comments: one.comments.map((message) => ({ timestamp: 1, reviewer: bob, message })) }
        : {}),
    }));
    const stats = { type: 'stats', rowCount: lines.length, runTimeMilliseconds: 1 };
    return { out: `${[...lines, stats].map((one) => JSON.stringify(one)).join('\n')}\n` };
  }

  function review([json, flag, project, which = '']: string[], input: string): { err?: string; code?: number } {
    const fatal = (err: string) => ({ err: `error: ${err}\n`, code: 1 });
    const [number, patch] = which.split(',');
    const change = changes.find((one) => String(one.number) === number && one.project === project);
    if (json !== '--json' || flag !== '--project' || !change) return fatal(`"${which}" no such patch set`);
    if (!change.patchSets.some((one) => String(one.number) === patch)) return fatal(`"${which}" no such patch set`);
    const told = parseJson(input);
    if (!isObject(told)) return fatal('the review is no JSON');
    const {
      message,
      labels = {},
      tag,
      ...unknown
    } = told as { message?: unknown; labels?: Record<string, number>; tag: string };
    if (Object.keys(unknown).length > 0 || typeof message !== 'string' || !/^autogenerated:/.test(tag))
      return fatal('fatal: internal server error while reviewing');
    for (const [label, vote] of Object.entries(labels)) {
      if (change.status !== 'NEW') return fatal('change is closed');
      if (label !== 'Verified') return fatal(`label "${label}" is not a configured label`);
      change.votes[label] = vote;
    }
    change.comments.push(`Patch Set ${patch}:\n\n${message}`);
    return {};
  }
}

const head = ({ project, branch, number, id, subject, status }: FakeChange) => ({
  ...{ project, branch, topic: 'faster', id, number, subject, owner: ann, status },
  ...{ url: `https://gerrit.example/c/${project}/+/${number}`, commitMessage: `${subject}\n\nChange-Id: ${id}\n` },
});
const patchSetOf = (
  { number, revision, ref, createdOn, files }: FakeChange['patchSets'][number],
  withFiles = false,
) => ({
  ...{ number, revision, ref, createdOn, uploader: ann, parents: ['2'.repeat(40)], kind: 'REWORK' },
  ...(withFiles ? { files: ['/COMMIT_MSG', ...files].map((file) => ({ file, type: 'MODIFIED' })) } : {}),
});
const updatedOn = ({ patchSets, submittedOn }: FakeChange): number =>
  Math.max(submittedOn, patchSets.at(-1)!.createdOn);
const approvals = ({ submittedOn }: FakeChange) =>
  submittedOn > 0 ? [{ type: 'SUBM', value: '1', grantedOn: submittedOn, by: bob }] : [];

/** As Gerrit reads a command line: quotes of both kinds, and a backslash outside of single ones. */
function words(line: string): string[] {
  const found: string[] = [];
  let [word, quote] = ['', ''];
  for (let at = 0; at < line.length; at++) {
    const c = line[at]!;
    if (quote ? c === quote : c === "'" || c === '"') quote = quote ? '' : c;
    else if (c === '\\' && quote !== "'") word += line[++at] ?? c;
    else if (c === ' ' && !quote) {
      if (word) found.push(word);
      word = '';
    } else word += c;
  }
  return word ? [...found, word] : found;
}
