/**
 * The little of CEL's lexical grammar that is needed before its parser runs: where strings and
 * comments are, so that names and braces inside them are left alone.
 */

/**
 * Our names that the CEL package reserves, with what it sees instead. Both have the same length, so
 * that positions in problems match the text as written.
 */
const RENAMED: readonly {
  readonly name: string;
  readonly inner: string;
  readonly call: boolean;
  readonly method?: true;
}[] = [
  { name: 'type', inner: 'typ_', call: false },
  { name: 'has', inner: 'ha_', call: true },
  { name: 'matches', inner: 'matche_', call: true, method: true },
];

const TOKEN = /[A-Za-z_]\w*|"""|'''|["']|\/\/|[{}]/g;

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Every name and brace outside strings and comments, in order. */
function* tokens(source: string, from = 0): Generator<Token> {
  const finder = new RegExp(TOKEN);
  finder.lastIndex = from;
  for (let found = finder.exec(source); found !== null; found = finder.exec(source)) {
    const [text] = found;
    if (text === '//') finder.lastIndex = endOfLine(source, found.index);
    else if (text.startsWith('"') || text.startsWith("'")) {
      finder.lastIndex = endOfString(source, found.index + text.length, text);
    } else yield { text, start: found.index, end: finder.lastIndex };
  }
}

function endOfLine(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end === -1 ? source.length : end;
}

function endOfString(source: string, from: number, quote: string): number {
  let at = from;
  while (at < source.length && !source.startsWith(quote, at)) at += source[at] === '\\' ? 2 : 1;
  return Math.min(at + quote.length, source.length);
}

/** The text as the CEL package gets it. */
export function innerSource(source: string): string {
  let inner = '';
  let copied = 0;
  for (const { text, start, end } of tokens(source)) {
    const rename = RENAMED.find(({ name }) => name === text);
    if (rename === undefined || (source[start - 1] === '.') !== (rename.method === true)) continue;
    if (rename.call !== /^\s*\(/.test(source.slice(end))) continue;
    inner += source.slice(copied, start) + rename.inner;
    copied = end;
  }
  return inner + source.slice(copied);
}

/** A name, or a problem's text that contains names, as the user knows them. */
export function outerText(text: string): string {
  return RENAMED.reduce((outer, { name, inner }) => outer.replaceAll(inner, name), text);
}

/** The name that the CEL package sees for one of ours. */
export function innerName(name: string): string {
  return RENAMED.find((one) => one.name === name && one.method !== true)?.inner ?? name;
}

/** The name that the CEL package sees for one of our methods. */
export function innerMethod(name: string): string {
  return RENAMED.find((one) => one.name === name && one.method === true)?.inner ?? name;
}

/** Where the `}` is that closes the expression starting at `from`; undefined if there is none. */
export function closingBrace(source: string, from: number): number | undefined {
  let depth = 0;
  for (const { text, start } of tokens(source, from)) {
    if (text === '{') depth++;
    else if (text === '}' && depth-- === 0) return start;
  }
  return undefined;
}
