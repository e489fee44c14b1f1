import { addText, append, element, elementsOf, plainText, type XmlNode } from './e4x/node.ts';

export interface DelimitedSettings {
  readonly columnDelimiter?: string;
  readonly recordDelimiter?: string;
  readonly quoteToken?: string;
  /** What stands before a quote within quotes; left out, it is doubled. */
  readonly quoteEscape?: string;
  readonly columnNames?: readonly string[];
  /** Rows are named `row1`, `row2`, … */
  readonly numberedRows?: boolean;
  /** Carriage returns belong to the text, and are not left out. */
  readonly keepsCarriageReturns?: boolean;
}

const MARKS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', b: '\b' };

/** `\t`, `0x1E`, or the characters themselves; in double quotes they mean only themselves. */
export function unescaped(given: string | undefined, otherwise: string): string {
  const written = given === undefined || given === '' ? otherwise : given;
  const literal = /^"([^]*)"$/.exec(written)?.[1];
  if (literal !== undefined) return literal;
  return written
    .replaceAll(/\\([nrtfb])/g, (_, one: string) => MARKS[one] ?? one)
    .replaceAll(/0x([\da-f]{2})/gi, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    );
}

/** One that says nothing (`""`) is the usual one, as in Mirth Connect: an empty mark would be found everywhere, without an end. */
const mark = (given: string | undefined, otherwise: string): string =>
  unescaped(given, otherwise) || otherwise;

const marksOf = (settings: DelimitedSettings) => ({
  column: mark(settings.columnDelimiter, ','),
  record: mark(settings.recordDelimiter, '\n'),
  quote: mark(settings.quoteToken, '"'),
  escape: mark(settings.quoteEscape, '\\'),
  doubles: settings.quoteEscape === undefined,
});

/** An element for each record, and in it one for each column. */
export function delimitedTree(body: string, settings: DelimitedSettings): XmlNode {
  const root = element('delimited');
  const { columnNames, numberedRows, keepsCarriageReturns } = settings;
  const records = new Records(
    keepsCarriageReturns === true ? body : body.replaceAll('\r', ''),
    settings,
  );
  for (const [number, record] of records.all()) {
    const row = element(numberedRows === true ? `row${number}` : 'row');
    for (const [index, value] of record.entries()) {
      const cell = element(columnNames?.[index] ?? `column${index + 1}`);
      addText(cell, value);
      append(row, cell);
    }
    append(root, row);
  }
  return root;
}

/** Reads records as Mirth Connect does: quotes count only at the beginning of a value, and within them anything may stand. */
class Records {
  readonly #text: string;
  readonly #marks: ReturnType<typeof marksOf>;
  #at = 0;

  constructor(text: string, settings: DelimitedSettings) {
    this.#text = text;
    this.#marks = marksOf(settings);
  }

  *all(): Generator<readonly [number, string[]]> {
    for (let number = 1; this.#at < this.#text.length; number += 1) yield [number, this.#record()];
  }

  #record(): string[] {
    const made = [this.#value()];
    while (this.#at < this.#text.length && !this.#take(this.#marks.record)) {
      this.#take(this.#marks.column);
      made.push(this.#value());
    }
    return made;
  }

  #value(): string {
    const value = this.#take(this.#marks.quote) ? this.#quoted() : '';
    const from = this.#at;
    const { column, record } = this.#marks;
    while (this.#at < this.#text.length && !this.#is(record) && !this.#is(column)) this.#at += 1;
    return value + this.#text.slice(from, this.#at);
  }

  #quoted(): string {
    const { quote, escape, doubles } = this.#marks;
    let made = '';
    while (this.#at < this.#text.length) {
      if (doubles && this.#take(quote + quote)) made += quote;
      else if (!doubles && this.#take(escape + quote)) made += quote;
      else if (!doubles && this.#take(escape + escape)) made += escape;
      else if (this.#take(quote)) return made;
      else {
        made += this.#text[this.#at];
        this.#at += 1;
      }
    }
    return made;
  }

  #is(token: string): boolean {
    return this.#text.startsWith(token, this.#at);
  }

  #take(token: string): boolean {
    if (!this.#is(token)) return false;
    this.#at += token.length;
    return true;
  }
}

const isRow = ({ name }: XmlNode): boolean => /^row/i.test(name);

/** What is not in a row is left out; a value is quoted only for a delimiter. */
export function delimitedText(root: XmlNode, settings: DelimitedSettings): string {
  const { column, record, quote, escape, doubles } = marksOf(settings);
  const escaped = (doubles ? quote : escape) + quote;
  const cell = (value: string): string =>
    value.includes(column) || value.includes(record)
      ? quote + value.replaceAll(escape, escape + escape).replaceAll(quote, escaped) + quote
      : value;
  const rows = isRow(root) ? [root] : elementsOf(root).filter(isRow);
  return rows
    .map(
      (row) =>
        elementsOf(row)
          .map((one) => cell(plainText(one)))
          .join(column) + record,
    )
    .join('');
}
