import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mountPoints } from '../../host/mounts.ts';
import { removeTree } from '../../host/processes.ts';

const run = promisify(execFile);

const gigabyte = 2 ** 30;
const mostMs = 60_000;

const draftOf = (image: string): string => `${image}.draft`;

/** The file that holds what a disk holds, beside its directory. */
export const imageOf = (directory: string): string => `${directory}.img`;

/**
 * Sees to it that a directory is a disk of this capacity: a file system in a sparse file, mounted there. Answers whether the capacity is
 * enforced: that needs root, loop devices and mkfs.ext4; where one is missing, the directory stays a plain one. Idempotent; what is there
 * already is kept as it is. @throws Error where a disk that was made before cannot be mounted: what is on it stays
 */
export async function ensureDisk(directory: string, capacityGb: number): Promise<boolean> {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const image = imageOf(directory);
  if (existsSync(image)) {
    await mount(image, directory);
    return true;
  }
  // What was written before it could be enforced is not hidden under a mount.
  if (process.geteuid?.() !== 0 || readdirSync(directory).length > 0) return false;
  try {
    await makeImage(image, capacityGb * gigabyte);
    await mount(image, directory);
    return true;
  } catch {
    // Made just now, so nothing is on it.
    rmSync(image, { force: true });
    return false;
  }
}

/** What a disk holds goes with it; what is not there is gone. */
export function removeDisk(directory: string): void {
  removeTree(directory);
  for (const file of [imageOf(directory), draftOf(imageOf(directory))]) rmSync(file, { force: true });
}

/** After the machine itself was started anew nothing is mounted any more: sees to all disks under the directory of a local cloud. */
export async function remountDisks(directory: string): Promise<void> {
  for (const image of globSync('{disks,*/disks}/*.img', { cwd: directory })) {
    const path = join(directory, image);
    // Whoever attaches it hears why not.
    await ensureDisk(path.slice(0, -'.img'.length), statSync(path).size / gigabyte).catch(() => undefined);
  }
}

/** Made beside its place and put there at once, so that no half of it is ever mounted. */
async function makeImage(image: string, bytes: number): Promise<void> {
  const draft = draftOf(image);
  rmSync(draft, { force: true });
  try {
    await run('truncate', ['--size', String(bytes), draft], { timeout: mostMs });
    await run('mkfs.ext4', ['-q', '-m', '0', '-J', 'size=4', draft], { timeout: mostMs });
    renameSync(draft, image);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Once, whoever else tries at the same moment: one file system must not be mounted twice. */
async function mount(image: string, directory: string): Promise<void> {
  const once = 'mountpoint -q "$1" || mount -o loop,nosuid,nodev "$0" "$1"';
  await run('flock', [image, 'sh', '-c', once, image, directory], { timeout: mostMs });
}

/**
 * As `ensureDisk`, and what is smaller grows: while it is in use, where the server may do that (`CAP_SYS_RESOURCE`).
 * @throws Error where it may not, and the disk is in use
 */
export async function growDisk(directory: string, capacityGb: number): Promise<boolean> {
  if (!(await ensureDisk(directory, capacityGb))) return false;
  const [image, device, bytes] = [imageOf(directory), mountPoints().get(directory)!, capacityGb * gigabyte];
  if (statSync(image).size < bytes) truncateSync(image, bytes);
  await run('losetup', ['--set-capacity', device], { timeout: mostMs });
  // Says that there is nothing to do, where a start that is repeated finds it done.
  await run('resize2fs', [device], { timeout: mostMs }).catch(() => growAtRest(image, directory));
  return true;
}

async function growAtRest(image: string, directory: string): Promise<void> {
  await run('umount', [directory], { timeout: mostMs }).catch((cause) => {
    throw new Error('it is in use, and this server may not enlarge a disk that is: switch the machine off first.', {
      cause,
    });
  });
  try {
    // It ends with 1 where it has mended something.
    await run('e2fsck', ['-f', '-p', image], { timeout: mostMs }).catch((thrown) => {
      if (thrown.code !== 1) throw thrown;
    });
    await run('resize2fs', [image], { timeout: mostMs });
  } finally {
    await mount(image, directory);
  }
}
