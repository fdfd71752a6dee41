import { z } from 'zod';
import type { Json } from '../../../core/json.ts';
import { deliveryOf, isSigned, readJson, shaped } from '../webhook-body.ts';
import { firstLine, type GitEvent, type GitServer, microsOf, nothing, originOf } from './event.ts';

const href = z.object({ href: z.string() });
const Actor = z.object({ display_name: z.string().optional(), nickname: z.string().optional() }).default({});
const CloudRepository = z.object({ full_name: z.string(), links: z.object({ html: href }) });
const CloudPush = z.object({
  actor: Actor,
  repository: CloudRepository,
  push: z.object({
    changes: z.array(
      z.object({
        new: z
          .object({
            type: z.string().default('branch'),
            name: z.string(),
            target: z.object({
              hash: z.string(),
              message: z.string().default(''),
              date: z.string().optional(),
              author: z.object({ raw: z.string().optional(), user: Actor.optional() }).optional(),
            }),
          })
          .nullish(),
        old: z.object({ name: z.string() }).nullish(),
      }),
    ),
  }),
});
const CloudPullRequest = z.object({
  repository: CloudRepository,
  pullrequest: z.object({
    title: z.string(),
    source: z.object({ commit: z.object({ hash: z.string() }) }),
    destination: z.object({ branch: z.object({ name: z.string() }) }),
    author: Actor,
  }),
});

const ServerActor = z.object({ name: z.string(), displayName: z.string().optional() });
const ServerRepository = z.object({
  slug: z.string(),
  project: z.object({ key: z.string() }),
  links: z.object({ clone: z.array(z.object({ name: z.string(), href: z.string() })).default([]) }).optional(),
});
const ServerPush = z.object({
  date: z.string().optional(),
  actor: ServerActor,
  repository: ServerRepository,
  changes: z.array(
    z.object({
      ref: z.object({ displayId: z.string(), type: z.string() }),
      toHash: z.string(),
      type: z.string(),
    }),
  ),
  toCommit: z.object({ message: z.string().default('') }).optional(),
});
const ServerPullRequest = z.object({
  pullRequest: z.object({
    title: z.string(),
    fromRef: z.object({ latestCommit: z.string() }),
    toRef: z.object({ displayId: z.string(), repository: ServerRepository }),
    author: z.object({ user: ServerActor }),
  }),
});

/** Bitbucket, in the cloud and as a server; neither tells which files a push changed. */
export const bitbucket: GitServer = {
  name: 'Bitbucket',
  sends: (headers) => headers['x-event-key'] !== undefined,
  isGenuine: (headers, body, secret) => isSigned(headers['x-hub-signature'], body, secret),
  read(headers, body) {
    const delivery = headers['x-request-uuid'] ?? headers['x-request-id'] ?? deliveryOf(body);
    const key = headers['x-event-key'] ?? '';
    const json = readJson(body);
    const reader = readers[key];
    if (reader) return { ...nothing, delivery, ...reader(json) };
    const kind = key === 'diagnostics:ping' ? 'PING' : key.replace(/^(pullrequest|pr):/, 'PULL_REQUEST ');
    return { ...nothing, kind, delivery };
  },
};

const readers: Record<string, (json: Json) => Omit<Partial<GitEvent>, 'kind'> & { kind: string }> = {
  'repo:push': cloudPush,
  'pullrequest:created': cloudPullRequest,
  'pullrequest:updated': cloudPullRequest,
  'repo:refs_changed': serverPush,
  'pr:opened': serverPullRequest,
  'pr:from_ref_updated': serverPullRequest,
};

function cloudPush(json: Json) {
  const { actor, repository, push } = shaped(CloudPush, json, 'Bitbucket');
  const change = push.changes.find((one) => one.new) ?? push.changes[0];
  const made = change?.new;
  if (!made)
    return { kind: 'PUSH', branch: change?.old?.name ?? '', commitId: noCommit, ...cloudRepository(repository) };
  const { hash, message, date, author } = made.target;
  return {
    kind: made.type === 'tag' ? 'TAG' : 'PUSH',
    branch: made.name,
    commitId: hash,
    subject: firstLine(message),
    owner: author?.user?.display_name ?? author?.raw?.replace(/\s*<.*$/, '') ?? nameOf(actor),
    timestamp: microsOf(date),
    ...cloudRepository(repository),
  };
}

function cloudPullRequest(json: Json) {
  const { repository, pullrequest: request } = shaped(CloudPullRequest, json, 'Bitbucket');
  return {
    kind: 'PULL_REQUEST',
    branch: request.destination.branch.name,
    commitId: request.source.commit.hash,
    subject: request.title,
    owner: nameOf(request.author),
    ...cloudRepository(repository),
  };
}

function serverPush(json: Json) {
  const { date, actor, repository, changes, toCommit } = shaped(ServerPush, json, 'Bitbucket Server');
  const change = changes.find(({ type }) => type !== 'DELETE') ?? changes[0];
  return {
    kind: change?.ref.type === 'TAG' ? 'TAG' : 'PUSH',
    branch: change?.ref.displayId ?? '',
    commitId: change?.toHash ?? noCommit,
    subject: firstLine(toCommit?.message),
    owner: actor.displayName ?? actor.name,
    timestamp: microsOf(date),
    ...serverRepository(repository),
  };
}

function serverPullRequest(json: Json) {
  const { pullRequest: request } = shaped(ServerPullRequest, json, 'Bitbucket Server');
  return {
    kind: 'PULL_REQUEST',
    branch: request.toRef.displayId,
    commitId: request.fromRef.latestCommit,
    subject: request.title,
    owner: request.author.user.displayName ?? request.author.user.name,
    ...serverRepository(request.toRef.repository),
  };
}

/** As GitHub names the commit of a branch that was deleted. */
const noCommit = '0'.repeat(40);

const nameOf = ({ display_name, nickname }: z.infer<typeof Actor>): string => display_name ?? nickname ?? '';

function cloudRepository({ full_name, links }: z.infer<typeof CloudRepository>) {
  const serverUrl = originOf(links.html.href);
  return {
    repo: full_name,
    httpUrl: `${links.html.href}.git`,
    sshUrl: `git@${serverUrl.replace(/^https?:\/\//, '')}:${full_name}.git`,
    serverUrl,
  };
}

function serverRepository({ slug, project, links }: z.infer<typeof ServerRepository>) {
  const cloneOf = (name: string) => links?.clone.find((one) => one.name === name)?.href ?? '';
  const httpUrl = cloneOf('http') || cloneOf('https');
  return { repo: `${project.key}/${slug}`, httpUrl, sshUrl: cloneOf('ssh'), serverUrl: originOf(httpUrl) };
}
