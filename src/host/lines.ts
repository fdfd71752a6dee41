import type { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';

/**
 * Hands on each whole line that arrives; the other side may send a line in many pieces, and many lines in one. One that grows longer
 * than `most` says at that time ends the connection.
 */
export function onLines(socket: Socket, take: (line: string) => void, most = () => Number.POSITIVE_INFINITY): void {
  const decoder = new StringDecoder('utf8');
  let begun = '';
  socket.on('data', (bytes: Buffer) => {
    const lines = decoder.write(bytes).split('\n');
    lines[0] = begun + lines[0];
    begun = lines.pop()!;
    for (const line of lines) take(line);
    if (begun.length > most()) socket.destroy();
  });
}
