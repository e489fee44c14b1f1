import { EngineError } from '../../error/engine-error.ts';

const [FEED, RETURN, QUOTE] = [0x0a, 0x0d, 0x22];

/** How many rows are read at a stretch. */
const AT_ONCE = 1_000;

/** The records of a text as they were found: where each begins. */
export class FoundRows {
  length = 0;
  text: string;
  #starts = new Int32Array(256);

  constructor(text = '') {
    this.text = text;
  }

  add(start: number): void {
    if (this.length === this.#starts.length) {
      const starts = new Int32Array(this.length * 2);
      starts.set(this.#starts);
      this.#starts = starts;
    }
    this.#starts[this.length++] = start;
  }

  /** The nth from 0, its line end apart: the last characters are one, since inside quotes it would not be at the end. */
  row(n: number): { readonly text: string; readonly lineEnd: string } | undefined {
    if (n < 0 || n >= this.length) return undefined;
    const { text } = this;
    const [start, next] = [this.#startOf(n), this.#startOf(n + 1)];
    // a last row that was emptied has no characters at all
    const last = next > start ? text.charCodeAt(next - 1) : 0;
    let end = last === FEED || last === RETURN ? next - 1 : next;
    if (last === FEED && end > start && text.charCodeAt(end - 1) === RETURN) end -= 1;
    return { text: text.slice(start, end), lineEnd: text.slice(end, next) };
  }

  /** The text of all from one up to another, without that. */
  between(from: number, to: number): string {
    return this.text.slice(this.#startOf(from), this.#startOf(to));
  }

  #startOf(n: number): number {
    return n < this.length ? (this.#starts[n] ?? 0) : this.text.length;
  }
}

/**
 * Splits a text into records by RFC 4180: a line end inside quotes belongs to the value. Stops now and then. Throws
 * DOCUMENT_UNREADABLE with the line of a quote that is never closed.
 */
export function* rowsOf(text: string, delimiter: string): Generator<undefined, FoundRows> {
  const rows = new FoundRows(text);
  /** The next of each from `start` on. */
  let [feed, carriage, quote] = [-1, -1, -1];
  let start = 0;
  while (start < text.length) {
    if (feed < start) feed = placeOf('\n', text, start);
    if (carriage < start) carriage = placeOf('\r', text, start);
    if (quote < start) quote = placeOf('"', text, start);
    const plain = Math.min(feed, carriage);
    const end = quote < plain ? endBehindQuotes(text, start, delimiter) : plain;
    rows.add(start);
    start = Math.min(end + (text.startsWith('\r\n', end) ? 2 : 1), text.length);
    if (rows.length % AT_ONCE === 0) yield;
  }
  return rows;
}

/** The length of the text if there is none. */
function placeOf(mark: string, text: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? text.length : at;
}

function endBehindQuotes(text: string, start: number, delimiter: string): number {
  const separator = delimiter.charCodeAt(0);
  let at = start;
  let fieldStart = true;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === FEED || code === RETURN) return at;
    if (code === QUOTE && fieldStart) {
      const open = at;
      at = closingQuote(text, at);
      if (at < 0) throw neverClosed(text, open);
    }
    fieldStart = code === separator;
  }
  return at;
}

function neverClosed(text: string, open: number): EngineError {
  const line = text.slice(0, open).split('\n').length;
  return new EngineError(
    'DOCUMENT_UNREADABLE',
    `The body is not valid delimited text: a quote opened on line ${line} is never closed.`,
  );
}

/** The quote that closes the one at `open`, ignoring doubled ones; −1 if there is none. */
export function closingQuote(text: string, open: number): number {
  let at = text.indexOf('"', open + 1);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

/** A list in which one removal near the last costs the same however long it is, as in a loop that removes some of its items. */
export class GapList<Item> {
  readonly #items: Item[];
  /** Where the places of removed items are. */
  #from = 0;
  #gap = 0;

  constructor(items: readonly Item[]) {
    this.#items = [...items];
  }

  get length(): number {
    return this.#items.length - this.#gap;
  }

  at(index: number): Item | undefined {
    return this.#items[this.#placeOf(index)];
  }

  /** Replaces an item that there is. */
  set(index: number, item: Item): void {
    this.#items[this.#placeOf(index)] = item;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  remove(index: number): void {
    const [items, from, gap] = [this.#items, this.#from, this.#gap];
    if (index < from) items.copyWithin(index + gap, index, from);
    else items.copyWithin(from, from + gap, index + gap);
    this.#from = index;
    this.#gap += 1;
  }

  all(): Item[] {
    return this.#items.slice(0, this.#from).concat(this.#items.slice(this.#from + this.#gap));
  }

  #placeOf(index: number): number {
    return index < this.#from ? index : index + this.#gap;
  }
}
