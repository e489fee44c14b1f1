import { type JsonMember, type JsonNode, jsonNode, partsWith } from './json-node.ts';

/** A value with fewer characters is opened only when something in it is asked for. */
const LARGE = 64 * 1024;
/** How many tokens are taken, or members made, in one step. */
const STEP = 2_000;
/** Many members of fewer characters than this each, such as numbers, are opened only when one is asked for: they would take a hundred times their text. */
const SMALL = 16;
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
    if (state === 'large') yield* scan.opening();
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
  readonly #members: number[] = [];
  /** The large values that are read, by their beginning. */
  readonly #large = new Map<number, JsonNode>();
  /** Where the member begins whose value is next, or that what is too deep is in. */
  #start = 0;
  /** Where the outermost value begins that is too deep. */
  #deepFrom = 0;
  /** The value that ended last. */
  #from = 0;
  #isValueNext = true;
  #closed: { readonly open: Open; readonly members: readonly number[] } | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  get result(): ReadJson {
    const [from, to] = [this.#from, this.#to];
    return { node: this.#large.get(from) ?? jsonNode(this.#text.slice(from, to)), from, to };
  }

  #to = 0;

  /** `end` behind the whole value, `large` where a large one ended: call `opening` before the next step. */
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

  /** Makes the members of the large value that has just ended. */
  *opening(): Generator<undefined> {
    if (this.#closed === undefined) return;
    const text = this.#text;
    const { open, members } = this.#closed;
    this.#closed = undefined;
    const made: JsonMember[] = [];
    let last = open.from + 1;
    for (let at = 0; at < members.length; at += 3) {
      const [start = 0, from = 0, to = 0] = [members[at], members[at + 1], members[at + 2]];
      const name = text.slice(start, from);
      const lead = text.slice(last, start);
      const known = this.#large.get(from);
      if (known !== undefined) this.#large.delete(from);
      const key = open.isObject ? keyOf(name) : '';
      made.push({ key, lead, name, node: known ?? jsonNode(text.slice(from, to)) });
      last = to;
      if (made.length % STEP === 0) yield;
    }
    const node = jsonNode(text.slice(open.from, this.#to));
    node.parts = partsWith(!open.isObject, made, text.slice(last, this.#to));
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
      this.#members.push(this.#start, from);
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
      this.#closed = { open, members: members.slice(open.base + 2) };
    this.#start = members[open.base] ?? 0;
    members.length = open.base;
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
    members.push(this.#start, from, to);
    const count = (members.length - around.base - 2) / 3;
    if (count < MANY || to - around.from >= count * SMALL) return;
    around.isDense = true;
    members.length = around.base + 2;
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

/** The name of a member as written, up to its value. */
function keyOf(written: string): string {
  const to = written.lastIndexOf('"');
  return written.includes('\\')
    ? (JSON.parse(written.slice(0, to + 1)) as string)
    : written.slice(1, to);
}

function scalarEnd(text: string, at: number): number {
  NUMBER.lastIndex = at;
  if (NUMBER.test(text)) return NUMBER.lastIndex;
  WORD.lastIndex = at;
  return WORD.test(text) ? WORD.lastIndex : at;
}
