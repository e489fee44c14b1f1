import { EngineError } from '../../error/engine-error.ts';
import { type Charset, charsetNamed, decodeFaithfully } from '../charset.ts';
import type { Document } from '../document.ts';
import { atOnce, inTurns } from '../in-turns.ts';
import { type JsonNode, jsonNode, ownedNode, partsOf, textOf } from './json-node.ts';
import { findingJsonFault, jsonValue } from './json-text.ts';
import { arrayIndex, jsonPointer } from './pointer.ts';
import { type ReadJson, readingJson } from './read-json.ts';

const BOM = '\uFEFF';

/** Reads JSON. Throws DOCUMENT_UNREADABLE with line and column, never quoting the text. */
export function jsonDocument(bytes: Uint8Array, charset?: string): JsonDocument {
  const source = sourceOf(bytes, charset);
  const { text } = source;
  if (!isJson(text)) throw unreadable(text, atOnce(findingJsonFault(text)));
  const { from, to } = jsonValue(text, 0);
  return new JsonDocument(source, { node: jsonNode(text.slice(from, to)), from, to });
}

/** As `jsonDocument`, for a large body; other work of the thread gets its turn meanwhile. */
export async function jsonDocumentInTurns(
  bytes: Uint8Array,
  charset?: string,
): Promise<JsonDocument> {
  const source = sourceOf(bytes, charset);
  const { text } = source;
  const read = await inTurns(readingJson(text));
  if (read === undefined) throw unreadable(text, await inTurns(findingJsonFault(text)));
  return new JsonDocument(source, read);
}

function sourceOf(bytes: Uint8Array, given: string | undefined): Source {
  const { text, charset } = decodeFaithfully(bytes, charsetNamed(given));
  const mark = text.startsWith(BOM) ? BOM : '';
  return { text: text.slice(mark.length), mark, charset, raw: bytes };
}

interface Source {
  readonly text: string;
  /** A byte order mark, or `''`. */
  readonly mark: string;
  readonly charset: Charset;
  readonly raw: Uint8Array | undefined;
}

export type JsonForm = 'array' | 'object' | 'null' | 'value';

function formOf(node: JsonNode): JsonForm {
  const parts = partsOf(node);
  if (parts !== undefined) return parts.isArray ? 'array' : 'object';
  return node.text === 'null' ? 'null' : 'value';
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
  /** Whoever owns the values that this document may change; others are copied first, since another document may use them. */
  #owner: object = {};
  #raw: Uint8Array | undefined;

  constructor(source: Source, { node, from, to }: ReadJson) {
    this.#source = source;
    const { text } = source;
    this.#root = node;
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
      return parts.nodes().map(valueOf);
    });
  }

  has(path: string): boolean {
    return this.#reached(jsonPointer(path)).length > 0;
  }

  /** How many elements the array at a path has; 0 if there is none. */
  length(path: string): number {
    const [found] = this.#reached(jsonPointer(path));
    const parts = found === undefined ? undefined : partsOf(found);
    return parts?.isArray === true ? parts.length : 0;
  }

  /**
   * The elements of the array at a path, as written; with `*` on the way those of all; undefined if
   * there is no array.
   */
  elements(path: string): readonly string[] | undefined {
    const arrays = this.#reached(jsonPointer(path)).flatMap((node) => {
      const parts = partsOf(node);
      return parts?.isArray === true ? [parts.nodes()] : [];
    });
    if (arrays.length === 0) return undefined;
    return arrays.flatMap((nodes) => nodes.map(textOf));
  }

  /** The members of the object at a path, each with the form of its value; undefined if there is none. */
  members(path: string): readonly (readonly [name: string, form: JsonForm])[] | undefined {
    const [found] = this.#reached(jsonPointer(path));
    const parts = found === undefined ? undefined : partsOf(found);
    if (parts === undefined || parts.isArray) return undefined;
    return parts.nodes().map((node, at) => [parts.nameOf(at), formOf(node)]);
  }

  /** A document of another value, in the same charset. */
  withText(text: string): JsonDocument {
    const { from, to } = jsonValue(text, 0);
    const { charset } = this.#source;
    const read = { node: jsonNode(text.slice(from, to)), from, to };
    return new JsonDocument({ text, mark: '', charset, raw: undefined }, read);
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

  /** The first value at a path as it is written; undefined if there is none. */
  written(path: string): string | undefined {
    const [found] = this.#reached(jsonPointer(path));
    return found === undefined ? undefined : textOf(found);
  }

  /** Writes any value, an object or array too; `json` is valid JSON. */
  setWritten(path: string, json: string): void {
    this.#put(path, () => json);
  }

  #put(path: string, jsonFor: (before: string | undefined) => string): void {
    const keys = jsonPointer(path);
    let node = this.#ownRoot();
    const way: JsonNode[] = [];
    for (const [index, key] of keys.entries()) {
      way.push(node);
      const found = this.#ownMember(node, key);
      if (found === undefined) {
        this.#add(node, keys.slice(index), jsonFor(undefined), path);
        this.#changed(way);
        return;
      }
      node = found;
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
    if (last === undefined) {
      this.#root = jsonNode('null');
      this.#around = ['', ''];
      this.#changed([]);
      return;
    }
    for (const way of this.#ownWays(keys)) {
      const parts = partsOf(way.at(-1) ?? this.#root);
      if (parts === undefined) continue;
      const every = last === '*' && parts.isArray;
      const at = every ? parts.length - 1 : parts.indexOf(last);
      for (let index = at; index >= (every ? 0 : at) && index >= 0; index--) {
        parts.remove(index);
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
    const [{ length: from }, { length: behind }] = this.#around;
    const { text } = this.#source;
    const read = { node: this.#root, from, to: text.length - behind };
    const copy = new JsonDocument({ ...this.#source, raw: this.#raw }, read);
    copy.#around = this.#around;
    this.#owner = {};
    return copy;
  }

  #ownRoot(): JsonNode {
    // what is found out about it serves all who share it
    partsOf(this.#root);
    this.#root = ownedNode(this.#root, this.#owner);
    return this.#root;
  }

  /** The value of a member of one that is owned, from now on owned too; undefined if there is none. */
  #ownMember(node: JsonNode, key: string | number): JsonNode | undefined {
    const parts = partsOf(node);
    const at = typeof key === 'number' ? key : (parts?.indexOf(key) ?? -1);
    return at < 0 ? undefined : parts?.own(at, this.#owner);
  }

  #reached(keys: readonly string[]): JsonNode[] {
    let reached = [this.#root];
    for (const key of keys) {
      reached = reached.flatMap((node) => {
        const parts = partsOf(node);
        if (parts === undefined) return [];
        if (key === '*' && parts.isArray) return parts.nodes();
        const at = parts.indexOf(key);
        return at < 0 ? [] : (parts.node(at) ?? []);
      });
    }
    return reached;
  }

  /** The values from the root to each one that the keys reach, all owned. */
  #ownWays(keys: readonly string[]): JsonNode[][] {
    let ways: JsonNode[][] = [[this.#ownRoot()]];
    for (const key of keys) {
      ways = ways.flatMap((way) => {
        const node = way.at(-1) ?? this.#root;
        const parts = partsOf(node);
        const isEach = key === '*' && parts?.isArray === true;
        const which = isEach ? Array.from({ length: parts.length }, (_, at) => at) : [key];
        return which.flatMap((one) => {
          const found = this.#ownMember(node, one);
          return found === undefined ? [] : [[...way, found]];
        });
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
    const length = parts?.length ?? 0;
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
    parts.add(key, inner);
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

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // its own message quotes the body
    return false;
  }
}

function unreadable(text: string, at: number): EngineError {
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  const column = before.length - before.lastIndexOf('\n');
  return new EngineError(
    'DOCUMENT_UNREADABLE',
    `The body is not valid JSON: line ${line}, column ${column}.`,
  );
}
