import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../core/error.ts';
import { removeTree } from '../../host/processes.ts';

const run = promisify(execFile);

const gigabyte = 2 ** 30;
const mostMs = 60_000;

/** The file that holds what a disk holds, beside its directory. */
export const imageOf = (directory: string): string => `${directory}.img`;
const draftOf = (directory: string): string => `${imageOf(directory)}.draft`;

// What the scripts are told: `$0` the directory, `$1` the image, `$2` its draft, `$3` the capacity in bytes.
const mount = 'mount -o loop,nosuid,nodev';

/** An image gets its name when it has been mounted: where that cannot be had, there is none. What lies in the directory is not hidden. */
const ensure = `
if ! mountpoint -q "$0"; then
  if [ -e "$1" ]; then ${mount} "$1" "$0"; exit; fi
  [ -z "$(ls -A "$0")" ] || exit 1
  rm -f "$2"
  truncate --size "$3" "$2" && mkfs.ext4 -q -m 0 -J size=4 "$2" && ${mount} "$2" "$0" || { rm -f "$2"; exit 1; }
fi
[ ! -e "$2" ] || mv "$2" "$1"`;

/** What is removed meanwhile is not made anew. */
const again = `mountpoint -q "$0" || [ ! -e "$1" ] || ${mount} "$1" "$0"`;

/** How `grow` ends where the disk does not come to rest. */
const inUse = 75;
/** While it is in use, where the server may do that (`CAP_SYS_RESOURCE`); else at rest. */
const grow = `
truncate --size ">$3" "$1"
device=$(findmnt --noheadings --output SOURCE --mountpoint "$0")
losetup --set-capacity "$device" && resize2fs "$device" && exit
umount "$0" || exit ${inUse}
e2fsck -f -p "$1"
[ $? -le 1 ] && resize2fs "$1"
result=$?
${mount} "$1" "$0" && exit $result`;

/**
 * Sees to it that a directory is a disk of this capacity: a file system in a sparse file, mounted there. Answers whether the capacity is
 * enforced: that needs root, loop devices and mkfs.ext4; where one is missing, the directory stays a plain one. Idempotent; what is there
 * already is kept as it is. @throws Error where a disk that was made before cannot be mounted: what is on it stays
 */
export async function ensureDisk(directory: string, capacityGb: number): Promise<boolean> {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const stands = existsSync(imageOf(directory));
  if (!stands && process.geteuid?.() !== 0) return false;
  try {
    await alone(directory, ensure, capacityGb);
  } catch (thrown) {
    if (stands) throw new Error(`${imageOf(directory)} cannot be mounted: ${messageOf(thrown)}`);
  }
  return existsSync(imageOf(directory));
}

/**
 * As `ensureDisk`, and what is smaller grows; it never becomes smaller.
 * @throws Error where it is in use, and the server may not enlarge what is
 */
export async function growDisk(directory: string, capacityGb: number): Promise<boolean> {
  if (!(await ensureDisk(directory, capacityGb))) return false;
  await alone(directory, grow, capacityGb).catch((thrown) => {
    if (thrown.code !== inUse) throw new Error(`it cannot grow: ${messageOf(thrown)}`);
    throw new Error('it is in use, and this server may not enlarge a disk that is: switch the machine off first.');
  });
  return true;
}

/** What a disk holds goes with it; what is not there is gone. */
export function removeDisk(directory: string): void {
  removeTree(directory);
  for (const file of [imageOf(directory), draftOf(directory)]) rmSync(file, { force: true });
}

/** After the machine itself was started anew nothing is mounted any more: sees to all disks under the directory of a local cloud. */
export async function remountDisks(directory: string): Promise<void> {
  for (const image of globSync('{disks,*/disks}/*.img', { cwd: directory })) {
    // Whoever attaches it hears why not.
    await alone(join(directory, image.slice(0, -'.img'.length)), again).catch(() => undefined);
  }
}

/** One at a time, of whatever servers share the place, and to its end, also when the server that began it is killed. */
async function alone(directory: string, script: string, capacityGb = 0): Promise<void> {
  const told = [directory, imageOf(directory), draftOf(directory), String(capacityGb * gigabyte)];
  await run('flock', [dirname(directory), 'sh', '-c', script, ...told], { timeout: mostMs }).catch((failure) => {
    // Node quotes the whole script; what the program said that failed is enough, without its further advice.
    const said = String(failure.stderr ?? '')
      .match(/^\S.*$/gm)
      ?.at(-1);
    throw Object.assign(new Error(said ?? `it ended with ${failure.signal ?? failure.code}`), { code: failure.code });
  });
}
