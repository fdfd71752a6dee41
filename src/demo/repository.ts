import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Release {
  version: string;
  subject: string;
  /** Files and what to replace in them. */
  edits: { file: string; from: string; to: string }[];
}

/** What the three pushes change: the look, and at last a mistake that only a user would notice. */
export const releases: readonly Release[] = [
  { version: 'v1', subject: 'v1: the first release', edits: [] },
  {
    version: 'v2',
    subject: 'v2: a green face',
    edits: [
      {
        file: 'app/version.json',
        from: '{ "version": "v1", "accent": "#1f6feb" }',
        to: '{ "version": "v2", "accent": "#1a7f37" }',
      },
    ],
  },
  {
    version: 'v3',
    subject: 'v3: tidy up the page',
    edits: [
      {
        file: 'app/version.json',
        from: '{ "version": "v2", "accent": "#1a7f37" }',
        to: '{ "version": "v3", "accent": "#8250df" }',
      },
      {
        file: 'app/page.mjs',
        from: 'Leave at <strong>${escaped(leave)}</strong>',
        to: 'Leave at <strong>${escaped(result.best.time)}</strong>',
      },
      {
        file: 'lamp/public/index.php',
        from: 'Leave at <strong><?= escaped($leave) ?></strong>',
        to: "Leave at <strong><?= escaped($best['time'] ?? '') ?></strong>",
      },
    ],
  },
];

/** A bare repository whose hook posts a signed push event, as GitHub would; and a clone to push from. */
export class Repository {
  readonly bare: string;
  readonly #clone: string;

  constructor(directory: string, example: string) {
    this.bare = join(directory, 'tito.git');
    this.#clone = join(directory, 'tito');
    git(directory, 'init', '-q', '--bare', '-b', 'main', this.bare);
    git(directory, 'clone', '-q', this.bare, this.#clone);
    git(this.#clone, 'config', 'user.name', 'Tess Tito');
    git(this.#clone, 'config', 'user.email', 'tess@tito.example');
    git(this.#clone, 'checkout', '-q', '-b', 'main');
    cpSync(example, this.#clone, { recursive: true });
  }

  /** Installs the hook; it keeps trying while the server is away. `cloneUrl` is where machines find the repository. */
  installHook({ listener, secret, cloneUrl, node }: Record<'listener' | 'secret' | 'cloneUrl' | 'node', string>): void {
    const hooks = join(this.bare, 'hooks');
    mkdirSync(hooks, { recursive: true });
    writeFileSync(join(hooks, 'push-event.json'), JSON.stringify({ listener, secret, repository: cloneUrl }), {
      mode: 0o600,
    });
    writeFileSync(join(hooks, 'push-event.mjs'), hookProgram);
    writeFileSync(join(hooks, 'post-receive'), `#!/bin/sh\nexec "${node}" "${join(hooks, 'push-event.mjs')}"\n`);
    chmodSync(join(hooks, 'post-receive'), 0o755);
  }

  /** Commits the release and pushes it. Answers the commit's id. */
  push({ subject, edits }: Release): string {
    for (const { file, from, to } of edits) {
      const path = join(this.#clone, file);
      const before = readFileSync(path, 'utf8');
      if (!before.includes(from)) throw new Error(`${file} does not hold what ${subject} changes.`);
      writeFileSync(
        path,
        before.replace(from, () => to),
      );
    }
    git(this.#clone, 'add', '-A');
    git(this.#clone, 'commit', '-q', '-m', subject);
    git(this.#clone, 'push', '-q', 'origin', 'main');
    return git(this.#clone, 'rev-parse', 'HEAD').trim();
  }
}

function git(directory: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' },
  });
}

const hookProgram = `// Posts a push event in the form of GitHub, signed.
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
const { listener, secret, repository } = JSON.parse(readFileSync(new URL('./push-event.json', import.meta.url), 'utf8'));
const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();
for (const line of readFileSync(0, 'utf8').trim().split('\\n')) {
  const [before, after, ref] = line.split(' ');
  const files = /^0+$/.test(before) ? git('ls-tree', '-r', '--name-only', after) : git('diff', '--name-only', before, after);
  const body = JSON.stringify({
    ref, before, after,
    repository: { name: 'tito', full_name: 'tito/tito', clone_url: repository, ssh_url: '', html_url: '' },
    pusher: { name: git('log', '-1', '--format=%an', after) },
    head_commit: { id: after, message: git('log', '-1', '--format=%B', after), timestamp: git('log', '-1', '--format=%aI', after), author: { name: git('log', '-1', '--format=%an', after) } },
    commits: [{ added: [], removed: [], modified: files.split('\\n') }],
  });
  const headers = { 'content-type': 'application/json', 'x-github-event': 'push', 'x-github-delivery': after, 'x-hub-signature-256': 'sha256=' + createHmac('sha256', secret).update(body).digest('hex') };
  for (let tries = 0; ; tries++) {
    try {
      const answer = await fetch(listener, { method: 'POST', headers, body });
      if (!answer.ok) { console.error('Millrace refused the push event: ' + (await answer.text())); process.exit(1); }
      break;
    } catch (error) {
      if (tries > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
}
`;
