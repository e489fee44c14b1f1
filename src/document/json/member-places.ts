/** Numbers of one member: where it begins (its name, or an element), and where its value begins and ends. */
export const NUMBERS = 3;

/** The places of the members of an object or array in its text. */
export type Places = Uint32Array | readonly number[];

/** In a shorter text an array of numbers is made faster. */
const LARGE = 4_096;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

/** Of the object or array that a valid JSON text is. */
export function memberPlaces(text: string): Places {
  if (text.length < LARGE) {
    const all: number[] = [];
    each(text, (start, from, to) => void all.push(start, from, to));
    return all;
  }
  // counted first: room for more than there is would take several times the text
  let count = 0;
  each(text, () => void (count += 1));
  const all = new Uint32Array(count * NUMBERS);
  let at = 0;
  each(text, (start, from, to) => {
    all[at] = start;
    all[at + 1] = from;
    all[at + 2] = to;
    at += NUMBERS;
  });
  return all;
}

function each(text: string, take: (start: number, from: number, to: number) => void): void {
  const isObject = text.charCodeAt(0) === OPEN_OBJECT;
  let at = afterBlank(text, 1);
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === CLOSE_OBJECT || code === CLOSE_ARRAY || at >= text.length) return;
    const start = at;
    if (isObject) at = afterBlank(text, afterBlank(text, stringEnd(text, at)) + 1);
    const to = valueEnd(text, at);
    take(start, at, to);
    at = afterBlank(text, to);
    if (text.charCodeAt(at) !== COMMA) return;
    at = afterBlank(text, at + 1);
  }
}

/** The position after white space. */
export function afterBlank(text: string, from: number): number {
  let at = from;
  while (isBlank(text.charCodeAt(at))) at += 1;
  return at;
}

const isBlank = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9;

/** The position after the value that begins at a position. */
export function valueEnd(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === QUOTE) return stringEnd(text, from);
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) return closingEnd(text, from);
  let at = from;
  while (at < text.length && !endsScalar(text.charCodeAt(at))) at += 1;
  return at;
}

function closingEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = stringEnd(text, at) - 1;
    else if (code === OPEN_OBJECT || code === OPEN_ARRAY) depth += 1;
    else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) depth -= 1;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

const endsScalar = (code: number): boolean =>
  code === COMMA || code === CLOSE_OBJECT || code === CLOSE_ARRAY || isBlank(code);

/** The position after the string that begins at a position; the end of the text if it is never closed. */
export function stringEnd(text: string, from: number): number {
  let quote = text.indexOf('"', from + 1);
  while (quote >= 0) {
    let before = quote - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    // An even number of backslashes escape each other.
    if ((quote - before) % 2 === 1) return quote + 1;
    quote = text.indexOf('"', quote + 1);
  }
  return text.length;
}
