import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const mostAtOnce = 256 * 1024;

/** Reads at most a piece of a file that is being written, cut behind a whole character. One that is not there is empty. */
export function readOutput(path: string, from: number): { output: string; offset: number; hasMore: boolean } {
  const nothing = { output: '', offset: from, hasMore: false };
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return nothing;
  }
  try {
    const left = fstatSync(file).size - from;
    const size = Math.min(left, mostAtOnce);
    if (size <= 0) return nothing;
    const bytes = Buffer.alloc(size);
    const read = readSync(file, bytes, 0, size, from);
    const whole = wholeCharacters(bytes.subarray(0, read));
    return { output: whole.toString('utf8'), offset: from + whole.length, hasMore: left > size };
  } finally {
    closeSync(file);
  }
}

/** The bytes up to the last complete character of UTF-8. */
export function wholeCharacters(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}
