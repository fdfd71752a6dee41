import { z } from 'zod';
import type { Json } from '../../../core/json.ts';
import { deliveryOf, isSigned, readJson, shaped } from '../webhook-body.ts';
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

const Repository = z.object({
  name: z.string(),
  full_name: z.string().default(''),
  clone_url: z.string().default(''),
  ssh_url: z.string().default(''),
  html_url: z.string().default(''),
});
const Push = z.object({
  ref: z.string(),
  after: z.string(),
  repository: Repository,
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
  repository: Repository,
});

/** GitHub, its Enterprise form, and what speaks like it (Gitea, Forgejo, a hook of one's own). */
export const github: GitServer = {
  name: 'GitHub',
  sends: () => true,
  isGenuine: (headers, body, secret) => isSigned(headers['x-hub-signature-256'], body, secret),
  read(headers, body) {
    const kind = headers['x-github-event'] ?? 'push';
    const delivery = headers['x-github-delivery'] ?? deliveryOf(body);
    const json = readJson(body);
    if (kind === 'push') return readPush(json, delivery);
    if (kind === 'pull_request') return readPullRequest(json, delivery);
    return { ...nothing, kind: kind.toUpperCase(), delivery };
  },
};

function readPush(json: Json, delivery: string): GitEvent {
  const { ref, after, repository, pusher, sender, head_commit: head, commits } = shaped(Push, json, 'GitHub');
  return {
    kind: kindOfRef(ref),
    branch: nameOfRef(ref),
    commitId: after,
    subject: firstLine(head?.message),
    owner: head?.author?.name ?? pusher?.name ?? sender?.login ?? '',
    timestamp: microsOf(head?.timestamp),
    changedFiles: [...new Set(commits.flatMap(({ added, modified, removed }) => [...added, ...modified, ...removed]))],
    delivery,
    ...repositoryOf(repository),
  };
}

function readPullRequest(json: Json, delivery: string): GitEvent {
  const { action, pull_request: pull, repository } = shaped(PullRequest, json, 'GitHub');
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

function repositoryOf({ name, full_name, clone_url, ssh_url, html_url }: z.infer<typeof Repository>) {
  const httpUrl = clone_url || html_url;
  return { repo: full_name || name, httpUrl, sshUrl: ssh_url, serverUrl: originOf(httpUrl) };
}
