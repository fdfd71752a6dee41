import { join } from 'node:path';
import type Docker from 'dockerode';
import { readJson, writeAtomic } from '../../../host/processes.ts';
import type { ResourceContext } from '../../../sdk/cloud.ts';
import { shortHash } from '../short-hash.ts';
import { statusOf } from './engine.ts';
import { type ContainerSite, helperOf, imagesOf, placeOf } from './place.ts';

/** What a container is made with; it lies beside it, since an engine cannot change what it has made. */
export type Order = Docker.ContainerCreateOptions & { name: string };

const madeBy = 'io.millrace.made-by';
const orderOf = (shared: string): string => join(shared, 'order.json');

export const keepOrder = (shared: string, order: Order): void => writeAtomic(orderOf(shared), JSON.stringify(order));
export const keptOrder = (shared: string): Order | undefined => readJson<Order>(orderOf(shared));

/** An image of what a machine has written; the same tag twice is one. */
export async function keepImage(site: ContainerSite, identity: string, tag: string): Promise<string> {
  const docker = await site.engine.open();
  const { name } = placeOf(site, identity);
  const image = `localhost/${name}:${tag}`;
  if (!(await has(docker.getImage(image)))) await docker.getContainer(name).commit({ repo: `localhost/${name}`, tag });
  return image;
}

/** One that something still stands on goes with the machine. */
export async function forgetImage(site: ContainerSite, identity: string, tag: string): Promise<void> {
  const docker = await site.engine.open();
  try {
    await docker.getImage(`localhost/${placeOf(site, identity).name}:${tag}`).remove();
  } catch (thrown) {
    if (![404, 409].includes(statusOf(thrown) ?? 0)) throw thrown;
  }
}

/**
 * Makes a machine anew from what it has written, or from an image of before, with another order. Each step looks whether it was taken,
 * so whoever comes second finds the machine made. Nobody has started it then.
 */
export async function remake(
  site: ContainerSite,
  { key, identity }: ResourceContext,
  change: (order: Order) => Order,
  image?: string,
): Promise<void> {
  const docker = await site.engine.open();
  const { name, shared } = placeOf(site, identity);
  const before = keptOrder(shared);
  if (!before) throw new Error(`Nothing is known of how ${name} was made.`);
  const mark = shortHash(key);
  const container = docker.getContainer(name);
  const made = await inspected(container);
  if (made?.Config.Labels?.[madeBy] !== mark) {
    if (made) await stopped(container);
    const from = image ?? (await keepImage(site, identity, `kept-${mark}`));
    const order = change({ ...before, Image: from, Labels: { ...before.Labels, [madeBy]: mark } });
    keepOrder(shared, order);
    await docker
      .getContainer(helperOf(name))
      .remove({ force: true })
      .catch(() => undefined);
    if (made) await container.remove({ v: true });
    await docker.createContainer(order);
  }
  await forgetOthers(site, identity, mark);
}

/** What earlier times have kept, other than snapshots, and nothing stands on. */
async function forgetOthers(site: ContainerSite, identity: string, mark: string): Promise<void> {
  for (const { RepoTags } of await imagesOf(site, identity))
    for (const tag of (RepoTags ?? []).map((one) => one.slice(one.lastIndexOf(':') + 1)))
      if (tag.startsWith('kept-') && tag !== `kept-${mark}`) await forgetImage(site, identity, tag);
}

async function inspected(container: Docker.Container): Promise<Docker.ContainerInspectInfo | undefined> {
  try {
    return await container.inspect();
  } catch (thrown) {
    if (statusOf(thrown) !== 404) throw thrown;
    return undefined;
  }
}

async function has(image: Docker.Image): Promise<boolean> {
  try {
    await image.inspect();
    return true;
  } catch (thrown) {
    if (statusOf(thrown) !== 404) throw thrown;
    return false;
  }
}

/** One that is down already is done: the engine says 304. */
export async function stopped(container: Docker.Container): Promise<void> {
  try {
    await container.stop({ t: 20 });
  } catch (thrown) {
    if (statusOf(thrown) !== 304) throw thrown;
  }
}
