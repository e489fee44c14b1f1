import { EngineError } from '../../error/engine-error.ts';
import { type Charset, charsetNamed, decodeFaithfully } from '../charset.ts';
import type { Document } from '../document.ts';

/** Reads any other text. Its paths are `.` for the whole text and `[3]` for its third line. */
export function textDocument(bytes: Uint8Array, charset?: string): TextDocument {
  const decoded = decodeFaithfully(bytes, charsetNamed(charset));
  return new TextDocument(decoded.text, decoded.charset, bytes);
}

const LINE_END = /\r\n?|\n/g;

/** A text without structure. */
export class TextDocument implements Document {
  readonly kind = 'text';
  #text: string;
  readonly #charset: Charset;
  #raw: Uint8Array | undefined;

  constructor(text: string, charset: Charset, raw?: Uint8Array) {
    this.#text = text;
    this.#charset = charset;
    this.#raw = raw;
  }

  get(path: string): string {
    const line = lineNumber(path);
    return line === undefined ? this.#text : lineAt(this.#text, line).content;
  }

  all(path: string): string[] {
    const value = this.get(path);
    return value === '' ? [] : [value];
  }

  has(path: string): boolean {
    return this.get(path) !== '';
  }

  set(path: string, value: string): void {
    const line = lineNumber(path);
    if (line === undefined) {
      this.#change(value);
      return;
    }
    const { from, content, to, missing } = lineAt(this.#text, line);
    const text = this.#text;
    // what was the last line until now is ended
    const isOpen = missing > 1 || (missing === 1 && text !== '' && !/[\r\n]$/.test(text));
    const before = text.slice(0, from) + (isOpen ? '\n' : '');
    this.#change(before + value + text.slice(from + content.length, to) + text.slice(to));
  }

  /** Every line with its end. */
  lines(): readonly string[] {
    const text = this.#text;
    let count = 0;
    for (let at = 0; at < text.length; at = lineEnd(text, at)) count += 1;
    let from = 0;
    return Array.from({ length: count }, () => text.slice(from, (from = lineEnd(text, from))));
  }

  /** A document of another text, in the same charset. */
  withText(text: string): TextDocument {
    return new TextDocument(text, this.#charset);
  }

  remove(path: string): void {
    const line = lineNumber(path);
    if (line === undefined) this.#change('');
    else {
      const { from, to } = lineAt(this.#text, line);
      this.#change(this.#text.slice(0, from) + this.#text.slice(to));
    }
  }

  bytes(): Uint8Array {
    this.#raw ??= this.#charset.encode(this.#text);
    return this.#raw;
  }

  copy(): TextDocument {
    return new TextDocument(this.#text, this.#charset, this.#raw);
  }

  #change(text: string): void {
    if (!this.#charset.canEncode(text)) {
      throw new EngineError(
        'MESSAGE_INVALID',
        `The text has characters that ${this.#charset.name} cannot write.`,
      );
    }
    this.#text = text;
    this.#raw = undefined;
  }
}

/** The position behind the line that begins at a position, with its end. */
function lineEnd(text: string, from: number): number {
  LINE_END.lastIndex = from;
  return LINE_END.test(text) ? LINE_END.lastIndex : text.length;
}

interface Line {
  readonly from: number;
  readonly content: string;
  /** Behind its end. */
  readonly to: number;
  /** How many lines the text has too few: its place is then the end of the text. */
  readonly missing: number;
}

/** The nth line; nothing is made of the others, of which there may be very many. */
function lineAt(text: string, line: number): Line {
  let from = 0;
  for (let at = 1; from < text.length; at++) {
    const to = lineEnd(text, from);
    if (at === line) {
      return { from, content: withoutEnd(text.slice(from, to)), to, missing: 0 };
    }
    from = to;
    if (from >= text.length) return { from, content: '', to, missing: line - at };
  }
  return { from, content: '', to: from, missing: line };
}

function lineNumber(path: string): number | undefined {
  if (path === '.' || path === '') return undefined;
  const digits = /^\[([1-9]\d{0,6})\]$/.exec(path)?.[1];
  if (digits === undefined) {
    throw new EngineError(
      'PATH_INVALID',
      `Text path ${JSON.stringify(path)}: write . for the whole text or [3] for its third line.`,
    );
  }
  return Number(digits);
}

function withoutEnd(line: string): string {
  return line.replace(/[\r\n]+$/, '');
}
