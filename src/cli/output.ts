import { Option } from 'commander';
import { stringify } from 'yaml';
import type { Json } from '../core/json.ts';

export type OutputFormat = 'text' | 'json' | 'yaml';

/** Every command that prints takes it. */
export const outputOption = (): Option =>
  new Option('-o, --output <format>', 'how to print').choices(['text', 'json', 'yaml']).default('text');

/** Machines get the whole value, people the sentence made of it. */
export function print(format: OutputFormat, value: Json, asText: () => string): void {
  const text =
    format === 'json' ? JSON.stringify(value, null, 2) : format === 'yaml' ? stringify(value).trimEnd() : asText();
  process.stdout.write(`${text}\n`);
}

/** Columns as wide as their widest cell. */
export function table(rows: string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!))).join('  '),
    )
    .join('\n');
}

const useColour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code: number) => (text: string) => (useColour ? `\x1b[${code}m${text}\x1b[0m` : text);
export const paints = {
  good: paint(32),
  bad: paint(31),
  warn: paint(33),
  dim: paint(2),
  bold: paint(1),
  blue: paint(36),
};

/** A status as a sign and a word: never by colour alone. */
export function statusSign(status: string): string {
  if (status === 'COMPLETED') return paints.good('✔');
  if (status === 'FAILED' || status.startsWith('ROLLBACK_')) return paints.bad('✘');
  if (status === 'FAILED_CONTINUE') return paints.warn('✘');
  if (status === 'CANCELED' || status === 'CANCELING') return paints.warn('■');
  if (status === 'SKIPPED') return paints.dim('–');
  if (status === 'WAITING' || status === 'PAUSED') return paints.warn('?');
  if (status === 'NOT_STARTED' || status === 'QUEUED') return paints.dim('·');
  return paints.blue('▶');
}
