export type Token =
  | { kind: 'number'; value: number; at: number }
  | { kind: 'text'; value: string; at: number }
  | { kind: 'name'; value: string; at: number }
  | { kind: 'binding'; value: string; at: number }
  | { kind: 'sign'; value: string; at: number }
  | { kind: 'end'; value: ''; at: number };

/** A text that is not an expression: what is wrong with it and at which character. */
export class ExpressionError extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.name = 'ExpressionError';
    this.at = at;
  }
}

/** Longer ones are refused: people write some hundred characters, and whoever writes more means no good. */
const longest = 20_000;

const signs = ['=>', '==', '!=', '<=', '>=', '&&', '||', ...'<>+-*/%!?:.,()[]{}'];
const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' };

/** Cuts an expression into words. With `bindings`, `${...}` outside of quotes is a word too. */
export function tokenize(text: string, { bindings }: { bindings: boolean }): Token[] {
  if (text.length > longest) throw new ExpressionError(`The expression is longer than ${longest} characters.`, 0);
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (/\s/.test(char)) {
      at++;
    } else if (bindings && text.startsWith('${', at)) {
      const end = closingBrace(text, at + 2);
      if (end < 0) throw new ExpressionError('`${` is never closed by `}`.', at);
      tokens.push({ kind: 'binding', value: text.slice(at + 2, end), at });
      at = end + 1;
    } else if (char === '"' || char === "'") {
      at = quoted(char);
    } else if (/[0-9]/.test(char)) {
      const [digits] = /^\d+(\.\d+)?([eE][+-]?\d+)?/.exec(text.slice(at))!;
      tokens.push({ kind: 'number', value: Number(digits), at });
      at += digits.length;
    } else if (/[\p{L}_$]/u.test(char)) {
      const [name] = /^[\p{L}_$][\p{L}\p{N}_$]*/u.exec(text.slice(at))!;
      tokens.push({ kind: 'name', value: name, at });
      at += name.length;
    } else {
      const sign = signs.find((candidate) => text.startsWith(candidate, at));
      if (!sign) throw new ExpressionError(`\`${char}\` has no meaning here.`, at);
      tokens.push({ kind: 'sign', value: sign, at });
      at += sign.length;
    }
  }
  tokens.push({ kind: 'end', value: '', at: text.length });
  return tokens;

  function quoted(quote: string): number {
    let value = '';
    for (let i = at + 1; i < text.length; i++) {
      const char = text[i]!;
      if (char === quote) {
        tokens.push({ kind: 'text', value, at });
        return i + 1;
      }
      if (bindings && text.startsWith('${', i)) {
        const end = closingBrace(text, i + 2);
        if (end > 0) {
          value += text.slice(i, end + 1);
          i = end;
          continue;
        }
      }
      if (char === '\\' && i + 1 < text.length) {
        const next = text[++i]!;
        value += escapes[next] ?? (next === quote || next === '\\' ? next : `\\${next}`);
      } else {
        value += char;
      }
    }
    throw new ExpressionError(`The text that starts with ${quote} is never closed.`, at);
  }
}

/** The index of the `}` that closes a `${` whose inside starts at `from`; braces in quotes and in nested maps do not count. -1: none. */
export function closingBrace(text: string, from: number): number {
  let depth = 0;
  /** Up to where there is no partner for a quote of its kind: nobody looks for it twice. */
  const alone: Record<string, number> = { '"': -1, "'": -1 };
  for (let i = from; i < text.length; i++) {
    const char = text[i]!;
    if (char === '"' || char === "'") {
      if (i < alone[char]!) continue;
      const end = closingQuote(text, i);
      if (end > 0) i = end;
      else alone[char] = -end;
    } else if (char === '{') {
      depth++;
    } else if (char === '}') {
      if (depth === 0) return i;
      depth--;
    }
  }
  return -1;
}

/**
 * An apostrophe without a partner on its line is plain text, so a quote that never closes is skipped over: then the answer is the
 * end of the line, negative.
 */
function closingQuote(text: string, from: number): number {
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === text[from]) return i;
    else if (text[i] === '\n') return -i;
  }
  return -text.length;
}
