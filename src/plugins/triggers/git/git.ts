import { z } from 'zod';
import { javaMatches, patternFault } from '../../../lang/java.ts';
import { flag, integer, text } from '../../../sdk/fields.ts';
import { defineTrigger, type TriggerVerdict } from '../../../sdk/parts.ts';
import { bitbucket } from './bitbucket.ts';
import type { GitEvent, GitServer } from './event.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';

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
  delayTimeInMins: integer('Minutes to wait for more pushes, which are then one run.', 0).default(0),
  prioritizeExclusion: flag('Any excluded file stops the run.').default(false),
});

/** The first that a request looks like. */
const servers: GitServer[] = [gitlab, bitbucket, github];
const serverOf = (headers: Record<string, string>): GitServer => servers.find((one) => one.sends(headers))!;

export const git = defineTrigger({
  type: 'git',
  title: 'Git webhook',
  summary:
    'Starts a pipeline when somebody pushes, or opens a pull request. Takes the events of GitHub, GitLab and Bitbucket, each with its own proof of the secret.',
  words: {
    kind: 'git-webhook',
    path: 'git-webhooks',
    listeners: 'git-webhook-listeners',
    event: 'git-event',
    events: 'git-events',
    comment: 'Git commit triggered execution',
  },
  config,

  isGenuine: (headers, body, secret) => secret === '' || serverOf(headers).isGenuine(headers, body, secret),
  read: (headers, body) => serverOf(headers).read(headers, body),

  match(
    event: GitEvent,
    { branchName, repoName, eventCategory, inclusions, exclusions, prioritizeExclusion },
  ): TriggerVerdict {
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

  record: (event: GitEvent) => ({
    commitId: event.commitId,
    subject: event.subject,
    owner: event.owner,
    repo: event.repo,
    targetBranch: event.branch,
    httpURL: event.httpUrl,
    serverURL: event.serverUrl,
  }),
});

type Filter = z.infer<typeof filter>;

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
const inputsOf = (event: GitEvent): Record<string, string> => ({
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
