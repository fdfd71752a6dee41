import { shellQuote } from '../core/shell-quote.ts';

/** Names that the shell can have variables of. */
export const shellNames = (names: string[]): string[] => names.filter((name) => /^[A-Za-z_]\w*$/.test(name));

/** Lines that set and export variables. */
export const exportLines = (variables: Record<string, string>): string =>
  shellNames(Object.keys(variables))
    .map((name) => `export ${name}=${shellQuote(variables[name]!)}\n`)
    .join('');

/**
 * Shell that writes the values of variables as one JSON object to its standard output: the first line of each, null for one that
 * was never set.
 */
export function exportsAsJson(names: string[]): string {
  return [
    `quoted() { printf '"'; printf '%s' "$1" | head -n 1 | sed 's/\\\\/\\\\\\\\/g; s/"/\\\\"/g; s/\\t/\\\\t/g' | tr -d '\\000-\\037'; printf '"'; }`,
    `printf '{'`,
    ...shellNames(names).flatMap((name, index) => [
      `printf '${index > 0 ? ',' : ''}"${name}":'`,
      `if [ -n "\${${name}+x}" ]; then quoted "$${name}"; else printf null; fi`,
    ]),
    `printf '}'`,
  ].join('\n');
}
