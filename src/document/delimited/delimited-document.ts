import { EngineError } from '../../error/engine-error.ts';
import { type Charset, charsetNamed, decodeFaithfully } from '../charset.ts';
import type { Document } from '../document.ts';
import { atOnce, inTurns } from '../in-turns.ts';
import { type ColumnPath, columnPath } from './column-path.ts';
import { closingQuote, FoundRows, GapList, rowsOf } from './rows.ts';

/** The format of a delimited text, as far as the caller knows it. */
export interface Layout {
  /** If left out, found in the first line: the most frequent of comma, semicolon, tab and bar. */
  readonly delimiter?: string | undefined;
  /** Whether the first line names the columns. */
  readonly header: boolean;
  readonly charset?: string | undefined;
}

/** Reads CSV and similar text. Throws DOCUMENT_UNREADABLE with the line of a quote that is never closed. */
export function delimitedDocument(bytes: Uint8Array, layout: Layout): DelimitedDocument {
  return atOnce(readingDelimited(bytes, layout));
}

/** As `delimitedDocument`, for a large body; other work of the thread gets its turn meanwhile. */
export async function delimitedDocumentInTurns(
  bytes: Uint8Array,
  layout: Layout,
): Promise<DelimitedDocument> {
  return await inTurns(readingDelimited(bytes, layout));
}

/** As `delimitedDocument`; stops now and then. */
export function* readingDelimited(
  bytes: Uint8Array,
  layout: Layout,
): Generator<undefined, DelimitedDocument> {
  const decoded = decodeFaithfully(bytes, charsetNamed(layout.charset));
  const { charset } = decoded;
  const mark = decoded.text.startsWith('\uFEFF') ? '\uFEFF' : '';
  const text = decoded.text.slice(mark.length);
  const delimiter = layout.delimiter ?? likelyDelimiter(text);
  const rows = new RowList(yield* rowsOf(text, delimiter));
  const { header } = layout;
  return new DelimitedDocument({ rows, delimiter, header, charset, mark, raw: bytes });
}

interface Source {
  /** This document changes it. */
  readonly rows: RowList;
  readonly delimiter: string;
  readonly header: boolean;
  readonly charset: Charset;
  /** A byte order mark, or `''`. */
  readonly mark: string;
  readonly raw: Uint8Array | undefined;
}

/** Rows and columns of text. A change rewrites its own row; all others stay byte for byte as they were. */
export class DelimitedDocument implements Document {
  readonly kind = 'delimited';
  readonly #source: Source;
  #rows: RowList;
  #columns: readonly string[];
  #raw: Uint8Array | undefined;

  constructor(source: Source) {
    this.#source = source;
    this.#rows = source.rows;
    this.#columns = source.header ? this.#names() : [];
    this.#raw = source.raw;
  }

  /** The number of data rows, without the header. */
  get rowCount(): number {
    return Math.max(this.#rows.length - this.#first, 0);
  }

  get delimiter(): string {
    return this.#source.delimiter;
  }

  /** The names in the header. */
  get columns(): readonly string[] {
    return this.#columns;
  }

  /** The values of the nth row, from 1; none beyond the last. */
  row(n: number): string[] {
    if (n < 1 || n > this.rowCount) return [];
    return this.#fields(this.#first + n - 1).map(unquoted);
  }

  /** Whether the line of a data row, from 1, is empty. */
  isBlank(row: number): boolean {
    return this.#rows.at(this.#first + row - 1)?.text === '';
  }

  /** A document of only these data rows, from 1, with the header. */
  withRows(numbers: readonly number[]): DelimitedDocument {
    const lineEnd = this.#rows.at(0)?.lineEnd || '\n';
    const head = this.#first === 1 ? [0] : [];
    const places = [...head, ...numbers.map((number) => this.#first + number - 1)];
    const rows = places
      .flatMap((place) => this.#rows.at(place) ?? [])
      .map((row) => (row.lineEnd === '' ? { text: row.text, lineEnd } : row));
    return new DelimitedDocument({ ...this.#source, rows: RowList.of(rows), raw: undefined });
  }

  get(path: string): string {
    const compiled = columnPath(path);
    return this.#value(typeof compiled.row === 'number' ? Math.max(compiled.row, 1) : 1, compiled);
  }

  all(path: string): string[] {
    const compiled = columnPath(path);
    return this.#reached(compiled)
      .map((row) => this.#value(row, compiled))
      .filter((value) => value !== '');
  }

  has(path: string): boolean {
    return this.all(path).length > 0;
  }

  /** A column that the header lacks is added to it; the row after the last one is created. */
  set(path: string, value: string): void {
    const compiled = columnPath(path);
    if (compiled.column === '') {
      throw new EngineError('PATH_INVALID', `${path} is a whole row. Name a column: ${path}/1.`);
    }
    if (!this.#source.charset.canEncode(value)) {
      throw new EngineError(
        'MESSAGE_INVALID',
        `${path}: the value has characters that ${this.#source.charset.name} cannot write.`,
      );
    }
    const rows = compiled.row === '*' ? this.#reached(compiled) : [Math.max(compiled.row, 1)];
    const index = this.#column(compiled.column) ?? this.#addColumn(compiled.column);
    for (const row of rows) this.#write(this.#rowFor(row, compiled), index, value);
  }

  /** Removes a row; empties a column. */
  remove(path: string): void {
    const compiled = columnPath(path);
    const rows = this.#reached(compiled);
    if (compiled.column === '') {
      for (const row of rows.toReversed()) this.#rows.remove(this.#first + row - 1);
      this.#raw = undefined;
      return;
    }
    const index = this.#column(compiled.column);
    if (index === undefined) return;
    for (const row of rows) {
      if (this.#value(row, compiled) !== '') this.#write(this.#first + row - 1, index, '');
    }
  }

  /** @internal Rewrites every value, including the header, whose row is 0; columns count from 1. */
  rewrite(change: (value: string, row: number, column: number) => string): void {
    this.#rows = RowList.of(this.#rewritten(change));
    this.#raw = undefined;
  }

  *#rewritten(change: (value: string, row: number, column: number) => string): Generator<Row> {
    const { delimiter } = this.#source;
    for (let index = 0; index < this.#rows.length; index++) {
      const row = this.#rows.at(index);
      if (row === undefined) continue;
      const fields = fieldsOf(row.text, delimiter).map((field, at) => {
        const value = unquoted(field);
        return quoted(change(value, index - this.#first + 1, at + 1), delimiter, field);
      });
      yield { text: fields.join(delimiter), lineEnd: row.lineEnd };
    }
  }

  bytes(): Uint8Array {
    if (this.#raw === undefined) {
      const { charset, mark } = this.#source;
      this.#raw = charset.encode(mark + this.#rows.written());
    }
    return this.#raw;
  }

  copy(): DelimitedDocument {
    return new DelimitedDocument({ ...this.#source, rows: this.#rows.copy(), raw: this.#raw });
  }

  /** Index of the first data row. */
  get #first(): number {
    return this.#source.header ? 1 : 0;
  }

  #fields(index: number): string[] {
    return fieldsOf(this.#rows.at(index)?.text ?? '', this.#source.delimiter);
  }

  /** The names in the first row. */
  #names(): string[] {
    const { text = '' } = this.#rows.at(0) ?? {};
    const { delimiter } = this.#source;
    if (fieldAt(text, delimiter, MOST_COLUMNS) !== undefined) throw tooManyColumns();
    return fieldsOf(text, delimiter).map(unquoted);
  }

  #value(row: number, { column }: ColumnPath): string {
    if (column === '') return this.#rows.at(this.#first + row - 1)?.text ?? '';
    const index = this.#column(column);
    if (index === undefined) return '';
    const { text = '' } = this.#rows.at(this.#first + row - 1) ?? {};
    const place = fieldAt(text, this.#source.delimiter, index);
    return place === undefined ? '' : unquoted(text.slice(...place));
  }

  /** Names come before numbers, so that a column called `2024` can be reached. */
  #column(column: string): number | undefined {
    const named = this.#columns.indexOf(column);
    if (named >= 0) return named;
    return /^[1-9]\d{0,4}$/.test(column) ? Number(column) - 1 : undefined;
  }

  #addColumn(name: string): number {
    if (!this.#source.header) {
      throw new EngineError(
        'PATH_INVALID',
        `${name} is not a column's number, and there is no header.`,
      );
    }
    const index = this.#columns.length;
    if (this.#rows.length === 0) this.#rows.push({ text: '', lineEnd: '\n' });
    this.#write(0, index === 1 && this.#columns[0] === '' ? 0 : index, name);
    this.#columns = this.#names();
    return this.#columns.length - 1;
  }

  #reached({ row }: ColumnPath): number[] {
    if (row === 0 || row === '*') return Array.from({ length: this.rowCount }, (_, at) => at + 1);
    return row <= this.rowCount ? [row] : [];
  }

  #rowFor(row: number, path: ColumnPath): number {
    const index = this.#first + row - 1;
    if (index < this.#rows.length) return index;
    if (index > this.#rows.length) {
      throw new EngineError(
        'PATH_INVALID',
        `${path.text}: there are ${this.rowCount} rows; the next is [${this.rowCount + 1}].`,
      );
    }
    const last = this.#rows.at(this.#rows.length - 1);
    const lineEnd = this.#rows.at(0)?.lineEnd || '\n';
    if (last?.lineEnd === '') {
      this.#rows.set(this.#rows.length - 1, { text: last.text, lineEnd });
    }
    this.#rows.push({ text: '', lineEnd });
    return index;
  }

  #write(index: number, column: number, value: string): void {
    const row = this.#rows.at(index);
    if (row === undefined) return;
    const { delimiter } = this.#source;
    const { text, lineEnd } = row;
    const place = fieldAt(text, delimiter, column);
    const [from, to] = place ?? [text.length, text.length];
    const missing = place === undefined ? column + 1 - fieldsOf(text, delimiter).length : 0;
    const field = quoted(value, delimiter, text.slice(from, to));
    const changed = text.slice(0, from) + delimiter.repeat(missing) + field + text.slice(to);
    this.#rows.set(index, { text: changed, lineEnd });
    this.#raw = undefined;
  }
}

function likelyDelimiter(text: string): string {
  const line = /^[^\r\n]*/.exec(text)?.[0].replaceAll(/"[^"]*"/g, '') ?? '';
  const counted = [',', ';', '\t', '|'].map((delimiter) => ({
    delimiter,
    count: line.split(delimiter).length,
  }));
  return counted.reduce((best, one) => (one.count > best.count ? one : best)).delimiter;
}

/** More names are no header. */
const MOST_COLUMNS = 100_000;

function tooManyColumns(): EngineError {
  return new EngineError(
    'DOCUMENT_UNREADABLE',
    `The first line has more than ${MOST_COLUMNS} columns. If it names none, say header=absent in the type; otherwise route the message without reading its body.`,
  );
}

/** Where the field ends that begins at a position of a record; its length if it is the last. */
function fieldEnd(row: string, delimiter: string, start: number): number {
  const from = row[start] === '"' ? Math.max(closingQuote(row, start), start) : start;
  const end = row.indexOf(delimiter, from);
  return end < 0 ? row.length : end;
}

/** From where to where the nth field of a record is, from 0; undefined beyond the last. */
function fieldAt(
  row: string,
  delimiter: string,
  n: number,
): readonly [from: number, to: number] | undefined {
  let start = 0;
  for (let at = 0; start <= row.length; at++) {
    const end = fieldEnd(row, delimiter, start);
    if (at === n) return [start, end];
    start = end + 1;
  }
  return undefined;
}

/** The fields of a record as written, including quotes. */
function fieldsOf(row: string, delimiter: string): string[] {
  const fields: string[] = [];
  for (let start = 0; start <= row.length; ) {
    const end = fieldEnd(row, delimiter, start);
    fields.push(row.slice(start, end));
    start = end + 1;
  }
  return fields;
}

/** A field's value without its quotes. */
function unquoted(field: string): string {
  return field.length >= 2 && field.startsWith('"') && field.endsWith('"')
    ? field.slice(1, -1).replaceAll('""', '"')
    : field;
}

/** A value as a field: quoted if necessary, or if it was before. */
function quoted(value: string, delimiter: string, before: string): string {
  const needed = /["\r\n]/.test(value) || value.includes(delimiter) || before.startsWith('"');
  return needed ? `"${value.replaceAll('"', '""')}"` : value;
}

/** One record of a delimited text: its characters and its line end. */
interface Row {
  readonly text: string;
  readonly lineEnd: string;
}

/**
 * The records of a text. Those that are as they came are only places in it, since very many short ones would take a hundred
 * times their text; changed and new ones are kept beside them.
 */
class RowList {
  /** As they came. */
  readonly #found: FoundRows;
  /** Changed rows by their number among those that came, from 0; new ones have the numbers behind. */
  readonly #own: Map<number, Row>;
  /** The numbers of the rows that are left, once one was removed. */
  #left: GapList<number> | undefined;
  /** How many numbers are given. */
  #given: number;

  constructor(found: FoundRows, own: ReadonlyMap<number, Row> = new Map(), given = found.length) {
    this.#found = found;
    this.#own = new Map(own);
    this.#given = given;
  }

  static of(rows: Iterable<Row>): RowList {
    const pieces: string[] = [];
    const found = new FoundRows();
    let at = 0;
    for (const { text, lineEnd } of rows) {
      found.add(at);
      at += text.length + lineEnd.length;
      pieces.push(text, lineEnd);
    }
    found.text = pieces.join('');
    return new RowList(found);
  }

  get length(): number {
    return this.#left?.length ?? this.#given;
  }

  at(index: number): Row | undefined {
    const number = this.#numberAt(index);
    return number === undefined ? undefined : (this.#own.get(number) ?? this.#found.row(number));
  }

  /** Replaces a row that there is. */
  set(index: number, row: Row): void {
    const number = this.#numberAt(index);
    if (number !== undefined) this.#own.set(number, row);
  }

  push(row: Row): void {
    this.#left?.push(this.#given);
    this.#own.set(this.#given, row);
    this.#given += 1;
  }

  remove(index: number): void {
    this.#left ??= new GapList(Array.from({ length: this.#given }, (_, number) => number));
    this.#left.remove(index);
  }

  copy(): RowList {
    const copy = new RowList(this.#found, this.#own, this.#given);
    if (this.#left !== undefined) copy.#left = new GapList(this.#left.all());
    return copy;
  }

  /** Their text; those that follow each other as they came are taken together. */
  written(): string {
    const { text, length } = this.#found;
    const pieces: string[] = [];
    let [from, to] = [0, 0];
    const add = (number: number, next: number): void => {
      if (number !== to) {
        pieces.push(this.#found.between(from, to));
        from = number;
      }
      to = next;
    };
    if (this.#left === undefined && this.#own.size === 0) return text;
    for (const [number, until] of this.#stretches()) {
      const own = this.#own.get(number);
      if (own === undefined) add(number, until);
      else {
        pieces.push(this.#found.between(from, to), own.text, own.lineEnd);
        [from, to] = [Math.min(until, length), Math.min(until, length)];
      }
    }
    pieces.push(this.#found.between(from, to));
    return pieces.join('');
  }

  /** Numbers of rows in order, from and up to which nothing is changed or removed; a changed row is one by itself. */
  *#stretches(): Generator<readonly [number: number, until: number]> {
    if (this.#left !== undefined) {
      for (const number of this.#left.all()) yield [number, number + 1];
      return;
    }
    let at = 0;
    for (const number of [...this.#own.keys()].toSorted((a, b) => a - b)) {
      if (number > at) yield [at, number];
      yield [number, number + 1];
      at = number + 1;
    }
    if (at < this.#found.length) yield [at, this.#found.length];
  }

  #numberAt(index: number): number | undefined {
    if (this.#left !== undefined) return this.#left.at(index);
    return index >= 0 && index < this.#given ? index : undefined;
  }
}
