import { z } from 'zod';
import type { Json } from '../../../core/json.ts';
import { deliveryOf, isSameText, readJson, shaped } from '../webhook-body.ts';
import {
  firstLine,
  type GitEvent,
  type GitServer,
  kindOfRef,
  microsOf,
  nameOfRef,
  nothing,
  originOf,
} from './event.ts';

const Project = z.object({
  name: z.string().default(''),
  path_with_namespace: z.string(),
  git_http_url: z.string().default(''),
  git_ssh_url: z.string().default(''),
});
const Push = z.object({
  ref: z.string(),
  after: z.string(),
  user_name: z.string().default(''),
  project: Project,
  commits: z
    .array(
      z.object({
        id: z.string(),
        message: z.string().default(''),
        timestamp: z.string().optional(),
        author: z.object({ name: z.string() }).optional(),
        added: z.array(z.string()).default([]),
        modified: z.array(z.string()).default([]),
        removed: z.array(z.string()).default([]),
      }),
    )
    .default([]),
});
const MergeRequest = z.object({
  user: z.object({ name: z.string().default(''), username: z.string().default('') }),
  project: Project,
  object_attributes: z.object({
    title: z.string(),
    action: z.string().default(''),
    target_branch: z.string(),
    oldrev: z.string().optional(),
    last_commit: z.object({ id: z.string(), timestamp: z.string().optional() }),
  }),
});

/** GitLab sends the secret itself, as `X-Gitlab-Token`. */
export const gitlab: GitServer = {
  name: 'GitLab',
  sends: (headers) => headers['x-gitlab-event'] !== undefined,
  isGenuine: (headers, _, secret) => isSameText(headers['x-gitlab-token'], secret),
  read(headers, body) {
    const delivery = headers['x-gitlab-event-uuid'] ?? headers['idempotency-key'] ?? deliveryOf(body);
    const json = readJson(body);
    const event = headers['x-gitlab-event'];
    if (event === 'Push Hook' || event === 'Tag Push Hook') return readPush(json, delivery);
    if (event === 'Merge Request Hook') return readMergeRequest(json, delivery);
    return { ...nothing, kind: String(event).toUpperCase(), delivery };
  },
};

function readPush(json: Json, delivery: string): GitEvent {
  const { ref, after, user_name, project, commits } = shaped(Push, json, 'GitLab');
  const head = commits.find(({ id }) => id === after) ?? commits.at(-1);
  return {
    kind: kindOfRef(ref),
    branch: nameOfRef(ref),
    commitId: after,
    subject: firstLine(head?.message),
    owner: head?.author?.name ?? user_name,
    timestamp: microsOf(head?.timestamp),
    changedFiles: [...new Set(commits.flatMap(({ added, modified, removed }) => [...added, ...modified, ...removed]))],
    delivery,
    ...repositoryOf(project),
  };
}

/** An update counts where commits were pushed to it, which `oldrev` tells. */
function readMergeRequest(json: Json, delivery: string): GitEvent {
  const { user, project, object_attributes: request } = shaped(MergeRequest, json, 'GitLab');
  const { action, oldrev } = request;
  const isOpen = action === 'open' || action === 'reopen' || (action === 'update' && oldrev !== undefined);
  return {
    ...nothing,
    kind: isOpen ? 'PULL_REQUEST' : `PULL_REQUEST ${action}`,
    branch: request.target_branch,
    commitId: request.last_commit.id,
    subject: request.title,
    owner: user.name || user.username,
    timestamp: microsOf(request.last_commit.timestamp),
    delivery,
    ...repositoryOf(project),
  };
}

const repositoryOf = ({ path_with_namespace, git_http_url, git_ssh_url }: z.infer<typeof Project>) => ({
  repo: path_with_namespace,
  httpUrl: git_http_url,
  sshUrl: git_ssh_url,
  serverUrl: originOf(git_http_url),
});
