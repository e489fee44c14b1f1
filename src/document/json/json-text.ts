/** Finds places in a JSON text that is known to be valid, without parsing all of it. */

/** From the first character of a value to the position after its last. */
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

/** The position after the string that begins at a position; the end of the text if it is never closed. */
function jsonStringEnd(text: string, from: number): number {
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

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const JSON_BLANK = /[ \t\r\n]*/y;
/** In a string: a valid escape, or a character that is not allowed. */
// oxlint-disable-next-line no-control-regex
const IN_STRING = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})|[\0-\u001f\\]/g;

/** How many tokens are looked at in one step. */
const STEP = 2_000;

/**
 * Where a text stops being valid JSON; its length if it only ends too early. The platform's parser
 * does not always say, and quotes the text if it does.
 */
export function* findingJsonFault(text: string): Generator<undefined, number> {
  const scan = new Scan(text);
  for (let tokens = 1; scan.step(); tokens++) if (tokens % STEP === 0) yield;
  return scan.at;
}

type Expected = 'value' | 'first-value' | 'key' | 'first-key' | 'end';

/** Walks a text token by token, without recursion. */
class Scan {
  at = 0;
  readonly #text: string;
  /** The brackets that must still be closed. */
  readonly #open: string[] = [];
  #expected: Expected = 'value';

  constructor(text: string) {
    this.#text = text;
  }

  /** Takes one token; false at the first wrong one, or at the end. */
  step(): boolean {
    this.#blank();
    const character = this.#text.charAt(this.at);
    if (this.#closes(character)) return this.#go(1, 'end');
    if (this.#expected === 'value' || this.#expected === 'first-value') {
      return this.#value(character);
    }
    if (this.#expected !== 'end') return this.#key(character);
    if (character !== ',' || this.#open.length === 0) return false;
    return this.#go(1, this.#open.at(-1) === '}' ? 'key' : 'value');
  }

  #closes(character: string): boolean {
    const may = this.#expected !== 'value' && this.#expected !== 'key';
    if (!may || character === '' || character !== this.#open.at(-1)) return false;
    this.#open.pop();
    return true;
  }

  #key(character: string): boolean {
    if (character !== '"' || !this.#string()) return false;
    this.#blank();
    return this.#text[this.at] === ':' && this.#go(1, 'value');
  }

  #value(character: string): boolean {
    if (character === '{' || character === '[') {
      this.#open.push(character === '{' ? '}' : ']');
      return this.#go(1, character === '{' ? 'first-key' : 'first-value');
    }
    if (character === '"') return this.#string() && this.#go(0, 'end');
    const length = scalarEnd(this.#text, this.at) - this.at;
    return length > 0 && this.#go(length, 'end');
  }

  /** Takes the string that begins here, up to any error. */
  #string(): boolean {
    const fault = stringFault(this.#text, this.at);
    this.at = fault ?? jsonStringEnd(this.#text, this.at);
    return fault === undefined;
  }

  #go(length: number, expected: Expected): true {
    this.at += length;
    this.#expected = expected;
    return true;
  }

  #blank(): void {
    this.at = matchEnd(JSON_BLANK, this.#text, this.at);
  }
}

function scalarEnd(text: string, at: number): number {
  return Math.max(matchEnd(NUMBER, text, at), matchEnd(WORD, text, at));
}

/** Where the string that begins at `at` is wrong, if anywhere. */
function stringFault(text: string, at: number): number | undefined {
  const end = jsonStringEnd(text, at);
  for (const found of text.slice(at + 1, end - 1).matchAll(IN_STRING)) {
    if (found[0].length === 1) return at + 1 + found.index;
  }
  return text[end - 1] === '"' && end - 1 > at ? undefined : text.length;
}

function matchEnd(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
