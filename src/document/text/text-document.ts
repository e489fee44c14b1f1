import { EngineError } from '../../error/engine-error.ts';
import { type Charset, charsetNamed, decodeFaithfully } from '../charset.ts';
import type { Document } from '../document.ts';

/** Reads any other text. Its paths are `.` for the whole text and `[3]` for its third line. */
export function textDocument(bytes: Uint8Array, charset?: string): TextDocument {
  const decoded = decodeFaithfully(bytes, charsetNamed(charset));
  return new TextDocument(decoded.text, decoded.charset, bytes);
}

const LINE = /[^\r\n]*(?:\r\n|\r|\n|$)/g;

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
    return line === undefined ? this.#text : withoutEnd(this.#lines()[line - 1] ?? '');
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
    const lines = this.#lines();
    while (lines.length < line) lines.push('');
    const last = lines[line - 2];
    if (last !== undefined && withoutEnd(last) === last) lines[line - 2] = `${last}\n`;
    const before = lines[line - 1] ?? '';
    lines[line - 1] = value + before.slice(withoutEnd(before).length);
    this.#change(lines.join(''));
  }

  /** Every line with its end. */
  lines(): readonly string[] {
    return this.#lines();
  }

  /** A document of another text, in the same charset. */
  withText(text: string): TextDocument {
    return new TextDocument(text, this.#charset);
  }

  remove(path: string): void {
    const line = lineNumber(path);
    if (line === undefined) this.#change('');
    else
      this.#change(
        this.#lines()
          .toSpliced(line - 1, 1)
          .join(''),
      );
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

  #lines(): string[] {
    return (this.#text.match(LINE) ?? []).filter((line) => line !== '');
  }
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
