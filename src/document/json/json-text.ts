import { afterBlank, stringEnd, valueEnd } from './member-places.ts';

/** Finds places in a JSON text that is known to be valid, without parsing all of it. */

/** From the first character of a value to the position after its last. */
export interface JsonSpan {
  readonly from: number;
  readonly to: number;
}

/** The value that begins at or after a position. */
export function jsonValue(text: string, at: number): JsonSpan {
  const from = afterBlank(text, at);
  return { from, to: valueEnd(text, from) };
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
    this.at = fault ?? stringEnd(this.#text, this.at);
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
  const end = stringEnd(text, at);
  for (const found of text.slice(at + 1, end - 1).matchAll(IN_STRING)) {
    if (found[0].length === 1) return at + 1 + found.index;
  }
  return text[end - 1] === '"' && end - 1 > at ? undefined : text.length;
}

function matchEnd(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
