import { EngineError } from '../../error/engine-error.ts';
import { type Charset, charsetNamed, decodeFaithfully } from '../charset.ts';
import type { Document } from '../document.ts';
import { jsonFaultAt } from './json-fault.ts';
import {
  type JsonSpan,
  jsonEntries,
  jsonEntry,
  jsonValue,
  withEntry,
  withoutEntry,
} from './json-text.ts';
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
 * A JSON text by JSON pointers. Numbers are given as they are written; an object or array as its JSON
 * text; null as `''`. A change touches only its own place: layout, order and other numbers stay.
 */
export class JsonDocument implements Document {
  readonly kind = 'json';
  #text: string;
  readonly #mark: string;
  readonly #charset: Charset;
  #raw: Uint8Array | undefined;

  constructor({ text, mark, charset, raw }: Source) {
    this.#text = text;
    this.#mark = mark;
    this.#charset = charset;
    this.#raw = raw;
  }

  get(path: string): string {
    return this.#reached(jsonPointer(path)).map((span) => this.#valueOf(span))[0] ?? '';
  }

  /** Of an array its elements; `*` as a key reaches every element on the way. */
  all(path: string): string[] {
    return this.#reached(jsonPointer(path)).flatMap((span) =>
      this.#text[span.from] === '['
        ? [...jsonEntries(this.#text, span.from)].map((entry) => this.#valueOf(entry))
        : [this.#valueOf(span)],
    );
  }

  has(path: string): boolean {
    return this.#reached(jsonPointer(path)).length > 0;
  }

  /** Keeps the kind of what stood there where the value allows it: a number stays a number, true or false a flag. Else text. */
  set(path: string, value: string): void {
    this.#put(path, (before) =>
      before === undefined ? JSON.stringify(value) : jsonOf(value, before),
    );
  }

  /** Writes a number, a flag or a text as what it is, whatever stood there. A number that is not finite becomes null. */
  setTyped(path: string, value: string | number | bigint | boolean): void {
    const json = typeof value === 'bigint' ? String(value) : JSON.stringify(value);
    this.#put(path, () => json);
  }

  #put(path: string, jsonFor: (before: string | undefined) => string): void {
    const keys = jsonPointer(path);
    let span: JsonSpan = jsonValue(this.#text, 0);
    for (const [index, key] of keys.entries()) {
      const entry = this.#entry(span, key);
      if (entry === undefined) {
        this.#add(span, keys.slice(index), jsonFor(undefined), path);
        return;
      }
      span = entry;
    }
    const before = this.#text.slice(span.from, span.to);
    this.#change(this.#text.slice(0, span.from) + jsonFor(before) + this.#text.slice(span.to));
  }

  remove(path: string): void {
    const keys = jsonPointer(path);
    const key = keys.pop();
    if (key === undefined) {
      this.#change('null');
      return;
    }
    for (const span of this.#reached(keys).toReversed()) {
      const entries = key === '*' ? [...jsonEntries(this.#text, span.from)].toReversed() : [];
      if (key !== '*') {
        const entry = this.#entry(span, key);
        if (entry !== undefined) entries.push(entry);
      }
      for (const entry of entries) this.#change(withoutEntry(this.#text, span.from, entry));
    }
  }

  bytes(): Uint8Array {
    this.#raw ??= this.#charset.encode(this.#mark + this.#text);
    return this.#raw;
  }

  copy(): JsonDocument {
    const [text, mark, charset, raw] = [this.#text, this.#mark, this.#charset, this.#raw];
    return new JsonDocument({ text, mark, charset, raw });
  }

  #reached(keys: readonly string[]): JsonSpan[] {
    let spans: JsonSpan[] = [jsonValue(this.#text, 0)];
    for (const key of keys) {
      spans = spans.flatMap((span) => {
        if (key === '*' && this.#text[span.from] === '[') {
          return [...jsonEntries(this.#text, span.from)];
        }
        const entry = this.#entry(span, key);
        return entry === undefined ? [] : [entry];
      });
    }
    return spans;
  }

  #entry(span: JsonSpan, key: string): ReturnType<typeof jsonEntry> {
    return jsonEntry(this.#text, span.from, key);
  }

  #valueOf({ from, to }: JsonSpan): string {
    const value = this.#text.slice(from, to);
    if (value.startsWith('"')) return JSON.parse(value) as string;
    return value === 'null' ? '' : value;
  }

  /** Puts the rest of a path below a value that does not have it. */
  #add(span: JsonSpan, [key = '', ...below]: readonly string[], json: string, path: string): void {
    const inner = below.reduceRight(
      (made, name) =>
        name === '-' || name === '0' ? `[${made}]` : `{${JSON.stringify(name)}:${made}}`,
      json,
    );
    const open = this.#text[span.from];
    if (open === '{') {
      this.#change(withEntry(this.#text, span, `${JSON.stringify(key)}:${inner}`));
      return;
    }
    const length = [...jsonEntries(this.#text, span.from)].length;
    if (open !== '[' || arrayIndex(key, length) !== length) {
      throw new EngineError(
        'PATH_INVALID',
        `JSON pointer ${path}: ${
          open === '['
            ? `the array has ${length} elements; the next is ${length}, or -`
            : 'what is there has nothing below it'
        }.`,
      );
    }
    this.#change(withEntry(this.#text, span, inner));
  }

  #change(text: string): void {
    if (!this.#charset.canEncode(text)) {
      throw new EngineError(
        'MESSAGE_INVALID',
        `The value has characters that ${this.#charset.name} cannot write.`,
      );
    }
    this.#text = text;
    this.#raw = undefined;
  }
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
