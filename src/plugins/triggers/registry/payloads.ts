import { z } from 'zod';
import { MillraceError } from '../../../core/error.ts';
import { isObject, type Json } from '../../../core/json.ts';
import type { TriggerEvent } from '../../../sdk/parts.ts';
import { deliveryOf, shaped } from '../webhook-body.ts';

/** What was pushed, as all registries tell it. */
export interface Image {
  owner: string;
  /** As one pulls it, without its tag. */
  image: string;
  namespace: string;
  repository: string;
  tag: string;
}

const DockerHub = z.object({
  push_data: z.object({ tag: z.string(), pusher: z.string().default('') }),
  repository: z.object({ name: z.string(), namespace: z.string(), repo_name: z.string().default('') }),
});
const TrustedRegistry = z.object({
  type: z.string(),
  contents: z.object({
    namespace: z.string(),
    repository: z.string(),
    tag: z.string().default(''),
    imageName: z.string().default(''),
    author: z.string().default(''),
  }),
});
const Harbor = z.object({
  type: z.string(),
  operator: z.string().default(''),
  event_data: z.object({
    resources: z.array(z.object({ tag: z.string().default(''), resource_url: z.string().default('') })).min(1),
    repository: z.object({ name: z.string(), namespace: z.string(), repo_full_name: z.string().default('') }),
  }),
});
const Ghcr = z.object({
  action: z.string(),
  sender: z.object({ login: z.string() }).optional(),
  registry_package: z.object({
    name: z.string(),
    namespace: z.string().default(''),
    package_version: z.object({
      container_metadata: z.object({ tag: z.object({ name: z.string().default('') }).nullish() }).nullish(),
      package_url: z.string().default(''),
    }),
  }),
});
const Distribution = z.object({
  events: z.array(
    z.object({
      id: z.string().optional(),
      action: z.string(),
      target: z.object({ repository: z.string().default(''), tag: z.string().default('') }),
      actor: z.object({ name: z.string().default('') }).optional(),
      request: z.object({ host: z.string().default('') }).optional(),
    }),
  ),
});

/** Registries are told apart by the form of what they send. @throws MillraceError webhook.malformed where it is none of theirs. */
export function readImage(headers: Record<string, string>, json: Json, body: Buffer): TriggerEvent & Image {
  const delivery = headers['x-github-delivery'] ?? deliveryOf(body);
  if (headers['x-github-event'] === 'ping') return { ...nothing, kind: 'PING', delivery };
  const [, read] = readers.find(([key]) => isObject(json) && json[key] !== undefined) ?? [];
  if (read) return { delivery, ...read(json) };
  throw new MillraceError('webhook.malformed', {
    message: 'The event is none that a known registry sends.',
    hint: 'Docker Hub, Docker Trusted Registry, Harbor, GitHub Packages and the notifications of the OCI distribution are read.',
  });
}

const nothing: Image = { owner: '', image: '', namespace: '', repository: '', tag: '' };

/** By the key that only this registry sends. */
const readers: [string, (json: Json) => Image & { kind: string; delivery?: string }][] = [
  [
    'push_data',
    (json) => {
      const { push_data: push, repository } = shaped(DockerHub, json, 'Docker Hub');
      const { name, namespace, repo_name } = repository;
      const image = repo_name || `${namespace}/${name}`;
      return { kind: 'PUSH', owner: push.pusher, image, namespace, repository: name, tag: push.tag };
    },
  ],
  [
    'contents',
    (json) => {
      const { type, contents } = shaped(TrustedRegistry, json, 'Docker Trusted Registry');
      const { namespace, repository, tag, imageName, author } = contents;
      const image = imageName.replace(/(:[^:/]+|@.*)$/, '') || `${namespace}/${repository}`;
      return { kind: type === 'TAG_PUSH' ? 'PUSH' : type, owner: author, image, namespace, repository, tag };
    },
  ],
  [
    'event_data',
    (json) => {
      const { type, operator, event_data: data } = shaped(Harbor, json, 'Harbor');
      const { name, namespace, repo_full_name } = data.repository;
      const [{ tag, resource_url: address }] = data.resources as [{ tag: string; resource_url: string }];
      const image = address.replace(/(:[^:/]+|@.*)$/, '') || repo_full_name;
      const kind = /^push_?(artifact|image)$/i.test(type) ? 'PUSH' : type;
      return { kind, owner: operator, image, namespace, repository: name, tag };
    },
  ],
  [
    'registry_package',
    (json) => {
      const { action, sender, registry_package: given } = shaped(Ghcr, json, 'GitHub Packages');
      const { package_url: address, container_metadata: metadata } = given.package_version;
      const image = address.replace(/(:[^:/]*|@.*)$/, '') || `ghcr.io/${given.namespace}/${given.name}`;
      return {
        kind: action === 'published' || action === 'updated' ? 'PUSH' : action.toUpperCase(),
        owner: sender?.login ?? '',
        image,
        namespace: given.namespace,
        repository: given.name,
        tag: metadata?.tag?.name ?? '',
      };
    },
  ],
  [
    'events',
    (json) => {
      const { events } = shaped(Distribution, json, 'the OCI distribution');
      const event = events.find(({ action, target }) => action === 'push' && target.tag) ?? events[0];
      if (!event) return { ...nothing, kind: 'PING' };
      const { action, target, actor, request, id } = event;
      const parts = target.repository.split('/');
      return {
        kind: action.toUpperCase(),
        owner: actor?.name ?? '',
        image: [request?.host, target.repository].filter(Boolean).join('/'),
        namespace: parts.slice(0, -1).join('/'),
        repository: parts.at(-1) ?? '',
        tag: target.tag,
        ...(id ? { delivery: id } : {}),
      };
    },
  ],
];
