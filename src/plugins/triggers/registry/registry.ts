import { z } from 'zod';
import { javaMatches, patternFault } from '../../../lang/java.ts';
import { text } from '../../../sdk/fields.ts';
import { defineTrigger, type TriggerEvent, type TriggerVerdict } from '../../../sdk/parts.ts';
import { knowsSecret, readJson } from '../webhook-body.ts';
import { type Image, readImage } from './payloads.ts';

const pattern = (description: string) =>
  text(description)
    .refine((value) => patternFault(value) === undefined, 'the pattern cannot be read')
    .default('');

const config = z.looseObject({
  serverType: text(
    'DockerHub, Docker_Trusted_Registry, Harbor, GHCR or OCI; the form of an event is found out.',
  ).default(''),
  repoName: text('Repository as namespace/name or name; any when empty.').default(''),
  imageNameRegExPattern: pattern('Pattern in the syntax of Java for the whole name of the image; any when empty.'),
  tagNamePattern: pattern('Pattern for the whole tag; any when empty.'),
});

/** A pushed image, in words that all registries share. */
interface RegistryEvent extends TriggerEvent, Image {}

export const registry = defineTrigger({
  type: 'registry',
  title: 'Docker registry webhook',
  summary:
    'Starts a pipeline when an image is pushed. Takes the events of Docker Hub, Docker Trusted Registry, Harbor, GitHub Packages and any registry that sends the notifications of the OCI distribution.',
  words: {
    kind: 'registry-webhook',
    path: 'registry-webhooks',
    listeners: 'registry-webhook-listeners',
    event: 'registry-event',
    events: 'registry-events',
    comment: 'Docker registry event triggered execution',
  },
  config,

  /** Docker Hub signs nothing: there the secret is a part of the address (`?secret=...`). */
  isGenuine: knowsSecret,

  read: (headers, body): RegistryEvent => readImage(headers, readJson(body), body),

  match(event: RegistryEvent, { repoName, imageNameRegExPattern, tagNamePattern }): TriggerVerdict {
    if (event.kind === 'PING') return { ignore: 'A ping: the webhook is reached.' };
    if (event.kind !== 'PUSH') return { ignore: `The event is ${event.kind}, and only a push of an image counts.` };
    const name = [event.namespace, event.repository].filter(Boolean).join('/');
    if (repoName && repoName !== name && repoName !== event.repository)
      return { ignore: `The repository is ${name}, and this webhook waits for ${repoName}.` };
    if (
      imageNameRegExPattern &&
      ![event.image, name, event.repository].some((one) => javaMatches(imageNameRegExPattern, one))
    )
      return { ignore: `The image ${event.image} does not match ${imageNameRegExPattern}.` };
    if (tagNamePattern && !javaMatches(tagNamePattern, event.tag))
      return { ignore: `The tag ${event.tag} does not match ${tagNamePattern}.` };
    return {
      fire: { input: inputsOf(event, name), author: event.owner, tags: [event.owner, event.tag].filter(Boolean) },
    };
  },

  record: ({ owner, image, repository, namespace, tag }: RegistryEvent) => ({
    owner,
    image,
    tag,
    repo: [namespace, repository].filter(Boolean).join('/'),
  }),
});

/** The inputs that the original injects. */
const inputsOf = ({ owner, image, namespace, tag }: RegistryEvent, name: string): Record<string, string> => ({
  DOCKER_EVENT_OWNER_NAME: owner,
  DOCKER_IMAGE: image,
  DOCKER_REPO_NAME: name,
  DOCKER_REPO_NAMESPACE: namespace,
  DOCKER_TAG: tag,
});
