import { EngineError } from '../../error/engine-error.ts';
import { type Charset, charsetNamed, decodeFaithfully } from '../charset.ts';
import type { Document } from '../document.ts';
import { jsonEntries, jsonFaultAt, jsonValue } from './json-text.ts';
import { arrayIndex, jsonPointer } from './pointer.ts';

const BOM = '\uFEFF';

/** Reads JSON. Throws DOCUMENT_UNREADABLE with line and column, never quoting the text. */
export function jsonDocument(bytes: Uint8Array, charset?: string): JsonDocument {
  const decoded = decodeFaithfully(bytes, charsetNamed(charset));
  const mark = decoded.text.startsWith(BOM) ? BOM : '';
  const text = decoded.text.slice(mark.length);
  checkJson(text);
  return new JsonDocument({ text, mark, charset: decoded.charset, raw: bytes });
}

interface Source {
  readonly text: string;
  /** A byte order mark, or `''`. */
  readonly mark: string;
  readonly charset: Charset;
  readonly raw: Uint8Array | undefined;
}

/**
 * A JSON text, with JSON pointers as paths. Numbers are returned as written; an object or array as
 * its JSON text; null as `''`. A change touches only its own place: layout, order and other numbers
 * stay.
 */
export class JsonDocument implements Document {
  readonly kind = 'json';
  readonly #source: Source;
  #root: JsonNode;
  /** The white space around the value. */
  #around: readonly [before: string, after: string];
  /** Whether another document uses the same values: then they are copied before the first change. */
  #shared = false;
  #raw: Uint8Array | undefined;

  constructor(source: Source, root?: JsonNode) {
    this.#source = source;
    const { text } = source;
    const { from, to } = jsonValue(text, 0);
    this.#root = root ?? jsonNode(text.slice(from, to));
    this.#around = [text.slice(0, from), text.slice(to)];
    this.#raw = source.raw;
  }

  get(path: string): string {
    const [found] = this.#reached(jsonPointer(path));
    return found === undefined ? '' : valueOf(found);
  }

  /** For an array, its elements; `*` as a key means every element on the way. */
  all(path: string): string[] {
    return this.#reached(jsonPointer(path)).flatMap((node) => {
      const parts = partsOf(node);
      if (parts?.isArray !== true) return [valueOf(node)];
      return parts.members.map((member) => valueOf(member.node));
    });
  }

  has(path: string): boolean {
    return this.#reached(jsonPointer(path)).length > 0;
  }

  /** How many elements the array at a path has; 0 if there is none. */
  length(path: string): number {
    const [found] = this.#reached(jsonPointer(path));
    const parts = found === undefined ? undefined : partsOf(found);
    return parts?.isArray === true ? parts.members.length : 0;
  }

  /**
   * The elements of the array at a path, as written; with `*` on the way those of all; undefined if
   * there is no array.
   */
  elements(path: string): readonly string[] | undefined {
    const arrays = this.#reached(jsonPointer(path)).flatMap((node) => {
      const parts = partsOf(node);
      return parts?.isArray === true ? [parts.members] : [];
    });
    if (arrays.length === 0) return undefined;
    return arrays.flatMap((members) => members.map(({ node }) => textOf(node)));
  }

  /** A document of another value, in the same charset. */
  withText(text: string): JsonDocument {
    return new JsonDocument({ text, mark: '', charset: this.#source.charset, raw: undefined });
  }

  /** Keeps the kind of the old value if possible: a number stays a number, true or false a boolean. Otherwise text. */
  set(path: string, value: string): void {
    this.#put(path, (before) =>
      before === undefined ? JSON.stringify(value) : jsonOf(value, before),
    );
  }

  /** Writes a number, boolean or text as such, whatever was there. A number that is not finite becomes null. */
  setTyped(path: string, value: string | number | bigint | boolean): void {
    const json = typeof value === 'bigint' ? String(value) : JSON.stringify(value);
    this.#put(path, () => json);
  }

  #put(path: string, jsonFor: (before: string | undefined) => string): void {
    const keys = jsonPointer(path);
    this.#own();
    let node = this.#root;
    const way: JsonNode[] = [];
    for (const [index, key] of keys.entries()) {
      way.push(node);
      const parts = partsOf(node);
      const found = parts?.members[memberAt(parts, key)];
      if (found === undefined) {
        this.#add(node, keys.slice(index), jsonFor(undefined), path);
        this.#changed(way);
        return;
      }
      node = found.node;
    }
    const json = jsonFor(textOf(node));
    this.#check(json);
    node.parts = undefined;
    this.#changed(way);
    node.text = json;
  }

  remove(path: string): void {
    const keys = jsonPointer(path);
    const last = keys.pop();
    this.#own();
    if (last === undefined) {
      this.#root = jsonNode('null');
      this.#around = ['', ''];
      this.#changed([]);
      return;
    }
    for (const way of this.#ways(keys)) {
      const parts = partsOf(way.at(-1) ?? this.#root);
      if (parts === undefined) continue;
      const every = last === '*' && parts.isArray;
      const at = every ? parts.members.length - 1 : memberAt(parts, last);
      for (let index = at; index >= (every ? 0 : at) && index >= 0; index--) {
        removeMember(parts, index);
        this.#changed(way);
      }
    }
  }

  bytes(): Uint8Array {
    const { mark, charset } = this.#source;
    const [before, after] = this.#around;
    this.#raw ??= charset.encode(mark + before + textOf(this.#root) + after);
    return this.#raw;
  }

  copy(): JsonDocument {
    this.#shared = true;
    const copy = new JsonDocument({ ...this.#source, raw: this.#raw }, this.#root);
    copy.#shared = true;
    copy.#around = this.#around;
    return copy;
  }

  #own(): void {
    if (!this.#shared) return;
    this.#root = copyNode(this.#root);
    this.#shared = false;
  }

  #reached(keys: readonly string[]): JsonNode[] {
    return this.#ways(keys).map((way) => way.at(-1) ?? this.#root);
  }

  /** The values from the root to each one that the keys reach. */
  #ways(keys: readonly string[]): JsonNode[][] {
    let ways: JsonNode[][] = [[this.#root]];
    for (const key of keys) {
      ways = ways.flatMap((way) => {
        const parts = partsOf(way.at(-1) ?? this.#root);
        if (parts === undefined) return [];
        if (key === '*' && parts.isArray) return parts.members.map(({ node }) => [...way, node]);
        const found = parts.members[memberAt(parts, key)];
        return found === undefined ? [] : [[...way, found.node]];
      });
    }
    return ways;
  }

  /** Creates the rest of a path below a value. */
  #add(node: JsonNode, [key = '', ...below]: readonly string[], json: string, path: string): void {
    const inner = below.reduceRight(
      (made, name) =>
        name === '-' || name === '0' ? `[${made}]` : `{${JSON.stringify(name)}:${made}}`,
      json,
    );
    this.#check(key + inner);
    const parts = partsOf(node);
    const length = parts?.members.length ?? 0;
    if (parts === undefined || (parts.isArray && arrayIndex(key, length) !== length)) {
      throw new EngineError(
        'PATH_INVALID',
        `JSON pointer ${path}: ${
          parts === undefined
            ? 'the value there cannot have parts'
            : `the array has ${length} elements; the next is ${length}, or -`
        }.`,
      );
    }
    addMember(parts, key, inner);
  }

  #check(written: string): void {
    const { charset } = this.#source;
    if (charset.canEncode(written)) return;
    throw new EngineError(
      'MESSAGE_INVALID',
      `The value has characters that ${charset.name} cannot write.`,
    );
  }

  /** The values on the way to a change are written again. */
  #changed(way: readonly JsonNode[]): void {
    for (const node of way) node.text = undefined;
    this.#raw = undefined;
  }
}

function valueOf(node: JsonNode): string {
  const value = textOf(node);
  if (value.startsWith('"')) return JSON.parse(value) as string;
  return value === 'null' ? '' : value;
}

function jsonOf(value: string, before: string): string {
  if (/^[-\d]/.test(before) && /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value)) {
    return value;
  }
  return isFlag(before) && isFlag(value) ? value : JSON.stringify(value);
}

function isFlag(text: string): boolean {
  return text === 'true' || text === 'false';
}

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    // The parser's own message quotes the body.
    const before = text.slice(0, jsonFaultAt(text));
    const line = before.split('\n').length;
    const column = before.length - before.lastIndexOf('\n');
    throw new EngineError(
      'DOCUMENT_UNREADABLE',
      `The body is not valid JSON: line ${line}, column ${column}.`,
    );
  }
}

/** A value of a JSON text. Until it is looked into it is only its text, which is parsed one level at a time. */
interface JsonNode {
  /** Its text; undefined while something in it has changed and is not written yet. */
  text: string | undefined;
  /** The content of an object or array that was looked into. */
  parts: JsonParts | undefined;
}

interface JsonParts {
  readonly isArray: boolean;
  readonly members: JsonMember[];
  /** From after the last value to the end, including the bracket. */
  tail: string;
  /** The place of each name in a large object that was asked for one; undefined until then. */
  places: Map<string, number> | undefined;
}

interface JsonMember {
  /** The name of a member of an object; `''` in an array. */
  readonly key: string;
  /** What comes before it: white space and, except for the first, a comma. */
  lead: string;
  /** The name as written, up to the value; `''` in an array. */
  readonly name: string;
  readonly node: JsonNode;
}

function jsonNode(text: string): JsonNode {
  return { text, parts: undefined };
}

/** The text of a value. */
function textOf(node: JsonNode): string {
  if (node.text !== undefined) return node.text;
  const { parts } = node;
  if (parts === undefined) return '';
  const { isArray, members, tail } = parts;
  const inner = members.map(({ lead, name, node: value }) => lead + name + textOf(value)).join('');
  node.text = (isArray ? '[' : '{') + inner + tail;
  return node.text;
}

/** The members of an object or the elements of an array; undefined for any other value. */
function partsOf(node: JsonNode): JsonParts | undefined {
  const { text, parts } = node;
  if (parts !== undefined || text === undefined) return parts;
  const open = text.charAt(0);
  if (open !== '{' && open !== '[') return undefined;
  const members: JsonMember[] = [];
  let last = 1;
  for (const { key, start, from, to } of jsonEntries(text, 0)) {
    members.push({
      key: open === '[' ? '' : key,
      lead: text.slice(last, start),
      name: text.slice(start, from),
      node: jsonNode(text.slice(from, to)),
    });
    last = to;
  }
  node.parts = { isArray: open === '[', members, tail: text.slice(last), places: undefined };
  return node.parts;
}

/** From this many members on, names are not searched for one after the other. */
const MANY = 32;

/** The index of the member with a key: the last one of a repeated name, as for JSON.parse; −1 if there is none. */
function memberAt(parts: JsonParts, key: string): number {
  const { isArray, members } = parts;
  if (!isArray && members.length < MANY) {
    return members.findLastIndex((member) => member.key === key);
  }
  if (!isArray) {
    parts.places ??= new Map(members.map((member, index) => [member.key, index]));
    return parts.places.get(key) ?? -1;
  }
  return /^(?:0|[1-9]\d{0,8})$/.test(key) && Number(key) < members.length ? Number(key) : -1;
}

/** Adds a member at the end, with the layout of the last one. */
function addMember(parts: JsonParts, key: string, text: string): void {
  const { isArray, members } = parts;
  const last = members.at(-1);
  const lead = last === undefined ? '' : `,${/\s*$/.exec(last.lead)?.[0] ?? ''}`;
  // what was between empty brackets is dropped
  if (last === undefined) parts.tail = parts.tail.slice(-1);
  const name = isArray ? '' : `${JSON.stringify(key)}:`;
  parts.places?.set(key, members.length);
  members.push({ key: isArray ? '' : key, lead, name, node: jsonNode(text) });
}

/** Removes a member and its comma. */
function removeMember(parts: JsonParts, at: number): void {
  const [removed] = parts.members.splice(at, 1);
  parts.places = undefined;
  const next = parts.members[at];
  if (removed === undefined) return;
  if (next !== undefined) next.lead = removed.lead;
  else if (parts.members.length === 0) parts.tail = removed.lead + parts.tail;
}

/** A copy to change. */
function copyNode({ text, parts }: JsonNode): JsonNode {
  if (parts === undefined) return { text, parts };
  const members = parts.members.map((member) => ({ ...member, node: copyNode(member.node) }));
  return { text, parts: { ...parts, members, places: undefined } };
}
