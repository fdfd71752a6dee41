import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { MillraceError } from '../../core/error.ts';
import { javaMatches, patternFault } from '../../lang/java.ts';
import { text } from '../../sdk/fields.ts';
import { defineTrigger, type TriggerEvent, type TriggerVerdict } from '../../sdk/parts.ts';

const filter = z
  .object({
    type: z
      .preprocess((value) => String(value).toUpperCase(), z.enum(['PLAIN', 'REGEX']))
      .describe('A path as it is, or a pattern in the syntax of Java.'),
    value: z.string().describe('The path or pattern.'),
  })
  .refine(({ type, value }) => type === 'PLAIN' || patternFault(value) === undefined, 'the pattern cannot be read');

const config = z.looseObject({
  branchName: text('Branch; any when empty.').default(''),
  repoName: text('Repository as owner/name or name; any when empty.').default(''),
  eventCategory: z
    .preprocess((value) => String(value ?? 'PUSH').toUpperCase(), z.enum(['PUSH', 'PULL_REQUEST']))
    .describe('What fires.')
    .default('PUSH'),
  inclusions: z
    .array(filter)
    .describe('At least one changed file must match one of these, where there are any.')
    .default([]),
  exclusions: z.array(filter).describe('Files that do not count.').default([]),
  prioritizeExclusion: z.boolean().describe('Any excluded file stops the run.').default(false),
});

/** Only what is used of a push event, in the form that GitHub sends. */
const Push = z.object({
  ref: z.string(),
  after: z.string(),
  deleted: z.boolean().default(false),
  repository: z.object({
    name: z.string(),
    full_name: z.string().default(''),
    clone_url: z.string().default(''),
    ssh_url: z.string().default(''),
    html_url: z.string().default(''),
  }),
  pusher: z.object({ name: z.string() }).optional(),
  sender: z.object({ login: z.string() }).optional(),
  head_commit: z
    .object({
      message: z.string(),
      timestamp: z.string().optional(),
      author: z.object({ name: z.string() }).optional(),
    })
    .nullish(),
  commits: z
    .array(
      z.object({
        added: z.array(z.string()).default([]),
        modified: z.array(z.string()).default([]),
        removed: z.array(z.string()).default([]),
      }),
    )
    .default([]),
});

const PullRequest = z.object({
  action: z.string(),
  pull_request: z.object({
    title: z.string(),
    head: z.object({ sha: z.string() }),
    base: z.object({ ref: z.string() }),
    user: z.object({ login: z.string() }),
  }),
  repository: Push.shape.repository,
});

export const git = defineTrigger({
  type: 'git',
  title: 'Git webhook',
  summary:
    'Starts a pipeline when somebody pushes, or opens a pull request. Takes the events of GitHub, signed by HMAC-SHA256.',
  config,

  isGenuine(headers, body, secret) {
    if (secret === '') return true;
    const given = /^sha256=([0-9a-f]{64})$/.exec(headers['x-hub-signature-256'] ?? '')?.[1];
    if (!given) return false;
    return timingSafeEqual(Buffer.from(given, 'hex'), createHmac('sha256', secret).update(body).digest());
  },

  read(headers, body) {
    const kind = headers['x-github-event'] ?? 'push';
    const delivery = headers['x-github-delivery'] ?? createHmac('sha256', 'delivery').update(body).digest('hex');
    const json = parse(body);
    if (kind === 'ping') return { ...nothing, kind: 'PING', delivery };
    if (kind === 'pull_request') return readPullRequest(json, delivery);
    if (kind !== 'push') return { ...nothing, kind: kind.toUpperCase(), delivery };
    return readPush(json, delivery);
  },

  match(event, { branchName, repoName, eventCategory, inclusions, exclusions, prioritizeExclusion }): TriggerVerdict {
    if (event.kind === 'PING') return { ignore: 'A ping: the webhook is reached.' };
    if (event.kind !== eventCategory)
      return { ignore: `The event is ${event.kind}, and this webhook waits for ${eventCategory}.` };
    if (/^0+$/.test(event.commitId)) return { ignore: `Branch ${event.branch} was deleted.` };
    if (branchName && event.branch !== branchName)
      return { ignore: `The branch is ${event.branch}, and this webhook waits for ${branchName}.` };
    if (
      repoName &&
      event.repo !== repoName &&
      !event.repo.endsWith(`/${repoName}`) &&
      !repoName.endsWith(`/${event.repo}`)
    )
      return { ignore: `The repository is ${event.repo}, and this webhook waits for ${repoName}.` };
    const reason = fileReason(event.changedFiles, inclusions, exclusions, prioritizeExclusion);
    return reason
      ? { ignore: reason }
      : { fire: { input: inputsOf(event), author: event.owner, tags: [event.owner, event.commitId] } };
  },
});

type Filter = z.infer<typeof filter>;
const nothing: Omit<TriggerEvent, 'kind' | 'delivery'> = {
  branch: '',
  commitId: '',
  subject: '',
  owner: '',
  repo: '',
  httpUrl: '',
  sshUrl: '',
  serverUrl: '',
  timestamp: 0,
  changedFiles: [],
};

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new MillraceError('webhook.malformed', {
      message: 'The body of the webhook is no JSON.',
      hint: 'Choose the content type application/json on the side of the Git server.',
      cause,
    });
  }
}

function malformed(error: z.ZodError): MillraceError {
  const [issue] = error.issues;
  return new MillraceError('webhook.malformed', {
    message: `The event lacks what a webhook of GitHub has: \`${issue?.path.join('.')}\` ${issue?.message ?? ''}.`,
    cause: error,
  });
}

function readPush(json: unknown, delivery: string): TriggerEvent {
  const parsed = Push.safeParse(json);
  if (!parsed.success) throw malformed(parsed.error);
  const { ref, after, repository, pusher, sender, head_commit: head, commits } = parsed.data;
  return {
    kind: ref.startsWith('refs/tags/') ? 'TAG' : 'PUSH',
    branch: ref.replace(/^refs\/(heads|tags)\//, ''),
    commitId: after,
    subject: head?.message.split('\n')[0] ?? '',
    owner: head?.author?.name ?? pusher?.name ?? sender?.login ?? '',
    timestamp: (Date.parse(head?.timestamp ?? '') || 0) * 1000,
    changedFiles: [...new Set(commits.flatMap(({ added, modified, removed }) => [...added, ...modified, ...removed]))],
    delivery,
    ...repositoryOf(repository),
  };
}

function readPullRequest(json: unknown, delivery: string): TriggerEvent {
  const parsed = PullRequest.safeParse(json);
  if (!parsed.success) throw malformed(parsed.error);
  const { action, pull_request: pull, repository } = parsed.data;
  const isOpen = ['opened', 'reopened', 'synchronize'].includes(action);
  return {
    ...nothing,
    kind: isOpen ? 'PULL_REQUEST' : `PULL_REQUEST ${action}`,
    branch: pull.base.ref,
    commitId: pull.head.sha,
    subject: pull.title,
    owner: pull.user.login,
    delivery,
    ...repositoryOf(repository),
  };
}

function repositoryOf({ name, full_name, clone_url, ssh_url, html_url }: z.infer<typeof Push>['repository']) {
  const httpUrl = clone_url || html_url;
  return {
    repo: full_name || name,
    httpUrl,
    sshUrl: ssh_url,
    serverUrl: /^https?:\/\/[^/]+/.exec(httpUrl)?.[0] ?? '',
  };
}

function fileReason(
  files: string[],
  inclusions: Filter[],
  exclusions: Filter[],
  prioritizeExclusion: boolean,
): string | undefined {
  if (files.length === 0) return undefined;
  const matches = (file: string, { type, value }: Filter) =>
    type === 'PLAIN'
      ? file === value || file.startsWith(value.endsWith('/') ? value : `${value}/`)
      : javaMatches(value, file);
  const isIn = (file: string) => inclusions.some((one) => matches(file, one));
  const isOut = (file: string) => exclusions.some((one) => matches(file, one));
  const excluded = files.find(isOut);
  if (prioritizeExclusion && excluded) return `The changed file ${excluded} is excluded.`;
  if (inclusions.length > 0 && !files.some(isIn)) return 'No changed file is included.';
  if (inclusions.length === 0 && files.every(isOut)) return 'All changed files are excluded.';
  return undefined;
}

/** The inputs that the original injects. */
const inputsOf = (event: TriggerEvent): Record<string, string> => ({
  GIT_BRANCH_NAME: event.branch,
  GIT_CHANGE_SUBJECT: event.subject,
  GIT_COMMIT_ID: event.commitId,
  GIT_EVENT_DESCRIPTION: event.kind,
  GIT_EVENT_OWNER_NAME: event.owner,
  GIT_EVENT_TIMESTAMP: String(event.timestamp),
  GIT_REPO_NAME: event.repo,
  GIT_SERVER_URL: event.serverUrl,
  GIT_REPO_HTTP_URL: event.httpUrl,
  GIT_REPO_SSH_URL: event.sshUrl,
});
