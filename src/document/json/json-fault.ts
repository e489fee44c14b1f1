import { jsonStringEnd } from './json-text.ts';

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const BLANK = /[ \t\r\n]*/y;
/** In a string: a correct escape, or a character that may not stand there. */
// oxlint-disable-next-line no-control-regex
const IN_STRING = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})|[\0-\u001f\\]/g;

/**
 * Where a text that is not valid JSON stops being so; its length if it only ends too early. The parser of
 * the platform does not always say, and quotes the text where it does.
 */
export function jsonFaultAt(text: string): number {
  const scan = new Scan(text);
  while (scan.step());
  return scan.at;
}

type Expected = 'value' | 'first-value' | 'key' | 'first-key' | 'end';

/** Goes through a text token by token, without recursion. */
class Scan {
  at = 0;
  readonly #text: string;
  /** The brackets that must still be closed. */
  readonly #open: string[] = [];
  #expected: Expected = 'value';

  constructor(text: string) {
    this.#text = text;
  }

  /** Takes one token; false at the first that is wrong, or at the end. */
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

  /** Takes the string that begins here, up to where it is wrong. */
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
    this.at = matchEnd(BLANK, this.#text, this.at);
  }
}

function scalarEnd(text: string, at: number): number {
  return Math.max(matchEnd(NUMBER, text, at), matchEnd(WORD, text, at));
}

/** Where the string that begins at `at` is wrong, if it is. */
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
