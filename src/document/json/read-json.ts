import { type JsonNode, JsonParts, jsonNode } from './json-node.ts';
import { NUMBERS } from './member-places.ts';

/** A value with fewer characters is opened only when something in it is asked for. */
const LARGE = 64 * 1024;
/** How many tokens are taken in one step. */
const STEP = 2_000;
/** Many members of fewer characters than this each, such as digits, are opened only when one is asked for: their places would take several times their text. */
const SMALL = 6;
const MANY = 4_096;
/** The same for what is nested deeper than anybody asks. */
const DEEPEST = 100;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Up to where a string needs no look: its end, an escape, or a character that it must not contain. */
// oxlint-disable-next-line no-control-regex
const PLAIN = /[^"\\\0-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

/** An object or array that is open. */
interface Open {
  readonly from: number;
  readonly isObject: boolean;
  /** Where its members begin among all that are noted; −1 if they are not. */
  readonly base: number;
  /** Its members are too many and too small to be noted. */
  isDense: boolean;
}

/** All that is nested too deeply is one of these. */
const DEEP_ARRAY: Open = { from: -1, isObject: false, base: -1, isDense: true };
const DEEP_OBJECT: Open = { from: -1, isObject: true, base: -1, isDense: true };

/** What is read of a text: its value, and where that stands; undefined if the text is no valid JSON. */
export interface ReadJson {
  readonly node: JsonNode;
  readonly from: number;
  readonly to: number;
}

/** Reads a JSON text with all its large objects and arrays, a little at each step. */
export function* readingJson(text: string): Generator<undefined, ReadJson | undefined> {
  const scan = new JsonScan(text);
  for (;;) {
    const state = scan.step();
    if (state === 'wrong') return undefined;
    if (state === 'large') scan.open();
    if (state === 'end') return scan.result;
    yield;
  }
}

/** Takes one token after the other, and notes where the members of what is open begin and end. */
class JsonScan {
  readonly #text: string;
  #at = 0;
  readonly #open: Open[] = [];
  /** Of each member its beginning, and the beginning and end of its value: those of an inner value behind those of the outer. */
  readonly #members = new Stack();
  /** The large values that are read, by their beginning. */
  readonly #large = new Map<number, JsonNode>();
  /** Where the member begins whose value is next, or that what is too deep is in. */
  #start = 0;
  /** Where the outermost value begins that is too deep. */
  #deepFrom = 0;
  /** The value that ended last. */
  #from = 0;
  #isValueNext = true;
  #closed: { readonly open: Open; readonly places: Uint32Array } | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  get result(): ReadJson {
    const [from, to] = [this.#from, this.#to];
    return { node: this.#large.get(from) ?? jsonNode(this.#text.slice(from, to)), from, to };
  }

  #to = 0;

  /** `end` behind the whole value, `large` where a large one ended: call `open` before the next step. */
  step(): 'more' | 'large' | 'end' | 'wrong' {
    for (let tokens = 0; tokens < STEP; tokens++) {
      if (!(this.#isValueNext ? this.#value() : this.#behind())) {
        const isEnd =
          !this.#isValueNext && this.#open.length === 0 && this.#at >= this.#text.length;
        return isEnd ? 'end' : 'wrong';
      }
      if (this.#closed !== undefined) return 'large';
    }
    return 'more';
  }

  /** Keeps the places of the large value that has just ended, and the large ones in it. */
  open(): void {
    if (this.#closed === undefined) return;
    const { open, places } = this.#closed;
    this.#closed = undefined;
    for (let at = 0; at < places.length; at++) places[at] = (places[at] ?? 0) - open.from;
    const node = jsonNode(this.#text.slice(open.from, this.#to));
    node.parts = new JsonParts(node.text ?? '', places);
    // those in its own members are theirs already
    for (const [from, known] of this.#large) {
      if (from < open.from) continue;
      node.parts.know(from - open.from, known);
      this.#large.delete(from);
    }
    this.#large.set(open.from, node);
  }

  /** Takes the beginning of a value, or all of one that has no members. */
  #value(): boolean {
    this.#blank();
    const text = this.#text;
    const at = this.#at;
    const code = text.charCodeAt(at);
    if (code === OPEN_OBJECT || code === OPEN_ARRAY) return this.#begin(at, code === OPEN_OBJECT);
    const to = code === QUOTE ? this.#stringEnd(at) : scalarEnd(text, at);
    if (to < 0 || to === at) return false;
    this.#ended(at, to);
    return true;
  }

  #begin(from: number, isObject: boolean): boolean {
    if (this.#open.length < DEEPEST) {
      this.#open.push({ from, isObject, base: this.#members.length, isDense: false });
      // where its value begins is noted behind where the member does
      this.#members.push(this.#start);
      this.#members.push(from);
    } else {
      if (this.#open.length === DEEPEST) this.#deepFrom = from;
      this.#open.push(isObject ? DEEP_OBJECT : DEEP_ARRAY);
    }
    this.#at = from + 1;
    this.#blank();
    const close = isObject ? CLOSE_OBJECT : CLOSE_ARRAY;
    if (this.#text.charCodeAt(this.#at) === close) return this.#end();
    return this.#name(isObject);
  }

  /** Takes what is before the value of a member. */
  #name(isObject: boolean): boolean {
    if (this.#open.length <= DEEPEST) this.#start = this.#at;
    this.#isValueNext = true;
    if (!isObject) return true;
    if (this.#text.charCodeAt(this.#at) !== QUOTE) return false;
    const to = this.#stringEnd(this.#at);
    if (to < 0) return false;
    this.#at = to;
    this.#blank();
    if (this.#text.charCodeAt(this.#at) !== COLON) return false;
    this.#at += 1;
    return true;
  }

  /** Takes what is behind a value. */
  #behind(): boolean {
    this.#blank();
    const open = this.#open.at(-1);
    if (open === undefined) return false;
    const code = this.#text.charCodeAt(this.#at);
    if (code === (open.isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) return this.#end();
    if (code !== COMMA) return false;
    this.#at += 1;
    this.#blank();
    return this.#name(open.isObject);
  }

  #end(): boolean {
    const open = this.#open.pop();
    if (open === undefined) return false;
    const to = this.#at + 1;
    if (open.base < 0) {
      this.#ended(this.#deepFrom, to);
      return true;
    }
    const members = this.#members;
    if (to - open.from >= LARGE && !open.isDense)
      this.#closed = { open, places: members.from(open.base + 2) };
    this.#start = members.at(open.base);
    members.cut(open.base);
    this.#ended(open.from, to);
    return true;
  }

  #ended(from: number, to: number): void {
    this.#from = from;
    this.#to = to;
    this.#at = to;
    this.#isValueNext = false;
    const around = this.#open.at(-1);
    if (around === undefined || around.isDense) return;
    const members = this.#members;
    members.push(this.#start);
    members.push(from);
    members.push(to);
    const count = (members.length - around.base - 2) / NUMBERS;
    if (count < MANY || to - around.from >= count * SMALL) return;
    around.isDense = true;
    members.cut(around.base + 2);
  }

  /** The position behind the string that begins here; −1 if it is not valid. */
  #stringEnd(from: number): number {
    const text = this.#text;
    let at = from + 1;
    for (;;) {
      PLAIN.lastIndex = at;
      PLAIN.test(text);
      at = PLAIN.lastIndex;
      if (text.charCodeAt(at) === QUOTE) return at + 1;
      ESCAPE.lastIndex = at;
      if (!ESCAPE.test(text)) return -1;
      at = ESCAPE.lastIndex;
    }
  }

  #blank(): void {
    const text = this.#text;
    let at = this.#at;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) break;
      at += 1;
    }
    this.#at = at;
  }
}

/** Numbers, of which there may be very many: half as large as an array of them. */
class Stack {
  #numbers = new Uint32Array(1_024);
  length = 0;

  push(number: number): void {
    if (this.length === this.#numbers.length) {
      const grown = new Uint32Array(this.length * 2);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    this.#numbers[this.length] = number;
    this.length += 1;
  }

  at(index: number): number {
    return this.#numbers[index] ?? 0;
  }

  /** A copy of the last ones. */
  from(index: number): Uint32Array {
    return this.#numbers.slice(index, this.length);
  }

  cut(length: number): void {
    this.length = length;
  }
}

function scalarEnd(text: string, at: number): number {
  NUMBER.lastIndex = at;
  if (NUMBER.test(text)) return NUMBER.lastIndex;
  WORD.lastIndex = at;
  return WORD.test(text) ? WORD.lastIndex : at;
}
