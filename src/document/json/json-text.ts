/** Finding places in a JSON text that is known to be valid, without taking all of it apart. */

/** From the first character of a value to the one after its last. */
export interface JsonSpan {
  readonly from: number;
  readonly to: number;
}

/** One member of an object or element of an array. */
export interface JsonEntry extends JsonSpan {
  /** The name of a member, the index of an element. */
  readonly key: string;
  /** Where the member's name, or the element, begins. */
  readonly start: number;
}

const SCALAR = /[^\s,\]}]*/y;
const BLANK = /\s*/y;

/** The value that begins at or after a position. */
export function jsonValue(text: string, at: number): JsonSpan {
  const from = afterBlank(text, at);
  const first = text.charAt(from);
  if (first === '"') return { from, to: jsonStringEnd(text, from) };
  if (first !== '{' && first !== '[') return { from, to: endOf(SCALAR, text, from) };
  let depth = 0;
  for (let to = from; ; to++) {
    const character = text.charAt(to);
    if (character === '"') to = jsonStringEnd(text, to) - 1;
    else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    if (depth === 0 || to >= text.length) return { from, to: to + 1 };
  }
}

/** The place behind the string that begins at a position; the end of the text if it is never closed. */
export function jsonStringEnd(text: string, from: number): number {
  let quote = text.indexOf('"', from + 1);
  while (quote >= 0) {
    let before = quote - 1;
    while (text[before] === '\\') before--;
    // An even number of backslashes escape each other.
    if ((quote - before) % 2 === 1) return quote + 1;
    quote = text.indexOf('"', quote + 1);
  }
  return text.length;
}

/** The entries of the object or array that begins at a position; none for another value. */
export function* jsonEntries(text: string, open: number): Generator<JsonEntry> {
  const isObject = text[open] === '{';
  if (!isObject && text[open] !== '[') return;
  let at = afterBlank(text, open + 1);
  for (let index = 0; text[at] !== '}' && text[at] !== ']'; index++) {
    const start = at;
    let key = String(index);
    if (isObject) {
      const name = jsonValue(text, at);
      key = JSON.parse(text.slice(name.from, name.to)) as string;
      at = afterBlank(text, name.to) + 1;
    }
    const value = jsonValue(text, at);
    yield { key, start, ...value };
    at = afterBlank(text, value.to);
    if (text[at] !== ',') return;
    at = afterBlank(text, at + 1);
  }
}

function afterBlank(text: string, at: number): number {
  return endOf(BLANK, text, at);
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  pattern.test(text);
  return pattern.lastIndex;
}
