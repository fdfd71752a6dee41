import { InvalidArgumentError } from 'commander';

/** Collects repeated `--input name=value`. */
export function keyValue(text: string, before: Record<string, string>): Record<string, string> {
  const sign = text.indexOf('=');
  if (sign < 1) throw new InvalidArgumentError(`"${text}" is not of the form name=value.`);
  return { ...before, [text.slice(0, sign)]: text.slice(sign + 1) };
}
