import { z } from 'zod';
import { integer, text } from '../../../sdk/fields.ts';
import { defineTrigger, type TriggerVerdict } from '../../../sdk/parts.ts';
import { fileFilters, fileReason } from '../file-filters.ts';
import { bitbucket } from './bitbucket.ts';
import type { GitEvent, GitServer } from './event.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import { hooks } from './hooks.ts';

const config = z.looseObject({
  branchName: text('Branch; any when empty.').default(''),
  repoName: text('Repository as owner/name or name; any when empty.').default(''),
  eventCategory: z
    .preprocess((value) => String(value ?? 'PUSH').toUpperCase(), z.enum(['PUSH', 'PULL_REQUEST']))
    .describe('What fires.')
    .default('PUSH'),
  delayTimeInMins: integer('Minutes to wait for more pushes, which are then one run.', 0).default(0),
  ...fileFilters,
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
  hooks,

  match(event: GitEvent, { branchName, repoName, eventCategory, ...filters }): TriggerVerdict {
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
    const reason = fileReason(event.changedFiles, filters);
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
