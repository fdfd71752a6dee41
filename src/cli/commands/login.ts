import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Command } from 'commander';
import { openClient } from '../../api/client.ts';
import { MillraceError, messageOf } from '../../core/error.ts';
import { saveSession, trust } from '../session.ts';

export const loginCommand = (): Command =>
  new Command('login')
    .description('Sign in to a server and remember it. The password is asked for, or read from MILLRACE_PASSWORD.')
    .argument('<url>', 'address of the server, such as http://127.0.0.1:8787')
    .requiredOption('--user <name>', 'user name')
    .option('--ca <file>', 'certificate of an authority to trust (PEM), as that which `serve --tls` makes')
    .action(async (url: string, { user, ca: file }: { user: string; ca?: string }) => {
      const ca = file === undefined ? undefined : readAuthority(file);
      if (ca) trust(ca);
      const address = url.replace(/\/$/, '');
      const password = process.env.MILLRACE_PASSWORD ?? (await askPassword(user));
      const answer = await openClient({ url: address, token: '' }).json(
        'POST',
        '/csp/gateway/am/api/login?access_token',
        { username: user, password },
      );
      if (!answer.refresh_token)
        throw new MillraceError('login.failed', {
          message: `${address} gave no token: is it a Millrace server?`,
        });
      saveSession({ url: address, token: String(answer.refresh_token), ...(ca ? { ca } : {}) });
      process.stdout.write(`Signed in to ${address} as ${user}.\n`);
    });

function readAuthority(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MillraceError('request.invalid', { message: `--ca ${file} cannot be read: ${messageOf(cause)}.`, cause });
  }
}

/** On a terminal nothing of it is shown; from a pipe it is the first line. */
async function askPassword(user: string): Promise<string> {
  process.stderr.write(`Password of ${user}: `);
  const silent = new Writable({ write: (_, __, done) => done() });
  const reader = createInterface({ input: process.stdin, output: silent, terminal: process.stdin.isTTY });
  const password = await reader.question('');
  reader.close();
  process.stderr.write('\n');
  return password;
}
